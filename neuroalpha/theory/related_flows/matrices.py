"""Kernel: the modes of two matrices that share their eigenvectors."""

from __future__ import annotations

import numpy as np

from neuroalpha.errors import InputError


def shared_modes(one: np.ndarray, two: np.ndarray, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (mode,) of two symmetric matrices in their common eigenvectors, by falling eigenvalue of the second.

    Raises
    ------
    InputError
        For matrices of different shapes, and for those that do not commute.

    Examples
    --------
    >>> first, second = shared_modes(np.diag([0.1, 0.2]), np.diag([1.0, 3.0]), ("predictor", "correlation"))
    >>> first.tolist(), second.tolist()
    ([0.2, 0.1], [3.0, 1.0])
    """
    if one.shape != two.shape:
        raise InputError(f"{names[0]} has shape {one.shape} and {names[1]} {two.shape}; expected one shape")
    scale = max(np.abs(one).max(), 1e-300) * max(np.abs(two).max(), 1e-300)
    gap = np.abs(one @ two - two @ one).max()
    if gap > 1e-8 * scale:
        raise InputError(
            f"{names[0]} and {names[1]} have different eigenvectors (their products differ by {gap:.3g}); the modes "
            "separate only where both share them"
        )
    # A generic mixture has the common eigenvectors even where one of the two has equal eigenvalues.
    mixed = two / max(np.abs(two).max(), 1e-300) + 0.618034 * one / max(np.abs(one).max(), 1e-300)
    vectors = np.linalg.eigh(mixed)[1]
    first, second = (np.einsum("im,ij,jm->m", vectors, matrix, vectors) for matrix in (one, two))
    order = np.argsort(-second, kind="stable")
    return first[order], second[order]
