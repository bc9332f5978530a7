"""Comparisons as one labelled Dataset, and its table of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.comparison import Comparison


def comparison_dataset(
    comparisons: Sequence[Comparison],
    attrs: Mapping[str, str | int | float],
    targets: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Theory and simulation of several settings.

    Parameters
    ----------
    comparisons : sequence of Comparison
        Settings may differ in numbers of times and modes; NaN fills what one lacks.
    attrs : mapping
        How it was made; the version is added.
    targets : mapping of setting to float, optional
        Largest error that was agreed on at the larger step.

    Returns
    -------
    Dataset
        dims ``setting``, ``step`` (0 the larger), ``time_index``, ``mode``: ``simulated``, ``predicted``, ``time``,
        ``step_size``, ``max_error``, ``mean_error``, ``ratio``, ``seconds`` and, with targets, ``target``.

    Examples
    --------
    >>> from neuroalpha.theory.engine.comparison import compare
    >>> from neuroalpha.theory.engine.dynamics import Dynamics
    >>> decay = Dynamics("decay", (np.ones(1),), lambda s, h, i: (s[0] * (1 - h),), lambda s: s[0],
    ...                  lambda t: np.exp(-t)[:, None])
    >>> made = comparison_dataset([compare(decay, (0.01, 0.001), [0.0, 1.0])], {"source": "an example"})
    >>> float(made.ratio.sel(setting="decay").round(1))
    10.0
    """
    import neuroalpha

    many = list(comparisons)
    n_steps = max(len(each.step_sizes) for each in many)
    n_times = max(each.times.size for each in many)
    n_modes = max(each.predicted.shape[1] for each in many)
    simulated = np.full((len(many), n_steps, n_times, n_modes), np.nan)
    predicted = np.full((len(many), n_times, n_modes), np.nan)
    time, size = np.full((len(many), n_times), np.nan), np.full((len(many), n_steps), np.nan)
    largest, mean = size.copy(), size.copy()
    for row, each in enumerate(many):
        (steps, times, modes), count = each.simulated.shape, each.times.size
        simulated[row, :steps, :times, :modes] = each.simulated
        predicted[row, :times, :modes] = each.predicted
        time[row, :count], size[row, :steps] = each.times, each.step_sizes
        largest[row, :steps], mean[row, :steps] = each.max_error, each.mean_error
    made = xr.Dataset(
        {
            "simulated": (("setting", "step", "time_index", "mode"), simulated),
            "predicted": (("setting", "time_index", "mode"), predicted),
            "time": (("setting", "time_index"), time),
            "step_size": (("setting", "step"), size),
            "max_error": (("setting", "step"), largest),
            "mean_error": (("setting", "step"), mean),
            "ratio": ("setting", [each.ratio for each in many]),
            "seconds": ("setting", [each.seconds for each in many]),
        },
        coords={"setting": np.array([each.name for each in many], dtype=object), "mode": np.arange(1, n_modes + 1)},
        attrs={**attrs, "version": neuroalpha.__version__},
    )
    if targets:
        made["target"] = ("setting", [targets.get(each.name, np.nan) for each in many])
    return made


def error_table(dataset: xr.Dataset) -> pd.DataFrame:
    """One row for each setting: errors of the simulation against theory at the larger and the smaller step size.

    Columns: ``setting``, ``step_size``, ``smaller_step``, ``max_error``, ``max_error_smaller``, ``mean_error``,
    ``mean_error_smaller``, ``ratio`` (10 where the error is the step size's alone), and ``target`` where one is known.

    Raises
    ------
    InputError
        For a Dataset that is no comparison.

    Examples
    --------
    >>> import neuroalpha as na
    >>> table = na.theory.error_table(na.theory.compare_eigenspace(["euclidean iso"]))
    >>> bool(table.max_error[0] < 0.035)
    True
    """
    needed = ("step_size", "max_error", "mean_error", "ratio", "setting")
    if not isinstance(dataset, xr.Dataset) or not all(name in dataset for name in needed):
        raise InputError(
            "expected a Dataset that compares theory and simulation, as of neuroalpha.theory.compare_eigenspace, "
            "compare_grassmann or compare_related"
        )
    rows = []
    for place, name in enumerate(dataset["setting"].values):
        one = dataset.isel(setting=place)
        known = np.flatnonzero(np.isfinite(one["step_size"].values))
        first, last = known[0], known[-1]
        row: dict[str, str | float] = {"setting": str(name)}
        for column, at in (("", first), ("_smaller", last)):
            row["smaller_step" if column else "step_size"] = float(one["step_size"][at])
            row[f"max_error{column}"] = float(one["max_error"][at])
            row[f"mean_error{column}"] = float(one["mean_error"][at])
        row["ratio"] = float(one["ratio"])
        if "target" in dataset:
            row["target"] = float(one["target"])
        rows.append(row)
    order = ["setting", "step_size", "smaller_step", "max_error", "max_error_smaller", "mean_error"]
    order += ["mean_error_smaller", "ratio", *(["target"] if "target" in dataset else [])]
    return pd.DataFrame(rows)[order]
