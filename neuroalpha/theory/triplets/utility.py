"""Kernel: what information is worth, by the three utilities of the paper (its Figure 1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuroalpha.errors import InputError, nearest

EDGE = 1e-6  # the logit of 0 and of 1 is infinite; read no nearer to them than this, it stays within +-13.8


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _logit(x: np.ndarray) -> np.ndarray:
    inside = np.clip(x, EDGE, 1 - EDGE)
    return np.log(inside / (1 - inside))


Utility = Callable[[np.ndarray], np.ndarray]

UTILITIES: dict[str, Utility] = {
    "linear": lambda x: x,
    "sigmoid": _sigmoid,
    "logit": _logit,
}


def utility_of(score: np.ndarray, utility: str | Utility = "linear") -> np.ndarray:
    """Utility u^ of a score, where a score is a correlation rho, an information ratio or a share of information.

    Parameters
    ----------
    score : array
        Any shape; for "logit" it is kept within 1e-6 and 1 - 1e-6.
    utility : {"linear", "sigmoid", "logit"} or function
        The paper's rho, sigma(rho) and sigma^-1(rho), or a function of an array that returns one of the same shape.

    Returns
    -------
    array

    Raises
    ------
    InputError
        A name that is not known, a function that returns another shape or values that are not finite.

    Examples
    --------
    >>> utility_of(np.array([0.0, 0.5]), "sigmoid").round(2), float(utility_of(np.array(0.5), "logit"))
    (array([0.5 , 0.62]), 0.0)
    """
    score = np.asarray(score, dtype=np.float64)
    if callable(utility):
        given = np.asarray(utility(score), dtype=np.float64)
        if given.shape != score.shape or not np.isfinite(given).all():
            raise InputError(
                f"the utility gave shape {given.shape} for scores of shape {score.shape}, or values that are not "
                "finite; expected one finite number for each score"
            )
        return given
    if utility not in UTILITIES:
        known = ", ".join(map(repr, UTILITIES))
        raise InputError(f"utility {utility!r} is not known; expected one of {known}{nearest(str(utility), UTILITIES)}")
    return UTILITIES[utility](score)
