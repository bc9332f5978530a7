"""Kernel: two linear layers, the first an isometry into more units than features; the product M = W1^T W2 (d, z).

W1 (h, d) and W2 (h, z) have orthonormal columns, so M has singular values of at most 1. Re-derived.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.engine.integrate import integrate


def wide_field(matrix: np.ndarray, product: np.ndarray) -> np.ndarray:
    """M' = -2 (2 C M - C M M^T M - M M^T C M), whatever the width."""
    moved = matrix @ product
    overlap = product.T @ product
    return -2 * (2 * moved - moved @ overlap - product @ (product.T @ moved))


def wide_product(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """M(t), (t, d, z), integrated to about 1e-9."""
    return integrate(lambda product: wide_field(matrix, product), start, times)


def aligned_values(values: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Singular values (t, z) of M where its columns are eigenvectors of C: s' = -4 lambda s (1 - s^2) in closed form.

    s^2 = 1 / (1 + (1 / s_0^2 - 1) e^{8 lambda t}): modes of negative lambda grow to 1, those of positive lambda die.

    Examples
    --------
    >>> aligned_values(np.array([-1.0, 1.0]), np.array([0.5, 0.5]), np.array([0.0, 5.0])).round(6).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    with np.errstate(over="ignore"):  # e^{8 lambda t} beyond floats: s is 0
        odds = (1 / start**2 - 1) * np.exp(8 * values * np.asarray(times)[:, None])
    return 1 / np.sqrt(1 + odds)
