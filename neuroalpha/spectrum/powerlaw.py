"""Kernel: the exponent of n^-alpha from eigenvalues at ranks n, by weighted least squares in log-log coordinates.

Ranks are 1-based everywhere. ``wls`` needs positive eigenvalues. Where cross-validated eigenvalues are negative, taking
their absolute value (as the published scripts do) folds noise around zero into a false tail; ``binned`` averages within
geometric bins first and fits the bin means by their own precision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroalpha.spectrum.resample import standard_error

BINS_PER_DECADE = 5
MIN_DRAWS = 5  # as many as an interval needs
MIN_Z = 2.0  # a bin mean less than this many standard errors from zero has no logarithm worth fitting


class Line(NamedTuple):
    """``log eigenvalue = intercept - alpha log rank`` with its weighted R^2 and what it was fitted to.

    ``groups`` holds the ranks of each point (one rank, or a bin), ``slope`` the weights with which the points' log
    values add up to the slope: alpha = -sum(slope * log value).
    """

    alpha: float
    intercept: float
    r2: float
    groups: list[np.ndarray]
    slope: np.ndarray


class Bins(NamedTuple):
    """Geometric bins over a window: ranks of each, mean eigenvalue, its relative standard error, and which are used."""

    ranks: list[np.ndarray]
    mean: np.ndarray
    relative_error: np.ndarray
    used: np.ndarray


def wls(rank: np.ndarray, eigenvalue: np.ndarray, weight: np.ndarray) -> Line:
    """Weighted least-squares line through (log rank, log eigenvalue)."""
    return _line(np.log(rank), np.log(eigenvalue), weight, [np.array([r]) for r in rank])


def rank_weights(rank: np.ndarray, weights: str) -> np.ndarray:
    """``"1/n"`` (Stringer et al. 2019: every octave of ranks counts alike) or ``"uniform"``."""
    return 1.0 / rank if weights == "1/n" else np.ones(rank.size)


def geometric_bins(first: int, last: int, per_decade: int = BINS_PER_DECADE) -> list[np.ndarray]:
    """Ranks first..last cut at equal steps of log rank, about ``per_decade`` a decade, at least 3; none is empty."""
    number = max(3, round(per_decade * np.log10(last / first)))
    edges = np.geomspace(first, last + 1, number + 1)
    ranks = np.arange(first, last + 1)
    which = np.clip(np.searchsorted(edges, ranks, side="right") - 1, 0, number - 1)
    return [ranks[which == b] for b in np.unique(which)]


def make_bins(eigenvalue: np.ndarray, first: int, last: int, per_decade: int = BINS_PER_DECADE) -> Bins:
    """Bin eigenvalues (all ranks) over the window.

    The standard error of a bin mean is that of the scatter about the bin's own trend; a bin of one or two ranks, which
    has none, takes the noise of the nearest larger bin. Bins under ``MIN_Z`` standard errors above zero are not used.
    """
    bins = geometric_bins(first, last, per_decade)
    mean = np.array([eigenvalue[b - 1].mean() for b in bins])
    noise = np.array([_noise(b, eigenvalue[b - 1]) for b in bins])
    known = np.flatnonzero(np.isfinite(noise))
    if known.size:
        nearest = known[np.abs(np.arange(len(bins))[:, None] - known).argmin(axis=1)]
        noise = noise[nearest]
    error = np.nan_to_num(noise) / np.sqrt([b.size for b in bins])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(mean > 0, error / mean, np.inf)
    return Bins(bins, mean, relative, relative < 1 / MIN_Z)


def with_draw_errors(bins: Bins, draws: np.ndarray, fraction: float) -> Bins:
    """Replace the bins' errors by those of subsampled spectra (draw, component) that kept ``fraction`` of the units.

    Scatter within a bin knows trial noise only. Subsamples also know which stimuli and neuroids were there, which all
    ranks of a bin share: for a noise-free spectrum that is nearly all of the error. The bins as they are where there
    are fewer than five draws, or draws that do not reach the last rank. Which bins are used does not change.
    """
    if draws.shape[0] < MIN_DRAWS:
        return bins
    error = standard_error(np.stack([draws[:, b - 1].mean(axis=1) for b in bins.ranks], axis=1), fraction)
    if not np.isfinite(error).all():
        return bins
    with np.errstate(divide="ignore", invalid="ignore"):
        return bins._replace(relative_error=np.where(bins.mean > 0, error / bins.mean, np.inf))


def binned(bins: Bins, weights: str = "1/n") -> Line:
    """Weighted line through the usable bin means.

    A bin weighs what its ranks weigh together under ``weights``, so that binning changes how noise is treated and not
    what part of the spectrum counts; ``"inverse variance"`` weighs it by its own precision instead. The mean of
    n^-alpha over a bin stands at the rank r with r^-alpha = mean(n^-alpha), which depends on alpha: iterated to a fixed
    point, so that an exact power law gives its exponent exactly.
    """
    chosen = [b for b, use in zip(bins.ranks, bins.used, strict=True) if use]
    log_mean = np.log(bins.mean[bins.used])
    if weights == "inverse variance":
        # An exact spectrum has no scatter at all; the floor keeps its weights finite.
        weight = np.maximum(bins.relative_error[bins.used], 1e-9) ** -2.0
    else:
        weight = np.array([rank_weights(b, weights).sum() for b in chosen])
    line = _line(np.array([np.log(b).mean() for b in chosen]), log_mean, weight, chosen)
    for _ in range(100):
        slope = line.alpha if abs(line.alpha) > 1e-6 else 1e-6
        log_rank = np.array([-np.log(np.mean(b**-slope)) / slope for b in chosen])
        previous, line = line.alpha, _line(log_rank, log_mean, weight, chosen)
        if abs(line.alpha - previous) < 1e-13:
            break
    return line


def draw_alphas(line: Line, eigenvalue: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Alpha (draw,) of resampled spectra (draw, component) by the fit that gave ``line`` from ``eigenvalue``.

    The fit is linear in the log of its points, so a draw's alpha follows from the ratios of its points to the full
    spectrum's. Where noise makes a draw's point negative there is no log: then all draws take the first-order ratio
    (the delta method), scaled by the draw's mean ratio. NaN for a draw that does not reach the last rank of the window,
    or whose mean over the window is not above zero.
    """
    if draws.shape[0] == 0:
        return np.empty(0)
    points = np.array([eigenvalue[g - 1].mean() for g in line.groups])
    ratio = np.stack([draws[:, g - 1].mean(axis=1) for g in line.groups], axis=1) / points
    if (ratio[np.isfinite(ratio)] > 0).all():
        return line.alpha - np.log(ratio) @ line.slope
    weight = np.abs(line.slope) / np.abs(line.slope).sum()
    scale = ratio @ weight
    return line.alpha - (ratio / np.where(scale > 0, scale, np.nan)[:, None]) @ line.slope


def _noise(ranks: np.ndarray, values: np.ndarray) -> float:
    """Standard deviation of values about their linear trend in rank; NaN for fewer than three."""
    if ranks.size < 3:
        return np.nan
    residual = values - np.polyval(np.polyfit(ranks - ranks.mean(), values, 1), ranks - ranks.mean())
    return float(np.sqrt(np.sum(residual**2) / (ranks.size - 2)))


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray, groups: list[np.ndarray]) -> Line:
    weight = weight / weight.sum()
    mean_x, mean_y = weight @ x, weight @ y
    sxx, syy, sxy = weight @ (x - mean_x) ** 2, weight @ (y - mean_y) ** 2, weight @ ((x - mean_x) * (y - mean_y))
    slope = sxy / sxx
    # A flat line through flat data explains all there is.
    r2 = 1.0 if syy <= 1e-30 else float(sxy**2 / (sxx * syy))
    return Line(float(-slope), float(mean_y - slope * mean_x), r2, groups, weight * (x - mean_x) / sxx)
