"""Labelled: gradient descent on linear networks against theory, with and without orthonormal weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.theory.engine.comparison import Comparison, compare
from neuroalpha.theory.engine.dataset import comparison_dataset
from neuroalpha.theory.engine.inputs import two_steps
from neuroalpha.theory.projectors.checks import forms_of, loss_matrix, start_frame
from neuroalpha.theory.projectors.comparisons import angles_of, linear_dynamics, loss_of, naive_dynamics
from neuroalpha.theory.projectors.exact import limit_projector, participation, scaled_weights
from neuroalpha.theory.projectors.inputs import (
    REDERIVED,
    TIME_UNIT,
    losses_of,
    made_by,
    names_of,
    times_of,
    views_or_made,
)
from neuroalpha.theory.projectors.linear_nets import random_frame
from neuroalpha.theory.projectors.losses import cross_matrix, symmetric_part
from neuroalpha.theory.projectors.retraction import RETRACTIONS

WIDE_SIZE = 0.5  # singular values of M at the start of the wide form; 1 is their largest


def naive_collapse(
    matrix: Any, start: Any, times: Any = None, *, step_sizes: Sequence[float] = (0.01, 0.001)
) -> xr.Dataset:
    """Without constraint, all outputs learn the one direction of the lowest eigenvalue: theory and gradient descent.

    Parameters
    ----------
    matrix : (d, d)
        C, symmetric. It is divided by |C|, its largest absolute eigenvalue.
    start : (d, z)
        Weights at time 0, of full rank.
    times : (t,), optional
        In units of 1 / |C|, whole multiples of both step sizes. Default: 0 to about 40 by about halves, and 10 of the
        larger steps at least.
    step_sizes : sequence of two numbers, optional
        In the same units.

    Returns
    -------
    Dataset
        As of :func:`compare_grassmann` for the setting ``"naive"`` (modes are entries of W W^T over its trace), with
        ``participation_simulated`` (step, time_index) and ``participation_predicted`` (time_index): the participation
        ratio of the squared singular values of W, from z down to 1; ``singular_value`` (time_index, output), over the
        largest.

    Raises
    ------
    InputError
        As :func:`neuroalpha.theory.grassmann_flow`.
    DivergenceError
        An InputError: with this step size the highest eigenvalue takes over, or outputs do not settle; says the largest
        step with which the lowest one does. Linear theory: less than 1 / (lowest + highest eigenvalue of C / |C|) where
        that sum is above 0; otherwise steps of any size turn to the lowest.

    Examples
    --------
    >>> matrix = np.diag([-1.0, -0.5, -0.4, 0.3])
    >>> found = naive_collapse(matrix, np.random.default_rng(0).normal(size=(4, 3)), [0.0, 10.0, 20.0])
    >>> found.participation_predicted.values[[0, -1]].round(2).tolist()
    [1.38, 1.0]
    """
    wanted, sizes = loss_matrix(matrix), two_steps(step_sizes)
    begin = start_frame(start, len(wanted), orthonormal=False)
    when = times_of(times, sizes, until=40, spacing=0.5)
    wanted = wanted / np.abs(np.linalg.eigvalsh(wanted)).max()
    with threadpool_limits(1):
        run = compare(naive_dynamics("naive", wanted, begin), sizes, when)
    found = comparison_dataset(
        [run],
        made_by(source=REDERIVED, time_unit=TIME_UNIT, watched="entries of W W^T over its trace"),
    )
    size = len(wanted)

    def shares(kernels: np.ndarray) -> np.ndarray:
        return np.linalg.eigvalsh(kernels.reshape(*kernels.shape[:-1], size, size))

    found["participation_simulated"] = ("step", "time_index"), participation(shares(found["simulated"].values[0]))
    found["participation_predicted"] = "time_index", participation(shares(found["predicted"].values[0]))
    singular = np.linalg.svd(scaled_weights(wanted, begin, when), compute_uv=False)
    found["singular_value"] = ("time_index", "output"), singular / singular[:, :1]
    return found


def compare_grassmann(
    x: Any = None,
    positive: Any = None,
    negative: Any = None,
    *,
    losses: Sequence[str] | None = None,
    n_outputs: int = 3,
    tall_widths: Sequence[int] | None = None,
    wide_widths: Sequence[int] | None = None,
    retractions: Sequence[str] = ("polar", "geodesic"),
    step_sizes: Sequence[float] = (0.01, 0.001),
    times: Any = None,
    seed: int = 0,
    center: bool = True,
    progress: bool = False,
) -> xr.Dataset:
    """Gradient descent on linear networks of orthonormal weights against the exact flow of what they span.

    Parameters
    ----------
    x, positive, negative : (n, d), optional
        Samples and views. Default: 500 Gaussian samples of 30 features, made from the seed, of which ``n_outputs``
        directions stand out.
    losses : sequence of str, optional
        Of ``"non-contrastive"``, ``"contrastive"``. Default: both that the views allow.
    n_outputs : int, optional
    tall_widths, wide_widths : sequence of int, optional
        Hidden units of two-layer networks: from ``n_outputs`` to d (tall), at least d + ``n_outputs`` (wide). Default:
        about d / 6, d / 3, 2 d / 3, d; d + 10, 3 d, 16 d. An empty list leaves the form out.
    retractions : sequence of str, optional
        How steps return to orthonormal columns: ``"polar"``, ``"geodesic"``, ``"qr"`` (signs fixed), ``"plain qr"`` (a
        trap: LAPACK's signs; right for one layer, wrong for two).
    step_sizes : sequence of two numbers, optional
    times : (t,), optional
        In units of 1 / |C|, |C| the largest absolute eigenvalue of the symmetric matrix, by which it is divided; whole
        multiples of both step sizes. Default: 0 to about 6 by about quarters, and 10 of the larger steps at least.
    seed : int, optional
        Of starts and made samples.
    center : bool, optional
    progress : bool, optional

    Returns
    -------
    Dataset
        Of the comparison (dims ``setting``, ``step``, ``time_index``, ``mode``; ``neuroalpha.theory.error_table`` makes
        a table of it); modes are the d d entries of M M^T, as raw weights are defined up to a rotation only. Also
        ``kernel_error`` (setting, step), the largest |M M^T - theory|_F over times; ``loss_simulated``,
        ``loss_predicted``, ``angle_simulated``, ``angle_predicted`` (radians, to the limit); ``limit_loss``;
        ``residual`` (setting), the largest entry of |W^T W - 1|; coordinates ``loss``, ``form``, ``width`` (0: one
        layer), ``retraction``.

    Raises
    ------
    InputError
        For widths that do not fit, as many outputs as features (nothing can move), views of different shapes or of
        which nothing can be learnt, unknown names, times that are no whole number of steps.
    DivergenceError
        An InputError: a step size is too large; says the largest that is not.

    Notes
    -----
    Re-derived, as the theorems of Esser et al. (2023) could not be read. Each layer descends on a Grassmannian: the
    part of its gradient within its own span is left out. That is what makes the dynamics independent of the width. The
    error at a step size depends on the start (it is larger the closer an angle to the limit is to 90 degrees), its
    fall with the step size does not. The wide form begins at M of singular values 0.5; its ``kernel_error`` is that of
    M M^T, as in the other forms, somewhat larger than |M - theory|. About 20 s on one core by default.

    Examples
    --------
    >>> found = compare_grassmann(losses=["contrastive"], tall_widths=[5, 30], wide_widths=[], retractions=["polar"])
    >>> found.setting.values.tolist()
    ['contrastive, one layer, polar', 'contrastive, tall 5, polar', 'contrastive, tall 30, polar']
    >>> bool((found.kernel_error[:, 0] < 0.01).all()), bool((found.kernel_error[:, 1] < 0.001).all())
    (True, True)
    """
    seed, n_outputs = check_seed(seed), whole(n_outputs, "n_outputs", 1)
    sizes = two_steps(step_sizes)
    hows = names_of(retractions, (*RETRACTIONS, "geodesic"), "retraction", "retractions")
    three = views_or_made(x, positive, negative, center, seed, n_samples=500, n_features=30, n_outputs=n_outputs)
    n_features = three[0].shape[1]
    if n_outputs >= n_features:
        raise InputError(
            f"n_outputs is {n_outputs}, but there are only {n_features} features: as many orthonormal columns span all "
            f"of them, and nothing can move; give at most {n_features - 1}"
        )
    plan = forms_of(n_features, n_outputs, tall_widths, wide_widths)
    when = times_of(times, sizes, until=6, spacing=0.25)
    frame = random_frame(n_features, n_outputs, seed + 1)  # not the draws that made the samples
    names = losses_of(losses, three[2] is not None)
    matrices = {name: _scaled(three if name == "contrastive" else three[:2], name) for name in names}
    labels = [(loss, form, width, how) for loss in names for form, width in plan for how in hows]
    done: dict[tuple[str, str, int, str], tuple[Comparison, dict[str, Any]]] = {}
    with tqdm(total=len(labels), desc="settings", disable=not progress, delay=1) as bar:
        for label in sorted(labels, key=lambda label: _strictest(label, matrices)):
            loss, form, width, how = label
            product = frame * (WIDE_SIZE if form == "wide" else 1.0)
            name = f"{loss}, {form}{f' {width}' if width else ''}, {how}"
            dynamics, residuals = linear_dynamics(name, matrices[loss], product, form, width, how, seed)
            with threadpool_limits(1):  # thousands of small products: more threads only wait for each other
                run = compare(dynamics, sizes, when)
            done[label] = run, _extra(run, matrices[loss], n_outputs) | {"residual": max(residuals)}
            bar.update()
    runs, extra = [done[label][0] for label in labels], [done[label][1] for label in labels]
    found = comparison_dataset(
        runs,
        made_by(
            seed,
            source=REDERIVED,
            time_unit=TIME_UNIT,
            watched="entries of M M^T",
            n_samples=len(three[0]),
            n_features=n_features,
            n_outputs=n_outputs,
        ),
    )
    dims = {"simulated": ("step", "time_index"), "predicted": ("time_index",)}
    for name in extra[0]:
        tail = next((dims[ending] for ending in dims if name.endswith(ending)), ())
        tail = ("step",) if name == "kernel_error" else tail
        found[name] = ("setting", *tail, *(("angle",) if name.startswith("angle") else ())), [e[name] for e in extra]
    for place, name in enumerate(("loss", "form", "width", "retraction")):
        values = [label[place] for label in labels]
        found = found.assign_coords({name: ("setting", np.array(values, dtype=int if name == "width" else object))})
    return found


def _strictest(label: tuple[str, str, int, str], matrices: dict[str, np.ndarray]) -> tuple[bool, float, int]:
    """Sort key: settings that need the smallest steps first, so that a step named by one of them suits the others too.

    Wide needs all that one layer and tall do and more; the larger the range of eigenvalues, the smaller the steps.
    """
    loss, form, width, _ = label
    return form != "wide", -float(np.ptp(np.linalg.eigvalsh(matrices[loss]))), width


def _scaled(three: Sequence[np.ndarray | None], loss: str) -> np.ndarray:
    """C of these views (sample, feature) over |C|."""
    matrix = symmetric_part(cross_matrix(*three))  # type: ignore[arg-type]
    norm = float(np.abs(np.linalg.eigvalsh(matrix)).max())
    size = max(float(np.linalg.norm(view)) for view in three if view is not None) ** 2 / len(three[0])  # type: ignore[arg-type]
    if not norm > 1e-13 * size:
        raise InputError(f"the matrix of the {loss} loss is all zeros: there is nothing to learn from these views")
    return matrix / norm


def _extra(run: Comparison, matrix: np.ndarray, n_outputs: int) -> dict[str, Any]:
    """What is read off the kernels of one comparison."""
    return {
        "kernel_error": np.linalg.norm(run.simulated - run.predicted, axis=2).max(axis=1),
        "loss_simulated": loss_of(run.simulated, matrix),
        "loss_predicted": loss_of(run.predicted, matrix),
        "angle_simulated": angles_of(run.simulated, matrix, n_outputs),
        "angle_predicted": angles_of(run.predicted, matrix, n_outputs),
        "limit_loss": limit_projector(matrix, n_outputs)[1],
    }
