"""Views of images for self-supervised learning, a whole batch at once on the device where the pixels are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.networks.transform import Normalize, make_transform
from neuroalpha.ssl import colour, crops
from neuroalpha.ssl.blur import blur, kernel_size
from neuroalpha.ssl.recipes import Recipe, make_recipe

CHUNK = 64
"""Images of 32 pixels worked on at once on a CPU, so that they stay in its cache; it changes no more than rounding."""

_DRAWN = ("flip", "jitter", "brightness", "contrast", "saturation", "hue", "grey", "blur", "sigma", "solarize")


class Views:
    """Make random views of images: crop, flip, colour, grey, blur, solarise, normalise.

    Nothing but tensor operations without a loop over images, and every random number of a batch is drawn in one call,
    so the views are a function of the pixels, the recipe and the generator's seed. Every image has its own parameters.

    Steps, in this order: a random box resized to ``size`` (torchvision's RandomResizedCrop, with antialiasing);
    mirrored with probability 1/2; with the recipe's probability brightness, contrast, saturation and hue changed, each
    as torchvision defines it on floats and always in this order (torchvision's ColorJitter draws one for each image);
    made grey; blurred; solarised; normalised.

    Parameters
    ----------
    size
        Height and width of the views in pixels.
    strength
        From 0 to 2.5, of crop and colour: the smallest area is ``.08 ** strength``, the changes of colour are
        multiplied by it, and below 1 so are the chances of grey, blur and solarisation and the log of the crop's
        aspect. 0 leaves resizing and flips. The recipes ``weak`` and ``none`` do not depend on it.
    recipe
        ``simclr``: SimCLR's of CIFAR-10 (Chen et al. 2020, appendix B.9: colour strength .5, no blur; from 96 pixels
        on, blur half the time). ``isoloss``: that of Halvagal, Laborieux & Zenke 2023, whose second view is solarised
        one time in five (from 96 pixels on, the first is blurred always, the second one time in ten). ``weak``: moved
        by up to an eighth, with black coming in, and mirrored (He et al. 2015). ``none``: resized only. Or a
        :class:`~neuroalpha.ssl.recipes.Recipe` of your own, taken as it is.
    normalize
        ``"imagenet"``, ``"cifar"``, None or (mean, sd) for pixels in 0..1, as in :func:`neuroalpha.images`.

    Raises
    ------
    InputError
        For an unknown recipe or normalisation, or a size or strength out of range; and when called with anything but
        uint8 pixels (n, 3, H, W).

    Notes
    -----
    256 views of 32 pixels take about 7 ms on one core of a CPU, where PIL and torchvision take 130.

    Examples
    --------
    >>> views = Views(32)
    >>> pixels = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    >>> first = views(pixels, torch.Generator().manual_seed(0), view=0)
    >>> first.shape, first.dtype
    (torch.Size([4, 3, 32, 32]), torch.float32)
    >>> bool(torch.equal(first, views(pixels, torch.Generator().manual_seed(0))))
    True
    """

    def __init__(
        self,
        size: int = 32,
        *,
        strength: float = 1.0,
        recipe: str | Recipe = "simclr",
        normalize: Normalize = "cifar",
    ) -> None:
        self.size = whole(size, "size", least=1)
        self.strength = strength
        self.recipe = recipe if isinstance(recipe, Recipe) else make_recipe(recipe, self.size, strength)
        self._normalize = make_transform(None, None, normalize, None).steps
        self._constants: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def __call__(self, pixels: Tensor, generator: Generator, view: int = 0) -> Tensor:
        """Make one view of each image.

        Parameters
        ----------
        pixels
            (n, 3, H, W) uint8, on any device.
        generator
            On the same device; it moves on.
        view
            Which view, for recipes whose views differ.

        Returns
        -------
        Tensor
            (n, 3, size, size) float32, normalised.
        """
        self._check(pixels)
        if not isinstance(generator, Generator):
            raise InputError(f"generator is {type(generator).__name__}; give a torch.Generator with a seed")
        if generator.device.type != pixels.device.type:
            raise InputError(
                f"the generator is on {generator.device}, the pixels on {pixels.device}; make it with "
                f"torch.Generator({pixels.device.type!r})"
            )
        n, device = len(pixels), pixels.device
        uniform = torch.rand((n, crops.NUMBERS + len(_DRAWN)), generator=generator, device=device)
        chunk = CHUNK * 1024 // (self.size * self.size) or 1 if device.type == "cpu" else max(n, 1)
        result = torch.empty((n, 3, self.size, self.size), device=device)
        for start in range(0, n, chunk):
            part = slice(start, start + chunk)
            # Half precision, where the caller trains in it, would round the pixels.
            with torch.autocast(device.type, enabled=False):
                self._normalised(self._view(pixels[part], uniform[part], view), result[part])
        return result

    def clean(self, pixels: Tensor) -> Tensor:
        """Resize (n, 3, H, W) uint8 to ``size`` where they are not, and normalise; nothing random."""
        self._check(pixels)
        n, _, height, width = pixels.shape
        if (height, width) == (self.size, self.size):
            images = pixels.to(torch.float32).div_(255)
        else:
            images = crops.resample(pixels, _whole(n, height, width, pixels.device), self.size)
        return self._normalised(images, images)

    def preprocessing(self) -> list[dict[str, Any]]:
        """Return the steps with their parameters, as they go into a result's ``preprocessing``."""
        made: dict[str, Any] = {"step": "views", "size": self.size, **self.recipe.to_dict()}
        if any(self.recipe.blur):
            made["kernel_size"] = kernel_size(self.size)
        before = [dict(one) for one in self._normalize if one["step"] != "normalize"]
        return [*before, made, *(dict(one) for one in self._normalize if one["step"] == "normalize")]

    def _view(self, pixels: Tensor, uniform: Tensor, view: int) -> Tensor:
        recipe = self.recipe
        n, _, height, width = pixels.shape
        box, drawn = uniform[:, : crops.NUMBERS], dict(zip(_DRAWN, uniform[:, crops.NUMBERS :].unbind(1), strict=True))
        if recipe.scale is not None:
            boxes = crops.random_boxes(box, height, width, recipe.scale, recipe.ratio)
        elif recipe.shift:
            boxes = crops.shifted_boxes(box, height, width, recipe.shift)
        else:
            boxes = _whole(n, height, width, pixels.device)
        images = crops.resample(pixels, boxes, self.size, drawn["flip"] < recipe.flip if recipe.flip else None)
        if recipe.jitter:
            self._jitter(images, drawn)
        if recipe.grey:
            colour.saturate(images, (drawn["grey"] >= recipe.grey).to(torch.float32))
        blurred, solarized = (_of_view(chances, view) for chances in (recipe.blur, recipe.solarize))
        if blurred:
            low, high = recipe.sigma
            images = blur(images, (low + (high - low) * drawn["sigma"]) * (drawn["blur"] < blurred))
        if solarized:
            colour.solarize(images, drawn["solarize"] < solarized)
        return images

    def _jitter(self, images: Tensor, drawn: dict[str, Tensor]) -> None:
        # An image that keeps its colours has factors of exactly 1 and a turn of 0.
        applied = (drawn["jitter"] < self.recipe.jitter).to(torch.float32)
        for name, change in (
            ("brightness", colour.brighten),
            ("contrast", colour.change_contrast),
            ("saturation", colour.saturate),
        ):
            most = getattr(self.recipe, name)
            if most:
                low, high = max(1 - most, 0.0), 1 + most
                change(images, 1 + applied * (low - 1 + (high - low) * drawn[name]))
        if self.recipe.hue:
            colour.turn_hue(images, applied * self.recipe.hue * (2 * drawn["hue"] - 1))

    def _normalised(self, images: Tensor, out: Tensor) -> Tensor:
        """Write the normalised images into ``out``."""
        if images.device not in self._constants:
            step = next(
                (one for one in self._normalize if one["step"] == "normalize"), {"mean": [0.0] * 3, "sd": [1.0] * 3}
            )
            mean, sd = (torch.tensor(step[key], device=images.device).view(3, 1, 1) for key in ("mean", "sd"))
            self._constants[images.device] = mean, sd
        mean, sd = self._constants[images.device]
        return torch.sub(images, mean, out=out).div_(sd)

    @staticmethod
    def _check(pixels: Tensor) -> None:
        if isinstance(pixels, Tensor) and pixels.dtype == torch.uint8 and pixels.ndim == 4 and pixels.shape[1] == 3:
            return
        given = type(pixels).__name__
        if isinstance(pixels, Tensor):
            given = f"a {pixels.dtype} tensor {tuple(pixels.shape)}"
            if pixels.ndim == 4 and pixels.shape[-1] == 3:
                given += "; move the colours with .permute(0, 3, 1, 2)"
        raise InputError(f"views are made of a uint8 tensor (n, 3, H, W) with pixels from 0 to 255, not of {given}")


def _of_view(chances: Sequence[float], view: int) -> float:
    return chances[view % len(chances)]


def _whole(n: int, height: int, width: int, device: torch.device) -> crops.Boxes:
    zero = torch.zeros(n, device=device)
    return zero, zero, zero + height, zero + width
