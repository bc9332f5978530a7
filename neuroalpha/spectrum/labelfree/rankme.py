"""RankMe: the effective rank of the embeddings, and what other tools call by that name."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.checks import matrix
from neuroalpha.spectrum.labelfree.eigenvalues import centred, uncentred
from neuroalpha.spectrum.labelfree.entropy import check_epsilon, exp_entropy

Variant = Literal["paper", "centred eigenvalues"]
GUARD = 1e-7  # what the paper, and the toolboxes after it, add to every share


def rankme(features: Any, *, variant: Variant = "paper", epsilon: float | None = None) -> float:
    """RankMe: exp of the entropy of the singular values' shares.

    Parameters
    ----------
    features : array (stimulus, unit)
        Embeddings, as they are: the paper takes a projector's output for 25,600 images. An assembly will do.
    variant : {"paper", "centred eigenvalues"}
        ``"paper"`` (Garrido et al. 2023, eq. 1): shares of the singular values of the *uncentred* embeddings.
        ``"centred eigenvalues"``, as the toolbox reptrix computes: shares of the eigenvalues of the covariance, which
        is the effective rank of :func:`neuroalpha.dimensions`; smaller, as squaring widens differences.
    epsilon : float, optional
        Added to every share. Default: 0 for ``"paper"``, where a share of zero then counts as zero; 1e-7 for the
        variant, as in that toolbox. The paper writes 1e-7 to guard the logarithm in float32; ``epsilon=1e-7`` adds it.

    Returns
    -------
    float
        Between 1 and min(stimuli, units); NaN for embeddings that are all zero (variant: that never vary). Does not
        change with scale or rotation. Compare at equal numbers of stimuli.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 2 rows.

    Notes
    -----
    Time: one product n p min(n, p) and one eigenvalue problem of side min(n, p): 1.5 s for 10,000 x 2,048 on one core.
    The authors say that it should compare runs of one method only, and that a high rank is necessary, not sufficient.

    References
    ----------
    Garrido, Balestriero, Najman & LeCun, ICML 2023.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> axes = np.repeat(np.eye(5), 4, axis=0)
    >>> round(na.rankme(axes), 6), round(na.rankme(axes, variant="centred eigenvalues", epsilon=0), 6)
    (5.0, 4.0)
    """
    x = matrix(features)
    if variant not in get_args(Variant):
        raise InputError(f"variant is {variant!r}; expected one of {get_args(Variant)}")
    if epsilon is None:
        epsilon = 0.0 if variant == "paper" else GUARD
    check_epsilon(epsilon)
    if variant == "paper":
        return of_singular(np.sqrt(uncentred(x)), epsilon)
    return of_covariance(centred(x), min(x.shape), epsilon)


def of_singular(singular: np.ndarray, epsilon: float = 0.0) -> float:
    """RankMe from singular values (component,)."""
    return exp_entropy(singular, epsilon)


def of_covariance(eigenvalue: np.ndarray, size: int, epsilon: float = GUARD) -> float:
    """The variant from eigenvalues of the covariance (component,), as if there were ``size`` = min(n, p) of them."""
    return exp_entropy(np.r_[eigenvalue, np.zeros(size - eigenvalue.size)], epsilon)
