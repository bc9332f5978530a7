"""Three noises: Gaussian (low light, electronics), shot (counted photons), impulse (salt and pepper).

Every kernel of the corruptions takes pixels float64 (n, 3, H, W) from 0 to 1, one random generator for each image, and
the parameters of its row in :mod:`~neuroalpha.tasks.corruptions.severities`; the caller clips what comes back.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neuroalpha.tasks.corruptions.filters import Draws, per_image


def gaussian_noise(pixels: Tensor, draws: Draws, *, sd: float) -> Tensor:
    """Add to every value an independent normal number of standard deviation ``sd`` (1 is white)."""
    shape = tuple(pixels.shape[1:])
    return pixels + sd * per_image(draws, lambda rng: rng.standard_normal(shape))


def shot_noise(pixels: Tensor, draws: Draws, *, photons: float) -> Tensor:
    """Replace every value by a Poisson count with mean value x ``photons``, divided by ``photons``."""
    means = (pixels * photons).numpy()
    counts = [rng.poisson(mean) for rng, mean in zip(draws, means, strict=True)]
    return torch.from_numpy(np.stack(counts) / photons)


def impulse_noise(pixels: Tensor, draws: Draws, *, share: float) -> Tensor:
    """Set a ``share`` of the values (each colour of each pixel by itself) to 0 or 1, with equal chance."""
    shape = tuple(pixels.shape[1:])
    chance = per_image(draws, lambda rng: rng.random(shape))
    struck = torch.where(chance < share / 2, 0.0, 1.0)
    return torch.where(chance < share, struck, pixels)
