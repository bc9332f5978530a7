"""The door: thin commands that parse, call and print. Everything they do is one call away in Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neuroalpha._console import print_json, run, table_text
from neuroalpha._files import check_target
from neuroalpha.cli_compare import compare_app
from neuroalpha.cli_data import Json, data_app
from neuroalpha.cli_files import Seed, spectrum
from neuroalpha.cli_select import select
from neuroalpha.cli_ssl import ssl_app
from neuroalpha.cli_theory import theory_app
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
app.add_typer(compare_app, name="compare")
app.add_typer(ssl_app, name="ssl")
app.add_typer(theory_app, name="theory")
app.command()(select)
app.command()(report)
app.command()(spectrum)


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


def main(argv: list[str] | None = None) -> None:
    """Entry point of the command ``neuroalpha``."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    sys.exit(run(lambda: app(arguments, prog_name="neuroalpha", standalone_mode=False), debug))


if __name__ == "__main__":
    main()
