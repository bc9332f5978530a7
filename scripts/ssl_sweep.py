"""A sweep of 60 small networks on CIFAR-10: twelve objectives and their hyperparameters, all scores, readouts, shifts.

Run: python scripts/ssl_sweep.py DATA --out FOLDER [--workers 2]    (about an hour on two cores; killed, it goes on)

DATA holds cifar10/ (jpeg_train.npz, jpeg_test.npz, lossless_subset.npz, cifar10n_labels.npz). A four-layer network with
16 to 128 channels learns from 10,000 JPEG training images, 15 epochs of 39 steps. Scores and spectra are of 5,000 JPEG
test images; readouts are trained on the 10,000 and tested on the 5,000; shifts are 75 corruptions of 1,000 of these,
and the 1,017 lossless test images; label noise is synthetic and by people. ``scripts/ssl_selection.py`` goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

import neuroalpha as na
from neuroalpha.runs.sweep_state import told_of_sweep

N_TRAIN, N_TEST, N_SHIFT = 10_000, 5_000, 1_000
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
LAMBDAS = [0.002, 0.016, 0.126, 0.5]
"""Four of the ten of alpha-ReQ's grid, as is the way of its projector: hidden layer as wide as the output."""

SWEEP = """
title = "CIFAR-10: 60 small networks"

[images]
name = "train"
source = "train.npz"
key = "images"
label_key = "labels"
normalize = "cifar"

[test]
name = "test"
source = "test.npz"
key = "images"
label_key = "labels"
normalize = "cifar"

[train]
backbone = "convnet4"
width = 16
projector_hidden = 256
projector_out = 128
optimiser = "adam"
lr = 1e-3
weight_decay = 1e-6
batch_size = 256
epochs = EPOCHS
warmup = 1
evaluate_every = 3
evaluate_images = 2000
"""

TABLES = """
objective = "barlow_joint"
projector_hidden = 32
projector_out = 32
options.lambda = LAMBDAS
----
objective = "barlow_joint"
projector_hidden = 128
projector_out = 128
options.lambda = LAMBDAS
----
objective = "barlow_joint"
projector_hidden = 512
projector_out = 512
options.lambda = LAMBDAS
----
objective = "simclr"
options.temperature = [0.05, 0.2, 0.5, 1.0]
strength = [0.3, 1.0]
----
objective = "vicreg"
options.variance = [5.0, 25.0]
options.covariance = [1.0, 10.0]
----
objective = "barlow_twins"
options.lambda = [0.005, 0.05]
lr = [3e-4, 3e-3]
----
objective = "spectral"
options.mu = [1.0, 4.0]
lr = [3e-4, 3e-3]
----
objective = "byol"
ema = [0.9, 0.99]
lr = [3e-4, 3e-3]
----
objective = "simsiam"
options.stop_gradient = [true, false]
lr = [3e-4, 3e-3]
----
objective = "directpred"
options.variant = ["isoloss", "tian"]
lr = [3e-4, 3e-3]
----
objective = "directcopy"
lr = [3e-4, 3e-3]
----
objective = "isoloss"
options.loss = ["cosine", "euclidean"]
lr = [3e-4, 3e-3]
----
objective = "nassar"
options.strength = [0.1, 1.0, 10.0]
----
objective = "supervised"
recipe = ["weak", "simclr"]
weight_decay = [1e-6, 1e-2]
----
objective = "random_labels"
recipe = ["none", "weak"]
----
objective = "random_labels"
recipe = "simclr"
"""


def sweep_text(epochs: int) -> str:
    """The sweep file."""
    tables = TABLES.replace("LAMBDAS", str(LAMBDAS)).split("----")
    return SWEEP.replace("EPOCHS", str(epochs)) + "".join(f"\n[[sweep]]\n{table.strip()}\n" for table in tables)


def plan_text() -> str:
    """The plan that trains and measures them."""
    parts = [
        'title = "CIFAR-10: 60 small networks"\nwindows = [[4, 100], "auto", [11, 100], [5, 50]]',
        '[[models]]\nsweep = "sweep.toml"',
        *(
            f'[[images]]\nname = "{name}"\nsource = "{name}.npz"\nkey = "images"\nlabel_key = "labels"\n'
            'normalize = "cifar"'
            for name in ("train", "test", "shift", "lossless")
        ),
        '[[layers]]\nselect = ["backbone", "projector"]',
        '[[tasks]]\nkind = "train"\nimages = ["train"]',
        '[[tasks]]\nkind = "readouts"\nimages = ["train"]\ntest = "test"\nclassifiers = ["ridge", "knn"]',
        '[[tasks]]\nkind = "shifts"\nimages = ["train"]\ntest = "shift"\ncorruptions = ["*"]\nnatural = ["lossless"]',
        '[[tasks]]\nkind = "noise"\nimages = ["train"]\ntest = "test"\nhuman = ["human.npz"]\n'
        f"classes = {json.dumps(CLASSES)}",
        '[[tasks]]\nkind = "spectra"\nimages = ["test"]\ndraws = 10',
        '[[tasks]]\nkind = "scores"\nimages = ["test"]\nobjects = 500\nviews = 10',
        "[run]\nbatch_size = 250\nthreads = 1",
    ]
    return "\n\n".join(parts) + "\n"


def write_images(data: Path, out: Path) -> None:
    """The image sets of the plan, and the human labels of the training images."""
    random = np.random.default_rng(0)
    with np.load(data / "cifar10" / "lossless_subset.npz", allow_pickle=False) as held:
        lossless, lossless_labels, seen = held["Xte"], held["yte"], held["idx_te"]
    rows = np.sort(random.permutation(50_000)[:N_TRAIN])
    train, labels = decoded(data / "cifar10" / "jpeg_train.npz", rows)
    names = np.array(CLASSES)
    np.savez(out / "train.npz", images=train, labels=names[labels])
    human = na.read_human_labels(data / "cifar10" / "cifar10n_labels.npz", index=rows, clean=labels)
    np.savez(out / "human.npz", clean_label=labels, **{n: human[n] for n in ("aggregate", "random1", "worst")})
    others = np.setdiff1d(np.arange(10_000), seen)
    chosen = np.sort(random.permutation(others)[:N_TEST])
    test, labels = decoded(data / "cifar10" / "jpeg_test.npz", chosen)
    np.savez(out / "test.npz", images=test, labels=names[labels])
    np.savez(out / "shift.npz", images=test[:N_SHIFT], labels=names[labels[:N_SHIFT]])
    np.savez(out / "lossless.npz", images=lossless, labels=names[lossless_labels])


def decoded(path: Path, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some of the images (n, 32, 32, 3) and labels of one of the JPEG archives."""
    with np.load(path, allow_pickle=False) as held:
        jpeg, offset, label = held["jpeg"].tobytes(), held["offset"], held["label"]
    bounds = list(pairwise(offset))
    pixels = [np.asarray(Image.open(io.BytesIO(jpeg[slice(*bounds[row])]))) for row in rows]
    return np.stack(pixels), label[rows].astype(np.int64)


@contextlib.contextmanager
def processes(workers: int) -> Iterator[str | None]:
    """Address of a scheduler with so many processes of one thread each; None for this process alone."""
    if workers == 1:
        yield None
        return
    from distributed import LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("ssl-sweep"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "lossless.npz").is_file():
        write_images(arguments.data, out)
    (out / "sweep.toml").write_text(sweep_text(arguments.epochs), encoding="utf-8")
    (out / "plan.toml").write_text(plan_text(), encoding="utf-8")
    with processes(arguments.workers) as scheduler:
        done = na.run_zoo(out / "plan.toml", out / "run", scheduler=scheduler)
    print(f"{done.n_groups} networks on image sets, {done.n_done} results added, {done.n_failed} failed")
    print("\n".join(told_of_sweep(out / "run")))
    print("\n".join(map(str, na.write_report(out / "run"))))


if __name__ == "__main__":
    main()
