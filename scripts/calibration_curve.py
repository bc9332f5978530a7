"""What cvPCA reads from recordings of known alpha, and the alpha behind what it read: curve, table, figure.

Run: python scripts/calibration_curve.py --out FOLDER                   (a simulated recording; about 3 minutes)
     python scripts/calibration_curve.py --out FOLDER --v4 v4_utah      (macaque V4, folder with responses_201016.npy)

Simulated: truth 1, 400 stimuli x 600 neurons x 2, a third of the variance signal, noise with 1/n power along axes of
its own, the case in which cvPCA is biased most. A run that is stopped goes on where it stopped: finished simulations
are kept in FOLDER/cells.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

import neuroalpha as na
from neuroalpha.report.plot_calibration import calibration

matplotlib.use("Agg")


def recording(v4: Path | None) -> object:
    if v4 is None:
        return na.preprocess(na.simulate_recording(1.0, 400, 600, 2, 1 / 3, "independent", False, 1)[0], zscore=None)
    counts = np.load(v4 / "responses_201016.npy")[:, :300]  # (unit, image, repeat); 1-300 are the natural images
    return na.read_array(counts, ("neuroid", "stimulus", "repeat"), attrs={"identifier": "V4", "units": "spikes"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--v4", type=Path)
    parser.add_argument("--estimator", default="cvpca")
    parser.add_argument("--simulations", type=int, default=20)
    parser.add_argument("--jobs", type=int)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    result = na.calibrate(
        recording(arguments.v4),  # type: ignore[arg-type]
        estimator=arguments.estimator,
        alphas=np.arange(0.25, 2.01, 0.25) if arguments.v4 else np.arange(0.5, 1.51, 0.125),  # type: ignore[arg-type]
        n_simulations=arguments.simulations,
        n_jobs=arguments.jobs,
        cache=arguments.out / "cells",
    )
    print(result.curve.round(3).to_string(index=False), end="\n\n")
    print(result.calibrated.round(3).to_string(index=False), end="\n\n")
    print(result.to_frame().round(3).to_string(index=False), end="\n\n")
    name = f"calibration_{'v4' if arguments.v4 else 'simulated'}_{arguments.estimator}"
    result.curve.to_csv(arguments.out / f"{name}.csv", index=False)
    calibration(result).get_figure().savefig(arguments.out / f"{name}.png", dpi=150)


if __name__ == "__main__":
    main()
