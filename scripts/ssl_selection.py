"""Does alpha pick the best network of a sweep without labels? Scores against accuracy, and rules that choose readouts.

Run: python scripts/ssl_selection.py FOLDER [--table TABLE.csv]    after scripts/ssl_sweep.py DATA --out FOLDER

Also reads each network out after a ninth and a third of the training images, for successive halving. Writes the sweep's
table (one row for each network: scores of backbone and projector, accuracies, shifts, noise), rank correlations of each
score with accuracy, every rule over 1,000 orders against random search, the growth of readouts with the number of
networks, and figures. A few minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import pandas as pd
from matplotlib import pyplot
from tqdm import tqdm

import neuroalpha as na
from neuroalpha.runs.results import run_table
from neuroalpha.spectrum.labelfree.clid import over_models

LENGTHS = (1 / 9, 1 / 3)
SCORES = (
    "alpha", "rankme", "lidar", "nesum", "participation_ratio", "stable_rank_uncentred", "coding_rate", "clid",
    "self_cluster", "final_loss_per_dimension",
)  # fmt: skip
OF_PROJECTOR = ("alpha", "rankme", "lidar", "effective_rank", "nesum", "coding_rate", "collapsed")
OF_BACKBONE = (
    "alpha", "low", "high", "r2", "verdict", *SCORES[1:], "rankme_eigenvalues", "lidar_squared", "effective_rank",
    "condition", "intrinsic_dimension", "clid_cluster", "coherence", "collapsed", "training_collapsed", "accuracy",
    "accuracy_low", "accuracy_high", "balanced_accuracy", "calibration_error", "knn_accuracy", "online_accuracy",
    "corruption_accuracy", "training_seconds", "final_loss",
)  # fmt: skip
LABELLED = ("supervised", "random_labels")
WINDOW = "4-100"  # alpha-ReQ's


def one_row_each(folder: Path) -> pd.DataFrame:
    """One row for each network: its settings, the backbone's numbers, and some of the projector's."""
    whole = run_table(folder / "run")
    first = whole[whole["window"] == WINDOW]
    backbone = first[first["layer"] == "backbone"].set_index("model")
    wanted = [name for name in OF_BACKBONE if name in backbone]
    shifts = [name for name in backbone if name.startswith(("accuracy: ", "noise_", "memorisation"))]
    settings = [name for name in backbone if name.startswith("setting: ")]
    table = backbone[[*settings, *wanted, *shifts]].rename(columns={"setting: objective": "objective"})
    projector = first[first["layer"] == "projector"].set_index("model")
    for name in OF_PROJECTOR:
        if name in projector:
            table[f"{name}: projector"] = projector[name]
    for window, rows in whole[whole["layer"] == "backbone"].groupby("window"):
        if window != WINDOW:
            table[f"alpha, ranks {window}"] = rows.set_index("model")["alpha"]
    # The paper's score is over the models that are compared; one network alone has the dimension's share of its units.
    table["clid"] = over_models(table["clid_cluster"].to_numpy(), table["intrinsic_dimension"].to_numpy())
    return table.reset_index()


def add_lengths(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Accuracies of readouts that saw a share of the training images only."""
    sets = {name: na.images(folder / f"{name}.npz", key="images", label_key="labels", normalize="cifar")
            for name in ("train", "test")}  # fmt: skip
    found = {f"accuracy at {length:.4f}": [] for length in LENGTHS}
    for model in tqdm(table["model"], desc="shorter readouts"):
        network = na.load_trained(folder / "sweep-trained" / model)
        train, test = (na.extract(network, images, ["backbone"], batch_size=500) for images in sets.values())
        for length, held in zip(LENGTHS, found.values(), strict=True):
            some = train.isel(presentation=slice(0, round(length * train.sizes["presentation"])))
            held.append(float(na.readout(some, test, n_boot=1)["accuracy"]))
    return table.assign(**found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", type=Path, help="read this table instead of a run")
    parser.add_argument("--tolerance", type=float, default=1.0)
    arguments = parser.parse_args()
    out = arguments.folder / "selection"
    out.mkdir(parents=True, exist_ok=True)
    if arguments.table is None:
        table = add_lengths(one_row_each(arguments.folder), arguments.folder)
        table.round(6).to_csv(out / "sweep.csv", index=False)
    else:
        table = pd.read_csv(arguments.table)
    untrained = table["objective"].isin(LABELLED)  # their projectors have the weights that they began with
    table.loc[untrained, [name for name in table if name.endswith(": projector")]] = float("nan")
    percent = [name for name in table if name.startswith("accuracy") and table[name].dtype == float]
    table[percent] = 100 * table[percent]
    print(f"{len(table)} networks, accuracy {table['accuracy'].min():.1f} to {table['accuracy'].max():.1f} %")
    table.round(4).to_csv(out / "percent.csv", index=False)
    # Label-free selection is for networks that learned without labels; those that learned with labels are shown beside.
    for which, rows in (("unlabelled", table[~untrained]), ("all", table)):
        print(f"\n== {which}: {len(rows)} networks")
        look_at(rows, which, out, arguments.tolerance)


def look_at(table: pd.DataFrame, which: str, out: Path, tolerance: float) -> None:
    """Correlations, rules and growth of some of the networks; tables and figures begin with their name."""
    scores = [name for name in SCORES if name in table and table[name].notna().any()]
    extra = [name for name in ("alpha: projector", "rankme: projector", "lidar: projector") if name in table]
    related = na.score_correlations(table, [*scores, *extra], group="objective")
    shown = related[related["where"].isin(["all", "within groups"])]
    print(shown.drop(columns=["note"], errors="ignore").round(2).to_string(index=False))
    compared = na.compare_rules(
        table, scores, tolerance=tolerance, combined=("alpha", "r2", "rankme", "coding_rate"), n_shuffles=200,
        progress=True,
    )  # fmt: skip
    frames = {
        "correlations": related, "rules": compared.table, "growth": compared.growth, "fits": compared.growth_fits,
    }  # fmt: skip
    for name, frame in frames.items():
        frame.round(5).to_csv(out / f"{which}-{name}.csv", index=False)
    print(compared.table.round(3).to_string(index=False))
    print(compared.growth_fits.round(3).to_string(index=False))
    print("\n".join(compared.sentences))
    for name, draw in (
        ("scores", lambda: na.plot.score_against_accuracy(table, [*scores, *extra], group="objective")),
        ("selection", lambda: na.plot.selection(compared)),
    ):
        drawn = draw()
        figure = (drawn.flat[0] if hasattr(drawn, "flat") else drawn).get_figure()
        figure.savefig(out / f"{which}-{name}.png", dpi=100, bbox_inches="tight")
        pyplot.close(figure)


if __name__ == "__main__":
    main()
