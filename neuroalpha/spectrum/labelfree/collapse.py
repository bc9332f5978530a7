"""Kernel: whether a representation has collapsed, so that its spectrum is rounding or a single direction.

Features that should not vary do vary: by the rounding of the arithmetic that made them. Its spectrum looks like any
other once normalised, and a line through it gives an exponent of nothing.
"""

from __future__ import annotations

import numpy as np

ONE_DIMENSION = 0.999  # share of the variance in one direction from which nothing else is worth an exponent
LOOSE = 10.0  # a network's rounding adds up over its layers
FINEST = 1e-12  # sums over thousands of stimuli round too, whatever the type


def resolution(features: np.ndarray) -> float:
    """Relative size of rounding in the features: of their type, or of float32 where float64 holds float32 values."""
    if features.dtype == np.float16:
        return float(np.finfo(np.float16).eps)
    if features.dtype.itemsize > 4:
        some = features[:64]
        with np.errstate(over="ignore"):
            narrow = bool((some.astype(np.float32) == some).all())
        return LOOSE * float(np.finfo(np.float32).eps) if narrow else FINEST
    return LOOSE * float(np.finfo(features.dtype).eps)


def alike(variance: float, square: float, relative: float) -> bool:
    """Whether values of this mean square vary by no more than rounding; both are means over all entries."""
    return variance <= relative**2 * square


def above_rounding(eigenvalue: np.ndarray, square: float, n: int, p: int, relative: float) -> np.ndarray:
    """Eigenvalues (component,) of a covariance with those set to zero that rounding alone would give.

    ``square`` is the mean square over all entries (uncentred): independent rounding of that relative size in n rows of
    p units has eigenvalues up to its variance times (1 + sqrt(p / n))^2 (Marchenko & Pastur).
    """
    floor = relative**2 * square * (1 + np.sqrt(p / n)) ** 2
    return np.where(eigenvalue > floor, eigenvalue, 0.0)


def why(eigenvalue: np.ndarray, possible: int) -> str:
    """Say how a spectrum above rounding has collapsed; "" where it has not.

    ``possible`` is how many directions could vary: min(n - 1, p).
    """
    rank = int((eigenvalue > 0).sum())
    if rank == 0:
        return "collapsed: all stimuli have the same features, but for rounding"
    largest = float(eigenvalue.max() / eigenvalue.sum())
    if rank == 1 or largest > ONE_DIMENSION:
        held = "all" if rank == 1 else f"{100 * largest:.2f} % of"
        return f"collapsed: one of {possible} dimensions holds {held} the variance"
    return ""
