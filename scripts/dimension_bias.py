"""How the participation ratio depends on the size of a recording, naive and unbiased; and what noise does to it.

Run: python scripts/dimension_bias.py        (about a minute on one core; --quick for a quarter of the draws)

Table 1: responses X W / d with X (stimuli, d), W (d, neuroids) Gaussian have participation ratio d; here d = 50, two
repeats, trial noise of variance .2 in units of the signal's, a share of which all neuroids of a trial have in common.
Columns: the sample covariance of the mean of both repeats ("naive"), of cross-validated PCA, and the unbiased ratio
with one, two and all three corrections. Table 2: measures of the cvPCA spectrum of noisy recordings by what is done
with negative eigenvalues, beside the same measures without noise.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import xarray as xr
from sklearn.isotonic import IsotonicRegression

import neuroalpha as na
from neuroalpha.assembly import numbered
from neuroalpha.spectrum.dimension import of_eigenvalues
from neuroalpha.spectrum.unbiased import participation_ratio, sums_of_repeats, sums_of_responses

DIMENSION, NOISE, SHARED = 50, 0.2, 0.5
SIZES = ((25, 200), (50, 50), (50, 200), (100, 100), (200, 50), (200, 200), (400, 400), (400, 1600), (1600, 400))
NOISY = ((2.0, 0.05, "white", 10), (2.0, 0.05, "white", 1), (1.5, 0.1, "independent", 10), (2.0, 0.1, "gain", 10))


def repeats(n_stimuli: int, n_neuroids: int, rng: np.random.Generator) -> np.ndarray:
    """Two noisy repeats (2, stimulus, neuroid) of responses of dimension 50 and mean variance 1."""
    x, w = rng.normal(size=(n_stimuli, DIMENSION)), rng.normal(size=(DIMENSION, n_neuroids))
    common = rng.normal(size=(2, n_stimuli, 1)) * rng.normal(size=(1, 1, n_neuroids))
    private = rng.normal(size=(2, n_stimuli, n_neuroids))
    return x @ w / DIMENSION**0.5 + NOISE**0.5 * (SHARED**0.5 * common + (1 - SHARED) ** 0.5 * private)


def ratios(n_stimuli: int, n_neuroids: int, rng: np.random.Generator) -> list[float]:
    one, two = repeats(n_stimuli, n_neuroids, rng)
    both, mean = sums_of_repeats(one, two), sums_of_responses((one + two) / 2)
    labels = {"stimulus_id": ("stimulus", numbered("", n_stimuli)), "neuroid_id": ("neuroid", numbered("", n_neuroids))}
    halves = xr.DataArray(np.stack([one, two]), dims=("repeat", "stimulus", "neuroid"), coords=labels)
    cross = na.cvpca(halves, n_draws=0, n_shuffles=4)
    return [
        participation_ratio(mean, ()),
        of_eigenvalues(cross.eigenvalue.values)["participation_ratio"],
        participation_ratio(mean, ("stimulus",)),
        participation_ratio(mean, ("stimulus", "neuroid")),
        participation_ratio(both, ("stimulus", "noise")),
        participation_ratio(both),
    ]


def rules(alpha: float, signal_fraction: float, noise: str, n_shuffles: int) -> None:
    """Print the measures of one noisy recording (400 stimuli, 600 neuroids) by each rule for negative eigenvalues."""
    spectra = []
    for share, kind in ((1.0, "white"), (signal_fraction, noise)):
        recording, _ = na.simulate_recording(alpha, 400, 600, 2, share, kind, spontaneous=False, seed=1)  # type: ignore[arg-type]
        v1 = na.preprocess(recording, zscore=None)
        spectra.append(na.cvpca(v1, n_shuffles=n_shuffles, n_draws=0).eigenvalue.values)
    clean, noisy = spectra
    print(
        f"\nalpha {alpha}, signal share {signal_fraction}, {noise} noise, {n_shuffles} shuffles: "
        f"{(noisy < 0).sum()} of {noisy.size} eigenvalues negative"
    )
    isotonic = IsotonicRegression(increasing=False).fit_transform(np.arange(noisy.size), noisy)
    rows = {
        "without noise": clean,
        "cancelled (used)": noisy,
        "set to zero": np.maximum(noisy, 0),
        "absolute": np.abs(noisy),
        "isotonic": np.maximum(isotonic, 0),
    }
    for name, eigenvalue in rows.items():
        print(f"{name:17s}" + "".join(f"{value:9.1f}" for value in of_eigenvalues(eigenvalue).values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    n_draws = 5 if parser.parse_args().quick else 20
    warnings.simplefilter("ignore", UserWarning)  # ratios that noise leaves NaN are left out
    print(f"Participation ratio, truth {DIMENSION}: mean and (sd) over {n_draws} draws")
    titles = ("naive", "cvPCA", "+stimulus", "+stim+neuroid", "+stim+noise", "all three")
    print(f"{'stimuli':>7s} {'neuroids':>8s}" + "".join(f"{title:>16s}" for title in titles))
    rng = np.random.default_rng(0)
    for n_stimuli, n_neuroids in SIZES:
        found = np.array([ratios(n_stimuli, n_neuroids, rng) for _ in range(n_draws)])
        cells = zip(np.nanmean(found, axis=0), np.nanstd(found, axis=0, ddof=1), strict=True)
        print(f"{n_stimuli:7d} {n_neuroids:8d}" + "".join(f"{m:9.1f} ({s:4.1f})" for m, s in cells), flush=True)
    print("\nWhat to do with negative eigenvalues: measures of the same recording by rule")
    print(" " * 17 + "".join(f"{t:>9s}" for t in ("PR", "eff.rank", "singular", "stable", "n_80", "n_90", "n_95")))
    for case in NOISY:
        rules(*case)


if __name__ == "__main__":
    main()
