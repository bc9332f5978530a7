"""From the folder of a run to its table, page and figures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from neuroalpha._files import check_target, make_folder, write_text
from neuroalpha.compare.zoo_table import zoo_table
from neuroalpha.errors import InputError
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.status import zoo_status
from neuroalpha.runs.task_columns import SETTING, add_columns, noise_frame, task_columns, without_alpha_of_collapsed

LEAST_SWEEP = 10
"""Networks with accuracies from which the page shows rules of selection: alpha-ReQ's first batch."""
SWEEP_SCORES = ("alpha", "rankme", "lidar", "final_loss")
SWEEP_ORDERS = 200
"""Fewer than ``neuroalpha select --compare`` takes: a page should not be waited for."""


def read_results(folder: str | os.PathLike[str]) -> dict[str, xr.Dataset]:
    """The results of the plan that was last run in a folder, by key, in the order of the plan.

    Two models of the same weights, or two image sets of the same images, share their results; here they have the names
    of the first.

    Raises
    ------
    InputError
        When the folder is not that of a run, or a result in it is damaged.

    Examples
    --------
    >>> read_results(tmp)
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: ... is not the folder of a run; ...
    """
    found: dict[str, xr.Dataset] = {}
    for spectrum in labelled(RunFolder.open(folder)):
        found.setdefault(spectrum.attrs["key"], spectrum)
    return found


def labelled(run: RunFolder) -> Iterator[xr.Dataset]:
    """One spectrum after the other, with the names that the plan has for its model and images.

    Readouts come from a decomposition, too: where a plan asks for no spectra of a model's layer, those of its readouts
    stand in, which have no interval.
    """
    listed = [run.jobs(group["key"]) or {"jobs": []} for group in run.groups()]
    there = [[job for job in known["jobs"] if run.has(job["key"])] for known in listed]
    measured = {
        (known["model"], known["weights"], job["layer"])
        for known, jobs in zip(listed, there, strict=True)
        for job in jobs
        if job["kind"] == "spectra"
    }
    for known, jobs in zip(listed, there, strict=True):
        for job in jobs:
            place = (known["model"], known["weights"], job["layer"])
            if job["kind"] == "spectra" or (job["kind"] == "readouts" and place not in measured):
                labels = {name: known.get(name, "") for name in ("model", "weights", "images", "family")}
                title = f"{labels['model']} {job['layer']} on {labels['images']}"
                found = run.read_result(job["key"])
                if job["kind"] == "spectra" or "eigenvalue" in found:
                    yield found.assign_attrs(identifier=title, **labels)


def has_spectra(folder: str | os.PathLike[str]) -> bool:
    """Whether anything was measured yet that can stand in a table."""
    run = RunFolder.open(folder)
    known = (run.jobs(group["key"]) for group in run.groups())
    of = ("spectra", "readouts")
    return any(run.has(job["key"]) for each in known if each for job in each["jobs"] if job["kind"] in of)


def run_table(folder: str | os.PathLike[str], spectra: dict[str, xr.Dataset] | None = None) -> pd.DataFrame:
    """One row for each spectrum and window of the plan; see :func:`neuroalpha.compare.zoo_table.zoo_table`.

    Readouts, shifts and noise of the same model and layer are further columns.

    ``spectra`` is filled with the results by key, without their draws: of thousands they would not fit into memory.
    """
    run = RunFolder.open(folder)
    if not has_spectra(folder):
        raise InputError(f"{folder} has no results yet; `neuroalpha zoo status {folder}` says why")

    def passing() -> Iterator[xr.Dataset]:
        for spectrum in labelled(run):
            if spectra is not None:
                spectra.setdefault(spectrum.attrs["key"], spectrum.drop_vars("eigenvalue_draw", errors="ignore"))
            yield spectrum

    table = add_columns(zoo_table(passing(), run.windows), task_columns(run))
    return without_alpha_of_collapsed(table)


def check_join(files: Sequence[Path]) -> None:
    """Refuse, before a long run, accuracy tables that are not there."""
    for file in files:
        if not Path(file).is_file():
            raise InputError(f"there is no table {file} to join")


def write_report(
    folder: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    join: Sequence[str | os.PathLike[str]] = (),
    title: str | None = None,
) -> list[Path]:
    """Write ``table.csv``, ``report.html`` and ``figures/`` of a run; returns what was written.

    With shifts or noise in the plan and enough models also ``statistics.csv``: alpha against what the readouts did,
    which stands on the page with the sentences.

    Parameters
    ----------
    folder
        Of the run; it may still be going on.
    out
        The page, in place of ``report.html`` in the folder.
    join
        CSV files with accuracies by model, see :func:`neuroalpha.compare.accuracy.join_accuracy`.
    title
        Of the page; default the plan's, or the folder's name.

    Raises
    ------
    InputError
        When there are no results yet, or a table cannot be joined.

    Examples
    --------
    >>> write_report(tmp)
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: ... is not the folder of a run; ...
    """
    import matplotlib

    matplotlib.use("Agg")
    from neuroalpha.compare.accuracy import join_accuracy
    from neuroalpha.compare.claims import statements_of
    from neuroalpha.report.zoo_figures import zoo_figures
    from neuroalpha.report.zoo_page import zoo_page

    run = RunFolder.open(folder)
    page = Path(out) if out is not None else run.path / "report.html"
    check_target(page)
    check_join([Path(file) for file in join])
    spectra: dict[str, xr.Dataset] = {}
    table = run_table(folder, spectra)
    drawn = ("accuracy", "corruption_accuracy", "mean_corruption_error", "noise_area: symmetric")
    against = [name for name in drawn if name in table.columns]
    if join:
        known = set(table.columns)
        table = join_accuracy(table, join)
        against += [name for name in table.columns if name not in known and table[name].notna().any()]
    written = [write_text(run.path / "table.csv", table.to_csv(index=False))]
    statistics, said = statements_of(table)
    if statistics is not None:
        written.append(write_text(run.path / "statistics.csv", statistics.to_csv(index=False)))
    written.append(
        zoo_page(
            table,
            spectra,
            page,
            title=title or run.title or run.path.resolve().name,
            failures=_failures(run),
            noise=noise_frame(run, table),
            statistics=statistics,
            sentences=said,
            selection=sweep_rules(table),
        )
    )
    figures = make_folder(run.path / "figures")
    return [*written, *zoo_figures(table, spectra, figures, against=_numeric(table, against))]


def sweep_rules(table: pd.DataFrame) -> Any:
    """How rules of selection do on a sweep's networks, by the scores of their backbones; None for what is no sweep."""
    from neuroalpha.compare.rule_comparison import compare_rules

    if not any(str(name).startswith(SETTING) for name in table):
        return None
    if "accuracy" not in table or "backbone" not in set(table["layer"]):
        return None
    rows = table[(table["layer"] == "backbone") & (table["window"] == table["window"].iloc[0])]
    rows = rows[rows["accuracy"].notna() & (rows["images"] == rows["images"].iloc[0])]
    if len(rows) < LEAST_SWEEP or rows["model"].duplicated().any():
        return None
    scores = [name for name in SWEEP_SCORES if name in rows and rows[name].notna().any()]
    percent = rows.assign(accuracy=100 * rows["accuracy"])
    try:
        return compare_rules(percent, scores, orders=SWEEP_ORDERS)
    except InputError as error:  # every network collapsed, say: the table and the sentences of the run tell it
        print(f"neuroalpha: the page has no rules of selection: {error}", file=sys.stderr)
        return None


def _numeric(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    return [name for name in names if pd.api.types.is_numeric_dtype(table[name])]


def _failures(run: RunFolder) -> pd.DataFrame | None:
    rows: list[dict[str, Any]] = []
    status = zoo_status(run.path)
    for group, (_, row) in zip(run.groups(), status.iterrows(), strict=True):
        failure = run.failure(group["key"])
        if failure is None:
            continue
        layers = failure["layers"] or {"": failure["reason"]}
        rows += [
            {"model": row["model"], "images": row["images"], "layer": layer, "reason": reason}
            for layer, reason in layers.items()
        ]
    return pd.DataFrame(rows) if rows else None
