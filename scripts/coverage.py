"""Do the 95 % intervals of alpha cover the truth? Six cells at 1,000 stimuli x 2,000 neurons, fresh data in every draw.

Run: python scripts/coverage.py --out coverage.csv    (250 draws a cell: about 20 minutes on two cores; stopped, it goes
on where it was; --cvpca adds the interval of cvPCA, 40 draws a cell, another 20 minutes)

The last two cells are bad ones: a tenth of the variance is signal, and the noise has axes of its own.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # one process a core is faster than threads here

import argparse
import csv
import sys
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

import neuroalpha as na

CELLS = (
    (1.0, "white", 0.5),
    (1.0, "independent", 0.17),
    (1.25, "aligned", 0.17),
    (1.5, "white", 0.1),
    (1.0, "independent", 0.1),
    (0.75, "independent", 0.1),
)
N_STIMULI, N_NEURONS, RANKS = 1000, 2000, (11, 200)
COLUMNS = ["alpha", "noise", "share", "draw", "estimator", "found", "low", "high"]


def one(job: tuple[float, str, float, int, str]) -> list:
    alpha, noise, share, draw, estimator = job
    warnings.simplefilter("ignore", UserWarning)
    number = zlib.crc32(f"coverage/{alpha}/{noise}/{share}/{draw}".encode())
    recording, _ = na.simulate_recording(alpha, N_STIMULI, N_NEURONS, 2, share, noise, False, number)  # type: ignore[arg-type]
    responses = recording.responses[~recording.responses.blank.values]
    try:
        fit = na.fit_alpha(na.meme(responses) if estimator == "meme" else na.cvpca(responses, n_shuffles=2), RANKS)
    except na.InputError:  # nothing above noise
        return [*job, np.nan, np.nan, np.nan]
    return [*job, fit.alpha, fit.low, fit.high]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("coverage.csv"))
    parser.add_argument("--draws", type=int, default=250)
    parser.add_argument("--cvpca", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if not arguments.out.exists():
        arguments.out.write_text(",".join(COLUMNS) + "\n")
    done = pd.read_csv(arguments.out)
    known = set(zip(*(done[c] for c in COLUMNS[:5]), strict=True))
    jobs = [(*cell, draw, "meme") for draw in range(arguments.draws) for cell in CELLS]
    jobs += [(*cell, draw, "cvpca") for draw in range(40 if arguments.cvpca else 0) for cell in CELLS]
    with ProcessPoolExecutor(arguments.jobs) as pool, arguments.out.open("a", newline="") as file:
        futures = [pool.submit(one, job) for job in jobs if job not in known]
        for future in tqdm(as_completed(futures), total=len(futures), file=sys.stderr):
            csv.writer(file).writerow(future.result())
            file.flush()
    rows = pd.read_csv(arguments.out)
    print("alpha noise       share estimator draws | bias    sd     half-width  covered (95 % interval of that share)")
    for key, part in rows.groupby([*COLUMNS[:3], "estimator"], sort=False):
        known_part = part.dropna()
        error, half = known_part.found - key[0], (known_part.high - known_part.low) / 2
        hits, n = int((error.abs() <= half).sum()), len(part)
        low, high = stats.binomtest(hits, n).proportion_ci(method="wilson")
        print(
            f"{key[0]:5.2f} {key[1]:11s} {key[2]:5.2f} {key[3]:9s} {n:5d} | {error.mean():+.4f} {error.std():.4f} "
            f"{half.median():.4f}      {hits / n:.3f} ({low:.3f} to {high:.3f})"
        )


if __name__ == "__main__":
    main()
