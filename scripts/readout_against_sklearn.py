"""Is the ridge readout scikit-learn's? Accuracy and decision values side by side, on published CIFAR-10 ResNets.

Run: python scripts/readout_against_sklearn.py DATA    where DATA holds cifar10/lossless_subset.npz and weights/*.th

Every stage of a ResNet, all units (more than training images) and averaged over space (fewer), with five penalties.
About 3 minutes for one network on two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifier

import neuroalpha as na
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.labels import encode
from neuroalpha.tasks.ridge import RidgeReadouts

PENALTIES = (1e-4, 1e-2, 1.0, 1e2, 1e4)  # times the mean eigenvalue of the scatter matrix


def compare(train: np.ndarray, test: np.ndarray, train_labels: np.ndarray, test_labels: np.ndarray) -> pd.DataFrame:
    """One row for each penalty."""
    classes = encode(train_labels, test_labels)
    start = time.perf_counter()
    decomposition, projected = decompose_and_project(train)
    readouts = RidgeReadouts(decomposition, projected)
    shown = decomposition.project(test)
    seconds = time.perf_counter() - start
    rows = []
    for relative in PENALTIES:
        penalty = relative * decomposition.values.mean()
        start = time.perf_counter()
        fit = readouts.fit(classes.train, classes.names.size, penalty)
        ours = readouts.decisions(fit, shown)[0]
        ours_took = time.perf_counter() - start
        start = time.perf_counter()
        theirs = RidgeClassifier(alpha=penalty).fit(train, classes.train).decision_function(test)
        rows.append(
            {
                "penalty": relative,
                "ours": float((readouts.predict(fit, shown)[0] == classes.test).mean()),
                "scikit-learn": float((theirs.argmax(axis=1) == classes.test).mean()),
                "other predictions": int((theirs.argmax(axis=1) != ours.argmax(axis=1)).sum()),
                "largest difference": np.abs(ours - theirs).max() / np.abs(theirs).max(),
                "decomposition s": seconds,
                "ours s": ours_took,
                "scikit-learn s": time.perf_counter() - start,
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--depth", type=int, nargs="+", default=[20], choices=(20, 32, 44, 56))
    parser.add_argument("--images", type=int, default=3000, help="training images")
    arguments = parser.parse_args()
    lossless = np.load(arguments.data / "cifar10" / "lossless_subset.npz", allow_pickle=False)
    n = arguments.images
    pictures = na.images(lossless["Xtr"][:n], normalize="cifar", label=lossless["ytr"][:n])
    test = na.images(lossless["Xte"], normalize="cifar", label=lossless["yte"])
    tables = []
    for depth in arguments.depth:
        (path,) = sorted((arguments.data / "weights").glob(f"resnet{depth}-*.th"))
        model = na.load_model(f"cifar:resnet{depth}", weights=str(path))
        blocks = (depth - 2) // 6
        for layer in [f"layer{stage}.{blocks - 1}" for stage in (1, 2, 3)]:
            for reduce in ("mean", "flatten"):
                parts = [na.extract(model, shown, [layer], reduce=reduce, progress=False) for shown in (pictures, test)]
                # In float64, for scikit-learn keeps the dtype that it is given.
                values = [part.values.astype(np.float64) for part in parts]
                table = compare(*values, parts[0].label.values, parts[1].label.values)
                labels = {"model": f"resnet{depth}", "layer": layer, "units": parts[0].sizes["neuroid"]}
                tables.append(table.assign(**labels))
                print(tables[-1].set_index(list(labels)).to_string(float_format=lambda x: f"{x:.4g}"), flush=True)
    table = pd.concat(tables)
    apart = (table["ours"] - table["scikit-learn"]).abs().max()
    print(
        f"{len(table)} readouts: accuracy differs by {apart:.1e} at most, decision values by "
        f"{table['largest difference'].max():.1e} of the largest, "
        f"{table['other predictions'].sum()} predictions of {len(table) * len(lossless['yte'])}"
    )


if __name__ == "__main__":
    main()
