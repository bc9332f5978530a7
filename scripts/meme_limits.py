"""Where MEME's interval and chi-square fail: signals with heavy tails, and spectra that are no power law.

Run: python scripts/meme_limits.py    (60 draws a row: about 4 minutes on one core)

First table: populations whose covariance is an exact power law (alpha 1) and whose coordinates along the eigenvectors
are Gaussian, exponential or lognormal. Second: Gaussian populations that follow another law; alpha of ranks 11 to 100.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import sys
import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr
from tqdm import tqdm

import neuroalpha as na

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
SIGNALS: dict[str, Draw] = {
    "Gaussian": lambda rng, size: rng.standard_normal(size),
    "exponential": lambda rng, size: rng.exponential(size=size) - 1,
    "lognormal": lambda rng, size: (np.exp(rng.standard_normal(size)) - np.exp(0.5)) / np.sqrt(np.e**2 - np.e),
}
RANKS = (11, 100)


def power_law(rank: np.ndarray) -> np.ndarray:
    return 1.0 / rank


def broken(rank: np.ndarray) -> np.ndarray:
    return np.where(rank <= 15, rank**-0.5, 15**0.7 * rank**-1.2)


def steeper_tail(rank: np.ndarray) -> np.ndarray:
    return np.where(rank <= 100, 1.0 / rank, 100.0 / rank**2)


def cut_tail(rank: np.ndarray) -> np.ndarray:
    return np.where(rank <= 100, 1.0 / rank, 1e-9 / rank)


def recording(
    law: Callable[[np.ndarray], np.ndarray], draw: Draw, sizes: tuple[int, int], share: float, seed: int
) -> tuple[xr.DataArray, float]:
    """Two repeats in the coordinates of the eigenvectors with white noise, and the exponent over RANKS."""
    rng, rank = np.random.default_rng(seed), np.arange(1.0, sizes[1] + 1)
    power = law(rank)
    window = slice(RANKS[0] - 1, RANKS[1])
    truth = -np.polyfit(np.log(rank[window]), np.log(power[window]), 1, w=rank[window] ** -0.5)[0]
    signal = draw(rng, sizes) * np.sqrt(power * sizes[1] / power.sum())
    noise = np.sqrt((1 - share) / share) * rng.standard_normal((2, *sizes))
    return na.read_array(signal + noise), float(truth)


def row(
    law: Callable[[np.ndarray], np.ndarray], draw: Draw, sizes: tuple[int, int], share: float, model: str, n_draws: int
) -> str:
    found, covered, p, refused = [], [], [], 0
    for seed in tqdm(range(n_draws), file=sys.stderr, leave=False):
        assembly, truth = recording(law, draw, sizes, share, seed)
        try:
            spectrum = na.meme(assembly, model)  # type: ignore[arg-type]
        except na.InputError:
            refused += 1
            continue
        fit = na.fit_alpha(spectrum, RANKS)
        found.append(fit.alpha)
        covered.append(fit.low <= truth <= fit.high)
        p.append(spectrum.attrs["p_value"])
    low = np.mean(np.array(p) < 0.05)
    text = f"truth {truth:.2f}, read {np.mean(found):.3f} (sd {np.std(found):.3f}), covered {np.mean(covered):.2f}, "
    return text + f"p < .05 in {low:.2f}" + (f", refused {refused}" if refused else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=60)
    n_draws = parser.parse_args().draws
    warnings.simplefilter("ignore", UserWarning)
    print(f"300 stimuli x 400 neurons, white noise, {n_draws} draws a row")
    for name, draw in SIGNALS.items():
        for share in (0.8, 0.3):
            text = row(power_law, draw, (300, 400), share, "power", n_draws)
            print(f"{name:12s} share {share:.1f}: {text}", flush=True)
    print(f"\n400 stimuli x 800 neurons, white noise, share .5, {n_draws // 3} draws a row")
    for law in (broken, steeper_tail, cut_tail):
        for model in ("power", "broken"):
            text = row(law, SIGNALS["Gaussian"], (400, 800), 0.5, model, n_draws // 3)
            print(f"{law.__name__:13s} matched by {model:7s}: {text}", flush=True)


if __name__ == "__main__":
    main()
