"""Alpha by layer, with intervals, of the four published CIFAR-10 ResNets on lossless images, and their test accuracy.

Run: python scripts/cifar_resnets.py DATA --out FOLDER    where DATA holds cifar10/lossless_subset.npz and weights/*.th

About 12 minutes and 2 GB on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

import neuroalpha as na
from neuroalpha.compare.measure import Measurement, to_table

matplotlib.use("Agg")
BLOCKS = {20: 3, 32: 5, 44: 7, 56: 9}  # residual blocks a stage
N_IMAGES = 1500


def layers_of(blocks: int) -> list[str]:
    """The stem's activation and three blocks of each stage: first, middle, last."""
    picks = sorted({0, blocks // 2, blocks - 1})
    return ["bn1"] + [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in picks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--images", type=int, default=N_IMAGES)
    parser.add_argument("--draws", type=int, default=16)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lossless = np.load(arguments.data / "cifar10" / "lossless_subset.npz", allow_pickle=False)
    test = na.images(lossless["Xte"], normalize="cifar", label=lossless["yte"], identifier="CIFAR-10 test, lossless")
    pictures = na.images(lossless["Xtr"][: arguments.images], normalize="cifar", identifier="CIFAR-10 train, lossless")
    tables = []
    for depth, blocks in BLOCKS.items():
        (path,) = sorted((arguments.data / "weights").glob(f"resnet{depth}-*.th"))
        model = na.load_model(f"cifar:resnet{depth}", weights=str(path))
        logits = na.extract(model, test, ["linear"], progress=False)
        accuracy = float((logits.values.argmax(axis=1) == lossless["yte"]).mean())
        print(f"resnet{depth}: test accuracy {accuracy:.1%} on {len(lossless['yte'])} images", flush=True)
        measured = []
        for layer in layers_of(blocks):  # one at a time: the widest is 16,384 units
            net = na.extract(model, pictures, [layer], progress=False)
            spectrum = na.eigenspectrum(net, n_draws=arguments.draws)
            measured.append(Measurement(layer, spectrum, na.fit_alpha(spectrum, "auto")))
        table = to_table(measured).assign(model=f"resnet{depth}", accuracy=accuracy)
        print(
            table[["name", "alpha", "low", "high", "first", "last", "n_neuroids"]].round(3).to_string(index=False),
            flush=True,
        )
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    table.to_csv(arguments.out / "cifar_resnets.csv", index=False)
    ax = na.plot.alpha_by_layer(table, group="model")
    ax.set_title(f"CIFAR-10 ResNets, {arguments.images} lossless images, all units of each layer")
    ax.get_figure().savefig(arguments.out / "cifar_resnets.png", dpi=150)


if __name__ == "__main__":
    main()
