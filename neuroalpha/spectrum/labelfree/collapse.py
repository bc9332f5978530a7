"""Kernel: whether a representation has collapsed, so that its spectrum is rounding or hardly more than one direction.

Features that should not vary do vary: by the rounding of the arithmetic that made them. Its spectrum looks like any
other once normalised, and a line through it gives an exponent of nothing. The verdict is the same while a network
trains and when its features are scored.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree import eigenvalues
from neuroalpha.spectrum.window import auto_window

ALIKE = 1e-4
"""Variance over images as a share of the mean square, below which they count as alike. Trained networks have .01 to 1;
what a collapsed one gives is the bias of its last layer, and bfloat16 rounds to 1e-5 of the square."""
ONE = 1.1
"""Participation ratio below which one dimension holds all: the first component has 95 % of the variance. Random
networks have 1.4 (a ResNet-20, for the brightness of the images) and more; SimSiam without stop-gradient has 1.03."""
FEWEST = 4
"""Fewer dimensions leave no exponent at all: windows by rule begin at rank 4."""
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


def why(eigenvalue: np.ndarray, square: float, n: int, p: int) -> str:
    """Say how n rows of p units have collapsed, by their spectrum above rounding; "" where they have not.

    ``square`` is the mean square over all entries (uncentred), which a collapsed last layer's bias makes up.
    """
    if square == 0:
        return "all values are 0"
    rank, possible = int((eigenvalue > 0).sum()), min(n - 1, p)
    if rank == 0:
        return "all images alike, but for rounding"
    share = float(eigenvalue.sum()) * (n - 1) / n / (square * p)
    if share < ALIKE:
        return f"all images alike: their variance is {share:.0e} of the mean square"
    relative = eigenvalue / eigenvalue.max()
    ratio = float(relative.sum() ** 2 / (relative @ relative))
    if ratio < ONE and possible > 1:
        return f"one dimension: the participation ratio is {ratio:.2f}"
    if rank < FEWEST and _window_for(n, p):
        return f"only {rank} of {possible} dimensions vary, too few for an exponent"
    return ""


def _window_for(n: int, p: int) -> bool:
    """Whether n rows of p units would have an exponent, if all their dimensions varied."""
    try:
        auto_window(n, p, min(n - 1, p))
    except InputError:
        return False
    return True


def why_collapsed(features: np.ndarray) -> str:
    """Say how features (image, unit) have collapsed; "" where they have not.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> why_collapsed(1 + 1e-4 * rng.normal(size=(50, 3)))
    'all images alike: their variance is 9e-09 of the mean square'
    >>> why_collapsed(rng.normal(size=(50, 1)) * np.ones(3))
    'one dimension: the participation ratio is 1.00'
    >>> why_collapsed(rng.normal(size=(50, 3)))
    ''
    """
    if not np.isfinite(features).all():
        return "values that are not finite"
    (n, p), square = features.shape, mean_square(features)
    return why(above_rounding(eigenvalues.centred(features), square, n, p, resolution(features)), square, n, p)


def mean_square(features: np.ndarray) -> float:
    """Mean square over all entries, added up in float64."""
    return float(np.mean(np.einsum("ij,ij->i", features, features, dtype=np.float64))) / features.shape[1]
