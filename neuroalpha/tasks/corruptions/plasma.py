"""Plasma: random clouds by midpoint displacement, the density of fog."""

from __future__ import annotations

import torch
from torch import Tensor

from neuroalpha.tasks.corruptions.filters import Draws, per_image


def plasma(draws: Draws, height: int, width: int, decay: float) -> Tensor:
    """Return cloud fields (n, H, W), each scaled to run from 0 to 1 over the square that it is cut from.

    Diamond-square on a torus whose side is the smallest power of two that holds the image. From one spacing of the grid
    to its half the random part shrinks by ``decay`` squared (both the width of the uniform numbers and their factor
    are divided by ``decay`` in the published recipe). The largest spacing is the side of the square.

    Source: Fournier, Fussell & Carpenter (1982), Communications of the ACM 25, 371-384; the constants are those of
    Hendrycks & Dietterich (2019).
    """
    side = 1 << (max(height, width) - 1).bit_length()
    random = per_image(draws, lambda rng: rng.uniform(-1, 1, side * side))
    used = 0

    def displaced(sum_of_four: Tensor, spread: float) -> Tensor:
        """A quarter of the sum of the four neighbours and a new random part."""
        nonlocal used
        count = sum_of_four[0].numel()
        part = random[:, used : used + count].reshape(sum_of_four.shape)
        used += count
        return sum_of_four / 4 + spread * part

    field = torch.zeros(len(draws), side, side, dtype=torch.float64)
    step, spread = side, 1.0
    while step >= 2:
        half = step // 2
        corner = field[:, ::step, ::step]
        below = corner + corner.roll(-1, 1)
        centre = displaced(below + below.roll(-1, 2), spread)
        field[:, half::step, half::step] = centre
        # The middle of an edge: its two corners and the centres of the two squares that share the edge.
        field[:, ::step, half::step] = displaced(corner + corner.roll(-1, 2) + centre + centre.roll(1, 1), spread)
        field[:, half::step, ::step] = displaced(corner + corner.roll(-1, 1) + centre + centre.roll(1, 2), spread)
        step, spread = half, spread / decay**2
    low, high = field.amin((1, 2), keepdim=True), field.amax((1, 2), keepdim=True)
    return ((field - low) / (high - low))[:, :height, :width]
