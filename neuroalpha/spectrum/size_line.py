"""Kernel: alpha at growing sizes as a straight line in 1 / size, and where it goes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

N_SIZES = 3  # whole, half and quarter: smaller sizes lie off the straight line that the largest begin


class SizeLine(NamedTuple):
    """``alpha = limit + slope / size``: its value at infinite size, with the error that the choice of subsets adds."""

    limit: float
    slope: float
    error: float
    worst: float
    """Largest distance of a mean from the line."""


def size_line(size: np.ndarray, alphas: list[np.ndarray]) -> SizeLine:
    """Fit the means of ``alphas`` (one array of subsets for each size) against 1 / size, weighted by size squared.

    The bias of sample eigenvalues is a straight line in 1 / size only for large sizes; with these weights all sizes
    pull the line alike, instead of the smallest, which curve, most (in simulations of 512 to 2000 dimensions and alpha
    .5 to 1.5 the limit was nearer to the truth than with weights growing as size, and with three sizes nearer than with
    more). The limit is a weighted sum of the means; its error here is that of drawing a finite number of subsets of
    data that are given.
    """
    x, mean = 1.0 / size, np.array([each.mean() for each in alphas])
    weight = size**2 / (size**2).sum()
    centred = x - weight @ x
    slopes = weight * centred / (weight @ centred**2)
    limits = weight - (weight @ x) * slopes
    slope, limit = float(slopes @ mean), float(limits @ mean)
    variance = np.array([each.var(ddof=1) / each.size if each.size > 1 else 0.0 for each in alphas])
    return SizeLine(limit, slope, float(np.sqrt(limits**2 @ variance)), float(np.abs(mean - limit - slope * x).max()))


def halvings(n: int, smallest: int) -> list[int]:
    """n, n/2, n/4, ... down to ``smallest``, rounded down.

    Examples
    --------
    >>> halvings(2800, 300)
    [2800, 1400, 700, 350]
    """
    sizes: list[int] = []
    while n >> len(sizes) >= max(smallest, 2):
        sizes.append(n >> len(sizes))
    return sizes
