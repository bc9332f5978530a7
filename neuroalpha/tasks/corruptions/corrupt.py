"""Corrupt images: the door to the fifteen kinds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.tasks.corruptions.severities import KINDS, recipe_of, severity_parameters

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 16
_BLOCK = 1 << 20  # values that are worked on at once: 8 MB, and some copies of it

DIFFERENCES = {
    "all kinds": "values are rounded to 8 bits (published: the fraction is cut off); nothing is written as JPEG "
    "(published ImageNet-C: quality 85); at other sizes than 224 and 32 pixels the lengths in pixels are scaled",
    "defocus_blur": "the disc is smoothed on a grid that holds all of it (published: 17 or 21 pixels, mirrored there)",
    "glass_blur": "as published, pixels are copied, not swapped; the blurred image is not cut to 8 bits before that",
    "motion_blur": "ImageMagick's rule in our own code, without its rounding",
    "snow": "as for motion_blur; the layer of snow is not cut to 8 bits before it is smeared",
    "frost": "the overlay is a texture of frost made by a program; the published sets used five photographs, which are "
    "not ours to ship: accuracies under frost are not comparable with published ones",
    "elastic_transform": "places between pixels are exact (published: 1/32 of a pixel in the affine part)",
}


def list_corruptions() -> list[str]:
    """Return the names of the fifteen corruption kinds, in the order of the paper.

    Examples
    --------
    >>> list_corruptions()[:4]
    ['gaussian_noise', 'shot_noise', 'impulse_noise', 'defocus_blur']
    """
    return list(KINDS)


def corruption_notes() -> dict[str, str]:
    """Return where our corruptions differ from the programs that made ImageNet-C and CIFAR-10-C: kind to difference.

    Kinds that are not named differ in nothing but what ``"all kinds"`` says, and in the random numbers.

    Examples
    --------
    >>> "photographs" in corruption_notes()["frost"]
    True
    """
    return dict(DIFFERENCES)


def corrupt(
    images: Any, kind: str, severity: int, seed: int = 0, index: Any = None, recipe: str = "auto"
) -> Tensor | np.ndarray:
    """Corrupt images in one of the fifteen ways of ImageNet-C and CIFAR-10-C, at one of five severities.

    Parameters
    ----------
    images : torch.Tensor or ndarray
        RGB, uint8: a tensor (n, 3, H, W) or an array (n, H, W, 3), of at least 16 x 16 pixels. They are not changed.
    kind : str
        One of :func:`list_corruptions`.
    severity : int
        1 (mild) to 5 (strong).
    seed : int
        Chooses the random numbers. Each image has a generator of its own, made of the seed, the kind, the severity and
        its index: the result does not depend on the other images of the batch. PyTorch's generator is not touched.
    index : array of int (n,), optional
        The place of each image in its set; counted from 0 by default. Give it when a set is corrupted batch by batch.
    recipe : {"auto", "imagenet", "cifar"}
        Which published table of severities: ImageNet-C's (224 pixels) or the milder CIFAR-10-C's (32 pixels). "auto"
        takes the latter for images whose shorter side has up to 64 pixels. At the published size its parameters are
        used as they are; else the lengths among them are scaled by the shorter side
        (:func:`~neuroalpha.tasks.corruptions.severities.severity_parameters`).

    Returns
    -------
    torch.Tensor or ndarray
        Corrupted images, in the type, shape and (tensor) device of ``images``.

    Raises
    ------
    InputError
        For an unknown kind or recipe, a severity that is not 1 to 5, images of another type or shape, images below
        16 pixels, or an index that does not fit.

    Notes
    -----
    The work is done on the CPU in double precision, whatever device the images are on, so that the result is the same
    everywhere. All 75 conditions take about 0.01 s for an image of 32 pixels and 0.3 s for one of 224 on one core;
    memory beyond the result does not grow with n (about 300 MB).

    :func:`corruption_notes` says where a kind differs from the published programs. The one that matters is frost: its
    texture is made by a program, the published sets overlay photographs.

    Source: Hendrycks & Dietterich (2019), Benchmarking Neural Network Robustness to Common Corruptions and
    Perturbations, ICLR, arXiv:1903.12261.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((2, 32, 32, 3), 128, dtype=np.uint8)
    >>> noisy = corrupt(grey, "gaussian_noise", severity=3, seed=0)
    >>> noisy.shape, noisy.dtype.name, round(float(noisy.std() / 255), 2)
    ((2, 32, 32, 3), 'uint8', 0.08)
    """
    severity = _check_choice(kind, severity)
    seed = check_seed(seed)
    _check_images(images)
    places = _check_index(index, len(images))
    side = min(images.shape[2:] if _is_tensor(images) else images.shape[1:3])
    parameters = severity_parameters(kind, severity, side, recipe_of(recipe, side))

    import torch

    tensor = images if _is_tensor(images) else torch.tensor(images).permute(0, 3, 1, 2)
    corrupted = torch.empty(tensor.shape, dtype=torch.uint8)
    kernel = _kernels()[kind]
    block = max(1, _BLOCK // max(1, tensor[:1].numel()))
    name = zlib.crc32(kind.encode())
    for start in range(0, len(tensor), block):
        pixels = tensor[start : start + block].cpu().to(torch.float64).contiguous() / 255
        draws = [np.random.default_rng([seed, name, severity, int(at)]) for at in places[start : start + block]]
        made = kernel(pixels, draws, **parameters)
        # Halves go up even when rounding in another batch leaves them a hair below: one result for every batching.
        corrupted[start : start + block] = (made.clamp(0, 1) * 255 + 0.5 + 1e-6).floor().to(torch.uint8)
    if _is_tensor(images):
        return corrupted.to(images.device)
    return corrupted.permute(0, 2, 3, 1).contiguous().numpy()


def _kernels() -> dict[str, Any]:
    """Return the function of each kind: torch is imported only when something is corrupted."""
    from neuroalpha.tasks.corruptions import blur, digital, noise, weather

    return {
        kind: getattr(room, kind) for room in (noise, blur, weather, digital) for kind in KINDS if hasattr(room, kind)
    }


def _is_tensor(images: Any) -> bool:
    return not isinstance(images, np.ndarray)


def _check_choice(kind: Any, severity: Any) -> int:
    if kind not in KINDS:
        raise InputError(
            f"unknown corruption {kind!r}{nearest(str(kind), KINDS)}; na.list_corruptions() names all {len(KINDS)}"
        )
    level = whole(severity, "severity", least=1)
    if level > 5:
        raise InputError(f"severity is {severity!r}; expected 1 (mild) to 5 (strong)")
    return level


def _check_images(images: Any) -> None:
    import torch

    is_array = isinstance(images, np.ndarray)
    if not is_array and not isinstance(images, torch.Tensor):
        name = type(images).__name__
        raise InputError(f"images is a {name}; expected a uint8 tensor (n, 3, H, W) or a numpy array (n, H, W, 3)")
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[3 if is_array else 1] != 3:
        wanted = "numpy array (n, H, W, 3)" if is_array else "tensor (n, 3, H, W)"
        advice = "add the first dimension with images[None]" if len(shape) == 3 else "repeat grey images three times"
        raise InputError(f"images has shape {shape}; expected a {wanted} of RGB images: {advice}")
    kind = str(images.dtype).removeprefix("torch.")
    if kind != "uint8":
        raise InputError(
            f"images is {kind}; expected uint8 from 0 to 255, before any normalisation: from 0 to 1, take "
            "(images * 255).round() and change its type to uint8"
        )
    height, width = shape[1:3] if is_array else shape[2:]
    if min(height, width) < SMALLEST:
        raise InputError(
            f"images are {height} x {width} pixels; corruptions need {SMALLEST} x {SMALLEST} or more: enlarge"
        )


def _check_index(index: Any, n: int) -> np.ndarray:
    if index is None:
        return np.arange(n)
    places = np.asarray(index)
    if places.shape != (n,) or (n and (places.dtype.kind not in "iu" or int(places.min()) < 0)):
        raise InputError(
            f"index has shape {places.shape} and type {places.dtype}; expected one whole number from 0 up for each of "
            f"the {n} images: its place in the set"
        )
    return places
