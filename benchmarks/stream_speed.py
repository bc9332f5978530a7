"""Exact spectrum from batches: time against the bare product and scikit-learn, accuracy, memory at 50k and 500k rows.

``python benchmarks/stream_speed.py``; ``--quick`` for a small size. Data: ReLU-like, a power law (alpha 1) in random
directions with means 150 times the spread, float32. Bare: ``x.T @ x`` of the whole array, once, and ``eigvalsh``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy import linalg
from sklearn.decomposition import PCA

import neuroalpha as na


def batches(n_rows: int, n_neuroids: int, size: int = 1000) -> Iterator[np.ndarray]:
    """Generated batch by batch; the same rows each time."""
    rng = np.random.default_rng(0)
    scale = (np.arange(1, n_neuroids + 1) ** -0.5).astype(np.float32)
    axis = rng.standard_normal(n_neuroids, dtype=np.float32)
    axis /= np.linalg.norm(axis)  # one reflection turns all axes at the cost of a vector
    means = 150 * np.sqrt((scale**2).mean()) * rng.random(n_neuroids, dtype=np.float32)
    for start in range(0, n_rows, size):
        x = rng.standard_normal((min(size, n_rows - start), n_neuroids), dtype=np.float32) * scale
        x -= np.outer(2 * (x @ axis), axis)
        yield x + means


def timed(call: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    """Best wall time of a few, and the last result."""
    best, result = np.inf, None
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - start)
    return best, result


def peak(n_rows: int, n_neuroids: int, precision: str) -> tuple[float, float]:
    """Seconds and peak resident memory (MB) of a fresh process that streams so many generated rows."""
    code = (
        "import sys, time; sys.path.insert(0, 'benchmarks')\n"
        "import neuroalpha as na; from stream_speed import batches\n"
        "start = time.perf_counter()\n"
        f"na.stream_spectrum(batches({n_rows}, {n_neuroids}), precision={precision!r})\n"
        "line = [l for l in open('/proc/self/status') if l.startswith('VmHWM')][0]\n"
        "print(time.perf_counter() - start, int(line.split()[1]) * 1024 / 1e6)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    seconds, memory = out.split()
    return float(seconds), float(memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    n_rows, p = (5_000, 512) if given.quick else (50_000, 2048)
    x = np.concatenate(list(batches(n_rows, p)))
    parts = np.array_split(x, max(1, n_rows // 1000))
    print(f"{n_rows} rows x {p} neuroids, float32, batches of 1000")
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    exact = linalg.svdvals(np.linalg.qr(centred, mode="r"))[:500] ** 2 / (n_rows - 1)
    del centred

    def bare(dtype: type) -> float:
        values = x.astype(dtype, copy=False)
        product, gram = timed(lambda: values.T @ values)
        return product + timed(lambda: linalg.eigvalsh(gram, check_finite=False))[0]

    print(f"{'route':<52}{'s':>8}{'x bare':>8}{'max rel. error to rank 500':>28}")
    for dtype in (np.float64, np.float32):
        name = np.dtype(dtype).name
        reference = bare(dtype)
        print(f"{'bare x.T @ x + eigvalsh, ' + name:<52}{reference:>8.2f}{1:>8.2f}")
        seconds, spectrum = timed(lambda name=name: na.stream_spectrum(parts, precision=name))  # type: ignore[misc]
        error = np.abs(spectrum.eigenvalue.values[:500] / exact - 1).max()  # type: ignore[attr-defined]
        print(f"{'na.stream_spectrum, ' + name:<52}{seconds:>8.2f}{seconds / reference:>8.2f}{error:>28.1e}")
        y = x.astype(dtype, copy=False)
        seconds, pca = timed(lambda y=y: PCA(svd_solver="covariance_eigh").fit(y), 2)  # type: ignore[misc]
        error = np.abs(pca.explained_variance_[:500] / exact - 1).max()  # type: ignore[attr-defined]
        route = "scikit-learn PCA covariance_eigh, " + name
        print(f"{route:<52}{seconds:>8.2f}{seconds / reference:>8.2f}{error:>28.1e}", flush=True)
        del y
    print(f"\n{'streamed from a generator':<40}{'s':>8}{'peak RSS MB':>14}")
    for rows in (n_rows, 10 * n_rows):
        seconds, memory = peak(rows, p, "float32")
        print(f"{f'{rows} rows':<40}{seconds:>8.1f}{memory:>14.0f}", flush=True)


if __name__ == "__main__":
    main()
