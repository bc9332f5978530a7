"""The commands for whole zoos: run a plan, see how far it is, write its page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neuroalpha._console import FAILED, print_json
from neuroalpha.cli_data import Json

zoo_app = typer.Typer(
    name="zoo", help="Many models on many images: resumable, here or on a cluster.", no_args_is_help=True
)

Join = Annotated[
    list[Path] | None,
    typer.Option("--join", help="CSV with a column 'model' and accuracies, as timm's results; may be repeated."),
]


@zoo_app.command()
def run(
    plan: Annotated[Path, typer.Argument(help="Plan file (TOML): models, images, layers; see docs/zoo.md.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; default PLAN-run. One that exists is resumed.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List jobs, expected memory and time, and stop.")] = False,
    scheduler: Annotated[str | None, typer.Option(help="Address of a distributed scheduler, tcp://HOST:8786.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Models at a time in this process.")] = 1,
    memory: Annotated[str | None, typer.Option(help="Bound for the spectra of one job, as '2 GB'.")] = None,
    skip_bad_images: Annotated[
        bool, typer.Option("--skip-bad-images", help="Leave out images that cannot be read.")
    ] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run functions of Python files that the plan names.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    join: Join = None,
    json: Json = False,
) -> int:
    """Do what PLAN asks for and is not done yet; ends in a table and a page."""
    from neuroalpha.runs.plan import read_plan

    asked = read_plan(plan)
    folder = out or Path(f"{plan.stem}-run")
    if dry_run:
        from neuroalpha.runs.cost import expected_costs

        table = expected_costs(
            asked, folder, memory=memory, allow_code=allow_code, skip_bad_images=skip_bad_images,
            retry_failed=retry_failed,
        )  # fmt: skip
        print_json({"groups": table.to_dict("records")}) if json else print(cost_text(table))
        return 0
    from neuroalpha.runs.results import check_join, has_spectra, write_report
    from neuroalpha.runs.run import run_zoo

    check_join(join or [])
    done = run_zoo(
        asked, folder, scheduler=scheduler, workers=workers, memory=memory, allow_code=allow_code,
        skip_bad_images=skip_bad_images, retry_failed=retry_failed,
    )  # fmt: skip
    if not done.leads:  # torchrun ends the first process, which writes the page, if another ends with an error
        return 0
    written = write_report(done.folder, join=join or []) if has_spectra(done.folder) else []
    told = {
        "folder": str(done.folder), "groups": done.n_groups, "results_added": done.n_done,
        "groups_kept": done.n_kept, "groups_failed": done.n_failed, "written": [str(path) for path in written],
    }  # fmt: skip
    if json:
        print_json(told)
    else:
        print(f"{done.n_groups} models on image sets: {done.n_kept} finished before, {done.n_done} results added")
        print("\n".join(f"  {path}" for path in written))
    if done.n_done and not written:
        print(
            "neuroalpha: nothing has a spectrum, so there is no table yet; add [[tasks]] of kind 'spectra' or "
            "'readouts'",
            file=sys.stderr,
        )
    if done.n_failed:
        print(
            f"neuroalpha: {done.n_failed} of {done.n_groups} failed, wholly or in part: `neuroalpha zoo status "
            f"{done.folder}` says why; run again with --retry-failed to try again",
            file=sys.stderr,
        )
    return FAILED if done.n_failed else 0


@zoo_app.command()
def status(
    folder: Annotated[Path, typer.Argument(help="Folder of a run.")],
    json: Json = False,
) -> None:
    """Show what is done, running, waiting and failed, with the reason."""
    from neuroalpha.runs.status import zoo_status

    table = zoo_status(folder)
    if json:
        print_json({"groups": table.to_dict("records")})
        return
    counts = table["state"].value_counts()
    print(
        ", ".join(f"{counts[state]} {state}" for state in ("done", "running", "waiting", "failed") if state in counts)
    )
    shown = table[table["state"] != "done"]
    if len(shown):
        print(shown.to_string(index=False))


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path | None, typer.Option(help="The page; default report.html in the folder.")] = None,
    join: Join = None,
    title: Annotated[str | None, typer.Option(help="Of the page.")] = None,
    json: Json = False,
) -> None:
    """Write the table (CSV), the page and the figures of a run."""
    from neuroalpha.runs.results import write_report

    written = write_report(folder, out=out, join=join or [], title=title)
    print_json({"written": [str(path) for path in written]}) if json else print("\n".join(map(str, written)))


def cost_text(table: object) -> str:
    """What a dry run tells, for people."""
    import pandas as pd

    assert isinstance(table, pd.DataFrame)
    jobs, waiting = int(table["jobs"].clip(lower=0).sum()), int(table["to_do"].clip(lower=0).sum())
    total = table["seconds"].sum()
    shown = table.drop(columns="which").to_string(index=False, float_format="{:.2f}".format)
    listed = "\n".join(
        f"{row['model']} on {row['images']}: {row['which']}" for row in table.to_dict("records") if row["which"]
    )
    return (
        f"{shown}\n\n{listed}\n\n{len(table)} models on image sets, "
        f"{jobs} jobs, {waiting} to do: about {total / 60:.1f} minutes one after the other; at most "
        f"{table['memory_gb'].max():.2f} GB for the spectra of one, beside the model"
    )
