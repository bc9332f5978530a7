"""Kernel: sums over many modes, and functions of a mode, through a few representative eigenvalues.

The cosine loss's field needs, at each quadrature node, sums over all modes of smooth functions of log eigenvalue, and
returns a smooth function of it. Interpolation at K Chebyshev points gives both to full accuracy with K far below the
number of modes: sum_k f(x_k) = sum_j W_j f(x_j) for W_j = sum_k L_j(x_k), L_j the polynomials that are 1 at point j.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

DIGITS = 26.0
"""Natural logarithm of one over the accuracy that is aimed at."""


def points_needed(width: float, power: float) -> int:
    """Number of points for log eigenvalues that spread over ``width``, with predictor C^power.

    The functions have poles at a distance of pi / (1 + 2 power) from the real axis; interpolation on an interval
    converges like rho^-K, with rho the size of the ellipse through the nearest pole.
    """
    height = 2 * np.pi / (1 + 2 * power) / max(width, 1e-3)
    return int(np.ceil(DIGITS / np.log(height + np.sqrt(1 + height**2)))) + 4


class Interpolation:
    """Points (k,) and weights (k,) that stand for values x (m,), and the way back from points to values."""

    def __init__(self, x: np.ndarray, count: int) -> None:
        low, high = float(x.min()), float(x.max())
        middle, half = (low + high) / 2, max((high - low) / 2, 1e-6)
        cosines, self.to_coefficients = _transform(count)
        self.points = middle + half * cosines
        self.basis = _chebyshev((x - middle) / half, count)  # (k, m)
        self.weights = self.basis.sum(axis=1) @ self.to_coefficients

    def back(self, at_points: np.ndarray) -> np.ndarray:
        """Values (..., m) of functions known at the points (..., k)."""
        return at_points @ self.to_coefficients.T @ self.basis


@lru_cache(maxsize=32)
def _transform(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Chebyshev points of [-1, 1] (k,), and the matrix from values there to coefficients."""
    angle = (np.arange(count) + 0.5) * np.pi / count
    matrix = np.cos(np.outer(np.arange(count), angle)) * (2 / count)
    matrix[0] /= 2
    return np.cos(angle), matrix


def _chebyshev(x: np.ndarray, count: int) -> np.ndarray:
    """Chebyshev polynomials of degrees 0 to count - 1 at x (m,): (count, m)."""
    made = np.empty((count, x.size))
    made[0], made[1], double = 1.0, x, 2 * x
    for degree in range(2, count):
        np.multiply(double, made[degree - 1], out=made[degree])
        made[degree] -= made[degree - 2]
    return made
