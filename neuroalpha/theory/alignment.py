"""Kernel: how much of a target's variance lies along each eigenvector of the features, and how fast that falls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

from neuroalpha.errors import InputError
from neuroalpha.spectrum import gram


class Alignment(NamedTuple):
    """Eigenvalues of the features and power of the targets along their eigenvectors."""

    eigenvalue: np.ndarray
    """(i,) of the centred features' F'F / P, descending; min(P - 1, neuroids) of them, rounding set to zero."""
    power: np.ndarray
    """(class, i) variance of each centred target along each eigenvector; 0 where the eigenvalue is 0."""
    rest: np.ndarray
    """(class,) variance of each target that no linear readout of the features reaches, even on all P images."""


def align(features: np.ndarray, targets: np.ndarray) -> Alignment:
    """Project targets (P, class) on the eigenvectors of the kernel FF' / P of features (P, neuroid), both centred.

    ``power[c, i] = (v_i'y_c)^2 / P`` with unit v_i; ``power[c].sum() + rest[c]`` is the variance of y_c (divisor P).
    float64; one product and one eigenvalue problem of the smaller side, whose matrix is in memory.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(40, 3))
    >>> found = align(x, x @ np.array([[1.0], [0.0], [2.0]]))
    >>> found.eigenvalue.size, bool(np.isclose(found.rest[0], 0))  # a linear target is all in the span
    (3, True)
    """
    n_images, n_neuroids = features.shape
    means = gram.column_means(features)[0]
    centred = np.asarray(targets, dtype=np.float64) - np.mean(targets, axis=0, dtype=np.float64)
    scatter = gram.smaller_side(features, means)
    values, vectors = linalg.eigh(scatter, driver="evd", overwrite_a=True, check_finite=False)
    values, vectors = values[::-1], vectors[:, ::-1]
    positive = values > values[0] * values.size * np.finfo(np.float64).eps
    positive[n_images - 1 :] = False  # centring takes one
    if n_images <= n_neuroids:
        weights = gram.multiply(np.ascontiguousarray(vectors.T), centred)[positive]
    else:
        # v_i = F u_i / sqrt(scatter value), so v_i'y = u_i' (F'y) / sqrt(scatter value).
        across = np.zeros((n_neuroids, centred.shape[1]))
        for start in range(0, n_images, 1024):
            block = features[start : start + 1024] - means
            across += gram.multiply(np.ascontiguousarray(block.T), centred[start : start + 1024])
        weights = gram.multiply(np.ascontiguousarray(vectors.T), across)[positive] / np.sqrt(values[positive])[:, None]
    size = min(n_images - 1, n_neuroids)
    power = np.zeros((centred.shape[1], size))
    power[:, : weights.shape[0]] = weights.T**2 / n_images
    variance = (centred**2).mean(axis=0)
    return Alignment(
        np.where(positive, values, 0.0)[:size] / n_images, power, np.maximum(variance - power.sum(axis=1), 0.0)
    )


def cumulative_power(power: np.ndarray, rest: np.ndarray | float = 0.0) -> np.ndarray:
    """Share of the target's variance along the first 1, 2, ... eigenvectors (..., i).

    Examples
    --------
    >>> cumulative_power(np.array([2.0, 1.0]), rest=1.0)
    array([0.5 , 0.75])
    """
    power = np.asarray(power, dtype=np.float64)
    return np.cumsum(power, axis=-1) / np.asarray(power.sum(axis=-1) + rest)[..., None]


def alignment_exponent(power: np.ndarray, ranks: tuple[int, int]) -> float:
    """The exponent b of target power ~ rank^-b over a window of ranks (first, last), 1-based and inclusive.

    The powers of single ranks scatter by orders of magnitude, their sums do not: what is fitted is the power left from
    rank k to the end of the window, for k from ``first`` to the middle rank, by the same sum of k^-b (so that the cut
    at the end of the window does no harm, and b may be below 1), least squares of the logarithms with weights 1 / k.

    Examples
    --------
    >>> round(alignment_exponent(np.arange(1, 201) ** -1.3, (5, 100)), 6)
    1.3
    """
    first, last = ranks
    power = np.asarray(power, dtype=np.float64)
    if not 1 <= first < last - 1 or last > power.size:
        raise InputError(f"ranks {first} to {last} is no window of the {power.size} that there are; 3 ranks at least")
    rank = np.arange(first, last + 1, dtype=np.float64)
    inside = power[first - 1 : last]
    kept = (last - first) // 2 + 1
    left = np.cumsum(inside[::-1])[::-1][:kept]
    if left[-1] <= 0:
        raise InputError(f"the target has no power in the upper half of ranks {first} to {last}; use lower ranks")
    weights = 1 / rank[:kept] / (1 / rank[:kept]).sum()

    def misfit(exponent: float) -> float:
        law = np.cumsum((rank**-exponent)[::-1])[::-1][:kept]
        gap = np.log(left / law)
        return float(weights @ (gap - weights @ gap) ** 2)

    return float(optimize.minimize_scalar(misfit, bounds=(-5, 10), method="bounded", options={"xatol": 1e-10}).x)
