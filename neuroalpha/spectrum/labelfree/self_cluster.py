"""Self-cluster: how far the directions of the features huddle together."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.spectrum import gram
from neuroalpha.spectrum.labelfree.checks import matrix
from neuroalpha.spectrum.labelfree.eigenvalues import on_sphere


def self_cluster(features: Any) -> float:
    """Self-cluster: squared cosines between rows, 0 as for random directions, 1 for all rows alike.

    ``(|Z Z'|_F^2 - E) / (n^2 - E)`` with Z the n rows scaled to length one and ``E = n + n (n - 1) / p``, what
    directions spread evenly over p dimensions give on average.

    Parameters
    ----------
    features : array (stimulus, unit)
        Not centred: a large mean makes all rows alike. A row of zeros counts as orthogonal to all.

    Returns
    -------
    float
        At most 1; below 0 for rows more nearly orthogonal than random ones. Does not change with rotation or with the
        length of each row. NaN for a single unit, where every direction is the same line, and for
        features that are all zero.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 2 rows.

    References
    ----------
    Tsitsulin, Munkhoeva & Perozzi 2023, arXiv 2305.16562.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> white = np.random.default_rng(0).normal(size=(400, 50))
    >>> bool(abs(na.self_cluster(white)) < 0.001), round(na.self_cluster(np.ones((400, 50))), 6)
    (True, 1.0)
    """
    x = matrix(features)
    scatter = gram.smaller_side(on_sphere(x), 0.0)
    return of_square(float(np.vdot(scatter, scatter)), *x.shape)


def of_square(square: float, n: int, p: int) -> float:
    """The score from ``|Z Z'|_F^2``, the sum of the squared eigenvalues of ``Z' Z``."""
    expected = n + n * (n - 1) / p
    return (square - expected) / (n**2 - expected) if p > 1 and square > 0 else float("nan")
