"""The commands ``neuroalpha data list | show | fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuroalpha._console import print_json

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; all else goes to stderr.")]

data_app = typer.Typer(
    help="Data sets: what is known of them, and fetching them.", no_args_is_help=True, rich_markup_mode=None
)


@data_app.command("list")
def data_list(pattern: Annotated[str, typer.Argument(help="Wildcard.")] = "*", json: Json = False) -> None:
    """List the data sets that have a card."""
    from neuroalpha.recordings.cards import list_cards

    cards = list_cards(pattern)
    if json:
        print_json(
            {"data": [{"name": c.name, "title": c.title, "licence": c.licence, "n_files": c.n_files} for c in cards]}
        )
        return
    width = max((len(card.name) for card in cards), default=0)
    print("\n".join(f"{card.name:<{width}}  {card.title}" for card in cards) or f"no data set matches {pattern!r}")


@data_app.command("show")
def data_show(
    name: str,
    path: Annotated[Path | None, typer.Option(help="Folder where the files lie.")] = None,
    json: Json = False,
) -> None:
    """Show a data set's card and which of its files are here."""
    from dataclasses import asdict

    from neuroalpha.recordings.cards import card
    from neuroalpha.recordings.fetch import data_dir, status

    shown, here = card(name), status(name, path)
    if json:
        print_json({**asdict(shown), "here": [{"name": s.name, "state": s.state, "path": s.path} for s in here]})
        return
    for field in ("title", "source", "doi", "page", "licence", "cite", "layout"):
        if getattr(shown, field):
            print(f"{field:>8}: {getattr(shown, field)}")
    print(f"{'folder':>8}: {path or data_dir() / name}")
    for state in here:
        print(f"{'file':>8}: {state.name} ({state.state})")


@data_app.command("fetch")
def data_fetch(
    name: str,
    path: Annotated[Path | None, typer.Option(help="Folder to put the files in.")] = None,
    files: Annotated[str, typer.Option(help="Wildcard for the files wanted.")] = "*",
    json: Json = False,
) -> None:
    """Fetch a data set's files, resumed and verified; or say where to get them by hand."""
    from neuroalpha.recordings.fetch import fetch

    found = fetch(name, path=path, files=files)
    print_json({"files": [str(p) for p in found]}) if json else print("\n".join(str(p) for p in found))
