"""Kernels: what label noise did to a readout, as accuracy lost, area under the noise curve and memorisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BOOT_BLOCK = 2**22  # entries of resampled image counts held at a time


def memorisation(predicted: np.ndarray, noisy: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of wrongly labelled training images predicted as their wrong label, and as their true class.

    1 and 0 for a readout that fits every label it was given, 0 and 1 for one that sees through all of them.

    Parameters
    ----------
    predicted, noisy : int array (..., n)
        Classes predicted for the training images, and the labels trained on.
    clean : int array (n,)
        True classes.

    Returns
    -------
    as_labelled, as_true : array (...)
        NaN where no label is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> memorisation(np.array([[1, 0, 2]]), np.array([[1, 1, 2]]), np.array([0, 0, 2]))
    (array([0.5]), array([0.5]))
    """
    wrong = noisy != clean
    count = wrong.sum(axis=-1)
    of = np.where(count > 0, count, np.nan)
    return ((predicted == noisy) & wrong).sum(axis=-1) / of, ((predicted == clean) & wrong).sum(axis=-1) / of


def drop(accuracy: np.ndarray) -> np.ndarray:
    """Accuracy lost (..., l): that of the first level, which is the clean one, less each.

    Examples
    --------
    >>> import numpy as np
    >>> drop(np.array([0.75, 0.5]))
    array([0.  , 0.25])
    """
    return accuracy[..., :1] - accuracy


def area(accuracy: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Mean height (...) of the curve of accuracy (..., l) over levels (l,), straight between them.

    Trapezoids divided by the span of the levels, so that an accuracy that noise leaves alone is its own area; NaN for a
    single level.

    Examples
    --------
    >>> import numpy as np
    >>> float(area(np.array([1.0, 0.5, 0.5]), np.array([0.0, 0.2, 0.4])))
    0.625
    """
    width = np.diff(levels)
    span = width.sum()
    heights = (accuracy[..., 1:] + accuracy[..., :-1]) / 2
    return (heights * width).sum(axis=-1) / (span if span > 0 else np.nan)


@dataclass(frozen=True, eq=False)
class Draws:
    """Accuracies of bootstrap samples of test images, and of noise draws; all from the same samples of images."""

    curves: np.ndarray
    """(boot, noise, level), each the mean of as many noise draws as there were, drawn with replacement."""
    others: np.ndarray
    """(boot, s) of label sets that have no draws."""


def bootstrap(curves: np.ndarray, others: np.ndarray, n_boot: int, rng: np.random.Generator) -> Draws:
    """Resample test images, and noise draws, with replacement.

    One sample of images serves every label set and one sample of draws every level of a noise, so that differences
    between levels and areas under a curve have the interval of paired data.

    Parameters
    ----------
    curves : bool array (noise, level, draw, m)
        Whether each of m test images was classified correctly.
    others : bool array (s, m)
    n_boot : int
    rng : Generator

    Returns
    -------
    Draws

    Notes
    -----
    Time: n_boot * m * (label sets) multiplications. Memory: the input as float32, and blocks of samples.

    Examples
    --------
    >>> import numpy as np
    >>> right = np.ones((1, 2, 3, 50), dtype=bool)
    >>> bootstrap(right, right[0, 0], 20, np.random.default_rng(0)).curves.shape
    (20, 1, 2)
    """
    n_noises, n_levels, n_draws, m = curves.shape
    # float32 holds whole numbers up to 2^24 exactly: more test images than any sample of them.
    right = np.concatenate([curves.reshape(-1, m), others]).astype(np.float32).T
    shares = np.empty((n_boot, right.shape[1]))
    block = max(1, BOOT_BLOCK // max(m, 1))
    for start in range(0, n_boot, block):
        size = min(block, n_boot - start)
        counts = np.empty((size, m), dtype=np.float32)
        for row in counts:
            row[:] = np.bincount(rng.integers(0, m, size=m), minlength=m)
        shares[start : start + size] = counts @ right / m
    n_curves = n_noises * n_levels * n_draws
    by_draw = shares[:, :n_curves].reshape(n_boot, n_noises, n_levels, n_draws)
    chosen = rng.integers(0, n_draws, size=(n_boot, n_noises, 1, n_draws))
    return Draws(np.take_along_axis(by_draw, chosen, axis=-1).mean(axis=-1), shares[:, n_curves:])


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Ends (...) of the percentile interval of draws (boot, ...); NaN without any.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.arange(1001.0))
    >>> round(float(low)), round(float(high))
    (25, 975)
    """
    if not len(draws):
        return np.full(draws.shape[1:], np.nan), np.full(draws.shape[1:], np.nan)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
