"""The exponent alpha of a spectrum, with its interval, its window and how much the window matters."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, fields
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha._checks import share
from neuroalpha.errors import InputError
from neuroalpha.spectrum.powerlaw import (
    Line,
    binned,
    draw_alphas,
    make_bins,
    rank_weights,
    with_draw_errors,
    wls,
)
from neuroalpha.spectrum.resample import interval
from neuroalpha.spectrum.result import check_spectrum, numerical_rank
from neuroalpha.spectrum.robust import robust_bins, robust_draws, robust_line
from neuroalpha.spectrum.window import PUBLISHED, auto_window, check_window, window_grid

Negative = Literal["bin", "abs"]
Weights = Literal["1/n", "uniform", "inverse variance"]
Method = Literal["least squares", "theil-sen", "windowed median"]


@dataclass(frozen=True, eq=False)
class AlphaFit:
    """A power law fitted to a spectrum. Results are read as attributes; :meth:`to_frame` gives one table row."""

    alpha: float
    """Rank exponent: eigenvalue ~ rank ** -alpha. (The density exponent of other tools is 1 + 1 / alpha.)"""
    low: float
    """Lower end of the interval; NaN when the spectrum has no draws."""
    high: float
    """Upper end of the interval."""
    r2: float
    """Weighted share of the log-log variance that the line explains; above .95 for many spectra that are no power
    law: see :func:`neuroalpha.compare_models`. NaN for a power law matched by MEME, which is a line by construction."""
    ranks: tuple[int, int]
    """Window, 1-based and inclusive."""
    n_used: int
    """Points on the line: ranks where ``method`` is "wls", else bins."""
    n_negative: int
    """Eigenvalues at or below zero inside the window."""
    n_bins_dropped: int
    """Bins less than 2 standard errors above zero, left out of a binned fit."""
    method: str
    """"wls" on every rank, "binned" where eigenvalues are negative; "theil-sen" or "windowed median" as asked for."""
    weights: str
    """"1/n" or "uniform" on ranks; "inverse variance" on bins."""
    level: float
    """Of the interval."""
    intercept: float
    """Natural log of the fitted eigenvalue at rank 1."""
    n_draws: int
    """Subsamples that the interval rests on."""
    estimator: str
    """How the spectrum was estimated."""
    identifier: str
    """Of the population."""
    n_stimuli: int
    """Stimuli behind the spectrum."""
    n_neuroids: int
    """Neuroids behind the spectrum."""
    center: str
    """What was subtracted before the spectrum."""
    seed: int
    """Of shuffles and subsamples."""
    software: str
    """Name and version that made the spectrum."""
    sensitivity: pd.DataFrame = field(repr=False)
    """Alpha over a grid of windows: columns first, last, alpha, low, high, r2, n_negative."""
    p_value: float = np.nan
    """Of the moments' distance from the law that :func:`neuroalpha.meme` matched; NaN for other estimators."""
    by_construction: bool = field(default=False, repr=False)
    """Whether the spectrum is a power law because the estimator makes one (MEME): every window has the same alpha."""

    def to_frame(self) -> pd.DataFrame:
        """One row: every scalar, the window as ``first`` and ``last``, and the range of alpha over other windows."""
        row: dict[str, object] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "ranks":
                row["first"], row["last"] = value
            elif each.name not in ("sensitivity", "by_construction"):
                row[each.name] = value
        row["alpha_window_min"], row["alpha_window_max"] = self.window_range
        return pd.DataFrame([row])

    @property
    def window_range(self) -> tuple[float, float]:
        """Smallest and largest alpha over the grid of windows; NaN where every window has the same by construction."""
        if self.by_construction:
            return np.nan, np.nan
        return float(self.sensitivity["alpha"].min()), float(self.sensitivity["alpha"].max())

    def predict(self, rank: np.ndarray) -> np.ndarray:
        """Eigenvalues of the fitted line at these ranks."""
        return np.exp(self.intercept) * np.asarray(rank, dtype=np.float64) ** -self.alpha


def fit_alpha(
    spectrum: xr.Dataset,
    ranks: tuple[int, int] | Literal["auto"] = PUBLISHED,
    weights: Weights = "1/n",
    *,
    method: Method = "least squares",
    negative: Negative = "bin",
    level: float = 0.95,
) -> AlphaFit:
    """Fit ``eigenvalue ~ rank ** -alpha`` over a window of ranks.

    Parameters
    ----------
    spectrum : Dataset
        Of :func:`neuroalpha.eigenspectrum` or :func:`neuroalpha.cvpca`.
    ranks : (int, int) or "auto"
        First and last rank, 1-based and inclusive. (11, 500) is the window of Stringer et al. 2019. ``"auto"`` takes 11
        to min(500, m / 5) for m = min(stimuli, neuroids, non-zero eigenvalues), or 4 to m / 2 where that is under half
        a decade: a rule fixed before looking, never the window of best fit.
    weights : {"1/n", "uniform", "inverse variance"}
        Of the least squares in (log rank, log eigenvalue): 1/rank as published, equal, or, on geometric bins, each
        bin's own precision: from the spectrum's subsamples where it has them, else from the scatter within the bin.
        Precision favours high ranks, whose bins average many.
    method : {"least squares", "theil-sen", "windowed median"}
        ``"theil-sen"`` is the median slope over all pairs of geometric bins (ten a decade, the median eigenvalue of
        each), ``"windowed median"`` the median of local slopes over half a decade: neither is moved much by spikes or
        by a part of the window that bends. Both count every octave alike, which is what ``weights="1/n"`` says. Theil
        & Sen are as precise as least squares; the windowed median has about three times their standard deviation.
    negative : {"bin", "abs"}
        When the window holds eigenvalues at or below zero (cvPCA where noise dominates): ``"bin"`` fits the means of
        geometric bins, five a decade, leaving out bins under 2 standard errors (both counts are reported). A bin weighs
        what its ranks would have weighed together, so that a spectrum does not change its alpha much for one negative
        value. ``"abs"`` takes absolute values as the published scripts do, which bends the tail up; for comparison
        only.
    level : float
        Of the interval.

    Returns
    -------
    AlphaFit
        The interval comes from the spectrum's subsamples of stimuli and neuroids (its ``eigenvalue_draw``) by the same
        fit; never from residuals, whose errors are correlated across ranks. Without draws it is NaN.

    Raises
    ------
    InputError
        When the window reaches outside the spectrum, or nothing in it rises above noise.

    Warns
    -----
    UserWarning
        When the window reaches past half of min(stimuli, neuroids), where eigenvalues are biased by finite sampling
        (those of MEME are not).

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import neuroalpha as na
    >>> rank = np.arange(1, 1001)
    >>> exact = xr.Dataset({"eigenvalue": ("component", rank**-1.5)}, {"rank": ("component", rank)})
    >>> round(na.fit_alpha(exact).alpha, 12)
    1.5
    """
    check_spectrum(spectrum)
    if weights not in get_args(Weights):
        raise InputError(f"weights is {weights!r}; expected one of {get_args(Weights)}")
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; expected one of {get_args(Method)}")
    if method != "least squares" and weights != "1/n":
        raise InputError(f"weights is {weights!r} with method {method!r}, which counts every octave alike; leave '1/n'")
    if negative not in ("bin", "abs"):
        raise InputError(f"negative is {negative!r}; expected 'bin' or 'abs'")
    if share(level, "level", 0.5, 1) == 1:
        raise InputError(f"level is {level}; expected a share such as 0.95")
    eigenvalue = np.asarray(spectrum["eigenvalue"].values, dtype=np.float64)
    if not np.isfinite(eigenvalue).all():
        raise InputError("the spectrum holds values that are NaN or infinite; make it anew from finite responses")
    rank = numerical_rank(spectrum)
    if rank == 0:
        raise InputError("all eigenvalues are zero: the responses never vary; check what was recorded")
    n_stimuli = int(spectrum.attrs.get("n_stimuli", eigenvalue.size))
    n_neuroids = int(spectrum.attrs.get("n_neuroids", eigenvalue.size))
    # Where only leading components were computed, their number says nothing of the rank of the data.
    cut = int(spectrum.attrs.get("n_components", 0)) == eigenvalue.size == rank
    smaller = min(n_stimuli, n_neuroids) if cut else min(n_stimuli, n_neuroids, rank)
    first, last = check_window(
        auto_window(n_stimuli, n_neuroids, smaller) if isinstance(ranks, str) and ranks == "auto" else ranks,
        eigenvalue.size,
        rank,
        cut,
    )
    matched = spectrum.attrs.get("estimator") == "meme"
    if "n_stimuli" in spectrum.attrs and last > smaller / 2 and not matched:
        warnings.warn(
            f"ranks {first} to {last} reach past half of the {smaller} that {n_stimuli} stimuli and {n_neuroids} "
            f"neuroids give: alpha is biased there by finite sampling; end at {smaller // 2}, better at {smaller // 5}",
            stacklevel=2,
        )
    fraction = float(spectrum.attrs.get("draw_fraction", 0.5))
    draws = spectrum["eigenvalue_draw"].values if "eigenvalue_draw" in spectrum else np.empty((0, eigenvalue.size))
    n_negative = int((eigenvalue[first - 1 : last] <= 0).sum())
    if negative == "abs":
        eigenvalue, draws = np.abs(eigenvalue), np.abs(draws)
    how = _How(weights, method, draws, fraction, level)
    line, done, dropped = fit_line(eigenvalue, first, last, how)
    alphas = _draw_alphas(line, eigenvalue, how)
    low, high = interval(line.alpha, alphas, fraction, level)
    if draws.size and not np.isfinite(low):
        warnings.warn(
            f"no interval: ranks {first} to {last} reach past what the subsamples ({fraction} of stimuli and neuroids) "
            f"hold; end at {int(fraction * min(smaller, rank)) - 1}, or make the spectrum with a larger fraction",
            stacklevel=2,
        )
    attrs = spectrum.attrs
    grid = sensitivity(eigenvalue, window_grid(first, last, smaller, rank), how)
    by_construction = matched and attrs.get("model", "power") == "power"
    if by_construction:
        grid["r2"] = np.nan
    return AlphaFit(
        alpha=line.alpha,
        low=low,
        high=high,
        r2=np.nan if by_construction else line.r2,
        ranks=(first, last),
        n_used=len(line.groups),
        n_negative=n_negative,
        n_bins_dropped=dropped,
        method=done,
        weights=weights,
        level=level,
        intercept=line.intercept,
        n_draws=int(np.isfinite(alphas).sum()),
        estimator=str(attrs.get("estimator", "unknown")),
        identifier=str(attrs.get("identifier", "")),
        n_stimuli=n_stimuli,
        n_neuroids=n_neuroids,
        center=str(attrs.get("center", "unknown")),
        seed=int(attrs.get("seed", -1)),
        software=str(attrs.get("software", "unknown")),
        sensitivity=grid,
        p_value=float(attrs.get("p_value", np.nan)) if matched else np.nan,
        by_construction=by_construction,
    )


class _How(NamedTuple):
    """What every window is fitted with."""

    weights: str
    method: str
    draws: np.ndarray
    fraction: float
    level: float


def fit_line(eigenvalue: np.ndarray, first: int, last: int, how: _How) -> tuple[Line, str, int]:
    """Fit ranks first..last: each rank where all are positive, else geometric bins; also the method and bins dropped.

    Raises
    ------
    InputError
        When fewer than three bins rise above noise.
    """
    rank = np.arange(first, last + 1)
    window = eigenvalue[first - 1 : last]
    robust = how.method != "least squares"
    if (window > 0).all() and how.weights != "inverse variance" and not robust:
        return wls(rank, window, rank_weights(rank, how.weights)), "wls", 0
    bins = robust_bins(eigenvalue, first, last) if robust else make_bins(eigenvalue, first, last)
    if bins.used.sum() < 3:
        raise InputError(
            f"ranks {first} to {last} are not above noise: {int(bins.used.sum())} of {bins.used.size} geometric bins "
            "exceed 2 standard errors, a line needs 3; use lower ranks or more repeats"
        )
    dropped = int((~bins.used).sum())
    if robust:
        return robust_line(bins, how.method), how.method, dropped
    if how.weights == "inverse variance":
        bins = with_draw_errors(bins, how.draws, how.fraction)
    return binned(bins, how.weights), "binned", dropped


def sensitivity(eigenvalue: np.ndarray, windows: list[tuple[int, int]], how: _How) -> pd.DataFrame:
    """Alpha of every window by the method of :func:`fit_alpha`; NaN where a window is not above noise.

    Columns ``first``, ``last``, ``alpha``, ``low``, ``high``, ``r2``, ``n_negative``.
    """
    rows = []
    for first, last in windows:
        negative = int((eigenvalue[first - 1 : last] <= 0).sum())
        try:
            line, _, _ = fit_line(eigenvalue, first, last, how)
        except InputError:
            rows.append((first, last, *[np.nan] * 4, negative))
            continue
        ends = interval(line.alpha, _draw_alphas(line, eigenvalue, how), how.fraction, how.level)
        rows.append((first, last, line.alpha, *ends, line.r2, negative))
    return pd.DataFrame(rows, columns=["first", "last", "alpha", "low", "high", "r2", "n_negative"])


def _draw_alphas(line: Line, eigenvalue: np.ndarray, how: _How) -> np.ndarray:
    if how.method == "least squares":
        return draw_alphas(line, eigenvalue, how.draws)
    return robust_draws(line, how.draws, how.method)
