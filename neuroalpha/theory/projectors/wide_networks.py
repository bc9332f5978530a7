"""Labelled: networks of one hidden layer against width: frozen features as theory, and whose tangent kernel moves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError
from neuroalpha.theory.engine.dynamics import step_counts
from neuroalpha.theory.engine.inputs import real_array, two_steps
from neuroalpha.theory.projectors.checks import widths_of
from neuroalpha.theory.projectors.frozen import against_frozen
from neuroalpha.theory.projectors.inputs import REDERIVED, losses_of, made_by, names_of, times_of, views_or_made
from neuroalpha.theory.projectors.objectives import OBJECTIVES
from neuroalpha.theory.projectors.training import kernel_movement, slope

WIDTHS = (32, 128, 512, 2048)


def compare_random_features(
    x: Any = None,
    positive: Any = None,
    negative: Any = None,
    *,
    widths: Sequence[int] = WIDTHS,
    losses: Sequence[str] | None = None,
    n_outputs: int = 2,
    step_sizes: Sequence[float] = (0.02, 0.002),
    times: Any = None,
    seed: int = 0,
    center: bool = True,
    progress: bool = False,
) -> xr.Dataset:
    """Simulate u = W2^T tanh(W1 x) with orthonormal W2, and predict it from its features at the start.

    Both layers learn. W2 turns quickly (its gradient grows with the root of the width h), W1 hardly moves (its relative
    change falls with 1 / h), so that the exact projector of :func:`grassmann_flow` on the features of the start becomes
    right: its error falls with about 1 / h.

    Parameters
    ----------
    x, positive, negative : (n, d), optional
        Samples and views; all three or none, then 60 Gaussian samples of 20 features are made from the seed.
    widths : sequence of int, optional
        Hidden units; none smaller than ``n_outputs``.
    losses : sequence of str, optional
        Of ``"non-contrastive"``, ``"contrastive"``. Default: both that the views allow.
    n_outputs : int, optional
    step_sizes : sequence of two numbers, optional
        In units of 1 / |C_phi|, |C_phi| the largest absolute eigenvalue of the features' matrix at the start, which
        grows in proportion to h. At most 0.5.
    times : (t,), optional
        In the same units, whole multiples of both step sizes. Default: 0 to about 5 by about halves.
    seed : int, optional
        Of weights and made samples.
    center : bool, optional
        Take the mean out of each view.
    progress : bool, optional

    Returns
    -------
    Dataset
        dims ``loss``, ``width``, ``step`` (0 the larger), ``time``. ``kernel_error``: |K - K'| / |K'| of the embedding
        kernel K = u u^T of all samples, network against theory; ``frozen_error``: the same for steps of W2 alone, where
        only the step size separates the two, and its ``frozen_ratio`` (largest over widths and times, for a tenfold
        step); ``loss_simulated``,
        ``loss_predicted``; at the end, from the smaller step: ``first_change``, ``second_change`` (relative changes of
        W1, W2), ``kernel_change`` (of the tangent kernel by W2; NaN where the width is ``n_outputs``, which leaves
        none); at the start ``gradient_ratio`` |grad W2| / |grad W1|
        and ``curvature`` |C_phi|; ``slope`` of log error on log width.

    Raises
    ------
    InputError
        For widths smaller than the output, views of different shapes, step sizes that are too large.

    Notes
    -----
    Re-derived, as the theorems of Esser et al. (2023) could not be read. Time: one step costs about 6 views n h d
    products; the default about 15 s on one core.

    Examples
    --------
    >>> found = compare_random_features(widths=(32, 256), losses=["contrastive"], step_sizes=(0.25, 0.1))
    >>> bool(found.kernel_error[0, 1, 1, -1] < 0.3 * found.kernel_error[0, 0, 1, -1])
    True
    """
    seed, n_outputs = check_seed(seed), whole(n_outputs, "n_outputs", 1)
    sizes = two_steps(step_sizes)
    for size in sizes:
        share(size, "a step size of step_sizes", 1e-6, 0.5)
    known = widths_of(widths, n_outputs)
    when = times_of(times, sizes, until=5, spacing=0.5)
    counts = [step_counts(when, size) for size in sizes]
    three = views_or_made(x, positive, negative, center, seed, n_outputs=n_outputs)
    names = losses_of(losses, three[2] is not None)
    rows = []
    bar = tqdm(total=len(names) * len(known), desc="networks", disable=not progress, delay=1)
    for name in names:
        used = np.stack([view for view in (three if name == "contrastive" else three[:2]) if view is not None])
        for width in known:
            objective = OBJECTIVES[f"{name}, orthonormal W2"]
            with threadpool_limits(1):  # small products: more threads only wait for each other
                rows.append(against_frozen(objective, used, width, n_outputs, sizes, when, counts, seed))
            bar.update()
    bar.close()
    parts = {
        part: np.reshape([row[part] for row in rows], (len(names), len(known), *np.shape(rows[0][part])))
        for part in rows[0]
    }
    dims = ("loss", "width", "step", "time")
    found = xr.Dataset(
        {
            name: (dims[: values.ndim] if name != "loss_predicted" else ("loss", "width", "time"), values)
            for name, values in parts.items()
        },
        coords={"loss": np.array(names, dtype=object), "width": list(known), "step_size": ("step", list(sizes))}
        | {"time": when},
        attrs=made_by(
            seed,
            source=REDERIVED,
            time_unit="1 / |C_phi|, the largest absolute eigenvalue of the features' matrix at the start",
            activation="tanh",
            n_samples=len(three[0]),
            n_features=three[0].shape[1],
            n_outputs=n_outputs,
        ),
    )
    worst = found["frozen_error"].max(("width", "time")).values
    ratio = (worst[:, 0] / np.maximum(worst[:, -1], 1e-300)) ** (1 / np.log10(sizes[0] / sizes[-1]))
    found["frozen_ratio"] = "loss", np.where(worst[:, 0] > 1e-12, ratio, np.nan)  # below, it is rounding
    final = found["kernel_error"].values[:, :, -1, -1]
    found["slope"] = "loss", [slope(np.array(known), each) for each in final]
    return found


def kernel_change(
    x: Any = None,
    positive: Any = None,
    negative: Any = None,
    *,
    targets: Any = None,
    widths: Sequence[int] = WIDTHS,
    objectives: Sequence[str] | None = None,
    n_outputs: int = 2,
    step_size: float = 0.025,
    n_networks: int = 5,
    seed: int = 0,
    center: bool = True,
    progress: bool = False,
) -> xr.Dataset:
    """How far training moves the tangent kernel of u = s W2^T tanh(W1 x), at several widths.

    Both sides of a published disagreement. Esser et al. (2023) argue that kernels of self-supervised networks do not
    become constant with width; Fleissner, Anil & Ghoshdastidar (2024, arXiv 2411.11176) prove that under the Barlow
    Twins loss they do. Here the constraint decides: with orthonormal W2 the kernel moves at every width, for supervised
    learning too; with free weights in the scaling of neural tangent kernels it becomes constant, for contrastive
    learning too.

    Parameters
    ----------
    x, positive, negative : (n, d), optional
        Samples and views; all three or none, then 60 Gaussian samples of 20 features are made from the seed.
    targets : (n, z), optional
        For supervised learning. Default: a random linear function of x, each output of mean square 1. For orthonormal
        W2 they are shrunk to half of what its outputs can reach.
    widths : sequence of int, optional
    objectives : sequence of str, optional
        Default: all of ``neuroalpha.theory.projectors.objectives.OBJECTIVES``.
    n_outputs : int, optional
    step_size : float, optional
        In units of one over the largest curvature at the start, at most 0.5. Under orthonormal W2 narrow networks (8
        units) need 0.025, as their curvature grows.
    n_networks : int, optional
        Random starts to average over.
    seed : int, optional
        Of the first start and of made samples and targets.
    center : bool, optional
    progress : bool, optional

    Returns
    -------
    Dataset
        dims ``objective``, ``width``: relative changes from start to end (Frobenius norms over their values at the
        start) ``kernel_change``, of its parts by W1 and W2 ``kernel_change_first``, ``kernel_change_second`` (NaN where
        an orthonormal W2 is as wide as ``n_outputs``, which leaves it none), of the features' kernel
        ``feature_change``, of the weights ``first_change``, ``second_change``; ``loss_start``, ``loss_end``, all
        averaged over starts; ``kernel_change_sd`` between starts; ``slope`` of log kernel change on log width
        (objective).

    Raises
    ------
    InputError
        For widths smaller than the output, unknown objectives, views or targets of wrong shapes.
    DivergenceError
        An InputError: the step size is too large.

    Notes
    -----
    Under orthonormal W2, the part by W2 meets features through 1 - W2 W2^T: features themselves freeze
    (``feature_change`` falls), what moves is the projector. Time: about 20 s on one core by default.

    Examples
    --------
    >>> names = ["contrastive, orthonormal W2", "Barlow Twins, free weights"]
    >>> found = kernel_change(widths=(32, 256), objectives=names, n_networks=1)
    >>> found.kernel_change.sel(width=256).values.round(1).tolist()
    [0.9, 0.1]
    """
    seed, n_outputs = check_seed(seed), whole(n_outputs, "n_outputs", 1)
    length, n_networks = share(step_size, "step_size", 1e-6, 0.5), whole(n_networks, "n_networks", 1)
    known = widths_of(widths, n_outputs)
    names = list(OBJECTIVES) if objectives is None else names_of(objectives, OBJECTIVES, "objective", "objectives")
    three = views_or_made(x, positive, negative, center, seed, n_outputs=n_outputs)
    if three[2] is None and any(OBJECTIVES[name].n_views == 3 for name in names):
        raise InputError("contrastive objectives need negative views; give negative, or leave these objectives out")
    used = np.stack([view for view in three if view is not None])
    if targets is None:
        wanted = used[0] @ np.random.default_rng(seed + 2).standard_normal((used.shape[2], n_outputs))
        wanted /= np.sqrt((wanted**2).mean(axis=0))
    else:
        wanted = real_array(targets, "targets", 2)
        if wanted.shape != (used.shape[1], n_outputs):
            raise InputError(f"targets have shape {wanted.shape}; expected {(used.shape[1], n_outputs)}")
    rows = []
    shape = (len(names), len(known), n_networks)
    bar = tqdm(total=int(np.prod(shape)), desc="networks", disable=not progress, delay=1)
    for name, width, draw in itertools.product(names, known, range(n_networks)):
        with threadpool_limits(1):
            rows.append(kernel_movement(OBJECTIVES[name], used, wanted, width, length, seed + 10 * draw))
        bar.update()
    bar.close()
    drawn = {part: np.reshape([row[part] for row in rows], shape) for part in rows[0]}
    found = xr.Dataset(
        {part: (("objective", "width"), values.mean(axis=2)) for part, values in drawn.items()},
        coords={"objective": np.array(names, dtype=object), "width": list(known)},
        attrs=made_by(
            seed,
            source=REDERIVED + "; Barlow Twins after arXiv 2411.11176 (abstract), in Simon et al. 2023's form",
            time_unit="1 / largest curvature at the start",
            activation="tanh",
            step_size=length,
            n_networks=n_networks,
            n_samples=used.shape[1],
            n_features=used.shape[2],
            n_outputs=n_outputs,
        ),
    )
    spread = drawn["kernel_change"].std(axis=2, ddof=1) if n_networks > 1 else np.full(shape[:2], np.nan)
    found["kernel_change_sd"] = ("objective", "width"), spread
    found["slope"] = "objective", [slope(np.array(known), each) for each in found["kernel_change"].values]
    return found
