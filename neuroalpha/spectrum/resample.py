"""Kernel: subsampling stimuli and neuroids without replacement, and the interval that follows from it.

A bootstrap with replacement doubles rows and inflates eigenvalues; the spread over cvPCA's shuffles leaves out the
choice of stimuli and is about ten times too small; residuals of a log-log line are correlated across ranks. What
remains sound is subsampling: for a share f of the units, the variance of a smooth statistic over subsamples is
(1 - f) / f times its sampling variance, and with stimuli and neuroids drawn at once both contribute (Politis, Romano &
Wolf 1999; delete-d jackknife, Shao & Wu 1989). Noise that is independent in every response is drawn on both axes and
so counted (1 + f) / f times: where it dominates, the interval is up to 1.5 (f = 0.8) or 1.7 (f = 0.5) times too wide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from scipy import stats

from neuroalpha._checks import share, whole
from neuroalpha.errors import InputError

AXES = ("stimulus", "neuroid")


def draw_fraction(n_stimuli: int, n_neuroids: int) -> float:
    """Share of each axis that a draw keeps: half for large recordings, 0.8 where half would leave too few ranks."""
    return 0.5 if min(n_stimuli, n_neuroids) >= 1000 else 0.8


def subsets(
    n_stimuli: int, n_neuroids: int, n_draws: int, fraction: float, axes: Collection[str], rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ``n_draws`` pairs of sorted index arrays (stimuli kept, neuroids kept)."""
    for _ in range(n_draws):
        yield tuple(  # type: ignore[misc]
            np.sort(rng.choice(n, min(n, max(2, round(fraction * n))), replace=False)) if axis in axes else np.arange(n)
            for axis, n in zip(AXES, (n_stimuli, n_neuroids), strict=True)
        )


def standard_error(draws: np.ndarray, fraction: float) -> np.ndarray:
    """Standard error (...) of a statistic from subsample values (draw, ...): their spread times sqrt(f / (1 - f))."""
    return np.std(draws, axis=0, ddof=1) * np.sqrt(fraction / (1 - fraction))


def interval(estimate: float, draws: np.ndarray, fraction: float, level: float) -> tuple[float, float]:
    """Student-t interval around ``estimate`` with the subsampling standard error; NaN with fewer than 5 usable draws.

    The interval is centred on the estimate and carries its sampling spread; it does not undo a bias of the estimator.
    """
    draws = draws[np.isfinite(draws)]
    if draws.size < 5:
        return np.nan, np.nan
    half = float(standard_error(draws, fraction) * stats.t.ppf(0.5 + level / 2, draws.size - 1))
    return estimate - half, estimate + half


def check_resampling(axes: Collection[str], n_draws: int, fraction: float | None) -> tuple[str, ...]:
    """Validate the resampling arguments that every estimator takes; return the axes as a tuple in standard order."""
    if not isinstance(axes, Collection) or not all(isinstance(axis, str) for axis in axes):
        raise InputError(f"resample is {axes!r}; expected any of {AXES}")
    axes = (axes,) if isinstance(axes, str) else tuple(axes)
    if not set(axes) <= set(AXES):
        raise InputError(f"resample is {axes}; expected any of {AXES}")
    if whole(n_draws, "n_draws") and not axes:
        raise InputError(f"n_draws is {n_draws} with resample={axes}; use n_draws=0 for no interval, else name an axis")
    if 0 < n_draws < 5:
        raise InputError(f"n_draws is {n_draws}; an interval needs at least 5 subsamples, or 0 for no interval")
    if fraction is not None:
        share(fraction, "fraction", 0.1, 0.95)
    return tuple(axis for axis in AXES if axis in axes)


def check_center(center: Any) -> bool:
    """Return ``center`` as bool: a word such as "no" would count as True."""
    if not isinstance(center, (bool, np.bool_)):
        raise InputError(f"center is {center!r}; expected True or False")
    return bool(center)
