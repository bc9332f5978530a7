"""Kernel: exponents that a part of the spectrum cannot spoil, by Theil & Sen and as the median of local slopes.

Ranks are dense at the top: of 490 ranks from 11 on, half lie above 255, and the median slope over all pairs of ranks
would be the slope of the tail. So both take geometric bins of ranks as points, ten a decade, every octave counting
alike as under 1/n weights. A bin's value is its median eigenvalue, at the median of its log ranks, which gives the
exponent of an exact power law exactly.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.spectrum.powerlaw import Bins, Line, make_bins

POINTS_PER_DECADE = 10
MIN_POINTS = 8  # more bins a decade where the window is narrow
LOCAL = 5  # points that a local slope spans: half a decade
ROBUST = ("theil-sen", "windowed median")


def robust_bins(eigenvalue: np.ndarray, first: int, last: int) -> Bins:
    """Bins of the window, with medians in place of means; all are used where no eigenvalue is at or below zero."""
    per_decade = max(POINTS_PER_DECADE, int(np.ceil(MIN_POINTS / np.log10(last / first))))
    bins = make_bins(eigenvalue, first, last, per_decade)
    median = medians(eigenvalue, bins.ranks)
    positive = bool((eigenvalue[first - 1 : last] > 0).all())
    return bins._replace(mean=median, used=(median > 0) & (bins.used | positive))


def robust_line(bins: Bins, method: str) -> Line:
    """Fit a line through the usable bins by ``"theil-sen"`` or ``"windowed median"``; R^2 over bins of equal weight."""
    chosen = [ranks for ranks, use in zip(bins.ranks, bins.used, strict=True) if use]
    x, y = middle(chosen), np.log(bins.mean[bins.used])
    alpha = float(-slope(method, x, y))
    intercept = float(np.median(y + alpha * x))
    left, all_of_it = np.sum((y - intercept + alpha * x) ** 2), np.sum((y - y.mean()) ** 2)
    return Line(alpha, intercept, float(1 - left / all_of_it) if all_of_it > 1e-30 else 1.0, chosen, np.empty(0))


def robust_draws(line: Line, draws: np.ndarray, method: str) -> np.ndarray:
    """Alpha (draw,) of resampled spectra (draw, component), each refitted on the bins of ``line``.

    A bin at or below zero in a draw is left out of that draw. NaN for a draw that does not reach the last rank, or has
    fewer than half of the bins (or three) above zero.
    """
    if draws.shape[0] == 0:
        return np.empty(0)
    values = medians(draws, line.groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.where(values > 0, np.log(values), np.nan)
    enough = np.isfinite(y).sum(axis=1) >= max(3, len(line.groups) / 2)
    usable = enough & np.isfinite(draws[:, line.groups[-1][-1] - 1])
    alphas = np.full(draws.shape[0], np.nan)
    x = middle(line.groups)
    for draw in np.flatnonzero(usable):
        present = np.isfinite(y[draw])
        alphas[draw] = -slope(method, x[present], y[draw, present])
    return alphas


def slope(method: str, x: np.ndarray, y: np.ndarray) -> float:
    """Slope of y on x, both (point,), x ascending."""
    return theil_sen(x, y) if method == "theil-sen" else windowed_median(x, y)


def theil_sen(x: np.ndarray, y: np.ndarray) -> float:
    """Median of the slopes of all pairs of points (Theil 1950, Sen 1968): up to 29 % of points may be anything."""
    one, two = np.triu_indices(x.size, 1)
    return float(np.median((y[two] - y[one]) / (x[two] - x[one])))


def windowed_median(x: np.ndarray, y: np.ndarray) -> float:
    """Median of the least-squares slopes of all runs of five neighbouring points (half of the points if fewer)."""
    width = int(np.clip(x.size // 2, 3, LOCAL))
    near_x = np.lib.stride_tricks.sliding_window_view(x, width)
    near_y = np.lib.stride_tricks.sliding_window_view(y, width)
    deviation = near_x - near_x.mean(axis=1, keepdims=True)
    return float(np.median((deviation * near_y).sum(axis=1) / (deviation**2).sum(axis=1)))


def medians(eigenvalue: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
    """Geometric median (..., group) of eigenvalues (..., component): the middle one, or the mean of the logs of two.

    Of two middle values that are not both above zero the plain mean is taken.
    """
    found = []
    for ranks in groups:
        ordered = np.sort(eigenvalue[..., ranks - 1], axis=-1)
        low, high = ordered[..., (ranks.size - 1) // 2], ordered[..., ranks.size // 2]
        product = np.sqrt(np.maximum(low, 0.0)) * np.sqrt(np.maximum(high, 0.0))
        found.append(np.where((low > 0) & (high > 0), product, (low + high) / 2))
    return np.stack(found, axis=-1)


def middle(groups: list[np.ndarray]) -> np.ndarray:
    """Median of log rank of each group (group,)."""
    return np.array([np.median(np.log(ranks)) for ranks in groups])
