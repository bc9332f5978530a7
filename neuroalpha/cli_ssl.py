"""The commands that train networks: one, or a sweep of many."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neuroalpha._console import FAILED, print_json
from neuroalpha.cli_data import Json

ssl_app = typer.Typer(name="ssl", help="Train networks, self-supervised or not, and watch alpha.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="Sweep file (TOML): images, settings, what varies; see docs/ssl.md.")]
Device = Annotated[str, typer.Option(help="As cpu, cuda:1; default a GPU where there is one.")]


@ssl_app.command()
def objectives(json: Json = False) -> None:
    """List the objectives with their options and defaults."""
    from neuroalpha.ssl.objectives import list_objectives, objective_options

    found = {name: dict(objective_options(name)) for name in list_objectives()}
    if json:
        print_json({"objectives": found})
        return
    for name, options in found.items():
        print(name, ", ".join(f"{key} = {value!r}" for key, value in options.items()), sep="\t")


@ssl_app.command()
def train(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the network; default FILE-trained. Training in it goes on.")
    ] = None,
    device: Device = "",
    json: Json = False,
) -> None:
    """Train the one network that FILE describes, or go on where it was interrupted."""
    from neuroalpha.errors import InputError
    from neuroalpha.runs.pictures import open_images
    from neuroalpha.runs.trained import survey_sweep
    from neuroalpha.ssl.sweep import read_sweep
    from neuroalpha.ssl.train import train as train_network

    sweep = read_sweep(file)
    if len(sweep.settings) > 1:
        raise InputError(f"{file} describes {len(sweep.settings)} networks; train them with `neuroalpha ssl sweep`")
    settings = sweep.settings[0].changed(device=device) if device else sweep.settings[0]
    train_set, test_set = (survey_sweep(sweep, name, progress=True) for name in ("images", "test"))
    assert train_set is not None
    done = train_network(
        open_images(train_set),
        settings,
        test=None if test_set is None else open_images(test_set),
        folder=out or sweep.folder,
    )
    last = done.history.iloc[-1].to_dict()
    if json:
        print_json({"folder": str(done.folder), "collapsed": done.collapsed, "last_epoch": last})
        return
    print(f"{done.folder}: {settings.objective}, {settings.epochs} epochs")
    print("\n".join(f"  {name}: {value:.4g}" for name, value in last.items() if isinstance(value, int | float)))
    if done.collapsed:
        print(f"neuroalpha: the representation collapsed: {done.collapsed}", file=sys.stderr)


@ssl_app.command()
def sweep(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; default FILE-run. One that is there goes on.")
    ] = (None),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List networks and expected time, and stop.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Networks at a time in this process.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a distributed scheduler, tcp://HOST:8786.")] = None,
    no_readouts: Annotated[
        bool,
        typer.Option("--no-readouts", help="Leave labels alone: `neuroalpha select RUN --plan FILE` reads out few."),
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of one network; default all cores, with several workers one.")
    ] = None,
    device: Device = "",
    json: Json = False,
) -> int:
    """Train every network of FILE, score it without labels, measure its spectra, read it out; ends in a page."""
    from neuroalpha.cli_zoo import cost_text
    from neuroalpha.runs.results import has_spectra, write_report
    from neuroalpha.runs.run import run_zoo
    from neuroalpha.runs.select_run import without_readouts
    from neuroalpha.runs.sweep_plan import sweep_plan
    from neuroalpha.runs.sweep_state import told_of_sweep

    threads = threads or (1 if workers > 1 or scheduler else None)
    plan, folder = sweep_plan(file, device=device, threads=threads), out or Path(f"{file.stem}-run")
    if no_readouts and any(task.kind == "readouts" for task in plan.tasks):
        plan = without_readouts(plan)
    if dry_run:
        from neuroalpha.runs.cost import expected_costs

        table = expected_costs(plan, folder, retry_failed=retry_failed)
        print_json({"groups": table.to_dict("records")}) if json else print(cost_text(table))
        return 0
    done = run_zoo(plan, folder, scheduler=scheduler, workers=workers, retry_failed=retry_failed)
    if not done.leads:
        return 0
    written = write_report(done.folder) if has_spectra(done.folder) else []
    said = told_of_sweep(done.folder)
    if json:
        print_json(
            {"folder": str(done.folder), "groups": done.n_groups, "results_added": done.n_done, "said": said,
             "groups_failed": done.n_failed, "written": [str(path) for path in written]}
        )  # fmt: skip
    else:
        print("\n".join(said))
        print("\n".join(f"  {path}" for path in written))
    if done.n_failed:
        print(
            f"neuroalpha: {done.n_failed} of {done.n_groups} failed: `neuroalpha zoo status {done.folder}` says why",
            file=sys.stderr,
        )
    return FAILED if done.n_failed else 0
