"""Four blurs: out of focus, behind frosted glass, moving camera, camera moving towards the scene."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from neuroalpha.tasks.corruptions.filters import Draws, convolve, gaussian, per_image, smear, zoom_in


def disc(radius: float, antialias: float) -> np.ndarray:
    """Return a flat disc whose edge is smoothed by a small Gaussian: (2 r + 1, 2 r + 1), sums to 1.

    The Gaussian has 3 x 3 taps up to a radius of 8 and 5 x 5 beyond, more where ``antialias`` (its standard deviation)
    is above that. For a radius below 1 the disc is one pixel and the Gaussian does all the blurring, as in CIFAR-10-C.
    """
    half = max(1 if radius <= 8 else 2, math.ceil(antialias))
    reach = math.floor(radius) + half
    place = np.arange(-reach, reach + 1)
    flat = (place[:, None] ** 2 + place**2 <= radius**2).astype(np.float64)
    taps = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * antialias**2))
    smooth = np.apply_along_axis(np.convolve, 0, flat, taps, mode="same")
    smooth = np.apply_along_axis(np.convolve, 1, smooth, taps, mode="same")
    return smooth / smooth.sum()


def defocus_blur(pixels: Tensor, draws: Draws, *, radius: float, antialias: float) -> Tensor:
    """Convolve with a disc: every point of light spreads over the aperture."""
    return convolve(pixels, disc(radius, antialias))


def motion_blur(pixels: Tensor, draws: Draws, *, radius: float, sigma: float) -> Tensor:
    """Smear along a line that is at most 45 degrees from the horizontal, at an angle drawn for each image."""
    return smear(pixels, per_image(draws, lambda rng: rng.uniform(-45, 45)), radius, sigma)


def zoom_blur(pixels: Tensor, draws: Draws, *, stop: float, step: float) -> Tensor:
    """Average the image with itself enlarged by 1, 1 + step, ... below ``stop``."""
    # numpy's own rounding decides whether the last factor counts: the published recipe relied on it too.
    factors = np.arange(1, stop, step)
    total = pixels.clone()
    for factor in factors:
        total += zoom_in(pixels, float(factor))
    return total / (len(factors) + 1)


def glass_blur(pixels: Tensor, draws: Draws, *, sigma: float, reach: float, passes: float) -> Tensor:
    """Blur, let every pixel take the place of a random near one ``passes`` times, blur again.

    A pass visits the pixels from the bottom right corner to the top left one; each takes the present colour of a pixel
    at most ``reach`` rows and columns away. The published program means to swap the two, but, as it works on views of
    one array, it copies: ours copies too, so that the images are like the published ones.
    """
    distance = max(1, round(reach))
    height, width = pixels.shape[-2:]
    shape = (round(passes), height - 2 * distance, width - 2 * distance, 2)
    offsets = np.stack([rng.integers(-distance, distance, shape) for rng in draws])
    mixed = gaussian(pixels, sigma).flatten(2)
    for one in range(shape[0]):
        source = torch.from_numpy(copied_from(offsets[:, one], height, width))
        mixed = mixed.gather(2, source[:, None].expand_as(mixed))
    return gaussian(mixed.reshape(pixels.shape), sigma)


def copied_from(offsets: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return which pixel's colour ends up where after one pass of copying: flat positions (n, H W).

    Parameters
    ----------
    offsets : ndarray of int (n, H - 2 r, W - 2 r, 2)
        Rows and columns from each pixel of rows r + 1 to H - r (and columns likewise) to the one whose colour it takes.
    height, width : int
        Size of the image.

    Notes
    -----
    A pixel that copies from one visited before gets what that one had copied: a chain that ends at the first pixel that
    copies from one not yet visited. Chains are followed for all pixels at once by doubling: some ten steps.
    """
    n = len(offsets)
    distance = (height - offsets.shape[1]) // 2
    here = np.arange(height * width)
    moves = np.zeros((n, height, width), dtype=np.int64)
    inner = np.s_[distance + 1 : height - distance + 1, distance + 1 : width - distance + 1]
    moves[:, inner[0], inner[1]] = offsets[..., 0] * width + offsets[..., 1]
    visited = np.zeros((height, width), dtype=bool)
    visited[inner] = True
    source = here + moves.reshape(n, -1)
    chain = np.where(visited.reshape(-1)[source] & (source > here), source, here)
    while True:
        further = np.take_along_axis(chain, chain, axis=1)
        if np.array_equal(further, chain):
            return np.take_along_axis(source, chain, axis=1)
        chain = further
