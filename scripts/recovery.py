"""Recovery of alpha by every estimator: 5 true alphas, 3 noises, 3 signal fractions, 2,800 stimuli x 5,000 neurons.

Run: python scripts/recovery.py --out recovery.csv     (5 draws a cell: about 35 minutes on two cores; stopped, it goes
on where it was; --heldout adds the held-out spectrum, one draw a cell, about 40 minutes; --quick: 400 x 600)

The rule, which does not look at the truth: stimuli were repeated and one exponent is asked for, so MEME with a power
law; its p value says where the moments contradict one. cvPCA and PCA (of repeats averaged) are fitted over ranks 11 to
500.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # one process a core is faster than threads here

import argparse
import csv
import itertools
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

import neuroalpha as na

ALPHAS, NOISES, SHARES = (0.5, 0.75, 1.0, 1.25, 1.5), ("white", "aligned", "independent"), (0.1, 0.17, 0.5)
CELL = ["alpha", "noise", "share"]
COLUMNS = ["n_stimuli", "n_neuroids", *CELL, "seed", "estimator", "found", "low", "high", "p_value"]
Job = tuple[int, int, float, str, float, int, bool]


def read(spectrum: xr.Dataset, ranks: tuple[int, int]) -> tuple[float, float, float]:
    try:
        fit = na.fit_alpha(spectrum, ranks)
    except na.InputError:  # no rank of the window above noise
        return np.nan, np.nan, np.nan
    return fit.alpha, fit.low, fit.high


def one(job: Job) -> list[list]:
    n_stimuli, n_neuroids, alpha, noise, share, seed, heldout = job
    warnings.simplefilter("ignore", UserWarning)
    key = (str(alpha), noise, str(share), str(seed))
    number = int.from_bytes("/".join(key).encode(), "big") % 2**32
    recording, _ = na.simulate_recording(alpha, n_stimuli, n_neuroids, 2, share, noise, False, number)  # type: ignore[arg-type]
    responses = recording.responses[~recording.responses.blank.values]
    ranks = (11, min(500, n_stimuli // 4))
    start = [n_stimuli, n_neuroids, alpha, noise, share, seed]
    if heldout:
        spectrum = na.heldout_spectrum(responses, folds=4, n_permutations=0, n_draws=0)
        return [[*start, "heldout", *read(spectrum, ranks), np.nan]]
    rows = []
    for name, spectrum in (
        ("pca", na.eigenspectrum(na.repeats(responses, 1)[0], n_draws=0)),
        ("cvpca", na.cvpca(responses, n_shuffles=1, n_draws=0)),
        ("meme", na.meme(responses, n_splits=2)),
    ):
        rows.append([*start, name, *read(spectrum, ranks), spectrum.attrs.get("p_value", np.nan)])
    return rows


def table(rows: pd.DataFrame) -> str:
    """One line a cell: mean (sd) of each estimator's error."""
    rows = rows.assign(error=rows.found - rows.alpha)
    lines = [f"{'alpha noise       share':24s}" + "".join(f"{name:>20s}" for name in rows.estimator.unique())]
    for cell, part in rows.groupby(CELL, sort=True):
        line = f"{cell[0]:5.2f} {cell[1]:11s} {cell[2]:5.2f} "
        for name in rows.estimator.unique():
            error = part.error[part.estimator == name]
            lost = int(error.isna().sum())
            text = f"{error.mean():+.3f} ({error.std():.3f})" if error.notna().any() else "none"
            line += f"{text + (f' -{lost}' if lost else ''):>20s}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("recovery.csv"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--heldout", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    sizes = (400, 600) if arguments.quick else (2800, 5000)
    grid = itertools.product(range(1 if arguments.heldout else arguments.seeds), ALPHAS, NOISES, SHARES)
    jobs = [(*sizes, alpha, noise, share, seed, arguments.heldout) for seed, alpha, noise, share in grid]
    if not arguments.out.exists():
        arguments.out.write_text(",".join(COLUMNS) + "\n")
    done = pd.read_csv(arguments.out)
    known = set(zip(*(done[c] for c in COLUMNS[:6]), done.estimator == "heldout", strict=True))
    with ProcessPoolExecutor(arguments.jobs) as pool, arguments.out.open("a", newline="") as file:
        futures = [pool.submit(one, job) for job in jobs if job not in known]
        for future in tqdm(as_completed(futures), total=len(futures), file=sys.stderr):
            csv.writer(file).writerows(future.result())
            file.flush()
    rows = pd.read_csv(arguments.out)
    print(f"{sizes[0]} stimuli x {sizes[1]} neurons, 2 repeats: error of alpha, mean (sd) over draws; -k: k unreadable")
    print(table(rows))
    chosen = rows[(rows.estimator == "meme") & (rows.alpha >= 0.75)]
    bias = (chosen.found - chosen.alpha).groupby([chosen[c] for c in CELL]).mean()
    print(f"\nrule (meme), alpha >= .75: largest absolute bias {bias.abs().max():.4f} at {bias.abs().idxmax()}")
    print(f"its intervals that cover the truth: {chosen.eval('low <= alpha <= high').mean():.3f}")
    low, lower = ((chosen.p_value < level).mean() for level in (0.05, 1e-3))
    print(f"its p values below .05: {low:.3f}, below .001: {lower:.3f}")


if __name__ == "__main__":
    main()
