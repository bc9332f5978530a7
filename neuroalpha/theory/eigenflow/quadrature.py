"""Kernel: the rules (nodes, weights) by which the cosine loss's Gaussian expectations are summed.

The expectations are double integrals over r from 0 to infinity and t from 0 to 1 with weight 1 / sqrt(t (1 - t)); see
:mod:`neuroalpha.theory.eigenflow.cosine_field`. Their integrands fall like a power of r or an exponential, and have
poles at negative r and at negative t / (1 - t) only. Two changes of variable make both into smooth bells on the whole
line, where equally spaced nodes converge exponentially (the trapezoidal rule).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEP_R = 0.3
"""Spacing in the variable of r: leaves a relative error of 1e-11 for every spectrum that was tried."""
STEP_T = 0.25
LEFT_R = -3.4
"""Where r = exp(x - exp(-x)) is so small that nothing is left out below it."""


class Rule(NamedTuple):
    """Nodes and weights of one dimension."""

    nodes: np.ndarray
    rest: np.ndarray
    """1 - nodes for t, to full accuracy; of no meaning for r."""
    weights: np.ndarray


def radial_rule(log_spread: float) -> Rule:
    """Rule for r, from next to nothing up to exp(60 + log_spread)."""
    x = np.arange(LEFT_R, 60.0 + log_spread, STEP_R)
    r = np.exp(x - np.exp(-x))
    return Rule(r, r, STEP_R * r * (1 + np.exp(-x)))


def chebyshev_rule(count: int) -> Rule:
    """Rule for t that is exact for polynomials of degree 2 count - 1: best where all modes are alike."""
    angle = (np.arange(count) + 0.5) * np.pi / count
    return Rule(np.sin(angle / 2) ** 2, np.cos(angle / 2) ** 2, np.full(count, np.pi / count))


def logistic_rule(stretch: float) -> Rule:
    """Rule for t that is even in log(t / (1 - t)) from 0 to ``stretch`` and soon ends outside: for unlike modes."""
    x = np.arange(-4.2, stretch + 4.2 + STEP_T, STEP_T)
    grown, shrunk = np.exp(x - stretch), np.exp(-x)
    y = x + grown - shrunk
    half = np.abs(y) / 2
    weights = STEP_T * (1 + grown + shrunk) * np.exp(-half) / (1 + np.exp(-2 * half))
    return Rule(1 / (1 + np.exp(-y)), 1 / (1 + np.exp(y)), weights)
