"""From an image as it was read to what a network sees: scale, resize, crop, normalise; every step is written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as tvf

from neuroalpha.errors import InputError, nearest

Normalize = str | tuple[Sequence[float], Sequence[float]] | None

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NORMALIZATIONS: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    # Channel means and standard deviations (red, green, blue; of pixels in 0..1) of ImageNet's training images, as
    # torchvision's pretrained classifiers use them (torchvision.transforms._presets.ImageClassification).
    "imagenet": _IMAGENET,
    # The published CIFAR-10 weights of the He et al. ResNets were trained with ImageNet's numbers, not with CIFAR's own
    # (github.com/akamaster/pytorch_resnet_cifar10, trainer.py), so a network of that family must see these.
    "cifar": _IMAGENET,
}


@dataclass(frozen=True)
class Transform:
    """What is done to each image (``one``) and then to a stack of them (``many``); ``steps`` is the record of it."""

    size: int | tuple[int, int] | None
    crop: tuple[int, int] | None
    mean_sd: tuple[Tensor, Tensor] | None
    own: Callable[[Any], Any] | None
    steps: tuple[dict[str, Any], ...]

    def one(self, image: Tensor, where: str) -> Tensor:
        """uint8, or float in 0..1, (..., 3, H, W) to float32 (..., 3, H', W'), not yet normalised."""
        if self.own is not None:
            try:
                result = self.own(image)
            except InputError:
                raise
            except Exception as error:
                reason = (str(error).strip() or "no message").splitlines()[0]
                raise InputError(
                    f"the preprocessing function {_name(self.own)} fails on {where} ({type(error).__name__}: "
                    f"{reason}); it is given a {image.dtype} tensor {tuple(image.shape)}, so one that takes "
                    "PIL images needs torchvision.transforms.v2.functional.to_pil_image before it"
                ) from error
            if not isinstance(result, Tensor):
                raise InputError(f"transform= returned {type(result).__name__} for {where}; it must return a tensor")
            return result.to(torch.float32)
        image = self._to_float(image, where)
        if self.size is not None:
            # On floats, so that no rounding to 256 levels is added; differs from PIL's resize by less than one level.
            size = [self.size] if isinstance(self.size, int) else list(self.size)
            image = tvf.resize(image, size, interpolation=tvf.InterpolationMode.BILINEAR, antialias=True)
        if self.crop is not None:
            height, width = image.shape[-2:]
            if self.crop[0] > height or self.crop[1] > width:
                raise InputError(
                    f"cannot crop {self.crop[0]} x {self.crop[1]} pixels from {where}, which is {height} x {width}; "
                    "use a smaller crop= or resize first with size="
                )
            image = tvf.center_crop(image, list(self.crop))
        return image

    def many(self, batch: Tensor) -> Tensor:
        """(b, 3, H, W) to the same shape, normalised."""
        if self.mean_sd is None:
            return batch
        mean, sd = self.mean_sd
        return (batch - mean) / sd

    def _to_float(self, image: Tensor, where: str) -> Tensor:
        if image.dtype == torch.uint8:
            return image.to(torch.float32) / 255
        if not image.is_floating_point():
            raise InputError(f"{where} has dtype {image.dtype}; give uint8 (0..255) or floats (0..1)")
        low, high = (float(bound) for bound in torch.aminmax(image))
        if not (-float("inf") < low <= high < float("inf")):
            raise InputError(f"{where} has pixels that are not finite; mend or drop it")
        if self.mean_sd is not None and (low < 0 or high > 1):
            raise InputError(
                f"{where} has float pixels from {low:.3g} to {high:.3g}, outside 0..1: divide 0..255 by 255, or pass "
                "normalize=None if the images are normalised already"
            )
        return image.to(torch.float32)


def make_transform(
    size: int | tuple[int, int] | None,
    crop: int | tuple[int, int] | None,
    normalize: Normalize,
    transform: Callable[[Any], Any] | None,
) -> Transform:
    """Check the options of :func:`~neuroalpha.networks.images.images` and turn them into a :class:`Transform`."""
    if transform is not None:
        if size is not None or crop is not None:
            raise InputError("transform= takes the place of size=, crop= and normalize=; give one or the other")
        return Transform(None, None, None, transform, ({"step": "transform", "transform": _name(transform)},))
    steps: list[dict[str, Any]] = [{"step": "rgb"}, {"step": "scale", "range": [0, 1]}]
    checked_size = _positive(size, "size")
    if checked_size is not None:
        what = {"shorter_side": size} if isinstance(size, int) else {"size": list(checked_size)}
        steps.append({"step": "resize", **what, "interpolation": "bilinear", "antialias": True})
    checked_crop = _positive(crop, "crop")
    if checked_crop is not None:
        steps.append({"step": "centre_crop", "size": list(checked_crop)})
    constants = _constants(normalize)
    if constants is not None:
        name = {"name": normalize} if isinstance(normalize, str) else {}
        steps.append({"step": "normalize", **name, "mean": constants[0], "sd": constants[1]})
    mean_sd = None
    if constants is not None:
        mean, sd = (torch.tensor(values, dtype=torch.float32).view(3, 1, 1) for values in constants)
        mean_sd = (mean, sd)
    return Transform(size if isinstance(size, int) else checked_size, checked_crop, mean_sd, None, tuple(steps))


def _positive(value: int | tuple[int, int] | None, name: str) -> tuple[int, int] | None:
    if value is None:
        return None
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(not isinstance(v, int) or isinstance(v, bool) or v < 1 for v in pair):
        raise InputError(f"{name}= is a number of pixels or (height, width), not {value!r}")
    return pair


def _constants(normalize: Normalize) -> tuple[list[float], list[float]] | None:
    if normalize is None:
        return None
    if isinstance(normalize, str):
        if normalize not in NORMALIZATIONS:
            raise InputError(
                f"there is no normalisation {normalize!r}{nearest(normalize, NORMALIZATIONS)}; give 'imagenet', "
                "'cifar', None or (mean, sd) with three numbers each"
            )
        normalize = NORMALIZATIONS[normalize]
    try:
        mean, sd = ([float(value) for value in values] for values in normalize)
    except (TypeError, ValueError) as error:
        raise InputError(f"normalize= must be a name, None or (mean, sd), not {normalize!r}") from error
    if len(mean) != 3 or len(sd) != 3 or min(sd) <= 0:
        raise InputError(f"normalize= needs three means and three positive standard deviations, got {normalize!r}")
    return mean, sd


def _name(transform: Callable[[Any], Any]) -> str:
    """Say what a transform is without the memory addresses that would make two equal runs look different."""
    if hasattr(transform, "__qualname__"):
        return f"{transform.__module__}.{transform.__qualname__}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(repr(transform).split()))
