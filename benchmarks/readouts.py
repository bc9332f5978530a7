"""What readouts cost: one, a thousand (10 noise levels x 10 seeds x 10 penalties), and scikit-learn's one by one.

Run: python benchmarks/readouts.py    (processor seconds of one thread, which what else the machine does hardly changes)

One readout is a decomposition, a projection, one label set and one penalty. A thousand are the same decomposition and
projection, 100 label sets and 10 penalties: as fits with the best penalty of each label set (gcv, loo), as all 1,000
fits, and with the accuracy of each of these on 1,000 test images. scikit-learn's RidgeClassifier solves anew each time:
the mean of a few times 1,000.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
from sklearn.linear_model import RidgeClassifier

from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.ridge import RidgeFit, RidgeReadouts

SIZES = ((8000, 64), (8000, 512), (8000, 2048))
N_SETS, N_PENALTIES, N_CLASSES, N_TEST = 100, 10, 10, 1000


def timed(call: Callable[[], object], runs: int = 3) -> float:
    """Smallest of so many times, in processor seconds."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def measure(n: int, p: int, n_sklearn: int, runs: int, loo: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n + N_TEST, p)) * np.arange(1, p + 1) ** -0.5
    clean = (x @ rng.normal(size=(p, N_CLASSES)) + rng.normal(size=(n + N_TEST, N_CLASSES))).argmax(axis=1)
    train, test = x[:n], x[n:]
    noisy = np.where(
        rng.random((N_SETS, n)) < np.linspace(0, 0.9, N_SETS)[:, None],
        rng.integers(N_CLASSES, size=(N_SETS, n)),
        clean[:n],
    )
    penalties = n * np.geomspace(1e-4, 1e1, N_PENALTIES)

    def readouts() -> RidgeReadouts:
        return RidgeReadouts(*decompose_and_project(train))

    def one() -> RidgeFit:
        return readouts().fit(clean[:n], N_CLASSES, penalties[5])

    def all_accuracies() -> None:
        made = readouts()
        made.accuracy(made.fit(noisy, N_CLASSES, penalties, None), made.decomposition.project(test), clean[n:])

    def one_accuracy() -> None:
        made = readouts()
        made.accuracy(made.fit(clean[:n], N_CLASSES, penalties[5]), made.decomposition.project(test), clean[n:])

    def sklearn_some() -> None:
        for which in range(n_sklearn):
            RidgeClassifier(alpha=penalties[which % N_PENALTIES]).fit(train, noisy[which % N_SETS])

    first = timed(one, runs)
    rows = {
        "1 readout": first,
        "1,000: best penalty by gcv": timed(lambda: readouts().fit(noisy, N_CLASSES, penalties), runs),
        "1,000: every penalty kept": timed(lambda: readouts().fit(noisy, N_CLASSES, penalties, None), runs),
    }
    if loo:
        rows["1,000: best penalty by loo"] = timed(lambda: readouts().fit(noisy, N_CLASSES, penalties, "loo"), 1)
    shown = timed(one_accuracy, runs)
    rows["1 readout, tested"] = shown
    rows["1,000: every penalty, tested"] = timed(all_accuracies, runs)
    theirs = timed(sklearn_some, 1) / n_sklearn
    rows |= {"scikit-learn, 1": theirs, "scikit-learn, 1,000 (extrapolated)": 1000 * theirs}
    print(f"{n} images, {p} neuroids, {N_CLASSES} classes")
    for name, seconds in rows.items():
        base = shown if "tested" in name else first
        print(f"  {name:36s} {seconds:10.3f} s   {seconds / base:8.1f} x one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sklearn", type=int, default=20, help="fits that scikit-learn's time is extrapolated from")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-loo", action="store_true", help="leave out leave-one-out, the slowest of ours")
    arguments = parser.parse_args()
    for n, p in SIZES:
        measure(n, p, arguments.sklearn, arguments.runs, not arguments.no_loo)


if __name__ == "__main__":
    main()
