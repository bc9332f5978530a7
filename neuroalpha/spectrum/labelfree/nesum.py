"""NESum and stable rank: all variance over that of the largest direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.spectrum.labelfree.checks import matrix
from neuroalpha.spectrum.labelfree.eigenvalues import centred, uncentred


def nesum(features: Any) -> float:
    """NESum: the sum of the covariance's eigenvalues over the largest one.

    Parameters
    ----------
    features : array (stimulus, unit)
        Representations; centred here.

    Returns
    -------
    float
        Between 1 and min(stimuli - 1, units); NaN for features that never vary. Does not change with scale, rotation or
        shift.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 2 rows.

    References
    ----------
    He & Ozay, ICML 2022, definition 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> square = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    >>> round(na.nesum(square), 12), round(na.nesum(square + 100), 12)
    (2.0, 2.0)
    """
    return over_largest(centred(matrix(features)))


def stable_rank(features: Any) -> float:
    """Stable rank of the features as they are: squared Frobenius norm over squared largest singular value.

    Parameters
    ----------
    features : array (stimulus, unit)
        Not centred: where the mean is large it is the largest direction, and the stable rank tells of little else.
        Of centred features the same is :func:`neuroalpha.nesum`, which is also the ``stable_rank`` of
        :func:`neuroalpha.dimensions`.

    Returns
    -------
    float
        Between 1 and min(stimuli, units); NaN for features that are all zero.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 2 rows.

    References
    ----------
    Tsitsulin, Munkhoeva & Perozzi 2023, arXiv 2305.16562, as a score of embeddings.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> square = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    >>> round(na.stable_rank(square), 12), round(na.stable_rank(square + 100), 3)
    (2.0, 1.0)
    """
    return over_largest(uncentred(matrix(features)))


def over_largest(eigenvalue: np.ndarray) -> float:
    """Sum of eigenvalues (component,), descending, over the first; NaN where that is zero."""
    return float(eigenvalue.sum() / eigenvalue[0]) if eigenvalue.size and eigenvalue[0] > 0 else float("nan")
