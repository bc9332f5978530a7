"""Kernel: how many equal shares have the entropy of these shares."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.errors import InputError


def exp_entropy(values: np.ndarray, epsilon: float = 0.0) -> float:
    """``exp(-sum p log p)`` with ``p = values / sum(values) + epsilon``; NaN where the values add up to zero.

    Without ``epsilon`` a share of zero counts as zero, its limit.

    Examples
    --------
    >>> round(exp_entropy(np.array([2.0, 2.0, 2.0, 0.0])), 12)
    3.0
    """
    total = float(values.sum())
    if not total > 0:
        return float("nan")
    share = values / total + epsilon
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def check_epsilon(epsilon: Any, name: str = "epsilon") -> float:
    """Return a number of at least zero as float, or say what was given."""
    sound = isinstance(epsilon, (int, float, np.integer, np.floating)) and not isinstance(epsilon, bool)
    if not sound or not 0 <= float(epsilon) < np.inf:
        raise InputError(f"{name} is {epsilon!r}; expected a number of at least 0")
    return float(epsilon)
