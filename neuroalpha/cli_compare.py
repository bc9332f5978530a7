"""The commands ``neuroalpha compare FILES``, ``compare ood RUN`` and ``compare noise RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from neuroalpha._console import print_json
from neuroalpha.cli_data import Json
from neuroalpha.cli_files import Seed, side_by_side

FILES = "files"


class _FilesByDefault(TyperGroup):
    """Takes what is no command for files."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [FILES, *args]
        return super().parse_args(ctx, args)


compare_app = typer.Typer(
    cls=_FilesByDefault,
    help="Set populations side by side (compare FILES), or ask what alpha tells of a zoo (compare ood RUN).",
    no_args_is_help=True,
    rich_markup_mode=None,
)
compare_app.command(FILES)(side_by_side)

Run = Annotated[Path, typer.Argument(help="Folder of a zoo run that has readouts.")]
X = Annotated[str, typer.Option("--x", help="The column that is to tell something.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the table (.csv), the text and the figures.")]
Window = Annotated[
    list[str] | None,
    typer.Option("--window", help="FIRST:LAST or auto, may be repeated; default the plan's and a grid."),
]
Control = Annotated[
    list[str] | None, typer.Option("--control", help="Column to hold fixed, 'log NAME' for its log; may be repeated.")
]


@compare_app.command()
def ood(
    run: Run,
    x: X = "alpha",
    window: Window = None,
    control: Control = None,
    out: Out = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Does x go with accuracy under distribution shift? Correlations, controls, nulls, in numbers and in words."""
    _relate("ood", run, x, window, control, out, seed, json)


@compare_app.command()
def noise(
    run: Run,
    x: X = "alpha",
    window: Window = None,
    control: Control = None,
    out: Out = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Does x go with robustness to label noise? Correlations, controls, nulls, in numbers and in words."""
    _relate("noise", run, x, window, control, out, seed, json)


def _relate(
    claim: Literal["ood", "noise"],
    run: Path,
    x: str,
    windows: list[str] | None,
    controls: list[str] | None,
    out: Path | None,
    seed: int,
    json: bool,
) -> None:
    from neuroalpha._files import make_folder
    from neuroalpha.cli_files import parse_window
    from neuroalpha.runs.statements import relate_run, write_statements

    chosen = [parse_window(each, "--window") for each in windows] if windows else None
    if out is not None:
        make_folder(out)
    found = relate_run(run, claim, x=x, windows=chosen, controls=controls, seed=seed, progress=True)
    written = write_statements(found, out) if out is not None else []
    if json:
        print_json(
            {
                "summary": found.summary,
                "overview": found.overview.to_dict("records"),
                "statistics": found.table.to_dict("records"),
                "sentences": {target: list(said) for target, said in found.sentences.items()},
                "written": [str(path) for path in written],
            }
        )
        return
    print("\n".join(found.summary) + "\n")
    for target, said in found.sentences.items():
        print(f"{target}\n  " + "\n  ".join(said) + "\n")
    if written:
        print("written:\n" + "\n".join(f"  {path}" for path in written))
