"""The known biases: PCA and cvPCA of Gaussian populations whose alpha is known, beside the reference values.

Run: python scripts/bias_table.py            (about 15 minutes on two cores; --quick for two seeds and alpha 1 only)

References: PCA, cov = diag(i^-alpha), ranks 4-100 | 11-100 | 11-500; cvPCA, 2800 stimuli, 4000 neurons, signal share
.15, ranks 11-500, absolute values of negative eigenvalues, one shuffle. One data set lies behind each reference, so
rows whose spread over seeds is large (noise with 1/n power along axes of its own) can only agree within it.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np
from tqdm import tqdm

import neuroalpha as na
from neuroalpha.assembly import numbered

PCA = {
    (2048, 1000, 0.5): (0.350, 0.340, 0.432),
    (2048, 1000, 1.0): (0.940, 0.921, 0.938),
    (2048, 1000, 1.5): (1.485, 1.484, 1.491),
    (2048, 2800, 0.5): (0.425, 0.412, 0.432),
    (2048, 2800, 1.0): (0.974, 0.962, 0.960),
    (2048, 2800, 1.5): (1.489, 1.487, 1.489),
    (2048, 8000, 1.0): (0.993, 0.990, 0.984),
    (512, 1000, 0.5): (0.428, 0.440, 0.724),
    (512, 1000, 1.0): (0.968, 0.964, 1.155),
    (512, 1000, 1.5): (1.493, 1.500, 1.638),
    (512, 8000, 1.0): (0.994, 0.993, 1.015),
}
CVPCA = {
    (1.0, "none"): 0.937, (1.0, "white"): 0.901, (1.0, "aligned"): 0.921, (1.0, "independent"): 0.643,
    (0.5, "none"): 0.378, (0.5, "white"): 0.236, (0.5, "aligned"): 0.385, (0.5, "independent"): -0.318,
    (1.5, "none"): 1.485, (1.5, "white"): 1.260, (1.5, "aligned"): 1.518, (1.5, "independent"): 1.125,
}  # fmt: skip
WINDOWS = ((4, 100), (11, 100), (11, 500))


def pca_alphas(dimensions: int, samples: int, alpha: float, seed: int) -> list[float]:
    x = np.random.default_rng(seed).normal(size=(samples, dimensions)) * np.arange(1, dimensions + 1) ** (-alpha / 2)
    spectrum = na.eigenspectrum(na.make_assembly(x, stimulus_id=numbered("", samples)), n_draws=0)
    return [na.fit_alpha(spectrum, ranks).alpha for ranks in WINDOWS]


def cvpca_alphas(alpha: float, noise: str, seed: int) -> list[float]:
    """With 1 shuffle and absolute values, as the reference; with 10, as published, and negative values binned."""
    share, kind = (1.0, "white") if noise == "none" else (0.15, noise)
    recording, _ = na.simulate_recording(alpha, 2800, 4000, 2, share, kind, spontaneous=False, seed=seed)  # type: ignore[arg-type]
    v1 = na.preprocess(recording, zscore=None)
    once = na.fit_alpha(na.cvpca(v1, n_shuffles=1, n_draws=0), negative="abs").alpha
    try:
        ten = na.fit_alpha(na.cvpca(v1, n_shuffles=10, n_draws=0)).alpha
    except na.InputError:  # no rank of the window above noise
        ten = np.nan
    return [once, ten]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=4, help="data sets behind each cvPCA row")
    arguments = parser.parse_args()
    quick = arguments.quick
    warnings.simplefilter("ignore", UserWarning)  # windows past half are part of the table
    print(
        "PCA: dimensions, samples, true alpha | found (reference) at ranks 4-100, 11-100, 11-500 | largest difference"
    )
    for (dimensions, samples, alpha), reference in PCA.items():
        if quick and alpha != 1:
            continue
        found = np.mean([pca_alphas(dimensions, samples, alpha, seed) for seed in range(2 if quick else 8)], axis=0)
        cells = "  ".join(f"{f:.3f} ({r:.3f})" for f, r in zip(found, reference, strict=True))
        print(f"{dimensions:5d} {samples:5d} {alpha:.1f} | {cells} | {np.abs(found - reference).max():.3f}", flush=True)
    print("\ncvPCA: true alpha, noise | 1 shuffle, mean (sd over seeds) | reference | difference | 10 shuffles")
    rows = [(key, value) for key, value in CVPCA.items() if not quick or key[0] == 1]
    for (alpha, noise), reference in rows:
        seeds = tqdm(range(2 if quick else arguments.seeds), desc=f"{alpha} {noise}", file=sys.stderr, leave=False)
        found = np.array([cvpca_alphas(alpha, noise, seed) for seed in seeds])
        (once, ten), spread = found.mean(axis=0), found[:, 0].std(ddof=1)
        cells = f"{once:6.3f} ({spread:.3f}) | {reference:6.3f} | {once - reference:+.3f} | {ten:.3f}"
        print(f"{alpha:.1f} {noise:12s} | {cells}", flush=True)


if __name__ == "__main__":
    main()
