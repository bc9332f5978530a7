"""What held-out spectra and spectral correlations share: checked options, folds, progress, labels of bins."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from neuroalpha.errors import InputError
from neuroalpha.spectrum import crossdecomposition as kernel


def check_options(folds: int, bins_per_decade: int) -> None:
    """Refuse fewer than two folds and fewer than one bin a decade."""
    if folds < 2:
        raise InputError(f"folds is {folds}; expected at least 2, so that some stimuli are held out and some train")
    if bins_per_decade < 1:
        raise InputError(f"bins_per_decade is {bins_per_decade}; expected at least 1 (published: 3)")


def make_folds(n_stimuli: int, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Fold (stimulus,) of each stimulus at random, or say that the stimuli are too few."""
    if n_stimuli < 2 * folds:
        raise InputError(
            f"{n_stimuli} stimuli are too few for {folds} folds of at least 2; use folds={max(2, n_stimuli // 2)} or "
            "fewer, and at least 4 stimuli"
        )
    return kernel.assign_folds(n_stimuli, folds, rng)


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
