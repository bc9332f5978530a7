"""What is told of a training, epoch by epoch: a table, and eigenvalues of objectives that have them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha._files import atomic_path
from neuroalpha.storage import load, save

LAYERS = ("backbone", "projector")
COLUMNS = (
    "epoch",
    "step",
    "loss",
    "lr",
    *(f"{measure}: {layer}" for measure in ("alpha", "effective_rank") for layer in LAYERS),
    "readout_accuracy",
    "knn_accuracy",
    "collapsed",
    "seconds",
)


class History:
    """Rows of epochs, each with :data:`COLUMNS` and the objective's own numbers, and its eigenvalues."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._traces: list[tuple[int, np.ndarray]] = []

    def add(self, row: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """Keep an epoch's numbers; of the objective's report, single numbers become columns ``objective: name``."""
        own = {f"objective: {name}": float(value) for name, value in report.items() if np.ndim(value) == 0}
        self.rows.append({**row, **own})
        if "eigenvalues" in report:
            values = np.sort(np.asarray(report["eigenvalues"], dtype=np.float64))[::-1]
            self._traces.append((int(row["epoch"]), values))

    def table(self) -> pd.DataFrame:
        """One row for each epoch; what was not measured in it is NaN."""
        others = dict.fromkeys(name for row in self.rows for name in row if name not in COLUMNS)
        found = pd.DataFrame(self.rows, columns=[*COLUMNS, *others])
        return found.astype({"epoch": int, "step": int, "collapsed": str})

    def eigenvalues(self, objective: str) -> xr.DataArray | None:
        """(epoch, component), largest first, or None for objectives without."""
        if not self._traces:
            return None
        values = np.stack([trace for _, trace in self._traces])
        coords = {
            "epoch": [epoch for epoch, _ in self._traces],
            "rank": ("component", np.arange(1, values.shape[1] + 1)),
        }
        return xr.DataArray(
            values, coords, ("epoch", "component"), "eigenvalue", {"objective": objective, "of": "objective's matrix"}
        )

    def state(self) -> str:
        """Text that :meth:`restore` takes; numbers come back as they were."""
        return json.dumps({"rows": self.rows, "traces": [[epoch, trace.tolist()] for epoch, trace in self._traces]})

    def restore(self, state: str) -> None:
        """Take over a :meth:`state`."""
        held = json.loads(state)
        self.rows, self._traces = held["rows"], [(epoch, np.array(trace)) for epoch, trace in held["traces"]]

    def write(self, folder: Path, objective: str) -> None:
        """``history.csv``, and ``eigenvalues.nc`` where there are some."""
        with atomic_path(folder / "history.csv") as part:
            self.table().to_csv(part, index=False)
        traces = self.eigenvalues(objective)
        if traces is not None:
            save(traces, folder / "eigenvalues.nc")


def read_history(folder: Path) -> tuple[pd.DataFrame, xr.DataArray | None]:
    """What :meth:`History.write` wrote."""
    # As text first: not every version of pandas reads numbers to the last bit.
    table = pd.read_csv(folder / "history.csv", dtype=str, keep_default_na=False)
    for name in table.columns:
        if name != "collapsed":
            numbers = [float(text) if text else math.nan for text in table[name]]
            table[name] = np.array(numbers).astype(int if name in ("epoch", "step") else float)
    path = folder / "eigenvalues.nc"
    return table, load(path) if path.exists() else None  # type: ignore[return-value]


def summary(row: Mapping[str, Any]) -> dict[str, str]:
    """The latest numbers in short, for a progress line; what is NaN is left out."""
    shown = {
        "loss": ("loss", ".4g"),
        "alpha": ("alpha: backbone", ".2f"),
        "rank": ("effective_rank: backbone", ".1f"),
        "readout": ("readout_accuracy", ".1%"),
        "kNN": ("knn_accuracy", ".1%"),
    }
    found = {short: format(row[name], how) for short, (name, how) in shown.items() if math.isfinite(row[name])}
    return found | ({"collapsed": "yes"} if row["collapsed"] else {})
