"""Crop, flip and resize of whole batches: a box for each image, resampled by two small matrices."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ATTEMPTS = 10
"""How often a crop that does not fit into the image is drawn anew, as in torchvision."""

NUMBERS = 2 * ATTEMPTS + 2
"""Uniform numbers that one box takes."""

Boxes = tuple[Tensor, Tensor, Tensor, Tensor]
"""Top, left, height and width of each image's box in pixels; whole numbers as float32 (n,)."""


def random_boxes(
    uniform: Tensor, height: int, width: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> Boxes:
    """Draw a box for each image as torchvision's RandomResizedCrop does, all images at once.

    The area is uniform in ``scale`` (as a share of the image's), the log of width over height uniform in ``ratio``,
    both sides rounded; of ten such draws the first that fits is taken, and where none does, the largest box in the
    middle that keeps to ``ratio``. The corner is uniform over all places where the box fits.

    Parameters
    ----------
    uniform
        (n, 22) uniform numbers in [0, 1): ten areas, ten ratios, the corner.
    height, width
        Of the images.
    scale, ratio
        Smallest and largest area, and width over height.

    Examples
    --------
    >>> top, left, high, wide = random_boxes(torch.rand(4, 22), 32, 32, (0.08, 1.0), (0.75, 4 / 3))
    >>> bool((top + high <= 32).all() and (left >= 0).all())
    True
    """
    root = (height * width * (scale[0] + (scale[1] - scale[0]) * uniform[:, :ATTEMPTS])).sqrt_()
    low, high = math.log(ratio[0]) / 2, math.log(ratio[1]) / 2
    stretch = (low + (high - low) * uniform[:, ATTEMPTS : 2 * ATTEMPTS]).exp_()
    wide, tall = torch.round(root * stretch), torch.round(root / stretch)
    fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    some = fits.any(1)
    largest_tall, largest_wide = _largest(height, width, ratio)
    wide = torch.where(some, wide.gather(1, first)[:, 0], largest_wide)
    tall = torch.where(some, tall.gather(1, first)[:, 0], largest_tall)
    # A number below 1 times a whole number, rounded, stays below that whole number: the corner always fits.
    top = torch.floor(uniform[:, -2] * (height - tall + 1))
    left = torch.floor(uniform[:, -1] * (width - wide + 1))
    top = torch.where(some, top, (height - largest_tall) // 2)
    left = torch.where(some, left, (width - largest_wide) // 2)
    return top, left, tall, wide


def _largest(height: int, width: int, ratio: tuple[float, float]) -> tuple[int, int]:
    if width / height < ratio[0]:
        return round(width / ratio[0]), width
    if width / height > ratio[1]:
        return height, round(height * ratio[1])
    return height, width


def shifted_boxes(uniform: Tensor, height: int, width: int, shift: float) -> Boxes:
    """Draw boxes as large as the image, moved by up to ``shift`` of its sides in whole pixels, uniform in both ways.

    Parameters
    ----------
    uniform
        (n, at least 2) uniform numbers in [0, 1); the last two are used.
    height, width
        Of the images.
    shift
        Share of the sides; .125 of 32 pixels are the 4 pixels of padding of He et al. 2015.

    Examples
    --------
    >>> top, left, high, wide = shifted_boxes(torch.tensor([[0.0, 0.99]]), 32, 32, 0.125)
    >>> float(top), float(left), float(high)
    (-4.0, 4.0, 32.0)
    """
    furthest = round(shift * height), round(shift * width)
    top = torch.floor(uniform[:, -2] * (2 * furthest[0] + 1)) - furthest[0]
    left = torch.floor(uniform[:, -1] * (2 * furthest[1] + 1)) - furthest[1]
    return top, left, torch.full_like(top, height), torch.full_like(left, width)


def weights(start: Tensor, length: Tensor, before: int, after: int) -> Tensor:
    """Return the bilinear weights, with antialiasing, that resize a stretch of each row of pixels.

    Parameters
    ----------
    start, length
        (n,) the stretch, in pixels; what of it lies outside the row counts as zeros (black).
    before
        Pixels of the row.
    after
        Pixels of the result.

    Returns
    -------
    Tensor
        (n, after, before); those of ``torch.nn.functional.interpolate(mode="bilinear", antialias=True)``.

    Examples
    --------
    >>> weights(torch.tensor([1.0]), torch.tensor([2.0]), before=4, after=2)
    tensor([[[0., 1., 0., 0.],
             [0., 0., 1., 0.]]])
    """
    pixel = torch.arange(before, device=start.device, dtype=torch.float32) + 0.5
    start, length = start[:, None], length[:, None]
    step = length / after
    centre = start + (torch.arange(after, device=start.device, dtype=torch.float32) + 0.5) * step
    if before <= after:
        # Only enlarged: a triangle two pixels wide, and at the rim the last pixel of the stretch.
        centre = torch.minimum(torch.maximum(centre, start + 0.5), start + length - 0.5)
        return (centre[:, :, None] - pixel).abs_().neg_().add_(1.0).clamp_(min=0.0)
    inside = (pixel > start) & (pixel < start + length)
    support = step.clamp(min=1.0)[:, :, None]
    triangle = ((centre[:, :, None] - pixel) / support).abs_().neg_().add_(1.0).clamp_(min=0.0)
    triangle *= inside[:, None]
    return triangle / triangle.sum(2, keepdim=True).clamp_(min=1e-6)


def resample(pixels: Tensor, boxes: Boxes, size: int, flip: Tensor | None = None) -> Tensor:
    """Resize each image's box to ``size`` pixels, bilinear with antialiasing, and mirror some of them.

    Parameters
    ----------
    pixels
        (n, 3, H, W) uint8.
    boxes
        One box for each image (:func:`random_boxes`, :func:`shifted_boxes`).
    size
        Height and width of the result.
    flip
        (n,) bool: which images are mirrored left to right.

    Returns
    -------
    Tensor
        (n, 3, size, size) float32 from 0 to 1.

    Examples
    --------
    >>> pixels = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 2, 2)
    >>> whole = tuple(torch.tensor([side]) for side in (0.0, 0.0, 2.0, 2.0))
    >>> (255 * resample(pixels, whole, 2, torch.tensor([True])))[0, 0]
    tensor([[1.0000, 0.0000],
            [3.0000, 2.0000]])
    """
    top, left, tall, wide = boxes
    n, channels, height, width = pixels.shape
    down, across = weights(top, tall, height, size), weights(left, wide, width, size)
    if flip is not None:
        # Mirrored rows of the matrix: a place counted from the other end.
        places = torch.arange(size, device=pixels.device)
        places = torch.where(flip[:, None], size - 1 - places, places)
        across = across.gather(1, places[:, :, None].expand(-1, -1, width))
    down.mul_(1 / 255)
    rows = torch.bmm(
        pixels.to(torch.float32, memory_format=torch.contiguous_format).view(n, channels * height, width),
        across.transpose(1, 2),
    )
    rows = rows.view(n, channels, height, size)
    result = rows.new_empty((n, channels, size, size))
    for channel in range(channels):
        torch.bmm(down, rows[:, channel], out=result[:, channel])
    return result
