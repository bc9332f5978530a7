"""Are the intervals as wide as they should be? Claimed standard error over the true spread, by brute force.

Run: python scripts/interval_width.py    (about 4 minutes on two cores)

One large population with eigenvalues i^-alpha; each run draws new stimuli and new neurons from it. The true spread is
the standard deviation of alpha over the runs, the claim is the interval's, from 24 subsamples. 1 is right, above 1 is
careful.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from tqdm import tqdm

import neuroalpha as na

N_POPULATION, N_AXES, N_RUNS, N_CLAIMS, N_DRAWS, STUDENT = 6000, 600, 24, 8, 24, 2.069
CASES = [  # stimuli, neurons, true alpha, estimator, signal variance, noise, ranks
    (300, 500, 1.0, "pca", 1.0, "none", (11, 100)),
    (300, 82, 0.5, "pca", 1.0, "none", (4, 41)),
    (1000, 1500, 1.0, "pca", 1.0, "none", (11, 200)),
    (300, 82, 1.0, "cvpca", 0.5, "white", (4, 41)),
    (300, 500, 1.0, "cvpca", 0.5, "white", (11, 100)),
    (300, 500, 1.0, "cvpca", 0.15, "white", (11, 100)),
    (300, 500, 1.0, "cvpca", 0.5, "independent", (11, 100)),
    (300, 500, 1.0, "cvpca", 0.15, "independent", (11, 100)),
]


def axes(alpha: float, seed: int) -> np.ndarray:
    """Loadings (axis, neuron) of a population whose covariance has eigenvalues close to i^-alpha."""
    return np.random.default_rng(seed).normal(size=(N_AXES, N_POPULATION)) * np.arange(1, N_AXES + 1)[:, None] ** (
        -alpha / 2
    )


def one_run(case: tuple, seed: int, n_draws: int, signal_axes: np.ndarray, noise_axes: np.ndarray) -> na.AlphaFit:
    n_stimuli, n_neurons, _, estimator, share, noise, ranks = case
    rng = np.random.default_rng(seed)
    neurons = rng.choice(N_POPULATION, n_neurons, replace=False)
    signal = rng.normal(size=(n_stimuli, N_AXES)) @ signal_axes[:, neurons]
    signal /= signal.std()
    if estimator == "pca":
        assembly = na.make_assembly(signal, stimulus_id=np.arange(n_stimuli))
        return na.fit_alpha(na.eigenspectrum(assembly, n_draws=n_draws, seed=seed), ranks)
    error = rng.normal(size=(2, n_stimuli, n_neurons))
    if noise == "independent":
        error = rng.normal(size=(2, n_stimuli, N_AXES)) @ noise_axes[:, neurons]
        error /= error.std()
    responses = na.read_array(signal + np.sqrt((1 - share) / share) * error)
    return na.fit_alpha(na.cvpca(responses, n_draws=n_draws, seed=seed), ranks)


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)
    print("stimuli neurons alpha estimator signal noise        ranks   | mean alpha  true spread  claimed / true")
    for case in CASES:
        signal_axes, noise_axes = axes(case[2], 99), axes(1.0, 7)
        runs = tqdm(range(N_RUNS), file=sys.stderr, leave=False)
        fits = [one_run(case, r, N_DRAWS if r < N_CLAIMS else 0, signal_axes, noise_axes) for r in runs]
        spread = np.std([fit.alpha for fit in fits], ddof=1)
        claimed = np.mean([(fit.high - fit.low) / 2 / STUDENT for fit in fits[:N_CLAIMS]])
        mean = np.mean([fit.alpha for fit in fits])
        n_stimuli, n_neurons, alpha, estimator, share, noise, ranks = case
        cells = f"{n_stimuli:7d} {n_neurons:7d} {alpha:5.1f} {estimator:9s} {share:6.2f} {noise:12s}"
        print(
            f"{cells} {ranks[0]:2d}-{ranks[1]:<4d} | {mean:10.3f} {spread:12.3f} {claimed / spread:15.2f}", flush=True
        )


if __name__ == "__main__":
    main()
