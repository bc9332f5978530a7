"""Random search: what every rule must beat, and what it reaches on average, in closed form."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from neuroalpha.compare.rule import Rule


class RandomRule(Rule):
    """Reads models out in a random order, given as ``order``, until the budget ends."""


def random_success(n_models: int, n_good: int, readouts: np.ndarray) -> np.ndarray:
    """Chance that one of ``n_good`` models is among so many of ``n_models``, drawn without return.

    One less the hypergeometric chance of drawing none. A readout in parts (successive halving counts them) lies on the
    line between the two whole numbers around it.

    Examples
    --------
    >>> random_success(10, 1, np.array([0, 5, 10, 2.5]))
    array([0.  , 0.5 , 1.  , 0.25])
    """
    counts = np.arange(n_models + 1)
    left = n_models - n_good
    none = np.where(counts <= left, np.exp(_log_choose(left, counts) - _log_choose(n_models, counts)), 0.0)
    return np.interp(readouts, counts, 1 - none)


def random_regret(accuracies: np.ndarray, readouts: np.ndarray, top: float | None = None) -> np.ndarray:
    """Mean of what the best of so many models, drawn without return, lacks to the best of all (n_models,).

    ``top`` is the best there is where that is not among the models drawn from.

    The j-th best is the best drawn if it is drawn and the rest comes from those behind it. NaN below one readout.

    Examples
    --------
    >>> random_regret(np.array([70.0, 80, 90]), np.array([1, 2, 3])).round(3)
    array([10.   ,  3.333,  0.   ])
    """
    lost = np.sort((accuracies.max() if top is None else top) - accuracies)
    n = lost.size
    behind = n - 1 - np.arange(n)
    mean = np.full(n + 1, np.nan)
    for count in range(1, n + 1):
        chance = np.where(behind >= count - 1, np.exp(_log_choose(behind, count - 1) - _log_choose(n, count)), 0.0)
        mean[count] = chance @ lost
    asked = np.asarray(readouts, dtype=float)
    return np.where(asked < 1, np.nan, np.interp(asked, np.arange(1, n + 1), mean[1:]))


def _log_choose(n: np.ndarray | int, k: np.ndarray | int) -> np.ndarray:
    """Logarithm of the binomial coefficient; meaningless where k > n, which callers mask."""
    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)
