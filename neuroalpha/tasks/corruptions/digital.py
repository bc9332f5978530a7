"""Five digital corruptions: brighter, less contrast, elastic, coarser pixels, JPEG."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neuroalpha.tasks.corruptions.filters import Draws, gaussian, per_image, to_size
from neuroalpha.tasks.corruptions.warp import displace, shear


def brightness(pixels: Tensor, draws: Draws, *, shift: float) -> Tensor:
    """Add ``shift`` to the value (V) of hue, saturation and value, at most up to 1.

    V is the largest colour of a pixel, and with hue and saturation kept the three colours grow in proportion to it; a
    black pixel has no colour and becomes grey.
    """
    value = pixels.amax(1, keepdim=True)
    brighter = (value + shift).clamp(max=1)
    return torch.where(value > 0, pixels * (brighter / value.clamp(min=1e-9)), brighter)


def contrast(pixels: Tensor, draws: Draws, *, keep: float) -> Tensor:
    """Shrink the differences from each colour's mean over the image to a share ``keep``."""
    mean = pixels.mean((2, 3), keepdim=True)
    return (pixels - mean) * keep + mean


def elastic_transform(
    pixels: Tensor, draws: Draws, *, amplitude: float, smoothness: float, jitter: float, unit: float = 1.0
) -> Tensor:
    """Shear the image at random, then stretch it locally by a smooth field of displacements.

    Three corners of a square move by uniform numbers from -``jitter`` to ``jitter``; the displacements (rows and
    columns) are uniform numbers from -1 to 1, blurred by a Gaussian of standard deviation ``smoothness`` (cut at three
    of them), times ``amplitude``; they are drawn on pixels of side ``unit``. Source of the second part: Simard,
    Steinkraus & Platt (2003), ICDAR.
    """
    height, width = pixels.shape[-2:]
    sheared = shear(pixels, per_image(draws, lambda rng: rng.uniform(-jitter, jitter, (3, 2))))
    if amplitude == 0:
        return sheared
    field = per_image(draws, lambda rng: rng.uniform(-1, 1, (2, round(height / unit), round(width / unit))))
    right, down = (amplitude * to_size(gaussian(field, smoothness, "reflect", 3.0), (height, width))).unbind(1)
    return displace(sheared, down, right)


def pixelate(pixels: Tensor, draws: Draws, *, keep: float) -> Tensor:
    """Shrink the image to a share ``keep`` of its sides by averages over boxes, and enlarge it again by boxes (PIL)."""
    height, width = pixels.shape[-2:]
    small = (int(width * keep), int(height * keep))
    return _with_pil(
        pixels, lambda image: image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BOX)
    )


def jpeg_compression(pixels: Tensor, draws: Draws, *, quality: float) -> Tensor:
    """Write as JPEG of this quality and read back (PIL, its default subsampling of colour, 4:2:0)."""

    def through_file(image: Image.Image) -> Image.Image:
        file = BytesIO()
        image.save(file, "JPEG", quality=round(quality))
        return Image.open(file)

    return _with_pil(pixels, through_file)


def _with_pil(pixels: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    bytes_last = (pixels * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    changed = np.stack([np.asarray(change(Image.fromarray(image))) for image in bytes_last])
    return torch.from_numpy(changed).permute(0, 3, 1, 2).to(torch.float64) / 255
