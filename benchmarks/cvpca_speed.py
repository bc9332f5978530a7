"""cvPCA against the published Python route: time, agreement with exact float64, and peak memory, as one table.

The published route fits, for each shuffle, scikit-learn's PCA with 1,024 components to the transposed first repeat and
projects both repeats. ``python benchmarks/cvpca_speed.py``; ``--quick`` for a small size.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import xarray as xr
from scipy import linalg
from sklearn.decomposition import PCA

import neuroalpha as na
from neuroalpha.spectrum.crossval import swaps


def population(n_stimuli: int, n_neuroids: int) -> xr.DataArray:
    """Two repeats of a power-law signal (alpha 1) with white trial noise, signal variance .15, float32."""
    rng = np.random.default_rng(0)
    x = np.empty((2, n_stimuli, n_neuroids), dtype=np.float32)
    scale = np.arange(1, n_neuroids + 1) ** -0.5
    scale *= np.sqrt(0.15 * n_neuroids / (scale**2).sum())
    for start in range(0, n_neuroids, 500):
        part = scale[start : start + 500]
        signal = rng.normal(size=(n_stimuli, part.size)) * part
        for repeat in range(2):
            x[repeat, :, start : start + 500] = signal + np.sqrt(0.85) * rng.normal(size=signal.shape)
    coords = {"neuroid_id": ("neuroid", np.arange(n_neuroids).astype(str))}
    return xr.DataArray(x, dims=("repeat", "stimulus", "neuroid"), coords=coords)


def published(x: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The published route, shuffle by shuffle."""
    total = []
    for mask in masks:
        one, two = x[0].copy(), x[1].copy()
        one[mask], two[mask] = x[1][mask], x[0][mask]
        pca = PCA(n_components=min(1024, len(mask))).fit(one.T)
        axes = one.T @ (pca.components_.T / pca.singular_values_)
        total.append(((one @ axes) * (two @ axes)).sum(axis=0))
    return np.mean(total, axis=0) / (x.shape[1] - 1)


def exact(x: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Float64 throughout, all eigenvectors by LAPACK, repeats swapped in full."""
    x = x.astype(np.float64)
    x -= x.mean(axis=(0, 1))
    total = []
    for mask in masks:
        one, two = np.where(mask[:, None], x[1], x[0]), np.where(mask[:, None], x[0], x[1])
        vectors = linalg.eigh(one @ one.T, driver="evd")[1][:, ::-1]
        total.append(np.einsum("sk,sk->k", vectors, (two @ one.T) @ vectors))
    return np.mean(total, axis=0) / (x.shape[1] - 1)


def peak(n_stimuli: int, n_neuroids: int, options: str) -> float:
    """Peak memory of one call beyond the process with its input, in bytes: a fresh process."""
    code = (
        "import resource, sys; sys.path.insert(0, 'benchmarks')\n"
        "import neuroalpha as na; from cvpca_speed import population\n"
        "na.cvpca(population(40, 60), n_shuffles=2, n_draws=0)\n"
        f"x = population({n_stimuli}, {n_neuroids})\n"
        "before = int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
        "open('/proc/self/clear_refs', 'w').write('5')\n"
        f"na.cvpca(x, n_shuffles=2, {options})\n"
        "line = [l for l in open('/proc/self/status') if l.startswith('VmHWM')][0]\n"
        "print(int(line.split()[1]) * 1024 - before)"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--shuffles", type=int, default=10)
    parser.add_argument("--no-baseline", action="store_true")
    given = parser.parse_args()
    n_stimuli, n_neuroids = (700, 2000) if given.quick else (2800, 10000)
    data = population(n_stimuli, n_neuroids)
    x = data.values
    masks = swaps(n_stimuli, given.shuffles, np.random.default_rng(0))
    size = f"{n_stimuli} stimuli x {n_neuroids} neuroids, 2 repeats"
    print(f"{size}, float32, {given.shuffles} shuffles; input {x.nbytes / 1e6:.0f} MB")
    reference = exact(x, masks)
    top = min(500, reference.size)
    baseline = float("nan")
    print(f"{'route':<52}{'s':>8}{'times':>8}{'max rel. error':>16}{'peak / input':>14}")

    def line(name: str, seconds: float, found: np.ndarray | None, memory: float) -> None:
        error = "" if found is None else f"{np.abs(found[:top] / reference[:top] - 1).max():.1e}"
        share = "" if np.isnan(memory) else f"{memory / x.nbytes:.2f}"
        print(f"{name:<52}{seconds:>8.2f}{baseline / seconds:>8.1f}{error:>16}{share:>14}", flush=True)

    if not given.no_baseline:
        start = time.perf_counter()
        found = published(x, masks[:2])
        baseline = (time.perf_counter() - start) * given.shuffles / 2
        line("published route (2 shuffles timed)", baseline, None, float("nan"))
        del found
    for options in (
        "n_draws=0",
        "n_draws=0, n_components=1024",
        "n_draws=0, precision='float32'",
        "n_draws=0, n_components=1024, precision='float32'",
    ):
        memory = peak(n_stimuli, n_neuroids, options)
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            spectrum = na.cvpca(data, n_shuffles=given.shuffles, **eval(f"dict({options})"))
            seconds.append(time.perf_counter() - start)
        line(f"na.cvpca({options})", min(seconds), spectrum.eigenvalue.values, memory)
    print(f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
