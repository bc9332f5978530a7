"""Labelled: gradient descent on linear networks against theory, with and without orthonormal weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.engine.comparison import Comparison, compare
from neuroalpha.theory.engine.dataset import comparison_dataset
from neuroalpha.theory.projectors.checks import rising, start_frame, symmetric, widths_of
from neuroalpha.theory.projectors.comparisons import angles_of, linear_dynamics, loss_of, naive_dynamics
from neuroalpha.theory.projectors.exact import limit_projector, participation, scaled_weights
from neuroalpha.theory.projectors.inputs import REDERIVED, TIME_UNIT, losses_of, made_by, views_or_made
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
        In units of 1 / |C|. Default: 0 to 40 by halves.
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
        As :func:`grassmann_flow`.

    Examples
    --------
    >>> matrix = np.diag([-1.0, -0.5, -0.4, 0.3])
    >>> found = naive_collapse(matrix, np.random.default_rng(0).normal(size=(4, 3)), [0.0, 10.0, 20.0])
    >>> found.participation_predicted.values[[0, -1]].round(2).tolist()
    [1.38, 1.0]
    """
    wanted = symmetric(matrix)
    begin = start_frame(start, len(wanted), orthonormal=False)
    when = np.linspace(0, 40, 81) if times is None else rising(times)
    wanted = wanted / np.abs(np.linalg.eigvalsh(wanted)).max()
    with threadpool_limits(1):
        run = compare(naive_dynamics("naive", wanted, begin), step_sizes, when)
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
        In units of 1 / |C|, |C| the largest absolute eigenvalue of the symmetric matrix, by which it is divided.
        Default: 0 to 6 by quarters.
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
        For widths that do not fit, views of different shapes, unknown names.
    DivergenceError
        An InputError: a step size is too large; says the largest that is not.

    Notes
    -----
    Re-derived, as the theorems of Esser et al. (2023) could not be read. Each layer descends on a Grassmannian: the
    part of its gradient within its own span is left out. That is what makes the dynamics independent of the width. The
    error at a step size depends on the start (it is larger the closer an angle to the limit is to 90 degrees), its
    fall with the step size does not. About 20 s on one core by default.

    Examples
    --------
    >>> found = compare_grassmann(losses=["contrastive"], tall_widths=[5, 30], wide_widths=[], retractions=["polar"])
    >>> found.setting.values.tolist()
    ['contrastive, one layer, polar', 'contrastive, tall 5, polar', 'contrastive, tall 30, polar']
    >>> bool((found.kernel_error[:, 0] < 0.01).all()), bool((found.kernel_error[:, 1] < 0.001).all())
    (True, True)
    """
    seed, n_outputs = check_seed(seed), whole(n_outputs, "n_outputs", 1)
    hows = [retractions] if isinstance(retractions, str) else [str(name) for name in retractions]
    for how in hows:
        if how not in (*RETRACTIONS, "geodesic"):
            known = [*RETRACTIONS, "geodesic"]
            raise InputError(f"there is no retraction {how!r}{nearest(how, known)}; there are {known}")
    three = views_or_made(x, positive, negative, center, seed, n_samples=500, n_features=30, n_outputs=n_outputs)
    n_features = three[0].shape[1]
    if n_outputs > n_features:
        raise InputError(f"n_outputs is {n_outputs}, but there are only {n_features} features")
    plan = _forms(n_features, n_outputs, tall_widths, wide_widths)
    when = np.linspace(0, 6, 25) if times is None else rising(times)
    frame = random_frame(n_features, n_outputs, seed + 1)  # not the draws that made the samples
    runs, labels, extra = [], [], []
    names = losses_of(losses, three[2] is not None)
    bar = tqdm(total=len(names) * len(plan) * len(hows), desc="settings", disable=not progress, delay=1)
    for loss in names:
        matrix = symmetric_part(cross_matrix(*(three if loss == "contrastive" else three[:2])))
        matrix /= np.abs(np.linalg.eigvalsh(matrix)).max()
        for form, width in plan:
            product = frame * (WIDE_SIZE if form == "wide" else 1.0)
            for how in hows:
                name = f"{loss}, {form}{f' {width}' if width else ''}, {how}"
                dynamics, residuals = linear_dynamics(name, matrix, product, form, width, how, seed)
                with threadpool_limits(1):  # thousands of small products: more threads only wait for each other
                    runs.append(compare(dynamics, step_sizes, when))
                labels.append((loss, form, width, how))
                extra.append(_extra(runs[-1], matrix, n_outputs) | {"residual": max(residuals)})
                bar.update()
    bar.close()
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


def _forms(
    n_features: int, n_outputs: int, tall: Sequence[int] | None, wide: Sequence[int] | None
) -> list[tuple[str, int]]:
    """Forms and widths, checked."""
    if tall is None:
        tall = sorted({max(round(n_features * part), n_outputs) for part in (1 / 6, 1 / 3, 2 / 3, 1)})
    if wide is None:
        wide = (n_features + max(10, n_outputs), 3 * n_features + n_outputs, 16 * n_features)
    plan = [("one layer", 0)]
    if np.size(tall):
        plan += [("tall", width) for width in widths_of(tall, n_outputs, "tall_widths", most=n_features)]
    if np.size(wide):
        least = n_features + n_outputs
        plan += [("wide", width) for width in widths_of(wide, n_outputs, "wide_widths", least=least)]
    return plan


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
