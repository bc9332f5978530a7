"""Kernel: four laws that a spectrum may follow over a window of ranks, each fitted in log-log coordinates.

power      log eigenvalue = log c - a x                                  with x = log rank
broken     log c - a1 x up to the break, then slope a2, continuous       break inside the window, 1/5 of it either side
lognormal  log c - a x - b x^2, b >= 0                                   a Gaussian in log rank, its peak not inside
cutoff     log c - a x - n / k, k > 0                                    exponential cut-off around rank k

Every law is linear in its coefficients, the break apart, so a point may be the mean over a group of ranks: the features
are then averaged over the group, and a law is recovered exactly whatever the grouping. No law may rise inside the
window: eigenvalues are in descending order, and an alternative that wins by bending up would say nothing of interest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import optimize

EDGE = 0.2  # share of the window (in log rank) that either side of a break keeps
BREAKS = 41  # candidates before the break is refined


class Points(NamedTuple):
    """Groups of ranks (a rank each, or geometric bins) and the weight of each: the sum of 1/n over its ranks."""

    ranks: list[np.ndarray]
    weight: np.ndarray

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Average values (..., rank from 1) over each group: (..., group)."""
        return np.stack([values[..., ranks - 1].mean(axis=-1) for ranks in self.ranks], axis=-1)


class Law(NamedTuple):
    """A fitted law: its name, the log of its value at rank 1 (as extrapolated), and its coefficients."""

    name: str
    log_c: float
    coefficients: tuple[float, ...]

    def log(self, rank: np.ndarray) -> np.ndarray:
        """Natural log of the eigenvalue at these ranks."""
        n = np.asarray(rank, dtype=np.float64)
        x = np.log(n)
        if self.name == "broken":
            first, second, at = self.coefficients
            return self.log_c - first * x - (second - first) * np.maximum(x - np.log(at), 0.0)
        if self.name == "lognormal":
            return self.log_c - self.coefficients[0] * x - self.coefficients[1] * x**2
        if self.name == "cutoff":
            return self.log_c - self.coefficients[0] * x - n / self.coefficients[1]
        return self.log_c - self.coefficients[0] * x

    def exponent(self, rank: float) -> float:
        """Exponent at a rank, -d log eigenvalue / d log rank; just below the break at the break."""
        if self.name == "broken":
            return self.coefficients[0] if rank <= self.coefficients[2] else self.coefficients[1]
        if self.name == "lognormal":
            return self.coefficients[0] + 2 * self.coefficients[1] * float(np.log(rank))
        if self.name == "cutoff":
            return self.coefficients[0] + rank / self.coefficients[1]
        return self.coefficients[0]


PARAMETERS = {
    "power": ("alpha",),
    "broken": ("alpha", "alpha_2", "break_rank"),
    "lognormal": ("alpha", "curvature"),
    "cutoff": ("alpha", "cutoff_rank"),
}
SPOKEN = {
    "power": "a power law",
    "broken": "a broken power law",
    "lognormal": "a log-normal",
    "cutoff": "an exponential cut-off",
}


def points(groups: list[np.ndarray]) -> Points:
    """Weigh groups of ranks so that every octave counts alike, as the published fit of alpha does."""
    return Points(groups, np.array([np.sum(1.0 / ranks) for ranks in groups]))


def fit(name: str, at: Points, y: np.ndarray) -> Law:
    """Fit a law to log eigenvalues ``y`` (group,) by weighted least squares."""
    x = _grouped(at, np.log)
    if name == "broken":
        return _broken(at, x, y)
    if name == "power":
        (log_c, alpha), _ = _falling(at.weight, [-x], y)
        return Law(name, log_c, (alpha,))
    # Both are log c - a x - b f(n) with b >= 0. That they fall from the first rank on means a + b s >= 0, with s the
    # slope of f against log rank there: in terms of a + b s and b, two coefficients that are not negative.
    first = float(at.ranks[0][0])
    curved = _grouped(at, lambda n: np.log(n) ** 2 if name == "lognormal" else n)
    steep = 2 * np.log(first) if name == "lognormal" else first
    (log_c, start, amount), _ = _falling(at.weight, [-x, steep * x - curved], y)
    alpha = start - steep * amount
    if name == "lognormal":
        return Law(name, log_c, (alpha, amount))
    return Law(name, log_c, (alpha, 1 / amount if amount > 0 else np.inf))


def predict(law: Law, at: Points) -> np.ndarray:
    """Log eigenvalues of a law, averaged over each group of ranks: (group,)."""
    return _grouped(at, law.log)


def log_error(law: Law, at: Points, y: np.ndarray) -> float:
    """Root of the weighted mean squared difference between ``y`` (group,) and the law, natural log units."""
    return float(np.sqrt(at.weight @ (y - predict(law, at)) ** 2 / at.weight.sum()))


def _broken(at: Points, x: np.ndarray, y: np.ndarray) -> Law:
    low, high = np.log(at.ranks[0][0]), np.log(at.ranks[-1][-1])
    margin = EDGE * (high - low)

    def best(position: float) -> tuple[tuple[float, ...], float]:
        hinge = _grouped(at, lambda n: np.maximum(np.log(n) - position, 0.0))
        return _falling(at.weight, [hinge - x, -hinge], y)

    grid = np.linspace(low + margin, high - margin, BREAKS)
    nearest = int(np.argmin([best(position)[1] for position in grid]))
    bounds = grid[max(nearest - 1, 0)], grid[min(nearest + 1, BREAKS - 1)]
    refined = optimize.minimize_scalar(lambda p: best(p)[1], bounds=bounds, method="bounded", options={"xatol": 1e-9})
    position = min((float(refined.x), float(grid[nearest])), key=lambda p: best(p)[1])
    (log_c, first, second), _ = best(position)
    return Law("broken", log_c, (first, second, float(np.exp(position))))


def _falling(weight: np.ndarray, columns: list[np.ndarray], y: np.ndarray) -> tuple[tuple[float, ...], float]:
    """Weighted least squares of y on a constant and one or two columns whose coefficients may not be negative.

    Returns the coefficients, the constant first, and the squared error. With so few columns every set of them is tried.
    """
    found, error = _least_squares(weight, columns, y)
    if (found[1:] >= 0).all():
        return tuple(found.tolist()), error
    tried = []
    for kept in ([], *([k] for k in range(len(columns)))):
        part, error = _least_squares(weight, [columns[k] for k in kept], y)
        whole = np.zeros(1 + len(columns))
        whole[[0, *(1 + k for k in kept)]] = part
        if (whole[1:] >= 0).all():
            tried.append((error, tuple(whole.tolist())))
    error, coefficients = min(tried)
    return coefficients, error


def _least_squares(weight: np.ndarray, columns: list[np.ndarray], y: np.ndarray) -> tuple[np.ndarray, float]:
    root = np.sqrt(weight / weight.sum())
    design = np.stack([np.ones(y.size), *columns], axis=1) * root[:, None]
    scale = np.linalg.norm(design, axis=0)
    scale[scale == 0] = 1.0
    found = np.linalg.lstsq(design / scale, y * root, rcond=None)[0]
    return found / scale, float(np.sum((design / scale @ found - y * root) ** 2))


def _grouped(at: Points, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Average a function of rank over each group: (group,)."""
    ranks = np.concatenate(at.ranks).astype(np.float64)
    sizes = np.array([group.size for group in at.ranks])
    return np.add.reduceat(function(ranks), np.r_[0, np.cumsum(sizes)[:-1]]) / sizes
