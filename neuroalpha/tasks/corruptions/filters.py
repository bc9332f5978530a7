"""Filters that several corruptions share: Gaussian, any kernel, a smear along a line, a zoom into the middle.

All take and return float64 tensors (n, channels, H, W). They run on the CPU: the result must not depend on the machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from scipy import fft, ndimage
from torch import Tensor
from torch.nn import functional

Draws = Sequence[np.random.Generator]


def per_image(draws: Draws, draw: Callable[[np.random.Generator], np.ndarray | float]) -> Tensor:
    """Stack what each image draws from its own generator: float64 (n, ...)."""
    return torch.from_numpy(np.stack([np.asarray(draw(rng), dtype=np.float64) for rng in draws]))


@lru_cache(maxsize=32)
def gaussian_matrix(size: int, sigma: float, mode: str, truncate: float) -> Tensor:
    """Return the matrix (size, size) that SciPy's Gaussian filter of one axis multiplies by, borders included."""
    if sigma <= 0:
        return torch.eye(size, dtype=torch.float64)
    return torch.from_numpy(ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0, mode=mode, truncate=truncate))


def gaussian(pixels: Tensor, sigma: float, mode: str = "nearest", truncate: float = 4.0) -> Tensor:
    """Blur both axes with a Gaussian, as ``scipy.ndimage.gaussian_filter`` does with this mode and truncation."""
    down = gaussian_matrix(pixels.shape[-2], sigma, mode, truncate)
    across = gaussian_matrix(pixels.shape[-1], sigma, mode, truncate)
    return down @ pixels @ across.T


def convolve(pixels: Tensor, kernel: np.ndarray) -> Tensor:
    """Convolve with a kernel (2 r + 1, 2 r + 1); the image is mirrored at its border without repeating the border."""
    reach = kernel.shape[0] // 2
    mirrored = functional.pad(pixels, (reach,) * 4, mode="reflect").numpy()
    height, width = mirrored.shape[-2:]
    shape = (fft.next_fast_len(height, real=True), fft.next_fast_len(width, real=True))
    product = fft.rfft2(mirrored, shape) * fft.rfft2(kernel, shape)
    full = fft.irfft2(product, shape)
    return torch.from_numpy(full[..., 2 * reach : height, 2 * reach : width].copy())


def smear(pixels: Tensor, angle: Tensor, radius: float, sigma: float) -> Tensor:
    """Smear every image along a line: half a Gaussian of 2 ceil(radius) + 1 whole pixels in the direction of its angle.

    What ImageMagick's motion blur does: tap i lies at the pixel nearest to i steps in the direction of ``angle``
    (degrees, from the horizontal towards the bottom of the image), its weight is exp(-i^2 / (2 sigma^2)), the weights
    sum to 1, and beyond the border the border pixel counts.
    """
    steps = np.arange(2 * math.ceil(radius) + 1)
    weight = np.exp(-(steps**2) / (2 * sigma**2))
    weight /= weight.sum()
    steps, weight = steps[weight > 1e-7], weight[weight > 1e-7]  # the others add less than a thousandth of a grey value
    height, width = pixels.shape[-2:]
    edge = int(steps[-1])
    padded = np.pad(pixels.numpy(), ((0, 0), (0, 0), (edge, edge), (edge, edge)), mode="edge")
    smeared = np.zeros(pixels.shape)
    for image, source, degrees in zip(smeared, padded, angle.tolist(), strict=True):
        direction = math.radians(degrees)
        rows = np.ceil(steps * math.sin(direction) - 0.5).astype(int) + edge
        columns = np.ceil(steps * math.cos(direction) - 0.5).astype(int) + edge
        for share, row, column in zip(weight, rows, columns, strict=True):
            image += share * source[:, row : row + height, column : column + width]
    return torch.from_numpy(smeared)


def to_size(field: Tensor, size: Sequence[int]) -> Tensor:
    """Enlarge (or make smaller, then averaging) a random field bilinearly to the size of the image."""
    if tuple(field.shape[-2:]) == tuple(size):
        return field
    return functional.interpolate(field, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)


def zoom_in(pixels: Tensor, factor: float) -> Tensor:
    """Enlarge the middle of the image by a factor of at least 1, bilinearly, and cut it back to the image's size.

    The part that is enlarged is ceil(size / factor) pixels long on each axis; its outermost pixels stay outermost.
    """
    sizes = pixels.shape[-2:]
    parts = [math.ceil(size / factor) for size in sizes]
    top, left = ((size - part) // 2 for size, part in zip(sizes, parts, strict=True))
    middle = pixels[..., top : top + parts[0], left : left + parts[1]]
    larger = [round(part * factor) for part in parts]
    zoomed = functional.interpolate(middle, size=larger, mode="bilinear", align_corners=True)
    top, left = ((large - size) // 2 for large, size in zip(larger, sizes, strict=True))
    return zoomed[..., top : top + sizes[0], left : left + sizes[1]]
