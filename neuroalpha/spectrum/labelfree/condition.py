"""Pseudo condition number: the smallest singular value over the largest."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.spectrum.labelfree.checks import matrix
from neuroalpha.spectrum.labelfree.eigenvalues import uncentred


def condition(features: Any) -> float:
    """Pseudo condition number: the smallest of the min(n, p) singular values over the largest, features uncentred.

    Parameters
    ----------
    features : array (stimulus, unit)
        As they are.

    Returns
    -------
    float
        Between 0 and 1; exactly 0 where it is under about 1e-6, which rounding cannot tell from 0. NaN for features
        that are all zero.

    References
    ----------
    Tsitsulin, Munkhoeva & Perozzi 2023, arXiv 2305.16562.

    Examples
    --------
    >>> round(condition(np.diag([4.0, 2.0, 1.0])), 12)
    0.25
    """
    return of_eigenvalues(uncentred(matrix(features)))


def of_eigenvalues(eigenvalue: np.ndarray) -> float:
    """The same from squared singular values (component,), descending."""
    return float(np.sqrt(eigenvalue[-1] / eigenvalue[0])) if eigenvalue[0] > 0 else float("nan")
