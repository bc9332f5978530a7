"""Kernel: spectra of few parameters matched to unbiased moments (Pospisil & Pillow 2025, MEME), by least squares.

Two laws over all ranks 1..D: a power law, log lambda = c - a log n, and a continuous broken one whose exponent changes
from a1 to a2 at rank b. Moments are divided by powers of the first, so that none overflows. A moment that is known well
is compared by its logarithm, in which its error is close to Gaussian (the error of lambda_1 enters the p-th moment p
times over); one that noise dominates may be negative and is compared as it is; one that only repeats what a lower one
says is left out where stimuli are few. Weights are the inverse of the moments' correlation, with a ridge for what the
logarithm's straight line leaves: high moments are so alike that their differences would otherwise be trusted beyond it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from neuroalpha.spectrum.signal_moments import Moments

WELL_KNOWN = 0.5  # relative standard error up to which a moment is compared by its logarithm
ALIKE = 0.9  # correlation with the moment below at which a less known one adds nothing
# On the correlation, times the squared relative error: the square of the logarithm's second-order term is of that size.
# At 300 stimuli without noise the fit is off by ten times its error without it; from .05 to .5 coverage stays the same.
CURVATURE = 0.1
ROUNDING = 1e-9
STEEPEST = 6.0
STARTS = (0.4, 0.8, 1.2, 2.0)
BREAKS = (4.0, 10.0, 25.0, 60.0, 150.0)
N_PARAMETERS = {"power": 2, "broken": 4}


class Match(NamedTuple):
    """Parameters of the law, and the distance of its moments from the estimated ones with its degrees of freedom."""

    model: str
    theta: np.ndarray
    chi2: float
    dof: int

    @property
    def p_value(self) -> float:
        """Chance of moments at least this far from the law if the law holds."""
        return float(stats.chi2.sf(self.chi2, self.dof)) if self.dof > 0 else float("nan")


class Target(NamedTuple):
    """What is matched: moments of some orders, some as logarithms, in units of their error, and their weights' root."""

    order: np.ndarray
    value: np.ndarray
    error: np.ndarray
    logarithm: np.ndarray
    root_weight: np.ndarray


def log_spectrum(model: str, theta: np.ndarray, log_rank: np.ndarray) -> np.ndarray:
    """Log eigenvalues (rank,) of a law: theta (c, a), or (c, a1, log b, a2)."""
    if model == "power":
        return theta[0] - theta[1] * log_rank
    return theta[0] - theta[1] * log_rank - (theta[3] - theta[1]) * np.maximum(log_rank - theta[2], 0.0)


def gradient(model: str, theta: np.ndarray, log_rank: np.ndarray) -> np.ndarray:
    """Derivatives (parameter, rank) of the log eigenvalues."""
    if model == "power":
        return np.stack([np.ones_like(log_rank), -log_rank])
    beyond = np.maximum(log_rank - theta[2], 0.0)
    return np.stack([np.ones_like(log_rank), beyond - log_rank, (theta[3] - theta[1]) * (beyond > 0), -beyond])


def make_target(moments: Moments, scale: float, like: Target | None = None) -> Target:
    """Weigh moments in units of ``scale ** p``; ``like`` says which orders to use and which by their logarithm."""
    order = np.arange(1, moments.value.size + 1)
    value, covariance = moments.value / scale**order, moments.covariance / np.outer(scale**order, scale**order)
    error = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(error, error)
    if like is None:
        known = (value > 0) & (error < WELL_KNOWN * np.abs(value))
        used = known | (order <= 2) | ~(np.r_[1.0, np.diag(correlation, 1)] > ALIKE)
    else:
        used = np.isin(order, like.order)
        known = np.isin(order, like.order[like.logarithm]) & (value > 0)
    order, value, error, known = order[used], value[used], error[used], known[used]
    relative = np.where(known, error / np.where(known, value, 1.0), 0.0)
    correlation = correlation[np.ix_(used, used)] + np.diag(CURVATURE * relative**2 + ROUNDING)
    # The log of an unbiased estimate is low by half its relative variance.
    compared = np.where(known, np.log(np.where(known, value, 1.0)) + relative**2 / 2, value)
    error = np.where(known, relative, error)
    return Target(order, compared, error, known, np.linalg.inv(np.linalg.cholesky(correlation)))


def match(model: str, target: Target, n_neuroids: int, start: np.ndarray | None = None) -> Match:
    """Fit a law to the target by weighted least squares, from ``start`` or from several, keeping the best.

    ``dof`` may be zero or less where few moments are known; the p value is then NaN.
    """
    log_rank = np.log(np.arange(1, n_neuroids + 1))
    order = target.order[:, None]

    def residual(theta: np.ndarray) -> np.ndarray:
        moment = np.exp(order * log_spectrum(model, theta, log_rank)).mean(axis=1)
        return target.root_weight @ ((np.where(target.logarithm, np.log(moment), moment) - target.value) / target.error)

    def jacobian(theta: np.ndarray) -> np.ndarray:
        power = np.exp(order * log_spectrum(model, theta, log_rank))
        slope = order * (power @ gradient(model, theta, log_rank).T) / log_rank.size
        slope /= np.where(target.logarithm, power.mean(axis=1), 1.0)[:, None]
        return target.root_weight @ (slope / target.error[:, None])

    starts = _starts(model, log_rank) if start is None else [start]
    low, high = _bounds(model, log_rank)
    results = [
        optimize.least_squares(
            residual, np.clip(each, low + 1e-6, high - 1e-6), jacobian, bounds=(low, high), x_scale="jac", xtol=1e-10
        )
        for each in starts
    ]
    best = min(results, key=lambda result: result.cost)
    return Match(model, best.x, 2 * best.cost, order.size - N_PARAMETERS[model])


def at_bound(found: Match, n_neuroids: int) -> bool:
    """Whether a broken law's break or exponents ended at the edge of what is searched, so that they say nothing."""
    low, high = _bounds(found.model, np.log(np.arange(1, n_neuroids + 1)))
    edge = 1e-3 * np.maximum(1.0, np.abs(found.theta))
    return found.model == "broken" and bool(((found.theta < low + edge) | (found.theta > high - edge))[1:].any())


def _starts(model: str, log_rank: np.ndarray) -> list[np.ndarray]:
    """Starting points of mean eigenvalue 1."""
    if model == "power":
        laws = [np.array([0.0, a]) for a in STARTS]
    else:
        breaks = [b for b in BREAKS if 2 < b < np.exp(log_rank[-1]) / 2]
        laws = [np.array([0.0, a1, np.log(b), a2]) for b in breaks for a1, a2 in ((0.5, 1.2), (1.0, 1.0), (1.2, 0.6))]
    for law in laws:
        law[0] = -np.log(np.exp(log_spectrum(model, law, log_rank)).mean())
    return laws


def _bounds(model: str, log_rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponents from 0, and a break inside the ranks."""
    if model == "power":
        return np.array([-np.inf, 0.0]), np.array([np.inf, STEEPEST])
    return (
        np.array([-np.inf, 0.0, np.log(2), 0.0]),
        np.array([np.inf, STEEPEST, max(log_rank[-1] - np.log(2), np.log(3)), STEEPEST]),
    )
