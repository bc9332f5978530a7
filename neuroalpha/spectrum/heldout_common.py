"""What held-out spectra and spectral correlations share: checked options, folds, progress, labels of bins."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Literal

import numpy as np
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum import crossdecomposition as kernel

Null = Literal["widened", "fixed", "refit"]
ABOVE_NULL = 0.05  # p value at which a bin counts as above the null
N_WIDENING = 72  # bins times refits that tell how much too narrow the fixed null is, to about sqrt(1 / (2 * 72)) = 8 %


def check_options(folds: int, bins_per_decade: int, seed: int) -> None:
    """Refuse numbers of the wrong kind, fewer than two folds and fewer than one bin a decade."""
    whole(folds, "folds", 2)  # some stimuli are held out and some train
    whole(bins_per_decade, "bins_per_decade", 1)
    check_seed(seed)


def make_folds(n_stimuli: int, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Fold (stimulus,) of each stimulus at random, or say that the stimuli are too few."""
    if n_stimuli < 2 * folds:
        raise InputError(
            f"{n_stimuli} stimuli are too few for {folds} folds of at least 2; use folds={max(2, n_stimuli // 2)} or "
            "fewer, and at least 4 stimuli"
        )
    return kernel.assign_folds(n_stimuli, folds, rng)


def null_bins(
    x: np.ndarray,
    y: np.ndarray,
    fold: np.ndarray,
    scores: list[kernel.Scores],
    bins: list[np.ndarray],
    n_permutations: int,
    null: Null,
    rng: np.random.Generator,
    progress: bool,
) -> tuple[np.ndarray, float]:
    """Bin means (permutation, bin) where x and y share nothing, and by what factor the fixed null was widened."""
    n_refits = {"fixed": 0, "widened": -(-N_WIDENING // len(bins)), "refit": n_permutations}[null]
    orders = [rng.permutation(x.shape[0]) for _ in range(n_refits)]
    refits = watch(orders, n_refits, "held-out null", "permutation", progress)
    if null == "refit":
        return kernel.null_refitted(x, y, fold, bins, refits), 1.0
    shuffled = kernel.null_fixed(scores, bins, n_permutations, rng)
    wider = kernel.widening(x, y, fold, bins, refits) if n_refits else 1.0
    middle = shuffled.mean(axis=0)
    return middle + wider * (shuffled - middle), wider


def p_value(mean: np.ndarray, null: np.ndarray) -> np.ndarray:
    """One-sided p value (bin,) of bin means under their null (permutation, bin)."""
    return (1 + (null >= mean).sum(axis=0)) / (1 + null.shape[0])


def watch(items: Iterable, total: int, what: str, unit: str, progress: bool) -> Iterable:
    """Show progress on stderr."""
    return tqdm(items, total=total, desc=what, unit=unit, disable=not (progress and total), file=sys.stderr, delay=1)


def bin_coords(bins: list[np.ndarray]) -> dict[str, tuple[str, np.ndarray]]:
    """Label bins by the geometric mean of their ranks, and the first and the last of them."""
    return {
        "bin_rank": ("bin", np.array([np.exp(np.log(ranks).mean()) for ranks in bins])),
        "bin_first": ("bin", np.array([ranks[0] for ranks in bins])),
        "bin_last": ("bin", np.array([ranks[-1] for ranks in bins])),
    }
