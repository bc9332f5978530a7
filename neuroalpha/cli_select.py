"""The command that picks the best model with few readouts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from neuroalpha._console import print_json
from neuroalpha.cli_data import Json
from neuroalpha.cli_files import Seed


def select(
    source: Annotated[Path, typer.Argument(help="Table (CSV, a row for each model) or folder of a run.")],
    score: Annotated[
        list[str] | None, typer.Option(help="Column that says which models to try; several for --rule improvement.")
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="Most readouts.")] = 20,
    rule: Annotated[
        str, typer.Option(help="interval (alpha-ReQ), improvement (surrogate, expected improvement) or random.")
    ] = "interval",
    accuracy: Annotated[str, typer.Option(help="Column with accuracies, in percent or as shares.")] = "accuracy",
    tolerance: Annotated[float, typer.Option(help="Points of accuracy within which a model is as good.")] = 1.0,
    layer: Annotated[str | None, typer.Option(help="Rows of this layer; default backbone where there is one.")] = None,
    images: Annotated[str | None, typer.Option(help="Rows measured on these images.")] = None,
    window: Annotated[str | None, typer.Option(help="Rows of this window of ranks, as 4-100; default the first.")] = (
        None
    ),
    plan: Annotated[
        Path | None,
        typer.Option(help="Plan or sweep file of the run: models are read out as they are chosen, not looked up."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also all rules over 1,000 orders, against random at equal readouts.")
    ] = False,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="As for zoo run, with --plan.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and figures.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Pick the best model of SOURCE by reading out few: which, in what order, and how well that does."""
    from neuroalpha._files import make_folder
    from neuroalpha.compare.selection import select as pick
    from neuroalpha.errors import InputError
    from neuroalpha.runs.select_run import read_models

    if rule == "halving":
        raise InputError(
            "--rule halving needs readouts of several lengths: call neuroalpha.select with a readout(model, length), "
            "or use --compare on a table with columns as 'accuracy at 0.3333'"
        )
    scores = score or ["alpha"]
    table = read_models(source, scores, accuracy, layer=layer, images=images, window=window)
    if plan is None and accuracy not in table.columns:
        raise InputError(
            f"{source} has no column {accuracy!r}: name it with --accuracy, or give --plan PLAN.toml, by which the "
            "models are read out as they are chosen"
        )
    if compare and accuracy not in table.columns:
        raise InputError(f"--compare looks accuracies up, but {source} has no column {accuracy!r}; leave it out")
    folder = make_folder(out) if out is not None else None
    known = table if plan is not None else _known(table, accuracy)
    readout = _live(plan, source, table, allow_code) if plan is not None else (lambda row: float(row[accuracy]))
    found = pick(
        known, readout, score=scores if len(scores) > 1 else scores[0], rule=rule, budget=budget, tolerance=tolerance,
        seed=seed, progress=plan is not None,
    )  # fmt: skip
    compared = _compared(table, scores, accuracy, tolerance, seed) if compare else None
    written = _written(folder, found, compared) if folder is not None else []
    if json:
        told: dict[str, Any] = {
            "best": found.best, "accuracy": found.accuracy, "readouts": found.n_readouts, "stopped": found.stopped,
            "models": found.to_frame().to_dict("records"), "written": [str(path) for path in written],
        }  # fmt: skip
        print_json(told | ({"rules": compared.table.to_dict("records")} if compared is not None else {}))
        return
    print("\n".join(found.sentences))
    frame = found.to_frame()
    read = frame[frame["step"].notna()].sort_values("step")
    if len(read):
        print(read[["step", "model", *scores, "accuracy", "status"]].to_string(index=False))
    if compared is not None:
        print("\n" + "\n".join(compared.sentences))
    print("\n".join(f"  {path}" for path in written))


def _known(table: Any, accuracy: str) -> Any:
    """Models whose accuracy can be looked up; the others are told."""
    kept = table[table[accuracy].notna()]
    if len(kept) < len(table):
        print(f"neuroalpha: {len(table) - len(kept)} models have no {accuracy} and are left out", file=sys.stderr)
    return kept


def _live(plan: Path, source: Path, table: Any, allow_code: bool) -> Any:
    from neuroalpha.errors import InputError
    from neuroalpha.runs.plan import read_plan
    from neuroalpha.runs.select_run import reader
    from neuroalpha.runs.sweep_plan import is_sweep, sweep_plan

    if not source.is_dir():
        raise InputError(f"--plan reads models out in their run, but {source} is a table; give the folder of the run")
    asked = sweep_plan(plan) if is_sweep(plan) else read_plan(plan)
    layer = str(table["layer"].iloc[0])
    return reader(asked, source / "readouts", layer, allow_code=allow_code)


def _compared(table: Any, scores: list[str], accuracy: str, tolerance: float, seed: int) -> Any:
    from neuroalpha.compare.rule_comparison import compare_rules

    together = scores if len(scores) > 1 else ()
    return compare_rules(
        table, scores, accuracy, tolerance=tolerance, seed=seed, combined=together, n_shuffles=200, progress=True
    )


def _written(folder: Path, found: Any, compared: Any) -> list[Path]:
    from neuroalpha._files import atomic_path, write_text

    written = [write_text(folder / "selection.csv", found.to_frame().to_csv(index=False))]
    if compared is None:
        return written
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from neuroalpha.report.plot import selection

    for name, frame in (("rules", compared.table), ("curve", compared.curve), ("growth", compared.growth)):
        written.append(write_text(folder / f"{name}.csv", frame.to_csv(index=False)))
    drawn = selection(compared)
    figure = (drawn if hasattr(drawn, "get_figure") else drawn.flat[0]).get_figure()
    with atomic_path(folder / "rules.png") as part:
        figure.savefig(part, dpi=130, format="png", bbox_inches="tight")
    pyplot.close(figure)
    return [*written, folder / "rules.png"]
