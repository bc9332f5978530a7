"""Coding rate: the bits, in nats, that the representation takes at a given distortion."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.checks import matrix
from neuroalpha.spectrum.labelfree.eigenvalues import of_directions, uncentred
from neuroalpha.spectrum.labelfree.entropy import check_epsilon

DISTORTION = 0.01  # what the authors' code has where the paper writes epsilon squared


def coding_rate(features: Any, *, distortion: float = DISTORTION, normalise: bool = True) -> float:
    """Coding rate of MCR2: ``1/2 log det(I + p / (n distortion) Z' Z)`` for n rows of p units, in nats.

    Parameters
    ----------
    features : array (stimulus, unit)
        Not centred.
    distortion : float
        What the paper writes as epsilon squared. Default 0.01: the authors' code has ``eps = .01`` in that place, not
        its square.
    normalise : bool
        Scale every row to length one first (default), as the authors train on the unit sphere. Without it the rate
        grows with the scale of the features.

    Returns
    -------
    float
        From 1/2 log(1 + p / distortion), all rows alike, to p/2 log(1 + 1 / distortion), for rows that fill all p
        directions evenly. Compare at equal numbers of units.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 2 rows, or a distortion that is not positive.

    References
    ----------
    Yu, Chan, You, Song & Ma, NeurIPS 2020 (MCR2).

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> axes = np.tile(np.eye(4), (3, 1))
    >>> round(na.coding_rate(axes), 6), round(4 / 2 * float(np.log(1 + 1 / 0.01)), 6)
    (9.230241, 9.230241)
    """
    x = matrix(features)
    check_distortion(distortion)
    n, p = x.shape
    return of_eigenvalues(of_directions(x) if normalise else uncentred(x), n, p, distortion)


def check_distortion(distortion: Any) -> float:
    """Return a number above zero as float, or say what was given."""
    if not check_epsilon(distortion, "distortion") > 0:
        raise InputError(f"distortion is {distortion!r}; expected a number above 0")
    return float(distortion)


def of_eigenvalues(eigenvalue: np.ndarray, n: int, p: int, distortion: float = DISTORTION) -> float:
    """The rate from the eigenvalues of ``Z' Z`` (component,), of n rows and p units."""
    return float(0.5 * np.log1p(p / (n * distortion) * eigenvalue).sum())
