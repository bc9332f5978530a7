"""Three kinds of weather: snow, frost on the lens, fog."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neuroalpha.tasks.corruptions.filters import Draws, per_image, smear, to_size, zoom_in
from neuroalpha.tasks.corruptions.plasma import plasma
from neuroalpha.tasks.corruptions.plates import PLATES, SIZE, plate

_LUMA = (0.299, 0.587, 0.114)  # grey of red, green and blue: ITU-R BT.601


def snow(
    pixels: Tensor,
    draws: Draws,
    *,
    mean: float,
    sd: float,
    flake: float,
    threshold: float,
    radius: float,
    sigma: float,
    keep: float,
    unit: float = 1.0,
) -> Tensor:
    """Whiten the image a little and let streaks of snow fall through it.

    Normal noise (``mean``, ``sd``) is enlarged by ``flake``, only what is above ``threshold`` is left, and that is
    smeared at most 45 degrees from the vertical. It is added twice, the second time turned by 180 degrees. Behind it,
    the image keeps a share ``keep``; the rest is its brightened grey, where that is the lighter of the two. The layer
    is drawn on pixels of side ``unit``.
    """
    height, width = pixels.shape[-2:]
    layer = per_image(draws, lambda rng: rng.normal(mean, sd, (1, round(height / unit), round(width / unit))))
    layer = zoom_in(layer, flake)
    layer = torch.where(layer < threshold, 0.0, layer).clamp(0, 1)
    layer = smear(layer, per_image(draws, lambda rng: rng.uniform(-135, -45)), radius, sigma)
    layer = to_size(layer, (height, width))
    grey = (pixels * torch.tensor(_LUMA, dtype=torch.float64)[:, None, None]).sum(1, keepdim=True)
    whitened = keep * pixels + (1 - keep) * torch.maximum(pixels, 1.5 * grey + 0.5)
    return whitened + layer + layer.flip((2, 3))


def frost(pixels: Tensor, draws: Draws, *, keep: float, cover: float, unit: float = 1.0) -> Tensor:
    """Add ``cover`` times a random window of a plate of frost to ``keep`` times the image.

    ``unit`` is the number of image pixels to one pixel of the plate. The plates are made by a program
    (:mod:`~neuroalpha.tasks.corruptions.plates`), where the published sets used photographs.
    """
    size = pixels.shape[-2:]
    window = [min(round(length / unit), SIZE) for length in size]

    def cut(rng: np.random.Generator) -> np.ndarray:
        ice = plate(int(rng.integers(PLATES)))
        top, left = (int(rng.integers(SIZE - length + 1)) for length in window)
        part = torch.from_numpy(ice[None, :, top : top + window[0], left : left + window[1]] / 255)
        # Without smoothing first, as published: at 32 pixels this takes every fifth pixel of the plate.
        return functional.interpolate(part, size=size, mode="bilinear", align_corners=False)[0].numpy()

    return keep * pixels + cover * per_image(draws, cut)


def fog(pixels: Tensor, draws: Draws, *, density: float, decay: float, unit: float = 1.0) -> Tensor:
    """Add clouds of plasma times ``density``, and scale back so that the lightest value of the image can stay.

    The clouds are drawn on pixels of side ``unit``.
    """
    height, width = pixels.shape[-2:]
    lightest = pixels.amax((1, 2, 3), keepdim=True)
    clouds = to_size(plasma(draws, round(height / unit), round(width / unit), decay)[:, None], (height, width))
    return (pixels + density * clouds) * lightest / (lightest + density)
