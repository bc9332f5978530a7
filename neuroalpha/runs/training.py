"""The job kind ``train``: how a network of a sweep was trained, and what its training told of each layer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha.runs.task_options import make_jobs, signed
from neuroalpha.runs.trained import folder_of, settings_of

if TYPE_CHECKING:
    from neuroalpha.runs.group import Job, Subject
    from neuroalpha.runs.work import Outcome

FORMAT = 1
OPTIONS: Mapping[str, Any] = {}
SHARED = ("loss", "readout_accuracy", "knn_accuracy")
"""Columns of the history that are no layer's own."""


def check(options: Mapping[str, Any], where: str) -> None:
    """There are no options: the sweep file says how networks are trained."""


def jobs(subject: Subject, options: Mapping[str, Any]) -> list[Job]:
    """One job for each layer of a network of a sweep, none for others."""
    if subject.group.model.kind != "trained":
        return []
    return make_jobs(subject, "train", FORMAT, options, {"settings": settings_of(subject.group.model).to_dict()})


def perform(
    subject: Subject, wanted: Sequence[Job], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Outcome]:
    """What is noted in the network's folder; it was trained when the subject was made."""
    from neuroalpha.runs.work import Outcome
    from neuroalpha.ssl.history import read_history
    from neuroalpha.ssl.sweep import flat_settings

    folder = folder_of(subject.group.model)
    history, _ = read_history(folder)
    flat = flat_settings(settings_of(subject.group.model))
    for job in wanted:
        of_layer = {name: f"{name}: {job.layer}" for name in ("alpha", "effective_rank")}
        columns = {name: name for name in SHARED} | of_layer
        result = xr.Dataset(
            {name: ("epoch", history[column].to_numpy(float)) for name, column in columns.items() if column in history},
            {"epoch": history["epoch"].to_numpy()},
        ).assign_attrs(
            settings=json.dumps(flat, sort_keys=True),
            final_loss=float(history["loss"].iloc[-1]),
            seconds=float(history["seconds"].iloc[-1]),
            training_collapsed=str(history["collapsed"].iloc[-1]),
        )
        yield Outcome(job, signed(result, subject, job), "", {})


def columns(result: Any) -> dict[str, Any]:
    """Final loss, online accuracies, seconds, and every setting as ``setting: name``."""
    found: dict[str, Any] = {"final_loss": result.attrs["final_loss"], "training_seconds": result.attrs["seconds"]}
    for name, column in (("readout_accuracy", "online_accuracy"), ("knn_accuracy", "online_knn_accuracy")):
        if name in result:
            known = result[name].values[np.isfinite(result[name].values)]
            found[column] = float(known[-1]) if known.size else np.nan
    found["training_collapsed"] = result.attrs["training_collapsed"]
    told = json.loads(result.attrs["settings"])
    # alpha-ReQ compares the loss divided by the projector's width: most losses are sums over its units.
    found["final_loss_per_dimension"] = found["final_loss"] / told["projector_out"]
    # A table holds numbers and texts: settings that are tables or lists themselves become text.
    plain = {name: json.dumps(each) if isinstance(each, dict | list) else each for name, each in told.items()}
    return found | {f"setting: {name}": value for name, value in plain.items()}
