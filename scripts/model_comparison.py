"""Which law do spectra follow? Simulated spectra of each kind, macaque V4, CIFAR-10 pixels.

Run: python scripts/model_comparison.py [--data FOLDER] [--out FOLDER] [--runs 60]    where FOLDER holds v4_utah/
and cifar10/; without it only simulations are shown. Also prints how often a true power law is beaten.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import xarray as xr

import neuroalpha as na
from neuroalpha.report.plot_fits import models as draw_models

matplotlib.use("Agg")
N_STIMULI, N_NEUROIDS = 1000, 800


def laws(size: int) -> dict[str, np.ndarray]:
    rank = np.arange(1, size + 1, dtype=np.float64)
    return {
        "power law": rank**-1.0,
        "broken power law": np.where(rank <= 25, rank**-0.6, 25**0.6 * rank**-1.2),
        "log-normal": rank**-0.3 * np.exp(-(np.log(rank) ** 2) / 8),
        "exponential cut-off": rank**-0.8 * np.exp(-rank / 60),
    }


def simulated(eigenvalue: np.ndarray, n_stimuli: int, noise: str | None, seed: int) -> xr.DataArray:
    """Gaussian responses; with noise, two repeats with half of a trial's variance from noise."""
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((n_stimuli, eigenvalue.size)) * np.sqrt(eigenvalue)
    if noise is None:
        return na.make_assembly(signal, stimulus_id=np.arange(n_stimuli))
    spectrum = np.ones(eigenvalue.size) if noise == "white" else 1 / np.arange(1, eigenvalue.size + 1)
    noisy = rng.standard_normal((2, *signal.shape)) * np.sqrt(spectrum / spectrum.sum() * eigenvalue.sum())
    return na.read_array(signal + noisy)


def recorded(data: Path) -> Iterator[tuple[str, xr.DataArray]]:
    v4 = np.load(data / "v4_utah" / "responses_201016.npy")
    dims = ("neuroid", "stimulus", "repeat")
    yield "V4, natural images", na.read_array(v4[:, :300], dims)
    yield "V4, binarised images", na.read_array(v4[:, 300:], dims)
    kept = np.load(data / "cifar10" / "lossless_subset.npz", allow_pickle=False)
    pictures = kept["Xte"].astype(np.float64) / 255
    yield "CIFAR-10 pixels", na.make_assembly(pictures.reshape(len(pictures), -1), stimulus_id=np.arange(len(pictures)))


def row(name: str, found: object) -> dict[str, object]:
    errors = found.table.set_index("model")["heldout_error"].round(3)
    return {
        "spectrum": name,
        "n": f"{found.n_stimuli} x {found.n_neuroids}",
        "estimator": found.estimator,
        "ranks": "-".join(map(str, found.ranks)),
        **errors.to_dict(),
        "better than a power law": ", ".join(found.table["model"][found.table["better"]]) or "none",
        "best": found.best,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--runs", type=int, default=60, help="simulations for each false-alarm rate")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows, sentences = [], []
    cases = [
        (f"simulated {name}{', ' + noise + ' noise' if noise else ''}", simulated(law, N_STIMULI, noise, 0))
        for noise in (None, "aligned")
        for name, law in laws(N_NEUROIDS).items()
    ]
    if arguments.data:
        cases += list(recorded(arguments.data))
    for number, (name, assembly) in enumerate(cases):
        found = na.compare_models(assembly, progress=True)
        rows.append(row(name, found))
        sentences.append(f"{name}: {found.verdict}")
        ax = draw_models(found)
        ax.set_title(name, fontsize=10)
        ax.figure.savefig(arguments.out / f"models_{number:02d}.png", dpi=120)
        matplotlib.pyplot.close("all")
    print(pd.DataFrame(rows).to_string(index=False))
    print("\n".join(sentences))
    rates = []
    for alpha, noise in ((1.0, None), (0.7, None), (1.0, "white"), (1.0, "aligned")):
        size = (500, 600) if noise is None else (500, 400)
        eigenvalue = np.arange(1, size[1] + 1) ** -alpha
        found = [
            na.compare_models(simulated(eigenvalue, size[0], noise, 1000 + run), seed=run)
            for run in range(arguments.runs)
        ]
        beaten = np.array([each.table["better"].to_numpy() for each in found])
        rates.append(
            {
                "true alpha": alpha,
                "noise": noise or "none",
                "n": "{} x {}".format(*size),
                "runs": len(found),
                "power law beaten": f"{beaten.any(axis=1).mean():.1%}",
                "mean alpha": round(float(np.mean([each.laws["power"].coefficients[0] for each in found])), 3),
            }
        )
    print(pd.DataFrame(rates).to_string(index=False))


if __name__ == "__main__":
    main()
