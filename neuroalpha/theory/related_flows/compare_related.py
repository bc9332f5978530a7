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
from neuroalpha.theory.engine.inputs import symmetric, two_steps
from neuroalpha.theory.related_flows import stepwise, systems

RELATED = (*systems.DIRECTPRED, *systems.STEPWISE, "supervised")
"""Names of the settings of :func:`compare_related`."""
MOST_STEPS = 10_000_000
"""More are refused: they take minutes to hours."""


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
        Two or more, the largest a whole multiple of each; default 0.01 and 0.001, for stepwise learning 0.005 and
        0.0005 over the largest eigenvalue. Times are multiples of the largest, at least ten of them.
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
        that a small shift is a large difference). ``steps_missed`` (setting, step) counts predicted steps that the
        simulation does not take by the last time; the mean is NaN then. The modes of DirectPred are p of all, then s
        of all, then tau of all.

    Raises
    ------
    InputError
        For unknown settings or the same twice, a matrix that is not symmetric, step sizes of which the largest is not
        a multiple, or so small that ten million do not reach the end.
    DivergenceError
        An InputError (``neuroalpha.theory.engine.stability``): steps that are too large, with the largest that are not.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.compare_related(["supervised"])
    >>> found.max_error.round(3).values.tolist(), float(found.ratio.round(1)[0])
    ([[0.041, 0.004]], 10.0)
    """
    names = _names(settings)
    chosen = None if step_sizes is None else _whole_multiples(two_steps(step_sizes))
    for value, label in ((n_modes, "n_modes"), (n_inputs, "n_inputs"), (n_outputs, "n_outputs")):
        whole(value, label, 1)
    check_seed(seed)
    if n_inputs < n_modes and not all(name in systems.STEPWISE for name in names):
        raise InputError(f"n_inputs is {n_inputs} for {n_modes} modes; expected at least as many inputs as modes")
    matrix = pairs_matrix(n_inputs, seed) if gamma is None else symmetric(gamma, "gamma")
    comparisons, steps = [], []
    for name in names:
        if name in systems.DIRECTPRED:
            system = systems.predictor_system(name, systems.DIRECTPRED[name], n_modes, n_inputs, seed)
        elif name in systems.STEPWISE:
            system = systems.stepwise_system(name, matrix, n_outputs, systems.STEPWISE[name], seed)
        else:
            system = systems.supervised_system(name, n_modes, n_inputs, 2 * n_modes, seed)
        sizes = system.step_sizes if chosen is None else chosen
        n_steps = system.until / sizes[-1]
        if n_steps > MOST_STEPS:
            raise InputError(
                f"{name}: time {system.until:.3g} takes {n_steps:.3g} steps of {sizes[-1]:g}; expected at most "
                f"{MOST_STEPS:.0e}, so give larger step sizes"
            )
        comparisons.append(compare(system.dynamics, sizes, systems.grid(system.until, sizes[0], system.n_times)))
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
    """A cross-correlation (input, input) with eigenvalues 1, 1/2, 1/3, ... of random eigenvectors.

    Examples
    --------
    >>> np.linalg.eigvalsh(pairs_matrix(4, seed=0))[::-1].round(3).tolist()
    [1.0, 0.5, 0.333, 0.25]
    """
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
    known = np.isfinite(predicted)
    missed = (known[:, None] & np.isnan(simulated)).sum(axis=-1)
    share = np.abs(simulated / predicted[:, None] - 1)
    count = np.maximum(known.sum(axis=-1), 1)[:, None]
    whole_mean = np.where((missed == 0) & known.any(axis=-1)[:, None], np.nansum(share, axis=-1) / count, np.nan)
    made["step_time_error"] = (("setting", "step"), whole_mean)
    made["steps_missed"] = (("setting", "step"), missed)


def _names(settings: Any) -> list[str]:
    """Settings by name, each known and given once."""
    several = [settings] if isinstance(settings, str) else RELATED if settings is None else settings
    if not isinstance(several, (Sequence, np.ndarray)):
        raise InputError(f"settings is {settings!r}; expected names, of {', '.join(RELATED)}")
    names = list(several)
    for name in names:
        if not isinstance(name, str) or name not in RELATED:
            raise InputError(f"no setting {name!r}{nearest(str(name), RELATED)}; known are {', '.join(RELATED)}")
    if not names:
        raise InputError(f"no settings were given; known are {', '.join(RELATED)}")
    if len(set(names)) < len(names):
        raise InputError("a setting is listed twice; leave out the doubles")
    return names


def _whole_multiples(sizes: tuple[float, ...]) -> tuple[float, ...]:
    """Step sizes as they are, if steps of each meet at every step of the largest."""
    for size in sizes[1:]:
        times = sizes[0] / size
        if abs(times - round(times)) > 1e-9 * times:
            raise InputError(
                f"step sizes {sizes[0]:g} and {size:g} do not meet; take the smaller as a whole fraction of the "
                f"larger, as {sizes[0] / max(round(times), 2):g}"
            )
    return sizes
