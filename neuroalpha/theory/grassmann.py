"""Self-supervised learning as dynamics of subspaces: matrices of the losses, their flows, theory against simulation.

Re-derived after Esser, Mukherjee & Ghoshdastidar (2023, arXiv 2309.02011): the abstract and the introduction could be
read, the theorems and figures could not. A linear network u = M^T x has the loss tr(M^T C M), C of
:func:`grassmann_matrices`. Without constraint its outputs collapse to one direction (:func:`naive_collapse`). With
orthonormal weights the subspace that they span follows an exact, width-independent flow (:func:`grassmann_flow`), which
:func:`compare_grassmann` holds against gradient descent. Networks with a hidden layer are in
:func:`compare_random_features` and :func:`kernel_change`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.engine.inputs import rising
from neuroalpha.theory.projectors.checks import loss_matrix, start_frame, views
from neuroalpha.theory.projectors.exact import (
    exact_frame,
    limit_projector,
    log_growth,
    participation,
    principal_angles,
    scaled_weights,
)
from neuroalpha.theory.projectors.inputs import REDERIVED, made_by
from neuroalpha.theory.projectors.linear_comparison import compare_grassmann, naive_collapse
from neuroalpha.theory.projectors.losses import LOSSES, cross_matrix, symmetric_part
from neuroalpha.theory.projectors.wide import wide_product
from neuroalpha.theory.projectors.wide_networks import compare_random_features, kernel_change

__all__ = [
    "compare_grassmann",
    "compare_random_features",
    "grassmann_flow",
    "grassmann_matrices",
    "kernel_change",
    "naive_collapse",
]

FLOWS = ("constrained", "wide", "naive")


def grassmann_matrices(x: Any, positive: Any, negative: Any = None, *, center: bool = True) -> xr.Dataset:
    """Matrices of the two losses on linear outputs u = W^T x, from samples and their views.

    Contrastive: mean of u . (u- - u+), C = mean of x (x- - x+)^T. Non-contrastive: mean of -u . u+, C = -mean of
    x x+^T. The loss is tr(W^T C W), so only the symmetric part of C acts.

    Parameters
    ----------
    x, positive : (n, d)
        Samples and another view of each.
    negative : (n, d), optional
        A view of another sample. Without it there is no contrastive matrix.
    center : bool, optional
        Take the mean out of each view; otherwise the direction of the mean is the first that is learnt.

    Returns
    -------
    Dataset
        ``matrix`` (loss, feature, other_feature), symmetric; ``asymmetry`` (loss), the share of |C|_F that its
        antisymmetric part had; ``eigenvalue`` (loss, mode), rising: the first ones are learnt. Contrastive matrices may
        be indefinite.

    Raises
    ------
    InputError
        For views of different shapes, fewer than two samples, NaN, samples that are all the same.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 4)) * [2, 1, 1, 1]
    >>> found = grassmann_matrices(x, x)
    >>> bool(np.allclose(found.matrix[0], -np.cov(x.T, bias=True)))
    True
    """
    samples, positive, negative = views(x, positive, negative, center)
    names, matrices, odd = [], [], []
    for name in LOSSES:
        if name == "contrastive" and negative is None:
            continue
        whole_one = cross_matrix(samples, positive, negative if name == "contrastive" else None)
        names.append(name)
        matrices.append(symmetric_part(whole_one))
        odd.append(float(np.linalg.norm(whole_one - matrices[-1])) / max(float(np.linalg.norm(whole_one)), 1e-300))
    return xr.Dataset(
        {
            "matrix": (("loss", "feature", "other_feature"), np.stack(matrices)),
            "asymmetry": ("loss", odd),
            "eigenvalue": (("loss", "mode"), np.linalg.eigvalsh(np.stack(matrices))),
        },
        coords={"loss": np.array(names, dtype=object), "mode": np.arange(1, samples.shape[1] + 1)},
        attrs=made_by(source=REDERIVED, centred=str(bool(center)), n_samples=len(samples)),
    )


def grassmann_flow(matrix: Any, start: Any, times: Any, *, flow: str = "constrained") -> xr.Dataset:
    """Exact dynamics of a linear network under the loss tr(M^T C M).

    Parameters
    ----------
    matrix : (d, d)
        C, symmetric; it may be indefinite.
    start : (d, z)
        M at time 0. Orthonormal columns for ``"constrained"``, singular values of at most 1 for ``"wide"``, any of full
        rank for ``"naive"``.
    times : (t,)
        Learning rate times number of steps of gradient descent. What happens takes about 1 / |C|: ``scaled_time`` is
        time in that unit.
    flow : {"constrained", "wide", "naive"}, optional
        ``"constrained"``: W' = -2 (1 - W W^T) C W, one layer, and two layers with W1 (d, h), h <= d, at every width;
        solved by P(t) = Y (Y^T Y)^{-1} Y^T, Y = e^{-2 C t} W_0. ``"wide"``: M = W1^T W2 with W1 (h, d), h >= d, at
        every width, M' = -2 (2 C M - C M M^T M - M M^T C M), integrated to 1e-9. ``"naive"``: no constraint,
        W = e^{-2 C t} W_0.

    Returns
    -------
    Dataset
        dims ``time``, ``mode`` (z), ``feature``, ``other_feature``: ``kernel`` M M^T (constrained: the projector),
        ``loss``, ``principal_angle`` to the limit, the z lowest eigenvectors of C, in radians, rising; NaN where
        lambda_{z+1} = lambda_z leaves it undefined), ``singular_value`` of M, falling. For ``"naive"``, M is divided by
        its Frobenius norm, whose log is ``log_size``, and ``participation`` counts its singular values. attrs:
        ``limit_loss`` (sum of the z lowest eigenvalues), ``gap``, ``matrix_norm`` |C|.

    Raises
    ------
    InputError
        For a matrix that is not symmetric or all zeros, a start of wrong shape or not orthonormal, times that do not
        rise.

    Notes
    -----
    Re-derived, as the theorems of Esser et al. (2023) could not be read. The tangent of the largest principal angle
    falls as e^{-2 gap t} in the end. The naive flow spans the same subspace as the constrained one; only its singular
    values collapse.

    Examples
    --------
    >>> start = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 2)))[0]
    >>> found = grassmann_flow(np.diag([-1.0, -0.5, 0.2, 1.0]), start, [0.0, 5.0, 50.0])
    >>> round(float(found.loss[-1]), 3), round(found.limit_loss, 3)
    (-1.5, -1.5)
    """
    wanted = loss_matrix(matrix)
    if flow not in FLOWS:
        raise InputError(f"there is no flow {flow!r}{nearest(str(flow), FLOWS)}; there are {list(FLOWS)}")
    begin = start_frame(start, len(wanted), orthonormal=flow == "constrained")
    when = rising(times)
    n_outputs = begin.shape[1]
    if flow == "wide" and np.linalg.norm(begin, 2) > 1 + 1e-8:
        raise InputError(
            f"start has a singular value of {np.linalg.norm(begin, 2):.3g}; M = W1^T W2 of orthonormal weights has "
            "none above 1: divide it"
        )
    limit, limit_loss, gap = limit_projector(wanted, n_outputs)
    norm = float(np.abs(np.linalg.eigvalsh(wanted)).max())
    if flow == "constrained":
        product = exact_frame(wanted, begin, when)
    elif flow == "wide":
        product = wide_product(wanted, begin, when)
    else:
        product = scaled_weights(wanted, begin, when)
        product = product / np.linalg.norm(product, axis=(1, 2))[:, None, None]
    kernel = product @ product.swapaxes(1, 2)
    singular = np.linalg.svd(product, compute_uv=False)
    frame = exact_frame(wanted, np.linalg.qr(begin)[0], when) if flow == "naive" else np.linalg.svd(product)[0]
    angles = principal_angles(frame[..., :n_outputs], np.linalg.eigh(wanted)[1][:, :n_outputs])
    found = xr.Dataset(
        {
            "kernel": (("time", "feature", "other_feature"), kernel),
            "loss": ("time", np.einsum("tij,ij->t", kernel, wanted)),
            "principal_angle": (("time", "mode"), angles if gap > 1e-10 * norm else np.full_like(angles, np.nan)),
            "singular_value": (("time", "mode"), singular),
            "limit": (("feature", "other_feature"), limit),
        },
        coords={"time": when, "scaled_time": ("time", when * norm), "mode": np.arange(1, n_outputs + 1)},
        attrs=made_by(
            source=REDERIVED,
            flow=flow,
            limit_loss=limit_loss,
            gap=gap,
            matrix_norm=norm,
            time_unit="learning rate x steps",
        ),
    )
    if flow == "naive":
        found["log_size"] = "time", log_growth(wanted, begin, when)
        found["participation"] = "time", participation(singular**2)
    return found
