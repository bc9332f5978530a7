"""How alpha and dimension of a representation change with the labels that it learned from: CIFAR-10H, small networks.

Run: python scripts/supervision_alpha.py DATA --out FOLDER    (about 20 minutes on one core; killed, it goes on)

DATA holds cifar10/ (jpeg_test.npz, cifar10h_counts.npy). Networks of four convolutions learn 8,000 of the 10,000 test
images of CIFAR-10 from one kind of label each; networks of one seed share first weights, order and augmentation of
images, so that differences are paired. Everything is measured on the other 2,000 images. FOLDER gets a checkpoint for
each network, networks.csv, differences.csv (from hard labels, 95 % intervals over seeds) and supervision-alpha.png.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import io
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

import neuroalpha as na
from neuroalpha._files import atomic_path
from neuroalpha.spectrum.labelfree.collapse import why_collapsed
from neuroalpha.ssl.backbones import make_backbone
from neuroalpha.tasks.label_counts import read_label_counts
from neuroalpha.tasks.scores import image_scores, scores, softmax
from neuroalpha.tasks.soft_labels import label_entropy, soft_labels

matplotlib.use("Agg")

N_TRAIN, BATCH, WIDTH = 8_000, 128, 16
SIGNALS = {
    "hard": {"kind": "hard"},
    "human soft": {"kind": "soft"},
    "top-2 sparse": {"kind": "sparse", "top": 2},
    "smoothed .05": {"kind": "smoothed", "smoothing": 0.05},
    "smoothed .2": {"kind": "smoothed", "smoothing": 0.2},
    "one rater": {"kind": "one rater"},
    "noisy .2": {"kind": "noisy", "smoothing": 0.2},
    "random": {"kind": "shuffled"},
}
"""Labels by name. "one rater" is a draw of "human soft" for each image, "noisy .2" one of "smoothed .2"."""
WINDOWS = {"avgpool": ((4, 64), (11, 50)), "layer4": ((11, 400), (4, 100))}
"""Ranks by layer: the window by rule (na.fit_alpha's "auto") first, then a second one, to see how much it matters."""
MEAN, SD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of CIFAR-10's training images
QUANTITIES = ("alpha", "alpha_second", "participation_ratio", "effective_rank")
OF_NETWORKS = ("accuracy", "agreement", "cross_entropy_class", "cross_entropy_human", "calibration_error")


class Network(nn.Module):
    """The backbone ``convnet4`` and a linear layer."""

    def __init__(self, seed: int, n_classes: int = 10) -> None:
        super().__init__()
        self.backbone = make_backbone("convnet4", width=WIDTH, seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.linear = nn.Linear(self.backbone.n_features, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, 32, 32) to logits (N, n_classes)."""
        return self.linear(self.backbone(x))


def decoded(path: Path) -> tuple[Tensor, np.ndarray]:
    """All images (n, 3, 32, 32) uint8 of a JPEG archive, and their classes (n,)."""
    with np.load(path, allow_pickle=False) as held:
        jpeg, offset, label = held["jpeg"].tobytes(), held["offset"], held["label"]
    pixels = [np.asarray(Image.open(io.BytesIO(jpeg[a:b]))) for a, b in pairwise(offset)]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), label.astype(np.int64)


def shown(pixels: Tensor) -> Tensor:
    """Pixels as the networks see them."""
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, SD))
    return (pixels.float() / 255 - mean) / sd


def augmented(pixels: Tensor, random: torch.Generator) -> Tensor:
    """A batch of uint8 images, each flipped at random and shifted by up to 4 pixels."""
    n = len(pixels)
    flip = torch.rand(n, generator=random) < 0.5
    pixels = torch.where(flip[:, None, None, None], pixels.flip(3), pixels)
    down, right = torch.randint(0, 9, (2, n, 1), generator=random)
    padded = F.pad(pixels, (4, 4, 4, 4)).permute(0, 2, 3, 1)
    rows, columns = (down + torch.arange(32))[:, :, None], (right + torch.arange(32))[:, None, :]
    return shown(padded[torch.arange(n)[:, None, None], rows, columns].permute(0, 3, 1, 2))


def train(pixels: Tensor, labels: Tensor, seed: int, epochs: int, name: str) -> Network:
    """Cross-entropy with label distributions (n, k), stochastic gradient descent, one-cycle learning rate."""
    random = torch.Generator().manual_seed(seed)
    model = Network(seed).train().to(memory_format=torch.channels_last)
    batch = min(BATCH, len(pixels))
    per_epoch = len(pixels) // batch
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs * per_epoch)
    with tqdm(total=epochs * per_epoch, desc=name, unit="batch", delay=1, mininterval=5, file=sys.stderr) as bar:
        for _ in range(epochs):
            for rows in torch.randperm(len(pixels), generator=random).split(batch)[:per_epoch]:
                images = augmented(pixels[rows], random).to(memory_format=torch.channels_last)
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = F.cross_entropy(model(images).float(), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()
    return model.eval()


def measured(model: Network, pixels: Tensor, classes: np.ndarray, counts: np.ndarray) -> list[dict[str, object]]:
    """Rows of a network, one for each layer: scores on held-out images, and the spectrum of the layer over them."""
    shown_images = shown(pixels)
    with torch.no_grad():
        logits = torch.cat([model(batch) for batch in shown_images.split(250)]).double().numpy()
    probabilities, human = softmax(logits), soft_labels(counts)
    log = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    found = {name: float(value[0]) for name, value in scores(image_scores(probabilities, classes)).items()}
    of_network = {
        "accuracy": found["accuracy"],
        "agreement": float(human[np.arange(len(human)), probabilities.argmax(axis=1)].mean()),
        "cross_entropy_class": found["nll"],
        "cross_entropy_human": float(-(human * log).sum(axis=1).mean()),
        "human_entropy": float(label_entropy(counts).mean()),
        "calibration_error": found["calibration_error"],
    }
    rows = []
    for layer, windows in WINDOWS.items():
        responses = na.extract(model.backbone, shown_images, [layer], progress=False)
        spectrum = na.eigenspectrum(responses, n_draws=0)
        sizes = na.dimensions(spectrum)
        row: dict[str, object] = {"layer": layer, "collapsed": why_collapsed(responses.values), **of_network}
        for suffix, ranks in zip(("", "_second"), windows, strict=True):
            fit, bend = na.fit_alpha(spectrum, ranks), na.straightness(spectrum, ranks)
            row |= {f"first{suffix}": ranks[0], f"last{suffix}": ranks[1], f"alpha{suffix}": fit.alpha}
            row |= {f"r2{suffix}": fit.r2, f"bend{suffix}": bend.second - bend.first, f"verdict{suffix}": bend.verdict}
        row |= {"participation_ratio": sizes.participation_ratio, "effective_rank": sizes.effective_rank}
        rows.append({**row, "n_stimuli": responses.shape[0], "n_neuroids": responses.shape[1]})
    return rows


def differences(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Mean difference of each signal from hard labels over seeds, with Student's interval: paired, seed by seed."""
    rows = []
    for layer, of_layer in table.groupby("layer", sort=False):
        names = QUANTITIES + (OF_NETWORKS if layer == "avgpool" else ())
        for quantity in names:
            wide = of_layer.pivot(index="seed", columns="signal", values=quantity)
            for signal in dict.fromkeys(of_layer["signal"]):
                if signal == "hard" or "hard" not in wide:
                    continue
                change = (wide[signal] - wide["hard"]).dropna().to_numpy()
                mean, n = float(change.mean()), len(change)
                half = float(stats.t.ppf(0.5 + level / 2, n - 1) * stats.sem(change)) if n > 1 else np.nan
                rows.append((layer, quantity, signal, mean, mean - half, mean + half, n, float(wide["hard"].mean())))
    columns = ["layer", "quantity", "signal", "difference", "low", "high", "n_seeds", "of_hard"]
    return pd.DataFrame(rows, columns=columns)


def draw(table: pd.DataFrame, target: Path) -> None:
    """What each signal changes in alpha, participation ratio and effective rank: each seed, mean and interval."""
    import matplotlib.pyplot as plt

    signals = [signal for signal in SIGNALS if signal in set(table["signal"]) and signal not in ("hard", "random")]
    changes = differences(table).set_index(["layer", "quantity", "signal"])
    titles = {"alpha": "alpha", "participation_ratio": "participation ratio", "effective_rank": "effective rank"}
    figure, axes = plt.subplots(len(WINDOWS), 3, figsize=(13, 6.4), layout="constrained", sharey=True)
    for row, (layer, of_layer) in zip(axes, table.groupby("layer", sort=False), strict=True):
        first, last = (int(of_layer[name].iloc[0]) for name in ("first", "last"))
        for ax, (quantity, title) in zip(row, titles.items(), strict=True):
            wide = of_layer.pivot(index="seed", columns="signal", values=quantity)
            for place, signal in enumerate(signals):
                change, (mean, low, high) = wide[signal] - wide["hard"], changes.loc[(layer, quantity, signal)][:3]
                ax.plot(change, np.full(len(change), place + 0.22), ".", color="0.6", ms=5)
                ax.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="D", color="#1f4e79", ms=6, capsize=3)
            ax.axvline(0, color="#b5482a", lw=1, zorder=0)
            told = f", ranks {first} to {last}" if quantity == "alpha" else ""
            ax.set_title(f"{layer}: {title}{told} (hard: {wide['hard'].mean():.2f})", fontsize=10)
            ax.set_yticks(range(len(signals)), signals)
            ax.grid(axis="x", color="0.9")
            ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].invert_yaxis()
    figure.suptitle("Difference from hard labels on held-out images: seeds (dots), mean and 95 % interval", fontsize=11)
    with atomic_path(target) as part:
        figure.savefig(part, dpi=110, format="png")
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("supervision-alpha"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--images", type=int, default=N_TRAIN, help="training images")
    parser.add_argument("--only", nargs="*", default=list(SIGNALS), choices=list(SIGNALS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    pixels, classes = decoded(arguments.data / "cifar10" / "jpeg_test.npz")
    counts = read_label_counts(arguments.data / "cifar10" / "cifar10h_counts.npy", labels=classes)
    order = np.random.default_rng(0).permutation(len(pixels))
    learned, held = order[: arguments.images], order[N_TRAIN:]
    held_out = pixels[held], classes[held], counts[held]
    rows: list[dict[str, object]] = []
    for seed in range(arguments.seeds):  # seed by seed, so that a run cut short has whole pairs
        for signal in (*arguments.only, "untrained"):
            checkpoint = out / f"{signal.replace(' ', '-')}-{seed}-{arguments.images}-{arguments.epochs}.pt"
            model = Network(seed).eval()
            if signal == "untrained":
                entropy = np.nan
            else:
                labels = soft_labels(counts[learned], seed=seed, **SIGNALS[signal])  # type: ignore[arg-type]
                entropy = float(label_entropy(labels).mean())
                if not checkpoint.exists():
                    begun = time.perf_counter()
                    target = torch.from_numpy(labels.astype(np.float32))
                    model = train(pixels[learned], target, seed, arguments.epochs, f"{signal} {seed}")
                    with atomic_path(checkpoint) as part:
                        torch.save(model.state_dict(), part)
                    print(f"{signal}, seed {seed}: {time.perf_counter() - begun:.0f} s", flush=True)
                model.load_state_dict(torch.load(checkpoint, weights_only=True))
            how = {"signal": signal, "seed": seed, "label_entropy": entropy, "epochs": arguments.epochs}
            rows += [{**how, **row} for row in measured(model, *held_out)]
            table = pd.DataFrame(rows)
            with atomic_path(out / "networks.csv") as part:
                table.to_csv(part, index=False, float_format="%.6g")
    changes = differences(table)
    with atomic_path(out / "differences.csv") as part:
        changes.to_csv(part, index=False, float_format="%.5g")
    if "hard" in arguments.only and len(arguments.only) > 1:
        draw(table, out / "supervision-alpha.png")
    means = table.groupby(["layer", "signal"], sort=False)[[*QUANTITIES, *OF_NETWORKS]].mean()
    print(means.to_string(float_format="%.3f"))
    print(changes.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # windows past half the units: told in the docs page
        main()
