"""Spectra of a file larger than memory: eigenspectrum and cvPCA of an assembly on disk, read block by block.

The measured process has a hard limit on its data segment (RLIMIT_DATA: on Linux all private writable memory, that is
what numpy, BLAS and thread stacks take, whether touched or not; not the page cache), and its peak resident memory is
reported. A plain loop over the same file with h5py and numpy, written out here, says whether the numbers are exact.
``python benchmarks/out_of_core.py --folder /tmp`` writes an 8 GB file there and removes it; ``--quick``: 80 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import neuroalpha as na
from neuroalpha.assembly import numbered

CHILD = """
import json, resource, sys, time
limit = int(float(sys.argv[2]) * 2**30)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
import numpy as np, neuroalpha as na
data = na.load(sys.argv[1], chunks={"neuroid": int(sys.argv[4])})
start = time.perf_counter()
spectrum = eval(sys.argv[3])(data)
seconds = time.perf_counter() - start
# Not getrusage: its peak begins with that of the process that started this one.
peak = int([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1]) / 2**20
print(json.dumps([seconds, peak, spectrum.eigenvalue.values.tolist()]))
"""


def write(path: Path, n_stimuli: int, n_neuroids: int) -> None:
    """Two presentations of each stimulus, float32: signal of 40 dimensions, white noise, means far from zero."""
    import dask
    import dask.array

    rng = np.random.default_rng(0)
    axes = rng.standard_normal((40, n_neuroids), dtype=np.float32)
    axes *= (np.arange(1, 41) ** -0.5).astype(np.float32)[:, None]
    means = 20 * rng.random(n_neuroids, dtype=np.float32)
    scores = rng.standard_normal((n_stimuli, 40), dtype=np.float32)
    step = 50

    @dask.delayed
    def rows(repeat: int, start: int) -> np.ndarray:
        noise = np.random.default_rng([repeat, start]).standard_normal((step, n_neuroids), dtype=np.float32)
        noise += scores[start : start + step] @ axes
        noise += means
        return noise

    values = dask.array.concatenate(
        [
            dask.array.from_delayed(rows(repeat, start), (step, n_neuroids), np.float32)
            for repeat in range(2)
            for start in range(0, n_stimuli, step)
        ]
    )
    with dask.config.set(scheduler="synchronous"):
        na.save(na.make_assembly(values, stimulus_id=np.tile(numbered("", n_stimuli), 2)), path)


def plain(path: Path, n_stimuli: int) -> tuple[np.ndarray, np.ndarray]:
    """PCA eigenvalues of all rows and cvPCA (one shuffle) by an ordinary loop, in float64."""
    import h5py

    gram = 0.0
    with h5py.File(path) as file:
        values = file["neuroalpha_values"]
        for start in range(0, values.shape[1], 20000):
            block = values[:, start : start + 20000].astype(np.float64)
            block -= block.mean(axis=0)
            gram = gram + block @ block.T
    pca = np.linalg.eigvalsh(gram)[::-1][:-1] / (2 * n_stimuli - 1)
    vectors = np.linalg.eigh(gram[:n_stimuli, :n_stimuli])[1][:, ::-1]
    cross = gram[n_stimuli:, :n_stimuli]
    return pca, np.einsum("sk,sk->k", vectors, cross @ vectors) / (n_stimuli - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path("."))
    parser.add_argument("--limit", type=float, default=2.0, help="GiB")
    given = parser.parse_args()
    n_stimuli, n_neuroids, chunk = (500, 20_000, 2048) if given.quick else (1000, 1_000_000, 8192)
    path = given.folder / "out_of_core.nc"
    try:
        write(path, n_stimuli, n_neuroids)
        size = path.stat().st_size
        print(f"{2 * n_stimuli} presentations x {n_neuroids} neuroids, float32, {size / 2**30:.2f} GiB on disk")
        print(f"limit on the process: RLIMIT_DATA {given.limit} GiB; lazy, chunks of {chunk} neuroids", flush=True)
        pca, crossed = plain(path, n_stimuli)
        print(f"{'call':<60}{'s':>8}{'peak RSS GiB':>14}{'max rel. error':>16}")
        for call, expected in (
            ("na.eigenspectrum(x, n_draws=0)", pca),
            ("na.cvpca(x, n_shuffles=1, n_draws=0)", crossed),
            ("na.cvpca(x, n_shuffles=1, n_draws=8, fraction=0.5)", crossed),
        ):
            command = [sys.executable, "-c", CHILD, str(path), str(given.limit), f"lambda x: {call}", str(chunk)]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                print(f"{call:<60}failed: {(done.stderr.splitlines() or [''])[-1]}")
                continue
            seconds, peak, found = json.loads(done.stdout)
            top = min(500, expected.size)
            error = np.abs(np.array(found)[:top] / expected[:top] - 1).max()
            print(f"{call:<60}{seconds:>8.1f}{peak:>14.2f}{error:>16.1e}", flush=True)
    finally:
        path.unlink(missing_ok=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak of this process, which is not limited: {peak:.2f} GiB")


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s in all")
