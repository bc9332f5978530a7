"""Gradient descent on full matrices beside the exact modes of the related systems, labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.engine.comparison import Comparison, compare
from neuroalpha.theory.engine.dataset import comparison_dataset
from neuroalpha.theory.related_flows import stepwise, systems
from neuroalpha.theory.related_flows.matrices import symmetric_matrix

RELATED = (*systems.DIRECTPRED, *systems.STEPWISE, "supervised")
"""Names of the settings of :func:`compare_related`."""


def compare_related(
    settings: Sequence[str] | str | None = None,
    step_sizes: Sequence[float] | None = None,
    *,
    gamma: Any = None,
    n_modes: int = 6,
    n_inputs: int = 30,
    n_outputs: int = 10,
    seed: int = 2,
) -> xr.Dataset:
    """Gradient descent on full matrices against the exact modes of DirectPred, stepwise and supervised learning.

    Parameters
    ----------
    settings : names, optional
        Of RELATED; default all.
    step_sizes : numbers, optional
        Two or more; default 0.01 and 0.001, for stepwise learning 0.005 and 0.0005 over the largest eigenvalue.
    gamma : array (input, input), optional
        Of the stepwise settings. Default: eigenvalues 1, 1/2, 1/3, ... of ``n_inputs`` random eigenvectors.
    n_modes, n_inputs, n_outputs : int, optional
        Modes of DirectPred and of the task; inputs of all; outputs of the stepwise network.
    seed : int, optional

    Returns
    -------
    Dataset
        As of ``neuroalpha.theory.compare_eigenspace``; besides ``step_time_simulated`` (setting, step, mode),
        ``step_time_predicted`` (setting, mode) and ``step_time_error`` (setting, step): mean relative error of the
        times at which eigenvalues pass 1/2, which is what a random small start can be held to (the curves are so steep
        that a small shift is a large difference). The modes of DirectPred are p of all, then s of all, then tau of all.

    Raises
    ------
    InputError
        For unknown settings, a matrix that is not symmetric, step sizes that diverge.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.compare_related(["supervised"])
    >>> found.max_error.round(3).values.tolist(), float(found.ratio.round(1)[0])
    ([[0.041, 0.004]], 10.0)
    """
    names = [settings] if isinstance(settings, str) else list(RELATED if settings is None else settings)
    for name in names:
        if name not in RELATED:
            raise InputError(f"no setting {name!r}{nearest(str(name), RELATED)}; known are {', '.join(RELATED)}")
    if not names:
        raise InputError(f"no settings were given; known are {', '.join(RELATED)}")
    for value, label in ((n_modes, "n_modes"), (n_inputs, "n_inputs"), (n_outputs, "n_outputs")):
        whole(value, label, 1)
    check_seed(seed)
    if n_inputs < n_modes:
        raise InputError(f"n_inputs is {n_inputs} for {n_modes} modes; expected at least as many inputs as modes")
    matrix = pairs_matrix(n_inputs, seed) if gamma is None else symmetric_matrix(gamma, "gamma")
    comparisons, steps = [], []
    for name in names:
        if name in systems.DIRECTPRED:
            system = systems.predictor_system(name, systems.DIRECTPRED[name], n_modes, n_inputs, seed)
        elif name in systems.STEPWISE:
            system = systems.stepwise_system(name, matrix, n_outputs, systems.STEPWISE[name], seed)
        else:
            system = systems.supervised_system(name, n_modes, n_inputs, 2 * n_modes, seed)
        sizes, times = system.step_sizes, system.times
        if step_sizes is not None:
            sizes = tuple(step_sizes)  # type: ignore[assignment]
            times = systems.grid(float(times[-1]), max(sizes), times.size)
        comparisons.append(compare(system.dynamics, sizes, times))
        steps.append(system.predicted_steps)
    made = comparison_dataset(
        comparisons,
        {
            "source": "DirectPred: Tian 2021, read second-hand; stepwise: Simon 2023; supervised: Saxe 2013; derived",
            "expectation": "population",
            "seed": seed,
        },
    )
    if any(each is not None for each in steps):
        _add_step_times(made, comparisons, steps)
    return made


def pairs_matrix(n_inputs: int, seed: int) -> np.ndarray:
    """A cross-correlation (input, input) with eigenvalues 1, 1/2, 1/3, ... of random eigenvectors."""
    vectors = np.linalg.qr(np.random.default_rng([seed, 4]).standard_normal((n_inputs, n_inputs)))[0]
    return (vectors / np.arange(1, n_inputs + 1)) @ vectors.T


def _add_step_times(made: xr.Dataset, comparisons: list[Comparison], steps: list[np.ndarray | None]) -> None:
    n_settings, n_steps, n_modes = made.sizes["setting"], made.sizes["step"], made.sizes["mode"]
    simulated = np.full((n_settings, n_steps, n_modes), np.nan)
    predicted = np.full((n_settings, n_modes), np.nan)
    for row, (each, expected) in enumerate(zip(comparisons, steps, strict=True)):
        if expected is not None:
            predicted[row, : expected.size] = expected
            for place, curves in enumerate(each.simulated):
                simulated[row, place, : expected.size] = stepwise.crossings(each.times, curves)
    made["step_time_simulated"] = (("setting", "step", "mode"), simulated)
    made["step_time_predicted"] = (("setting", "mode"), predicted)
    made["step_time_error"] = abs(made["step_time_simulated"] / made["step_time_predicted"] - 1).mean("mode")
    made["step_time_error"] = made["step_time_error"].transpose("setting", "step")
