"""Alpha on 1, 1/2, 1/4, ... of the data, and extrapolated to infinitely many stimuli and neuroids: table and figure.

Run: python scripts/extrapolation.py --out FOLDER                 (PCA of known alpha, 2048 dimensions, 2 minutes)
     python scripts/extrapolation.py --out FOLDER --v4 v4_utah    (macaque V4, folder with responses_201016.npy)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

import neuroalpha as na
from neuroalpha.assembly import numbered
from neuroalpha.report.plot_extrapolation import extrapolation
from neuroalpha.spectrum.extrapolate import Extrapolation

matplotlib.use("Agg")


def simulated(alpha: float, samples: int, dimensions: int = 2048) -> Extrapolation:
    x = np.random.default_rng(0).standard_normal((samples, dimensions)) * np.arange(1, dimensions + 1) ** (-alpha / 2)
    assembly = na.make_assembly(
        x, stimulus_id=numbered("", samples), attrs={"identifier": f"true alpha {alpha:g}, 2048 dimensions"}
    )
    return na.extrapolate(assembly, axis="stimulus", ranks=(11, 100), n_subsets=3, n_draws=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--v4", type=Path)
    parser.add_argument("--samples", type=int, default=8000)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.v4:
        counts = np.load(arguments.v4 / "responses_201016.npy")[:, :300]
        v4 = na.read_array(counts, ("neuroid", "stimulus", "repeat"), attrs={"identifier": "V4", "units": "spikes"})
        # 82 units are few: ranks that a quarter of them still holds are the window of no other figure
        found = {"v4": na.extrapolate(v4, ranks=(3, 10))}
    else:
        found = {f"alpha{alpha:g}": simulated(alpha, arguments.samples) for alpha in (0.5, 1.0, 1.5)}
    for name, result in found.items():
        means = result.table.groupby(["axis", "size"], sort=False)["alpha"].agg(["mean", "std", "count"])
        print(means.reset_index().round(4).to_string(index=False), end="\n\n")
        extrapolation(result).get_figure().savefig(arguments.out / f"extrapolation_{name}.png", dpi=150)
    lines = pd.concat([result.to_frame() for result in found.values()], ignore_index=True)
    print(lines.round(4).to_string(index=False), end="\n\n")


if __name__ == "__main__":
    main()
