"""Kernel: ridge regression done, not predicted: on Gaussian features with a known spectrum, and on parts of real ones.

What :mod:`neuroalpha.theory.ridge_error` is compared with. Nothing is shared with it: readouts are fitted by solving
their normal equations.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg
from tqdm import tqdm

from neuroalpha.spectrum import gram


class Measured(NamedTuple):
    """Errors and accuracies of fitted readouts (draw, k)."""

    error: np.ndarray
    """Mean squared error on the images not trained on, over the variance of the targets; all classes together."""
    accuracy: np.ndarray
    """Share of the images not trained on whose class has the largest output; NaN for a single target."""


def simulate_error(
    eigenvalues: np.ndarray,
    power: np.ndarray,
    n_train: int,
    penalty: float,
    *,
    rest: float = 0.0,
    noise: float = 0.0,
    n_draws: int = 20,
    seed: int = 0,
) -> np.ndarray:
    """Test errors (draw,) of ridge regression on Gaussian features, over the target's variance.

    Features are sqrt(l_i) z_i with independent normal z, the target sum_i sqrt(power_i) z_i + sqrt(rest) e, training
    labels have further normal noise of variance ``noise``. The error is exact for each training set: a sum over modes,
    not over test images. No intercept: everything has mean zero.

    Examples
    --------
    >>> errors = simulate_error(np.ones(30), np.ones(30), 15, 0.0, n_draws=50)
    >>> bool(0.4 < errors.mean() < 0.6)  # white: 1 - p / modes
    True
    """
    rng = np.random.default_rng(seed)
    scale, weights = np.sqrt(eigenvalues), np.sqrt(power)
    errors = np.empty(n_draws)
    for draw in range(n_draws):
        z = rng.standard_normal((n_train, scale.size))
        labels = gram.multiply(z, weights[:, None])[:, 0] + np.sqrt(rest + noise) * rng.standard_normal(n_train)
        found = ridge_weights(z * scale, labels[:, None], n_train * penalty)[:, 0]
        errors[draw] = ((weights - scale * found) ** 2).sum() + rest
    return errors / (power.sum() + rest)


def held_out_errors(
    features: np.ndarray,
    targets: np.ndarray,
    n_train: Sequence[int] | np.ndarray,
    penalty: Sequence[float] | np.ndarray,
    *,
    n_draws: int = 5,
    seed: int = 0,
    progress: bool = False,
) -> Measured:
    """Train on random images, test on all others: features (P, neuroid), targets (P, class) one-hot or any numbers.

    With an intercept. Within a draw, larger training sets hold the smaller ones, so that errors along ``n_train`` share
    their noise. With more neuroids than images all readouts come from one kernel matrix (P, P) in float64.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(60, 4))
    >>> done = held_out_errors(x, x @ np.ones((4, 1)), [30], [0.0])
    >>> bool(done.error.max() < 1e-20)
    True
    """
    n_images, n_neuroids = features.shape
    rng = np.random.default_rng(seed)
    variance = targets.var(axis=0).sum()
    means = gram.column_means(features)[0]
    kernel = gram.smaller_side(features, means) if n_neuroids > n_images else None
    centred = None if kernel is not None else np.subtract(features, means, dtype=np.float64)
    error, accuracy = np.empty((2, n_draws, len(n_train)))
    for draw in tqdm(range(n_draws), desc="readouts", unit="draw", disable=not progress, file=sys.stderr, delay=1):
        order = rng.permutation(n_images)
        for column, (size, each) in enumerate(zip(n_train, penalty, strict=True)):
            chosen, others = order[:size], order[size:]
            mean = targets[chosen].mean(axis=0)
            y = targets[chosen] - mean
            if kernel is not None:
                output = _kernel_outputs(kernel[chosen], chosen, others, y, size * each)
            else:
                assert centred is not None
                x = centred[chosen]
                weights = ridge_weights(x - x.mean(axis=0), y, size * each)
                output = gram.multiply(centred[others] - x.mean(axis=0), weights)
            output = output + mean
            error[draw, column] = ((output - targets[others]) ** 2).sum(axis=1).mean() / variance
            right = output.argmax(axis=1) == targets[others].argmax(axis=1)
            accuracy[draw, column] = right.mean() if targets.shape[1] > 1 else np.nan
    return Measured(error, accuracy)


def _kernel_outputs(
    rows: np.ndarray, chosen: np.ndarray, others: np.ndarray, y: np.ndarray, penalty: float
) -> np.ndarray:
    """Outputs (test, class) from the kernel's rows (train, P), centred on the training images; y (train, class) too."""
    own = np.ascontiguousarray(rows[:, chosen])
    average = own.mean(axis=0)
    own = gram.double_centred(own)
    # The dual weights add up to 0, as y does: what centring takes from each test image as a whole drops out.
    cross = np.ascontiguousarray(rows[:, others].T) - average
    if penalty == 0:
        dual = linalg.lstsq(own, y, cond=own.shape[0] * np.finfo(np.float64).eps, check_finite=False)[0]
    else:
        own[np.diag_indices_from(own)] += penalty
        dual = linalg.solve(own, y, assume_a="pos", overwrite_a=True, check_finite=False)
    return gram.multiply(cross, np.asarray(dual))


def ridge_weights(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Weights (neuroid, class) that minimise |y - x w|^2 + penalty |w|^2; without penalty the shortest of the best."""
    if penalty == 0:  # centred rows have one direction less than rows: what rounding leaves of it must not count
        cond = max(x.shape) * np.finfo(np.float64).eps
        return linalg.lstsq(x, y, cond=cond, check_finite=False)[0]
    tall = x.shape[0] > x.shape[1]
    x = np.ascontiguousarray(x)
    scatter = gram.multiply(x.T, x) if tall else gram.multiply(x, x.T)
    scatter[np.diag_indices_from(scatter)] += penalty
    if tall:
        return linalg.solve(scatter, gram.multiply(x.T, y), assume_a="pos", overwrite_a=True, check_finite=False)
    dual = linalg.solve(scatter, np.asarray(y, float), assume_a="pos", overwrite_a=True, check_finite=False)
    return gram.multiply(x.T, dual)
