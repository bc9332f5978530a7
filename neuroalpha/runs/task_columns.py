"""From the results of readouts, shifts and noise to columns of the zoo's table, and to long tables for figures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.kinds import module_of

KEYS = ["model", "weights", "layer"]
SETTING = "setting: "


def task_results(run: RunFolder) -> Iterator[tuple[dict[str, Any], xr.Dataset]]:
    """Every result that is no spectrum, with ``model``, ``weights``, ``family``, ``images``, ``layer`` and ``kind``."""
    for group in run.groups():
        known = run.jobs(group["key"]) or {"jobs": []}
        for job in known["jobs"]:
            if job["kind"] != "spectra" and run.has(job["key"]):
                names = {name: known.get(name, "") for name in ("model", "weights", "family", "images")}
                yield {**names, "layer": job["layer"], "kind": job["kind"]}, run.read_result(job["key"])


def task_columns(run: RunFolder) -> pd.DataFrame:
    """One row for each model, training set, layer and kind of job; the columns that the kind makes of its results.

    Of settings (``setting: lr``) those are left out that are the same for all networks.
    """
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for names, result in task_results(run):
        place = tuple(names[key] for key in (*KEYS, "images", "kind"))
        row = rows.setdefault(place, dict(zip((*KEYS, "images", "kind"), place, strict=True)))
        row |= module_of(names["kind"]).columns(result)
    table = pd.DataFrame(list(rows.values()))
    told = table[table["kind"] == "train"] if len(table) else table
    same = [name for name in told if str(name).startswith(SETTING) and told[name].nunique(dropna=False) < 2]
    return table.drop(columns=same)


def add_columns(table: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """Put the columns of a model's layer to its rows of the table, one kind of job after the other.

    Where spectra and readouts are of other images, a row gets the numbers of the one training set that there is; of
    several, of the one that it was measured on itself.
    """
    if columns.empty:
        return table
    if "kind" in columns:
        for kind in columns["kind"].unique():
            of_kind = columns[columns["kind"] == kind].drop(columns="kind")
            known = [name for name in of_kind if name not in table.columns or name in (*KEYS, "images")]
            table = add_columns(table, of_kind[known].dropna(axis="columns", how="all"))
        return table
    sets = columns["images"].unique()
    if len(sets) == 1:
        joined = table.merge(columns.drop(columns="images"), on=KEYS, how="left")
    else:
        joined = table.merge(columns, on=[*KEYS, "images"], how="left")
        if not set(sets) & set(table["images"]):
            warnings.warn(
                f"readouts were trained on {len(sets)} image sets, none of which has spectra: their numbers are left "
                "out of the table; add spectra of the training images",
                stacklevel=3,
            )
    joined.index = table.index
    return joined


def without_alpha_of_collapsed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with neither alpha nor interval where a layer has collapsed: the line would be through rounding."""
    why = pd.Series("", index=table.index)
    if "collapsed" in table:
        why = table["collapsed"].fillna("").astype(str)
    if "training_collapsed" in table:  # "layer: why; layer: why"
        told = table["training_collapsed"].fillna("").astype(str)
        of_layer = [
            next((part for part in text.split("; ") if part.startswith(f"{layer}: ")), "")
            for text, layer in zip(told, table["layer"], strict=True)
        ]
        why = why.where(why != "", pd.Series(of_layer, index=table.index))
    fallen = why != ""
    table = table.assign(**({"collapsed": why} if fallen.any() or "collapsed" in table else {}))
    names = [name for name in ("alpha", "low", "high", "r2", "alpha_window_min", "alpha_window_max") if name in table]
    table.loc[fallen, names] = np.nan
    table.loc[fallen, "verdict"] = "not fitted: " + why[fallen]
    return table


def noise_frame(run: RunFolder, table: pd.DataFrame) -> pd.DataFrame | None:
    """Noise curves as the page draws them: ``key`` of the table's row, ``noise``, ``level``, ``accuracy``, and more.

    ``level`` is the share of wrong labels that was asked for, for human labels the one that there is.
    """
    found = [(names, result) for names, result in task_results(run) if names["kind"] == "noise"]
    # As for the columns: of several training sets, each curve goes to the spectrum of its own images.
    keys = KEYS if len({names["images"] for names, _ in found}) == 1 else [*KEYS, "images"]
    first = table.drop_duplicates(keys).set_index(keys)["key"].to_dict()
    rows: list[dict[str, Any]] = []
    for names, result in found:
        place = tuple(names[key] for key in keys)
        if place in first:
            rows += [{"key": first[place], **names, **each} for each in noise_points(result)]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    # Label sets of people may happen to be wrong equally often, or never: a curve has one point at each level.
    apart = [name for name in frame.columns if name not in ("accuracy", "low", "high", "memorisation")]
    return frame.groupby(apart, sort=False, dropna=False).mean().reset_index()


def noise_points(result: xr.Dataset) -> Iterator[dict[str, Any]]:
    """The points of one readout's curves."""
    clean = float(result["clean_accuracy"])
    for noise in result["noise"].values if "noise" in result.dims else []:
        one = result.sel(noise=noise)
        for level in one["level"].values:
            at = one.sel(level=level)
            yield {
                "noise": str(noise),
                "level": float(level),
                "accuracy": float(at["accuracy_mean"]),
                "low": float(at["accuracy_mean_low"]),
                "high": float(at["accuracy_mean_high"]),
                "memorisation": _mean(at["memorisation"].values),
            }
    humans: list[Any] = list(result["human"].values) if "human" in result.dims else []
    for name in humans:
        at = result.sel(human=name)
        yield {
            "noise": "human",
            "level": float(at["human_wrong"]),
            "accuracy": float(at["human_accuracy"]),
            "low": float(at["human_accuracy_low"]),
            "high": float(at["human_accuracy_high"]),
            "memorisation": float(at["human_memorisation"]),
        }
    if len(humans):
        yield {"noise": "human", "level": 0.0, "accuracy": clean, "low": np.nan, "high": np.nan, "memorisation": np.nan}


def _mean(values: np.ndarray) -> float:
    """Mean of what is known; NaN of nothing."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
