"""How far a run is, from its folder alone: also while it goes on, also on another machine."""

from __future__ import annotations

import os

import pandas as pd

from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.lock import is_locked, lives

COLUMNS = ("model", "images", "state", "done", "jobs", "reason")


def zoo_status(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """One row for each model on each image set of a run.

    Parameters
    ----------
    folder
        Of the run.

    Returns
    -------
    DataFrame
        ``model``, ``images``, ``state`` ("done", "running", "failed", "waiting"), ``done`` and ``jobs`` (how many have
        a result, how many there are; -1 where the model was not built yet), ``reason`` (of a failure, or who works on
        it).

    Raises
    ------
    InputError
        When the folder is not that of a run.

    Examples
    --------
    >>> zoo_status(tmp)
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: ... is not the folder of a run; ...
    """
    run = RunFolder.open(folder)
    alive = is_locked(run.path)
    rows = []
    for group in run.groups():
        known = run.jobs(group["key"])
        keys = [job["key"] for job in known["jobs"]] if known else []
        done = sum(run.has(key) for key in keys)
        mark = run.who_runs(group["key"]) if alive else None
        state, reason = "waiting", ""
        if mark is not None and lives(mark):
            state, reason = "running", f"process {mark['pid']} on {mark['host']}"
        elif run.failure(group["key"]) is not None:
            state, reason = "failed", why(run, group["key"])
        elif known is not None and done == len(keys):
            state = "done"
        rows.append((group["model"], group["images"], state, done, len(keys) if known else -1, reason))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def why(run: RunFolder, group: str) -> str:
    """The reason of a failure in one line."""
    failure = run.failure(group) or {"reason": "unknown", "layers": {}}
    if failure["reason"]:
        return str(failure["reason"])
    return "; ".join(f"layer {layer!r}: {reason}" for layer, reason in failure["layers"].items())
