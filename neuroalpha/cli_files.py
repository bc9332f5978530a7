"""The commands on files: spectra of each, and many side by side on one page."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from neuroalpha._console import file_name, print_json, table_text
from neuroalpha._files import check_target, make_folder
from neuroalpha.cli_data import Json

Ranks = Annotated[
    str, typer.Option(help="Window of ranks as FIRST:LAST, 1-based and inclusive, or 'auto' (a fixed rule).")
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")]
Draws = Annotated[int, typer.Option(min=0, help="Subsamples behind each interval, at least 5; 0 for none.")]
Dims = Annotated[str | None, typer.Option(help="Dimensions of an array file, as neuroid,stimulus,repeat.")]
Key = Annotated[str | None, typer.Option(help="Variable inside an array file.")]
By = Annotated[str, typer.Option(help="Neuroid coordinate that tells populations apart; 'auto' or 'none'.")]
Estimator = Annotated[
    str,
    typer.Option(
        help="pca: all variance, noise too. cvpca: what repeats, reads low where noise is strong. meme: what repeats, "
        "without that bias if one power law holds from the first rank to the last; tells a p value. heldout: what "
        "repeats, along components found in other stimuli. auto: cvpca where stimuli were repeated, pca for networks."
    ),
]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw", help="Skip the published preprocessing of recordings (blank presentations are still left out)."
    ),
]


def spectrum(
    files: Annotated[
        list[Path], typer.Argument(help="Recordings (.mat, .nc), assemblies (.nc) or arrays (.npy, .npz, .mat, .h5).")
    ],
    ranks: Ranks = "auto",
    estimator: Estimator = "auto",
    by: By = "auto",
    dims: Dims = None,
    key: Key = None,
    raw: Raw = False,
    draws: Draws = 32,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for spectra (.nc), the table (.csv) and a figure (.png).")
    ] = None,
    json: Json = False,
) -> None:
    """Estimate eigenspectrum and alpha, with interval, of every population in FILES."""
    if out is not None:
        make_folder(out)
    measured = _measure(
        files, ranks=ranks, estimator=estimator, by=by, dims=dims, key=key, raw=raw, draws=draws, seed=seed
    )
    written = _write(measured, out) if out is not None else []
    _tell(measured, written, json)


def side_by_side(
    files: Annotated[
        list[Path], typer.Argument(help="Two or more files, as for the command spectrum, or saved spectra.")
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("compare.html"),
    title: Annotated[str, typer.Option(help="Of the page.")] = "Eigenspectra compared",
    ranks: Ranks = "auto",
    estimator: Estimator = "auto",
    by: By = "auto",
    dims: Dims = None,
    key: Key = None,
    raw: Raw = False,
    draws: Draws = 32,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Set populations side by side on one self-contained HTML page."""
    from neuroalpha.errors import InputError
    from neuroalpha.report.page import compare_page

    check_target(out)
    measured = _measure(
        files, ranks=ranks, estimator=estimator, by=by, dims=dims, key=key, raw=raw, draws=draws, seed=seed
    )
    if len(measured) < 2:
        raise InputError(f"compare needs at least two populations, {files[0]} holds one; name another file")
    _tell(measured, [compare_page(measured, out, title=title)], json)


def _measure(
    files: list[Path],
    *,
    ranks: str,
    estimator: str,
    by: str,
    dims: str | None,
    key: str | None,
    raw: bool,
    draws: int,
    seed: int,
) -> list[Any]:
    import xarray as xr

    from neuroalpha._text import valid
    from neuroalpha.compare.measure import Measurement, distinct, measure
    from neuroalpha.errors import InputError
    from neuroalpha.recordings.open import open_responses
    from neuroalpha.report.plot import label_of
    from neuroalpha.spectrum.fit import fit_alpha

    window = parse_window(ranks, "--ranks")
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} is a folder; name a file in it" if path.is_dir() else f"no such file: {path}")
    order = [name.strip() for name in dims.split(",")] if dims else None
    measured = []
    for path in files:
        data = open_responses(path, dims=order, key=key, published_preprocessing=not raw)
        if order is None and path.suffix.lower() in (".npy", ".npz", ".h5", ".hdf5"):
            warnings.warn(
                f"{path.name} is read as (repeat, stimulus, neuroid); name another order with --dims", stacklevel=2
            )
        if isinstance(data, xr.Dataset):  # a saved spectrum
            measured.append(Measurement(label_of(data), data, fit_alpha(data, window)))
            continue
        how: Any = estimator  # checked by measure
        groups = None if by == "none" else by
        parts = measure(data, by=groups, estimator=how, ranks=window, n_draws=draws, seed=seed, progress=True)
        stem = valid(path.stem)
        for each in parts:  # regions and layers of several files may share a name
            name = each.name if len(files) == 1 or each.name == stem else f"{stem} {each.name}"
            measured.append(Measurement(name, each.spectrum, each.fit))
    return distinct(measured)


def parse_window(ranks: str, option: str) -> Any:
    """A window of ranks as it is written on the command line."""
    from neuroalpha.errors import InputError

    if ranks == "auto":
        return ranks
    first, _, last = ranks.partition(":")
    if not (first.isdecimal() and last.isdecimal()):
        raise InputError(f"{option} is {ranks!r}; expected FIRST:LAST as 11:500, or auto")
    return int(first), int(last)


def _write(measured: list[Any], folder: Path) -> list[Path]:
    import matplotlib

    matplotlib.use("Agg")
    from neuroalpha._files import atomic_path, write_text
    from neuroalpha.compare.measure import to_table
    from neuroalpha.report import plot
    from neuroalpha.storage import save

    written = [save(each.spectrum, folder / f"{file_name(each.name)}.spectrum.nc") for each in measured]
    written.append(write_text(folder / "alpha.csv", to_table(measured).to_csv(index=False)))
    ax = plot.spectra([m.spectrum for m in measured], [m.fit for m in measured], [m.name for m in measured])
    with atomic_path(folder / "spectra.png") as part:
        ax.get_figure().savefig(part, dpi=150)  # type: ignore[union-attr]
    return [*written, folder / "spectra.png"]


def _tell(measured: list[Any], written: list[Path], json: bool) -> None:
    from neuroalpha.compare.measure import to_table

    table = to_table(measured)
    if json:
        print_json({"populations": table.to_dict("records"), "written": [str(p) for p in written]})
        return
    print(table_text(table))
    if written:
        print("\nwritten:\n" + "\n".join(f"  {path}" for path in written))
