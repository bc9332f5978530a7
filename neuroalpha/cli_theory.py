"""The commands of the theories: predictions beside simulations, and which labels to buy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from neuroalpha._console import print_json
from neuroalpha.cli_data import Json
from neuroalpha.cli_files import Seed

theory_app = typer.Typer(
    name="theory",
    help="Three theories of learning: what they predict, how far simulations are from it, what labels tell.",
    no_args_is_help=True,
)

Out = Annotated[Path | None, typer.Option(help="Folder for tables (CSV), numbers (netCDF) and figures (PNG).")]
Steps = Annotated[
    list[float] | None,
    typer.Option("--step-size", help="Step size of gradient descent; give two. Default: each setting's own."),
]


@theory_app.command()
def eigenspace(
    setting: Annotated[
        list[str] | None,
        typer.Option(help="As 'cosine iso', 'DirectPred', extra or related; may be repeated. Default: all of them."),
    ] = None,
    step_size: Steps = None,
    modes: Annotated[int, typer.Option(min=1, help="Outputs of the toy network.")] = 10,
    inputs: Annotated[int, typer.Option(min=1, help="Its inputs.")] = 15,
    seed: Seed = 2,
    out: Out = None,
    json: Json = False,
) -> None:
    """Eigenvalues of self-supervised networks: flows against gradient descent (Halvagal 2023; Tian, Simon, Saxe)."""
    from neuroalpha.theory.checks import check_eigenspace

    _ready(out)
    found = check_eigenspace(
        setting or None, step_size or None, n_modes=modes, n_inputs=inputs, seed=seed, progress=True
    )
    _told(found, out, json, "eigenspace_figures")


@theory_app.command()
def grassmann(
    width: Annotated[
        list[int] | None, typer.Option(help="Hidden width of the two-layer networks; may be repeated.")
    ] = None,
    step_size: Steps = None,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Subspaces that self-supervised networks learn: the exact projector against gradient descent (Esser 2023)."""
    from neuroalpha.errors import InputError
    from neuroalpha.theory.checks import check_grassmann

    _ready(out)
    try:
        found = check_grassmann(width or None, step_size or None, seed=seed, progress=True)
    except InputError as error:
        raise InputError(re.sub(r"\b(tall|wide)_widths\b", "--width", str(error))) from error
    _told(found, out, json, "grassmann_figures")


@theory_app.command()
def supervision(
    classes: Annotated[int | None, typer.Option(help="Number of classes of your data set.")] = None,
    items: Annotated[int | None, typer.Option(help="Number of items to label.")] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            help="SIGNAL=AMOUNT for hard, soft, sparse, top-class, pairwise; of one judgement (one class chosen, one "
            "entry of a soft label, one pair), or of a whole label as soft=0.1/item or soft=0.1/label. May be repeated."
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(help="SIGNAL=SHARE of single comparisons that come out wrong, 0 to .5; may be repeated."),
    ] = None,
    noise_law: Annotated[str, typer.Option(help="paper (1 - error) or capacity (1 - H(error)).")] = "paper",
    utility: Annotated[str, typer.Option(help="linear, sigmoid or logit.")] = "linear",
    beta: Annotated[float | None, typer.Option(help="Weight of cost against utility; default 1.")] = None,
    value: Annotated[
        float | None,
        typer.Option(
            help="Instead of --beta: what full information is worth, in the unit of the prices; then few items may be "
            "enough, or none."
        ),
    ] = None,
    cost_scale: Annotated[
        float | None,
        typer.Option(help="Divisor of costs beside --beta; default the cost of the dearest signal on all items."),
    ] = None,
    budget: Annotated[float | None, typer.Option(help="Most that may be spent.")] = None,
    sparsity: Annotated[int | None, typer.Option(help="Entries of sparse labels; default the best.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Instead: the theory's simulations, a minute and a half on two cores.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes of --check; default 2.")] = None,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
    tables: Annotated[
        bool, typer.Option("--tables", help="With --json: also curves, sparsities, frontier and ranges of beta.")
    ] = False,
) -> None:
    """Which labels to buy for a data set: cost against information of hard, soft and sparse ones (Sucholutsky 2023)."""
    from neuroalpha.errors import InputError

    asked = {"--classes": classes, "--items": items, "--price": price or None}
    if check:
        chosen = asked | {
            "--noise": noise or None,
            "--noise-law": None if noise_law == "paper" else noise_law,
            "--utility": None if utility == "linear" else utility,
            "--beta": beta,
            "--value": value,
            "--cost-scale": cost_scale,
            "--budget": budget,
            "--sparsity": sparsity,
            "--tables": tables or None,
        }
        given = [name for name, content in chosen.items() if content is not None]
        if given:
            raise InputError(f"--check simulates the theory on sizes of its own; leave {given[0]} out, or --check")
        _ready(out)
        from neuroalpha.theory.checks import check_supervision

        _told(check_supervision(seed=seed, workers=workers or 2, progress=True), out, json, "supervision_figures")
        return
    lacking = [name for name, content in asked.items() if content is None]
    if lacking:
        raise InputError(
            f"{lacking[0]} is missing: say the size of your data set and what labels cost, as --classes 100 --items "
            "5000 --price hard=.02 --price soft=.1; or --check for the theory's simulations"
        )
    if workers is not None:
        raise InputError("--workers belongs to --check; leave it out, since a recommendation takes one process")
    if tables and not json:
        raise InputError("--tables belongs to --json; add --json, or --out FOLDER for tables as CSV")
    from neuroalpha.theory.recommendation import recommend_signal
    from neuroalpha.theory.triplets.sentences import sentences

    assert classes is not None
    assert items is not None
    prices, shares = _pairs(price or [], "--price", "AMOUNT", "hard=.02"), _shares(noise or [])
    _ready(out)
    try:
        plan = recommend_signal(
            items, classes, prices, noise=shares, noise_law=noise_law, utility=utility, beta=beta, value=value,
            cost_scale=cost_scale, budget=budget, sparsity=sparsity,
        )  # fmt: skip
    except InputError as error:
        raise InputError(_as_options(str(error))) from error
    written = _write_plan(plan, out) if out is not None else []
    said = sentences(plan, flags=True)
    if json:
        told = {"sentences": list(said), "written": [str(path) for path in written]}
        print_json(plan.to_dict(tables=tables) | told)
        return
    print("\n".join(said))
    columns = ["signal", "price", "sparsity", "n_labelled", "judgements", "cost", "bits", "bits_per_cost",
               "information_ratio", "score"]  # fmt: skip
    print("\n" + plan.table[columns].to_string(index=False, na_rep="-", float_format="{:.4g}".format))
    if written:
        print("\n".join(f"  {path}" for path in written))


def _ready(out: Path | None) -> None:
    """Make the folder before any work, or say why that cannot be."""
    if out is not None:
        from neuroalpha._files import make_folder

        make_folder(out)


_OPTIONS = {
    "n_items": "--items", "n_classes": "--classes", "noise_law": "--noise-law", "noise law": "--noise-law",
    "cost_scale": "--cost-scale", **{name: f"--{name}" for name in ("beta", "value", "budget", "sparsity", "utility")},
}  # fmt: skip


def _as_options(message: str) -> str:
    """The library's message with the names of its arguments as options: where one begins it, or is given."""
    named = "|".join(map(re.escape, _OPTIONS))
    message = re.sub(rf"^({named})(?= (is|and|'))", lambda found: _OPTIONS[found[1]], message)
    return re.sub(r"and value are both", "and --value are both", message)


def _pairs(given: list[str], option: str, kind: str, example: str) -> dict[str, str]:
    """NAME=VALUE words by name."""
    from neuroalpha.errors import InputError

    found: dict[str, str] = {}
    for word in given:
        name, mark, content = word.partition("=")
        if not mark or not name.strip():
            raise InputError(f"{option} is {word!r}; expected SIGNAL={kind}, as {option} {example}")
        if name.strip() in found:
            raise InputError(f"{option} names {name.strip()!r} twice; give it once")
        found[name.strip()] = content.strip()
    return found


def _shares(given: list[str]) -> dict[str, float]:
    from neuroalpha.errors import InputError

    found = {}
    for name, content in _pairs(given, "--noise", "SHARE", "hard=.1").items():
        try:
            found[name] = float(content)
        except ValueError as error:
            raise InputError(
                f"--noise {name}={content}: expected a share from 0 to .5, as --noise {name}=.1"
            ) from error
    return found


def _write_plan(plan: Any, out: Path) -> list[Path]:
    _headless()
    from neuroalpha.report.plot import signal_costs
    from neuroalpha.report.theory_files import write_theory

    tables = {"signals": plan.table, "cost-curve": plan.curve, "sparsity": plan.sparsities, "flips": plan.flips}
    tables |= {"frontier": plan.frontier}
    return write_theory(out, tables=tables, figures={"cost-curve": signal_costs(plan).figure})


def _told(found: Any, out: Path | None, json: bool, figures: str) -> None:
    """Print the tables of a check; write them with numbers and figures where a folder is given."""
    written: list[Path] = []
    if out is not None:
        _headless()
        from neuroalpha.report import plot
        from neuroalpha.report.theory_files import write_theory

        drawn = {name.replace("_", "-"): each for name, each in getattr(plot, figures)(found.datasets).items()}
        written = write_theory(out, tables=found.tables, datasets=_by_file_name(found.datasets), figures=drawn)
    if json:
        tables = {name: table.to_dict("records") for name, table in found.tables.items()}
        print_json({"tables": tables, "said": found.sentences, "written": [str(path) for path in written]})
        return
    for name, table in found.tables.items():
        print(f"{name}\n{_as_text(table)}\n")
    print("\n".join([*found.sentences, *(f"  {path}" for path in written)]))


def _as_text(table: Any) -> str:
    """A table of numbers aligned; one of sentences row by row, since its lines would not fit."""
    if all(len(str(cell)) < 60 for cell in table.to_numpy(object).ravel()):
        return table.to_string(index=False, na_rep="-", float_format="{:.3g}".format)
    first, *others = table.columns
    rows = []
    for row in table.to_dict("records"):
        rows.append(f"{row[first]}\n" + "\n".join(f"    {name}: {row[name]}" for name in others))
    return "\n".join(rows)


def _by_file_name(datasets: Any) -> dict[str, Any]:
    return {name.replace("_", "-").replace(" ", "-"): each for name, each in datasets.items()}


def _headless() -> None:
    import matplotlib

    matplotlib.use("Agg")
