"""LiDAR: the effective rank of what tells images apart relative to what differs between views of one image."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from scipy import linalg

from neuroalpha.errors import InputError
from neuroalpha.spectrum import gram
from neuroalpha.spectrum.blocks import slices
from neuroalpha.spectrum.labelfree.checks import view_array
from neuroalpha.spectrum.labelfree.collapse import alike, resolution
from neuroalpha.spectrum.labelfree.entropy import check_epsilon, exp_entropy

Variant = Literal["paper", "squared eigenvalues"]
DELTA = 1e-4
EPSILON = 1e-7


class Scatter(NamedTuple):
    """Centred means of the objects (object, unit), and the covariance within objects (unit, unit)."""

    between: np.ndarray
    within: np.ndarray


def lidar(views: Any, *, variant: Variant = "paper", delta: float = DELTA, epsilon: float = EPSILON) -> float:
    """LiDAR: exp of the entropy of the eigenvalues of ``Sw^-1/2 Sb Sw^-1/2``.

    ``Sb`` is the covariance of the objects' means, ``Sw`` the mean covariance of the views about their object's mean,
    plus ``delta`` on the diagonal: linear discriminant analysis with each image as its own class.

    Parameters
    ----------
    views : array (object, view, unit)
        Features of several augmented views of each image, by the augmentations of the training. The paper takes about
        1000 images and 50 views.
    variant : {"paper", "squared eigenvalues"}
        ``"paper"`` (Thilak et al. 2024). ``"squared eigenvalues"``, as the toolbox reptrix computes: it runs PCA on the
        matrix above, as if its rows were data, which centres its columns and squares its eigenvalues. Smaller, and it
        changes with rotation. (That toolbox takes sums over views where the paper takes means: its ``del_sigma_augs``
        is this ``delta`` times the number of views.)
    delta : float
        Added to the diagonal of ``Sw``, in squared units of the features. Default 1e-4, as published: large against
        directions of less variance between views. 0 needs ``Sw`` of full rank.
    epsilon : float
        Added to every share, default 1e-7.

    Returns
    -------
    float
        From 1 to min(objects - 1, units), but for ``epsilon``. NaN where the means of all objects are alike. Does not
        change with rotation; nor with scale, if ``delta`` goes with its square.

    Raises
    ------
    InputError
        For anything but finite views of at least 2 objects and 2 views, a negative ``delta`` or ``epsilon``, or
        ``delta=0`` with views that leave a direction without variance.

    Notes
    -----
    Time for n objects, q views and p units: products n q p^2 and n p min(n, p), an eigendecomposition of side p.
    Memory: three matrices of side p, one of n x p, blocks of 32 MiB.

    References
    ----------
    Thilak, Huang, Saremi, Dinh, Goh, Nakkiran, Susskind & Littwin, ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> objects = rng.normal(size=(500, 1, 6)) * [1, 1, 1, 0, 0, 0]  # only three directions tell images apart
    >>> round(na.lidar(objects + 0.01 * rng.normal(size=(500, 10, 6))), 1)
    3.0
    """
    x = view_array(views)
    if variant not in get_args(Variant):
        raise InputError(f"variant is {variant!r}; expected one of {get_args(Variant)}")
    check_epsilon(delta, "delta")
    check_epsilon(epsilon)
    return of_scatter(scatter(x), variant, delta, epsilon)


def scatter(views: np.ndarray) -> Scatter:
    """Between and within scatter of views (object, view, unit), in float64, block by block."""
    n, q, p = views.shape
    means = np.empty((n, p))
    engine = gram.BLAS
    within = engine.zeros(p)
    for part in slices(n, q * p):
        block = views[part].astype(np.float64)
        means[part] = block.mean(axis=1)
        block -= means[part][:, None]
        engine.add_own(within, block.reshape(-1, p).T)
    centre = means.mean(axis=0)
    square = float(np.einsum("ij,ij->", means, means)) / means.size
    means -= centre
    if alike(float(np.einsum("ij,ij->", means, means)) / means.size, square, resolution(views)):
        means[:] = 0.0
    return Scatter(means, engine.full(within) / (n * q))


def of_scatter(found: Scatter, variant: Variant = "paper", delta: float = DELTA, epsilon: float = EPSILON) -> float:
    """LiDAR from the two scatters."""
    n, p = found.between.shape
    variance, axes = linalg.eigh(found.within, check_finite=False)
    variance = np.maximum(variance, 0.0) + delta
    if variance[0] <= variance[-1] * p * np.finfo(np.float64).eps:
        raise InputError(
            f"the views leave a direction of the {p} units without variance, and delta is {delta:g}: the covariance "
            "within objects has no inverse; give a larger delta, 1e-4 as published"
        )
    whitened = gram.multiply(found.between, axes / np.sqrt(variance))
    if variant == "paper":
        eigenvalue = gram.eigenvalues(gram.smaller_side(whitened, 0.0), min(n, p))
        return exp_entropy(np.r_[eigenvalue, np.zeros(p - eigenvalue.size)], epsilon)
    turned = gram.multiply(whitened, np.ascontiguousarray(axes.T))  # the symmetric root, which the centring depends on
    matrix = gram.multiply(turned.T, turned)
    matrix -= matrix.mean(axis=0)
    return exp_entropy(gram.eigenvalues(gram.smaller_side(matrix, 0.0), p), epsilon)
