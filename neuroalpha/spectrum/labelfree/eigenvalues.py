"""Kernel: the eigenvalues that the scores share, from the smaller side of the features (stimulus, unit), in float64.

Each is one product n p min(n, p) and one eigenvalue problem of side min(n, p); beside the features, memory holds one
matrix of that side and blocks of 32 MiB. Eigenvalues under ``largest * side * machine epsilon`` come out as exactly
zero, singular values therefore under about 1e-6 of the largest.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.spectrum import gram


def uncentred(features: np.ndarray) -> np.ndarray:
    """Eigenvalues (component,) of ``X' X``, descending: the squared singular values of the features as they are."""
    return gram.eigenvalues(gram.smaller_side(features, 0.0), min(features.shape))


def centred(features: np.ndarray) -> np.ndarray:
    """Eigenvalues (component,) of the covariance, divided by n - 1, descending; min(n - 1, p) of them."""
    n, p = features.shape
    means = gram.column_means(features)[0]
    return gram.eigenvalues(gram.smaller_side(features, means), min(n - 1, p)) / (n - 1)


def of_directions(features: np.ndarray) -> np.ndarray:
    """Eigenvalues (component,) of ``Z' Z``, Z the features with rows of length one, descending."""
    return uncentred(on_sphere(features))


def on_sphere(features: np.ndarray) -> np.ndarray:
    """Rows scaled to length one, a float64 copy; a row of zeros, which has no direction, stays."""
    rows = features.astype(np.float64)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    rows /= np.where(length > 0, length, 1.0)[:, None]
    return rows
