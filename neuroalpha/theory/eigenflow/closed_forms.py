"""Kernel: closed forms of the Euclidean flows: the time between two eigenvalues, and the eigenvalue at a time.

With p = lam^a, c = 1 + s1 and w the weight decay the fields of :mod:`neuroalpha.theory.eigenflow.fields` are

    iso                 p' = 2 a p (k - c p),                 k = 1 - w
    predictor           p' = -2 a p (c p^2 - b p + e),        b = 1, e = w
    no stop-gradient    the same,                             b = 2, e = 1 + s2 + w
    no predictor        lam' = -2 (s1 + w) lam

iso and no predictor are solved for p(t): p(t) = p0 / (exp(-2 a k t) + 2 a c p0 (1 - exp(-2 a k t)) / (2 a k)). For the
others partial fractions give t(p); without weight decay the predictor's is 2 a t = 1/p0 - 1/p + c ln[p (1 - c p0) /
(p0 (1 - c p))] (Halvagal, Laborieux & Zenke 2023), which y = 1/(c p) - 1 turns into y + ln y = y0 + ln y0 - 2 a t / c,
solved by Wright's omega function (y = omega(right side), the Lambert W function of its exponential). Where that does
not hold either, t(p) is inverted by Newton's method from a numerical solution. The forms with weight decay and noise
were derived for this library and are checked against an independent integrator.
"""

from __future__ import annotations

import numpy as np
from scipy.special import wrightomega

from neuroalpha.theory.eigenflow.basins import fixed_points
from neuroalpha.theory.eigenflow.fields import euclidean_rate
from neuroalpha.theory.eigenflow.settings import FlowSetting


def cubic_coefficients(setting: FlowSetting) -> tuple[float, float, float]:
    """(c, b, e) of p' = -2 a p (c p^2 - b p + e), for "predictor" and "no stop-gradient"."""
    c = 1 + setting.noise1
    if setting.variant == "predictor":
        return c, 1.0, setting.weight_decay
    return c, 2.0, 1 + setting.noise2 + setting.weight_decay


def solved(start: np.ndarray, times: np.ndarray, setting: FlowSetting) -> np.ndarray | None:
    """Eigenvalues (t, m) where the flow is solved for them, else None; start (m,) above 0."""
    a, c, w = setting.power, 1 + setting.noise1, setting.weight_decay
    t = times[:, None]
    if setting.variant == "no predictor":
        return start * np.exp(-2 * (setting.noise1 + w) * t)
    p0 = start**a
    if setting.variant == "iso":
        k = 1 - w
        with np.errstate(over="ignore"):
            shrunk = np.exp(-2 * a * k * t)
            passed = -np.expm1(-2 * a * k * t) / k if k else 2 * a * t
            return (p0 / (shrunk + c * p0 * passed)) ** (1 / a)
    if setting.variant == "predictor" and w == 0 and (c * p0 <= 1).all():
        with np.errstate(divide="ignore"):  # a mode at the fixed point has y = 0 and stays
            y0 = np.maximum(1 / (c * p0) - 1, 0.0)
            y = wrightomega(y0 + np.log(y0) - 2 * a * t / c)
        return (1 / (c * (1 + y))) ** (1 / a)
    return None


def time_between(first: np.ndarray, last: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Times that the Euclidean flow takes from eigenvalues to others, broadcast; inf where it never gets there.

    Examples
    --------
    >>> setting = FlowSetting(variant="iso")  # logistic: ln(9) to either side of a half at rate 2
    >>> time_between(np.array([0.1, 0.9]), np.array([0.9, 0.1]), setting).round(6)
    array([2.197225,      inf])
    """
    one, two = np.broadcast_arrays(np.asarray(first, np.float64), np.asarray(last, np.float64))
    a, c, w = setting.power, 1 + setting.noise1, setting.weight_decay
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if setting.variant == "no predictor":
            found = np.log(one / two) / (2 * (setting.noise1 + w))
        elif setting.variant == "iso":
            p0, p1, k = one**a, two**a, 1 - w
            ratio = (p1 - p0) / (p0 * (k - c * p1))
            whole = np.log(p1 / p0 * (k - c * p0) / (k - c * p1))  # the same, but for what cancels next to p0
            found = (np.where(np.abs(k * ratio) < 0.5, np.log1p(k * ratio), whole) / k if k else ratio) / (2 * a)
        else:
            found = cubic_time(one**a, two**a, *cubic_coefficients(setting)) / (2 * a)
    same = one == two
    return np.where(same, 0.0, np.where(_reaches(one, two, setting) & np.isfinite(found), found, np.inf))


def cubic_time(p0: np.ndarray, p1: np.ndarray, c: float, b: float, e: float) -> np.ndarray:
    """2 a t from p0 to p1: minus the integral of dp / (p (c p^2 - b p + e)), no root in between.

    Written so that nothing cancels for small e (the smaller root next to 0) or roots next to each other.
    """
    gap = b * b - 4 * c * e
    if gap < 0:
        wide = np.sqrt(-gap)
        one, two = 2 * c * p0 - b, 2 * c * p1 - b
        turn = np.arctan2(wide * (two - one), wide**2 + one * two)
        square = (c * p1 * p1 - b * p1 + e) / (c * p0 * p0 - b * p0 + e)
        return -(np.log(p1 / p0) - np.log(square) / 2 + b * turn / wide) / e
    upper = (b + np.sqrt(gap)) / (2 * c)
    lower = e / (c * upper)

    def primitive(p: np.ndarray) -> np.ndarray:
        near_zero = -_log_of_one_plus(-lower / p) / e if e else 1 / (b * p)
        apart = upper - lower
        between = _log_of_one_plus(-apart / (p - lower)) / apart if apart else -1 / (p - lower)
        return near_zero + between / (c * upper)

    return primitive(p0) - primitive(p1)


def polish(eigenvalues: np.ndarray, start: np.ndarray, times: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Bring numerical eigenvalues (t, m), right to 1e-6, to the closed form t(p) by Newton steps in log eigenvalue.

    Next to the fixed point a small change of eigenvalue is a long time, so the step is taken in the logarithm of the
    distance to it. Values that lie beyond it by an error are put on it.
    """
    threshold, end = fixed_points(setting)
    goal = np.where((start > threshold) & (end > 0), np.log(end) if end > 0 else 0.0, -np.inf)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # eigenvalues of 0 have log -inf
        log, begin = np.log(eigenvalues), np.log(start)
        beyond = np.isfinite(goal) & ((log - goal) * (begin - goal) <= 0)
        log = np.where(beyond, goal, log)
        for _ in range(3):
            late = times[:, None] - time_between(start, np.exp(log), setting)
            rate, away = euclidean_rate(log, setting), log - goal
            change = np.where(np.isfinite(away), away * np.expm1(rate / away * late), rate * late)
            log = np.where(np.abs(change) < 1e-4, log + change, log)
    return np.exp(log)


def _log_of_one_plus(x: np.ndarray) -> np.ndarray:
    """Log |1 + x|, to full accuracy for small x."""
    with np.errstate(divide="ignore"):
        return np.where(x > -1, np.log1p(np.maximum(x, -1.0)), np.log(np.abs(1 + x)))


def _reaches(one: np.ndarray, two: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Whether the flow moves from one towards two with no fixed point on the way."""
    a, c = setting.power, 1 + setting.noise1
    with np.errstate(divide="ignore"):
        towards = np.sign(two - one) == np.sign(euclidean_rate(np.log(one), setting))
    roots: list[float] = []
    if setting.variant == "iso":
        roots = [(1 - setting.weight_decay) / c]
    elif setting.variant != "no predictor":
        _, b, e = cubic_coefficients(setting)
        gap = b * b - 4 * c * e
        roots = [] if gap < 0 else [2 * e / (b + np.sqrt(gap)), (b + np.sqrt(gap)) / (2 * c)]
    for root in roots:
        level = max(root, 0.0) ** (1 / a)
        towards = towards & ((one - level) * (two - level) > 0)
    return towards & (one > 0) & (two > 0)
