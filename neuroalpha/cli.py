"""The door: thin commands that parse, call and print. Everything they do is one call away in Python."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from neuroalpha._console import file_name, print_json, run, table_text
from neuroalpha._files import check_target, make_folder
from neuroalpha.cli_data import Json, data_app
from neuroalpha.cli_zoo import report, zoo_app

app = typer.Typer(
    name="neuroalpha",
    help="Alpha, the power-law exponent of population eigenspectra, in brains and in networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")
app.add_typer(zoo_app, name="zoo")
app.command()(report)

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


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks (anywhere on the line).")] = False,
) -> None:
    if version:
        import neuroalpha

        print(neuroalpha.__version__)
        raise typer.Exit


@app.command()
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


@app.command()
def compare(
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


@app.command()
def extract(
    model: Annotated[str, typer.Argument(help="As torchvision:resnet18, cifar:resnet20, timm:NAME; see --models.")],
    images: Annotated[Path | None, typer.Argument(help="Folder of images, .npy or .npz.")] = None,
    layers: Annotated[
        list[str] | None, typer.Option("--layer", help="Layer name or wildcard; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Assembly to write (.nc).")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Path to weights, or DEFAULT; random weights if left out.")
    ] = None,
    reduce: Annotated[str, typer.Option(help="flatten, mean, max, cls or project:N.")] = "flatten",
    size: Annotated[int | None, typer.Option(help="Resize the shorter side to this many pixels.")] = None,
    crop: Annotated[int | None, typer.Option(help="Then crop the centre to this many pixels.")] = None,
    channels: Annotated[str, typer.Option(help="auto, first (N, C, H, W) or last (N, H, W, C) for maps.")] = "auto",
    batch_size: Annotated[int, typer.Option(help="Images at a time.")] = 64,
    key: Annotated[str | None, typer.Option(help="Array of an .npz file that holds the images.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many images, the first ones.")] = None,
    skip_bad_images: Annotated[
        bool, typer.Option("--skip-bad-images", help="Leave out images that cannot be read; they are named.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="As cpu, cuda:0.")] = None,
    dtype: Annotated[str, typer.Option(help="Of the stored activations.")] = "float32",
    seed: Seed = 0,
    models: Annotated[bool, typer.Option("--models", help="List the models whose names match MODEL and stop.")] = False,
    list_layers: Annotated[
        bool, typer.Option("--list-layers", help="List the model's layers for these images and stop.")
    ] = False,
    json: Json = False,
) -> None:
    """Record layers of MODEL on IMAGES as an assembly."""
    from neuroalpha.errors import InputError
    from neuroalpha.networks.catalogue import list_models, load_model

    if models:
        names = list_models(model)
        print_json({"models": names}) if json else print("\n".join(names))
        return
    if images is None or (not list_layers and (not layers or out is None)):
        raise InputError(
            "extract needs a folder of images, --layer NAME and --out FILE.nc (or --list-layers, or --models)"
        )
    if out is not None:
        check_target(out)
    from neuroalpha.networks.extract import extract as record
    from neuroalpha.networks.images import images as image_set
    from neuroalpha.networks.layers import layers as layer_table
    from neuroalpha.storage import save

    pictures = image_set(
        images, size=size, crop=crop, key=key, limit=limit, skip_bad=skip_bad_images, progress=skip_bad_images
    )
    network = load_model(model, weights=weights, seed=seed)
    if list_layers:
        table = layer_table(network, pictures)
        print_json({"layers": table.to_dict("records")}) if json else print(table.to_string(index=False))
        return
    assembly = record(
        network,
        pictures,
        layers or [],
        reduce=reduce,
        channels=channels,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        seed=seed,
    )
    path = save(assembly, out or Path("activations.nc"))
    told = {
        "written": str(path),
        "presentations": assembly.sizes["presentation"],
        "neuroids": assembly.sizes["neuroid"],
    }
    print_json(told) if json else print(f"{path}: {told['presentations']} presentations x {told['neuroids']} neuroids")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for what it writes; made if missing.")] = Path("neuroalpha-demo"),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Run the whole instrument on pictures and networks that come with the installed packages; needs no network."""
    from neuroalpha.demo import run_demo

    told = run_demo(out, seed=seed, say=lambda line: print(line, file=sys.stderr))
    if json:
        written = [str(p) for p in told.written]
        print_json({"populations": told.table.to_dict("records"), "truth": told.truth.strip(), "written": written})
        return
    print(table_text(told.table))
    print(told.truth)
    print("\nwritten:\n" + "\n".join(f"  {path}" for path in told.written))


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

    window = _window(ranks)
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


def _window(ranks: str) -> Any:
    from neuroalpha.errors import InputError

    if ranks == "auto":
        return ranks
    first, _, last = ranks.partition(":")
    if not (first.isdecimal() and last.isdecimal()):
        raise InputError(f"--ranks is {ranks!r}; expected FIRST:LAST as 11:500, or auto")
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


def main(argv: list[str] | None = None) -> None:
    """Entry point of the command ``neuroalpha``."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    sys.exit(run(lambda: app(arguments, prog_name="neuroalpha", standalone_mode=False), debug))


if __name__ == "__main__":
    main()
