"""Kernel: the exponent of n^-alpha from eigenvalues at ranks n, by weighted least squares in log-log coordinates.

Ranks are 1-based everywhere. ``wls`` needs positive eigenvalues. Where cross-validated eigenvalues are negative, taking
their absolute value (as the published scripts do) folds noise around zero into a false tail; ``binned`` averages within
geometric bins first and fits the bin means by their own precision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BINS_PER_DECADE = 5
MIN_Z = 2.0  # a bin mean less than this many standard errors from zero has no logarithm worth fitting


class Line(NamedTuple):
    """``log eigenvalue = intercept - alpha log rank`` with its weighted R^2 and the number of points."""

    alpha: float
    intercept: float
    r2: float
    n: int


class Bins(NamedTuple):
    """Geometric bins over a window: ranks of each, mean eigenvalue, its relative variance, and which are used."""

    ranks: list[np.ndarray]
    mean: np.ndarray
    relative_variance: np.ndarray
    used: np.ndarray


def wls(rank: np.ndarray, eigenvalue: np.ndarray, weight: np.ndarray) -> Line:
    """Weighted least-squares line through (log rank, log eigenvalue)."""
    return _line(np.log(rank), np.log(eigenvalue), weight)


def rank_weights(rank: np.ndarray, weights: str) -> np.ndarray:
    """``"1/n"`` (Stringer et al. 2019: every octave of ranks counts alike) or ``"uniform"``."""
    return 1.0 / rank if weights == "1/n" else np.ones(rank.size)


def geometric_bins(first: int, last: int, per_decade: int = BINS_PER_DECADE) -> list[np.ndarray]:
    """Ranks first..last cut at equal steps of log rank, about ``per_decade`` bins a decade; no bin is empty."""
    number = max(1, round(per_decade * np.log10(last / first)))
    edges = np.geomspace(first, last + 1, number + 1)
    ranks = np.arange(first, last + 1)
    which = np.clip(np.searchsorted(edges, ranks, side="right") - 1, 0, number - 1)
    return [ranks[which == b] for b in np.unique(which)]


def make_bins(eigenvalue: np.ndarray, first: int, last: int, errors: np.ndarray | None = None) -> Bins:
    """Bin eigenvalues (all ranks) over the window.

    ``errors`` (draw, component), if given, are deviations of resampled spectra, already scaled to sampling spread: the
    variance of a bin mean is theirs. Without them it is the scatter of the eigenvalues within the bin.
    """
    bins = geometric_bins(first, last)
    mean = np.array([eigenvalue[b - 1].mean() for b in bins])
    if errors is not None:
        variance = np.array([np.nanvar(np.nanmean(errors[:, b - 1], axis=1), ddof=1) for b in bins])
    else:
        variance = np.array([eigenvalue[b - 1].var(ddof=1) / b.size if b.size > 1 else np.nan for b in bins])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = variance / mean**2
    known = relative[np.isfinite(relative) & (mean > 0)]
    relative = np.where(np.isfinite(relative), relative, np.median(known) if known.size else 1.0)
    # An exact spectrum has no scatter at all; the floor keeps its weights finite.
    relative = np.maximum(relative, 1e-12)
    return Bins(bins, mean, relative, (mean > 0) & (relative < 1 / MIN_Z**2))


def binned(bins: Bins) -> Line:
    """Inverse-variance weighted line through the usable bin means.

    The mean of n^-alpha over a bin stands at the rank r with r^-alpha = mean(n^-alpha), which depends on alpha:
    iterated to a fixed point, so that an exact power law gives its exponent exactly.
    """
    chosen = [b for b, use in zip(bins.ranks, bins.used, strict=True) if use]
    log_mean = np.log(bins.mean[bins.used])
    weight = 1.0 / bins.relative_variance[bins.used]
    line = _line(np.array([np.log(b).mean() for b in chosen]), log_mean, weight)
    for _ in range(100):
        slope = line.alpha if abs(line.alpha) > 1e-6 else 1e-6
        log_rank = np.array([-np.log(np.mean(b**-slope)) / slope for b in chosen])
        previous, line = line.alpha, _line(log_rank, log_mean, weight)
        if abs(line.alpha - previous) < 1e-13:
            break
    return line


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Line:
    weight = weight / weight.sum()
    mean_x, mean_y = weight @ x, weight @ y
    sxx, syy, sxy = weight @ (x - mean_x) ** 2, weight @ (y - mean_y) ** 2, weight @ ((x - mean_x) * (y - mean_y))
    slope = sxy / sxx
    # A flat line through flat data explains all there is.
    r2 = 1.0 if syy <= 1e-30 else float(sxy**2 / (sxx * syy))
    return Line(float(-slope), float(mean_y - slope * mean_x), r2, int(x.size))
