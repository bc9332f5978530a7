"""Warps: where each pixel of the result is looked up, by an affine map or by a field of displacements."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def look_up(pixels: Tensor, row: Tensor, column: Tensor, *, repeat_border: bool) -> Tensor:
    """Return pixels bilinearly at positions (n, H, W) in pixels; outside, the image is mirrored.

    ``repeat_border`` chooses the mirror: at the outer edge of the border pixel (which then counts twice), or at its
    middle.
    """
    height, width = pixels.shape[-2:]
    if repeat_border:
        grid = torch.stack(((2 * column + 1) / width - 1, (2 * row + 1) / height - 1), dim=-1)
    else:
        grid = torch.stack((2 * column / (width - 1) - 1, 2 * row / (height - 1) - 1), dim=-1)
    return functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=not repeat_border
    )


def shear(pixels: Tensor, shifts: Tensor) -> Tensor:
    """Move three corners of a square in the middle of the image by ``shifts`` (n, 3, 2), all else affinely with them.

    The corners are a third of the shorter side from the middle to the right and below, to the right and above, to the
    left and above; shifts are (x, y) in pixels. Beyond the border the image is mirrored at its border pixels.
    """
    height, width = pixels.shape[-2:]
    middle, away = np.array([width // 2, height // 2]), min(height, width) // 3
    corners = torch.from_numpy(middle + away * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]))
    ones = torch.ones(len(shifts), 3, 1, dtype=torch.float64)
    # From the places in the result back to those in the image: solved for the moved corners.
    back = torch.linalg.solve(torch.cat((corners + shifts, ones), dim=2), corners.expand(len(shifts), 3, 2))
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64), indexing="ij"
    )
    x_of, y_of = (
        back[:, 0, at, None, None] * x + back[:, 1, at, None, None] * y + back[:, 2, at, None, None] for at in (0, 1)
    )
    return look_up(pixels, y_of, x_of, repeat_border=False)


def displace(pixels: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Look every pixel up ``down`` rows and ``right`` columns away (n, H, W), not whole; mirrored at the outer edge."""
    height, width = pixels.shape[-2:]
    row = torch.arange(height, dtype=torch.float64)[:, None] + down
    column = torch.arange(width, dtype=torch.float64) + right
    return look_up(pixels, row, column, repeat_border=True)
