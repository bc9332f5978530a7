"""Kernel: how far scores would move with other test images of the same kind."""

from __future__ import annotations

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from neuroalpha.spectrum.blocks import BLOCK_BYTES
from neuroalpha.tasks.scores import ImageScores, scores

LIMITS = {"nll": (0.0, np.inf), "brier": (0.0, 2.0)}  # else 0 to 1


def wilson(correct: np.ndarray | int, shown: np.ndarray | int, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share from how many of how many images were right (Wilson 1927); NaN where none was shown.

    Examples
    --------
    >>> low, high = wilson(np.array([9, 0]), np.array([10, 0]))
    >>> low.round(3), high.round(3)
    (array([0.596,   nan]), array([0.982,   nan]))
    """
    correct, shown = np.asarray(correct, dtype=np.float64), np.asarray(shown, dtype=np.float64)
    known = shown > 0
    low, high = proportion_confint(correct, np.where(known, shown, 1.0), alpha=1 - level, method="wilson")
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def bootstrap(images: ImageScores, n_boot: int, seed: int, level: float = 0.95) -> dict[str, tuple[float, float]]:
    """Interval of each score: the score and its bootstrap standard error over images, times a normal quantile.

    Images are drawn with replacement, the same ones for every score, whatever their class. Around the score and not
    from the quantiles of the draws, because a calibration error is never negative and grows in every resample. Cut
    where a score cannot be. NaN with fewer than 2 draws. Time: ``n_boot`` m (classes that are counted once).

    Examples
    --------
    >>> from neuroalpha.tasks.scores import image_scores
    >>> images = image_scores(np.tile([[0.8, 0.2], [0.6, 0.4]], (50, 1)), np.tile([0, 1], 50))
    >>> low, high = bootstrap(images, 500, 0)["accuracy"]
    >>> round(low, 1), round(high, 1)
    (0.4, 0.6)
    """
    estimate = {name: float(value[0]) for name, value in scores(images).items()}
    if n_boot < 2:
        return dict.fromkeys(estimate, (np.nan, np.nan))
    rng, n_images = np.random.default_rng(seed), images.codes.size
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in estimate}
    step = max(1, BLOCK_BYTES // (8 * n_images))
    for start in range(0, n_boot, step):
        size = min(step, n_boot - start)
        counts = np.empty((size, n_images))
        for each in counts:
            each[:] = np.bincount(rng.integers(n_images, size=n_images), minlength=n_images)
        for name, values in scores(images, counts).items():
            drawn[name].append(values)
    times = stats.norm.ppf(0.5 + level / 2)
    found = {}
    for name, value in estimate.items():
        half = times * float(np.std(np.concatenate(drawn[name]), ddof=1))
        least, most = LIMITS.get(name, (0.0, 1.0))
        found[name] = (float(max(value - half, least)), float(min(value + half, most)))
    return found
