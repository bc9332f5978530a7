"""Coherence: whether a few stimuli carry directions of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from neuroalpha.spectrum import gram
from neuroalpha.spectrum.blocks import row_blocks
from neuroalpha.spectrum.labelfree.checks import matrix


def coherence(features: Any) -> float:
    """Coherence: the largest leverage of a stimulus, as a multiple of the mean leverage.

    With U (n, r) the left singular vectors of the uncentred features, ``max_i |U_i|^2 n / r``. r counts the singular
    values that are not zero (to rounding): vectors of the null space, which a decomposition picks at will, are left
    out. Where no singular value is zero, r = min(n, p) as published.

    Parameters
    ----------
    features : array (stimulus, unit)
        As they are.

    Returns
    -------
    float
        From 1, where no stimulus stands out, to n / r, where a direction is in one stimulus only. NaN for features
        that are all zero. Does not change with any invertible linear map of the units. With at most as many stimuli
        as units it is 1 whatever the features, unless they are of lower rank.

    Notes
    -----
    Time: an eigendecomposition with vectors of side min(n, p), and two products n p min(n, p).

    References
    ----------
    Candes & Recht 2009, definition 1.2; as a score, Tsitsulin, Munkhoeva & Perozzi 2023, arXiv 2305.16562.

    Examples
    --------
    >>> round(coherence(np.kron([[1.0], [-1.0]], np.eye(3))), 12)
    1.0
    >>> round(coherence(np.vstack([np.eye(3), np.eye(3)[:2]])), 12)  # only one row points along the third axis
    1.666666666667
    """
    return of_scatter(matrix(features))[0]


def of_scatter(features: np.ndarray) -> tuple[float, np.ndarray]:
    """Coherence, and the squared singular values (component,) that come with it, descending."""
    n, p = features.shape
    values, vectors = linalg.eigh(gram.smaller_side(features, 0.0), overwrite_a=True, check_finite=False)
    floor = max(values[-1], 0.0) * min(n, p) * np.finfo(np.float64).eps
    kept = values > floor
    descending = np.where(kept, values, 0.0)[::-1]
    if not kept.any():
        return float("nan"), descending
    if n <= p:
        leverage = (vectors[:, kept] ** 2).sum(axis=1)
    else:
        whiten = vectors[:, kept] / np.sqrt(values[kept])
        leverage = np.empty(n)
        for rows, block in row_blocks(features):
            leverage[rows] = (gram.multiply(block.astype(np.float64), whiten) ** 2).sum(axis=1)
    return float(leverage.max() * n / kept.sum()), descending
