"""Kernel: from simulated estimates at known exponents to the exponents that an observed estimate is compatible with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special, stats
from scipy.interpolate import PchipInterpolator
from sklearn.isotonic import IsotonicRegression

MIN_POINTS = 3
FINENESS = 4001


class Curve(NamedTuple):
    """What the estimator reads (grid point,) against the true exponent, and how far one reading lies from its mean.

    ``half`` is half the width of the interval that holds the next reading with the chosen probability.
    """

    true: np.ndarray
    mean: np.ndarray
    half: np.ndarray


class Inverse(NamedTuple):
    """Exponent whose mean reading is the observed one, the exponents that the reading does not exclude, and a remark.

    ``low`` of minus or ``high`` of plus infinity: not excluded down or up to the end of the grid.
    """

    alpha: float
    low: float
    high: float
    note: str


def summarise(estimates: np.ndarray) -> tuple[float, float, int]:
    """Mean, standard deviation and number of the estimates (simulation,) that are known (not NaN).

    Mean and deviation are NaN when fewer than 5, or fewer than half, are known.
    """
    known = estimates[np.isfinite(estimates)]
    if known.size < max(5, estimates.size / 2):
        return np.nan, np.nan, int(known.size)
    return float(known.mean()), float(known.std(ddof=1)), int(known.size)


def half_widths(true: np.ndarray, sd: np.ndarray, number: np.ndarray, level: float) -> np.ndarray:
    """Half the width (grid point,) of the interval that holds one more reading, from deviations at a few exponents.

    The spread is a smooth function of the exponent: a parabola (a line, for fewer than 5 points) through the logs of
    the variances, each corrected for its mean log error, uses all simulations for every point. Student's t with the
    degrees of freedom that leaves, times sqrt(1 + 1/n) for the error of the mean of n simulations: few simulations make
    the interval wide and not wrong.
    """
    half = np.full(true.size, np.nan)
    usable = np.isfinite(sd) & (sd > 0)
    if usable.sum() < MIN_POINTS:
        return half
    free = number[usable] - 1.0
    log_variance = 2 * np.log(sd[usable]) - special.digamma(free / 2) + np.log(free / 2)
    degree = 2 if usable.sum() >= 5 else 1
    smooth = np.polyval(np.polyfit(true[usable], log_variance, degree, w=np.sqrt(free)), true[usable])
    quantile = stats.t.ppf(0.5 + level / 2, free.sum() / (degree + 1))
    half[usable] = quantile * np.exp(smooth / 2) * np.sqrt(1 + 1 / number[usable])
    return half


def invert(curve: Curve, observed: float) -> Inverse:
    """Invert a calibration curve at an observed reading, and the test of every exponent between its ends.

    The means are made non-decreasing (isotonic regression: what is not can only be simulation noise, or a range in
    which the estimator does not tell exponents apart) and joined by a monotone cubic. An exponent is excluded when the
    reading lies further than ``half`` from its mean.
    """
    usable = np.isfinite(curve.mean) & np.isfinite(curve.half)
    if usable.sum() < MIN_POINTS:
        return Inverse(np.nan, np.nan, np.nan, "too few exponents of the grid give a readable spectrum")
    if not np.isfinite(observed):
        return Inverse(np.nan, np.nan, np.nan, "")
    true, half = curve.true[usable], curve.half[usable]
    mean = IsotonicRegression().fit(true, curve.mean[usable]).predict(true)
    fine = np.union1d(np.linspace(true[0], true[-1], FINENESS), true)
    expected, width = PchipInterpolator(true, mean)(fine), PchipInterpolator(true, half)(fine)
    low, high = _accepted(fine, np.abs(observed - expected) - width)
    for beyond, end, side, remedy in (
        (observed < mean[0], 0, "below", "smaller"),
        (observed > mean[-1], -1, "above", "larger"),
    ):
        if beyond:
            note = (
                f"{observed:.3f} is {side} what any alpha on the grid gives ({mean[end]:.3f} at alpha {true[end]:g}); "
                f"add {remedy} alphas"
            )
            return Inverse(np.nan, low, high, note)
    return Inverse(_crossing(fine, expected, observed), low, high, "")


def combine(inverses: list[Inverse]) -> Inverse:
    """One answer where any of several curves may be the right one: mean exponent, union of the intervals."""
    known = np.array([each.alpha for each in inverses if np.isfinite(each.alpha)])
    ends = [(each.low, each.high) for each in inverses if not np.isnan(each.low)]
    notes = list(dict.fromkeys(each.note for each in inverses if each.note))
    low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (np.nan, np.nan)
    return Inverse(float(known.mean()) if known.size else np.nan, float(low), float(high), "; ".join(notes))


def say_open(found: Inverse, smallest: float) -> Inverse:
    """Add to the note which ends of the interval are infinite, and what would close them."""
    notes = [found.note] if found.note else []
    for end, side, remedy in ((found.low, "below", "smaller"), (found.high, "above", "larger")):
        if np.isinf(end):
            said = f"add {remedy} alphas" in found.note or (side == "below" and smallest <= 0)
            notes.append(f"interval open {side}" + ("" if said else f"; add {remedy} alphas"))
    return found._replace(note="; ".join(notes))


def _crossing(fine: np.ndarray, expected: np.ndarray, observed: float) -> float:
    """Where a non-decreasing curve passes ``observed``; the middle where it stands still."""
    rounding = 1e-12 * max(expected[-1] - expected[0], abs(observed))
    first = int(np.searchsorted(expected, observed - rounding, side="left"))
    after = int(np.searchsorted(expected, observed + rounding, side="right"))
    if after > first:
        return float((fine[first] + fine[after - 1]) / 2)
    share = (observed - expected[first - 1]) / (expected[first] - expected[first - 1])
    return float(fine[first - 1] + share * (fine[first] - fine[first - 1]))


def _accepted(fine: np.ndarray, excess: np.ndarray) -> tuple[float, float]:
    """Ends of the range where ``excess`` is not above zero, refined linearly; infinite at the ends of the grid."""
    inside = np.flatnonzero(excess <= 0)
    if inside.size == 0:
        return np.nan, np.nan
    first, last = int(inside[0]), int(inside[-1])
    low, high = -np.inf, np.inf
    if first > 0:
        low = _root(fine[first - 1], fine[first], excess[first - 1], excess[first])
    if last < fine.size - 1:
        high = _root(fine[last], fine[last + 1], excess[last], excess[last + 1])
    return float(low), float(high)


def _root(a: float, b: float, at_a: float, at_b: float) -> float:
    return a + (b - a) * at_a / (at_a - at_b)
