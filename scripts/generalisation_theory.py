"""Ridge theory against simulation, and against readouts of CIFAR-10 ResNets: what alpha says, what alignment adds.

Run: python scripts/generalisation_theory.py DATA --out FOLDER
where DATA holds cifar10/lossless_subset.npz and weights/*.th

The images are ones that the networks were trained on: errors are those of a readout of memorised images in the last
stage. Under a minute and 2 GB on one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from scipy import stats

import neuroalpha as na
from neuroalpha.report.plot_generalisation import generalisation
from neuroalpha.theory.generalisation import VARIANTS, predict_generalisation, variant_gaps
from neuroalpha.theory.ridge_error import generalisation_error
from neuroalpha.theory.ridge_simulation import simulate_error

matplotlib.use("Agg")
BLOCKS = {20: 3, 32: 5, 44: 7, 56: 9}  # residual blocks a stage
SIZES = [250, 500, 1000, 2000, 4000]
RANK = 1000  # training images at which layers are compared


def against_simulation(n_draws: int = 40) -> pd.DataFrame:
    """Gaussian features of 400 modes, 100 training images, a tenth of the target outside the span, noisy labels."""
    rank, rows = np.arange(1, 401.0), []
    for alpha in (0.5, 1.0, 1.5, 2.0):
        for b in (1.2, 2.0, 3.0):
            for penalty in (0.0, 1e-3, 1e-1):
                power = rank**-b / (rank**-b).sum() * 0.9
                theory = generalisation_error(rank**-alpha, power, 100, penalty, rest=0.1, noise=0.2).error[0]
                drawn = simulate_error(rank**-alpha, power, 100, penalty, rest=0.1, noise=0.2, n_draws=n_draws)
                standard = drawn.std(ddof=1) / np.sqrt(n_draws)
                rows.append((alpha, b, penalty, theory, drawn.mean(), standard, theory / drawn.mean() - 1))
    names = ["alpha", "b", "penalty", "theory", "simulation", "standard_error", "relative"]
    return pd.DataFrame(rows, columns=names)


def decay() -> pd.DataFrame:
    """How fast the error falls without penalty, for spectra of 200,000 modes: against min(b - 1, 2 alpha)."""
    rank, sizes, rows = np.arange(1, 200_001.0), np.geomspace(100, 1000, 6), []
    for alpha in (1.2, 1.5, 2.0):
        for b in (1.5, 2.0, 3.0, 4.0, 5.0, 6.0):
            error = generalisation_error(rank**-alpha, rank**-b, sizes, 0.0).error
            slope = -np.polyfit(np.log(sizes), np.log(error), 1)[0]
            rows.append((alpha, b, slope, min(b - 1, 2 * alpha)))
    return pd.DataFrame(rows, columns=["alpha", "b", "decay", "min(b - 1, 2 alpha)"])


def published(result) -> np.ndarray:
    """The formula for infinitely many images, given the spectrum and the alignment of the images that there are."""
    return generalisation_error(
        result["eigenvalue"].values,
        result["target_power"].values,
        result["n_train"].values,
        result["penalty"].values,
        rest=result.attrs["target_rest"],
        intercept=True,
    ).error


def curve(result) -> pd.DataFrame:
    """One row for each number of training images."""
    names = ["penalty", *VARIANTS, "measured_error", "measured_error_sd", "measured_accuracy"]
    return result[names].to_dataframe().reset_index().assign(published=published(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--depths", type=int, nargs="+", default=list(BLOCKS), choices=list(BLOCKS))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    table = against_simulation()
    table.to_csv(arguments.out / "theory_simulation.csv", index=False)
    print(table.round(4).to_string(index=False))
    worst = table["relative"].abs()
    print(f"theory against simulation: median {worst.median():.1%} apart, at most {worst.max():.1%}\n")
    print(decay().round(3).to_string(index=False), flush=True)

    lossless = np.load(arguments.data / "cifar10" / "lossless_subset.npz", allow_pickle=False)
    pixels, labels = lossless["Xtr"][: arguments.images], lossless["ytr"][: arguments.images]
    pictures = na.images(pixels, normalize="cifar", label=labels, identifier="CIFAR-10 train, lossless")
    few = na.images(pixels[:2000], normalize="cifar", label=labels[:2000], identifier="CIFAR-10 train, lossless")
    curves, gaps, across = [], [], []
    for depth in arguments.depths:
        (path,) = sorted((arguments.data / "weights").glob(f"resnet{depth}-*.th"))
        model = na.load_model(f"cifar:resnet{depth}", weights=str(path))
        layers = [f"layer{stage}.{BLOCKS[depth] - 1}" for stage in (1, 2, 3)]
        net = na.extract(model, pictures, layers, reduce="mean", progress=False)
        for layer in layers:
            result = predict_generalisation(na.subset(net, layer=layer), n_train=SIZES, measure=True)
            note = {"model": f"resnet{depth}", "layer": layer, "reduce": "mean"}
            curves.append(curve(result).assign(**note))
            gaps.append(variant_gaps(result).assign(**note))
            at = result.sel(n_train=RANK)
            exponents = {name: result.attrs[name] for name in ("alpha", "alignment_exponent", "target_rest")}
            across.append({**note, **exponents, **{v: float(at[v]) for v in [*VARIANTS, "measured_error"]}})
        if depth == arguments.depths[0]:  # all units of one stage: more of them than images
            wide = na.extract(model, few, [layers[2]], progress=False)
            result = predict_generalisation(
                wide, n_train=[20, 50, 100, 250, 500, 1000, 1500, 1800], measure=True, n_draws=3
            )
            note = {"model": f"resnet{depth}", "layer": layers[2], "reduce": "flatten"}
            curves.append(curve(result).assign(**note))
            gaps.append(variant_gaps(result).assign(**note))
            generalisation(result).get_figure().savefig(arguments.out / "generalisation_theory.png", dpi=150)
    every = pd.concat(curves, ignore_index=True)
    every.to_csv(arguments.out / "generalisation_curves.csv", index=False)
    for note, part in every.groupby(["model", "layer", "reduce"], sort=False):
        print("\n" + " ".join(note))
        print(part.drop(columns=["model", "layer", "reduce"]).round(4).to_string(index=False))
    gap = pd.concat(gaps, ignore_index=True)
    gap.to_csv(arguments.out / "generalisation_gaps.csv", index=False)
    print("\nroot mean square of log(predicted / measured), median and largest over layers (0.05 is about 5 %)")
    print(gap.groupby(["variant", "reduce"], sort=False)["log_gap"].agg(["median", "max"]).round(4).to_string())
    compared = pd.DataFrame(across)
    compared.to_csv(arguments.out / "generalisation_layers.csv", index=False)
    print(f"\nSpearman with the measured error after {RANK} images, over {len(compared)} layers")
    for name in ["alpha", "alignment_exponent", "target_rest", *VARIANTS]:
        print(f"{name:20s} {stats.spearmanr(compared[name], compared['measured_error'])[0]:+.2f}")


if __name__ == "__main__":
    main()
