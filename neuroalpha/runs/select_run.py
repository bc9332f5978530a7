"""From a table or run to a search for its best model: one row for each, and readouts that are made when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest
from neuroalpha.runs.plan import Plan

CHOICES = ("layer", "images", "window", "reduce")
"""Columns that tell rows of one model apart."""


def read_models(
    source: str | os.PathLike[str], scores: Sequence[str], accuracy: str, **chosen: str | None
) -> pd.DataFrame:
    r"""One row for each model of a CSV file or of a run, with accuracies in percent where there are any.

    Parameters
    ----------
    source
        A CSV file, or the folder of a run.
    scores
        Columns that must be there.
    accuracy
        Column with accuracies, as shares or in percent; it may be missing.
    chosen
        ``layer``, ``images``, ``window``, ``reduce``: which rows, where a model has several. Layer is ``backbone`` by
        default where there is one, window the table's first.

    Raises
    ------
    InputError
        For no such file or column (with the nearest), or where a model has several rows left.

    Examples
    --------
    >>> _ = (tmp / "zoo.csv").write_text("model,layer,alpha,accuracy\na,backbone,1.1,0.8\na,projector,2.0,0.7\n")
    >>> read_models(tmp / "zoo.csv", ["alpha"], "accuracy")[["model", "alpha", "accuracy"]].values.tolist()
    [['a', 1.1, 80.0]]
    """
    table = _read(Path(source))
    for name in ("model", *scores):
        if name not in table.columns:
            raise InputError(f"{source} has no column {name!r}{nearest(name, table.columns) or '; see its first line'}")
    for name in CHOICES:
        value = chosen.get(name)
        if name not in table.columns:
            if value is not None:
                raise InputError(f"{source} has no column {name!r} to choose {value!r} from; leave out --{name}")
            continue
        known = list(dict.fromkeys(table[name].astype(str)))
        if value is None and name == "layer" and "backbone" in known:
            value = "backbone"
        if value is None and name == "window":
            value = known[0]
        if value is None:
            continue
        if value not in known:
            raise InputError(
                f"{source} has no {name} {value!r}{nearest(value, known)}; there are {first_few(known, 8)}"
            )
        table = table[table[name].astype(str) == value]
    counts = table["model"].value_counts()
    if (counts > 1).any():
        several = [name for name in CHOICES if name in table.columns and table[name].nunique() > 1]
        hint = " or ".join(f"--{name}" for name in several) or "a table with one row for each"
        raise InputError(f"{counts.index[0]!r} has {counts.iloc[0]} rows in {source}; choose one with {hint}")
    if accuracy in table.columns:
        values = pd.to_numeric(table[accuracy], errors="coerce")
        if values.notna().any() and values.max() <= 1:
            columns = [name for name in table.columns if name == accuracy or name.startswith(f"{accuracy} at ")]
            table = table.assign(**{name: 100 * pd.to_numeric(table[name], errors="coerce") for name in columns})
    return table.reset_index(drop=True)


def _read(source: Path) -> pd.DataFrame:
    if source.is_dir():
        from neuroalpha.runs.results import run_table

        return run_table(source)
    try:
        return pd.read_csv(source)
    except FileNotFoundError as error:
        raise InputError(f"there is no table or run {source}") from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"cannot read {source} as a table (CSV): {str(error).splitlines()[0]}") from error


def without_readouts(plan: Plan) -> Plan:
    """The plan without what needs labels."""
    tasks = tuple(task for task in plan.tasks if task.kind in ("spectra", "train", "scores"))
    if len(tasks) == len(plan.tasks):
        raise InputError("the plan has no [[tasks]] of kind 'readouts': add one to read out the models that are chosen")
    if not any(task.kind == "spectra" for task in tasks):
        raise InputError("the plan has no [[tasks]] of kind 'spectra', which give alpha for all models")
    return replace(plan, tasks=tasks)


def reader(plan: Plan, folder: Path, layer: str, **options: Any) -> Callable[[Any], float]:
    """A readout for :func:`neuroalpha.select`: takes a row of the table, reads that model out, in percent.

    What it finds stays in ``folder``, so that the search can be interrupted and goes on from there.
    """
    from neuroalpha.runs.folder import RunFolder
    from neuroalpha.runs.run import run_zoo
    from neuroalpha.runs.task_columns import task_columns

    asked = replace(plan, tasks=tuple(task for task in plan.tasks if task.kind == "readouts"))

    def readout(row: Any) -> float:
        run_zoo(asked, folder, only=(row["model"],), progress=False, **options)
        found = task_columns(RunFolder.open(folder))
        found = found[(found["model"] == row["model"]) & (found["layer"] == layer)] if len(found) else found
        known = found["accuracy"].to_numpy(float) if "accuracy" in found else np.array([])
        if not np.isfinite(known).any():
            raise InputError(f"its readout failed: `neuroalpha zoo status {folder}` says why")
        return 100 * float(known[np.isfinite(known)][0])

    return readout
