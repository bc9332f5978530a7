"""IsoLoss against DirectPred on CIFAR-10: eigenvalues of the predictor's matrix, alpha and accuracy over the epochs.

Run: python scripts/isoloss_dynamics.py DATA --out FOLDER      (about ten minutes on one core; killed, it goes on)

Checks, one by one, what Halvagal et al. (2023) show of a ResNet-18 on a small network: a four-layer one with 8 to 64
channels, 5,000 lossless training images, 30 epochs. Writes a figure of the traces, one of accuracy and alpha, and
findings.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot
from torch import nn

import neuroalpha as na
from neuroalpha.report.plot_training import eigenvalue_traces

SHARED = {
    "backbone": "convnet4", "width": 8, "projector_hidden": 256, "projector_out": 64, "recipe": "isoloss",
    "optimiser": "sgd", "lr": 0.1, "batch_size": 128, "evaluate_every": 2, "evaluate_images": 2000, "seed": 1,
    "warmup": 2, "ema": 0.99,
}  # fmt: skip
LOSSES, DECAYS = ("cosine", "euclidean"), (1e-6, 1e-5, 4e-4)
MAIN = 1e-5  # the decay of the paper's main figure
SHARE = 0.01  # an eigenvalue counts as recruited from this share of the largest


def runs(epochs: int) -> dict[str, dict[str, object]]:
    """Settings by name: both objectives, both losses at the main decay, the cosine at all three; BYOL's learned one."""
    found: dict[str, dict[str, object]] = {}
    for objective in ("directpred", "isoloss"):
        for loss in LOSSES:
            for decay in DECAYS if loss == "cosine" else (MAIN,):
                name = f"{objective} {loss} {decay:g}"
                found[name] = {**SHARED, "objective": objective, "options": {"loss": loss}, "weight_decay": decay}
        name = f"{objective} cosine no EMA"
        found[name] = {**SHARED, "objective": objective, "weight_decay": MAIN, "ema": 0.0}
    found["byol linear"] = {**SHARED, "objective": "byol", "options": {"predictor": "linear"}, "weight_decay": MAIN}
    return {name: {**settings, "epochs": epochs} for name, settings in found.items()}


def load(data: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Training and test images with labels, lossless."""
    with np.load(data / "cifar10" / "lossless_subset.npz", allow_pickle=False) as held:
        return (held["Xtr"][:5000], held["ytr"][:5000]), (held["Xte"], held["yte"])


def numbers(history: pd.DataFrame, traces: xr.DataArray | None) -> dict[str, float]:
    """What the findings are about."""
    knn = history.set_index("epoch")["knn_accuracy"].dropna()
    found = {f"kNN, epoch {at}": float(knn[knn.index <= at].iloc[-1]) for at in (4, 10, 20, int(knn.index[-1]))}
    alpha = history.loc[history["readout_accuracy"].notna(), "alpha: backbone"]  # NaN where it has collapsed
    found |= {"alpha, first": float(alpha.iloc[0]), "alpha, last": float(alpha.iloc[-1])}
    if traces is not None:
        for label, row in (("a fifth", traces[len(traces) // 5]), ("all", traces[-1])):
            values = row.values
            found[f"recruited after {label}"] = float((values > SHARE * values[0]).sum())
            found[f"participation ratio after {label}"] = float(values.sum() ** 2 / (values**2).sum())
    last = history.iloc[-1]
    return found | {name: float(last[name]) for name in history if name.startswith("objective: ")}


def alignment(done: na.TrainResult, images: np.ndarray) -> dict[str, float]:
    """How much eigenvectors u of C = z'z/n, uncentred, are those of the learned linear predictor W: |u.Wu| / |Wu|."""
    (linear,) = [each for each in done.objective.modules() if isinstance(each, nn.Linear)]
    features = na.extract(done.network, na.images(images, normalize="cifar"), ["projector"]).values.astype(float)
    vectors = np.linalg.eigh(features.T @ features)[1][:, ::-1]
    turned = linear.weight.detach().double().numpy() @ vectors
    cosine = np.abs((vectors * turned).sum(0)) / np.linalg.norm(turned, axis=0)
    return {"alignment, ranks 1-10": float(cosine[:10].mean()), "alignment, ranks 33-64": float(cosine[32:].mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("isoloss-dynamics"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--part", default="", help="only runs whose name begins so, to share them out")
    arguments = parser.parse_args()
    (images, labels), test = load(arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows, histories, traces = {}, {}, {}
    for name, settings in runs(arguments.epochs).items():
        if not name.startswith(arguments.part):
            continue
        place = arguments.out / name.replace(" ", "-")
        done = na.train(images, settings, labels=labels, test=test, folder=place)
        histories[name], traces[name] = done.history, done.eigenvalues
        rows[name] = numbers(done.history, done.eigenvalues)
        if settings["objective"] == "byol":
            rows[name] |= alignment(done, images)
    table = pd.DataFrame(rows).T
    print(table.round(3).to_string())
    if arguments.part:
        return
    table.to_csv(arguments.out / "findings.csv")
    drawn = [name for name in rows if traces[name] is not None]
    figure, axes = pyplot.subplots(2, (len(drawn) + 1) // 2, figsize=(3.2 * ((len(drawn) + 1) // 2), 6), sharey=True)
    for name, ax in zip(drawn, axes.T.flat, strict=False):
        eigenvalue_traces(traces[name], ax=ax)
        ax.set_title(name, fontsize=9)
    figure.tight_layout()
    figure.savefig(arguments.out / "traces.png", dpi=130)
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4))
    for name, history in histories.items():
        style = {"directpred": "--", "isoloss": "-"}.get(name.split()[0], ":")
        for ax, column in zip(axes, ("knn_accuracy", "alpha: backbone"), strict=True):
            known = history.dropna(subset=[column])
            ax.plot(known["epoch"], known[column], style, label=name)
            ax.set(xlabel="epoch", ylabel={"knn_accuracy": "kNN accuracy"}.get(column, "alpha of the backbone"))
    axes[1].legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    figure.savefig(arguments.out / "accuracy.png", dpi=130)


if __name__ == "__main__":
    main()
