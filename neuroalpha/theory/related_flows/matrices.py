"""Kernel: matrices that have to be symmetric, and their modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.errors import InputError


def symmetric_matrix(values: Any, name: str, *, definite: bool = False) -> np.ndarray:
    """Return a symmetric matrix as float64, or say what is wrong with it.

    Parameters
    ----------
    values : array (n, n)
    name : str
        For the message.
    definite : bool, optional
        Refuse eigenvalues below 0 as well (below rounding).

    Examples
    --------
    >>> symmetric_matrix([[2, 1], [1, 2]], "gamma")
    array([[2., 1.],
           [1., 2.]])
    """
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {type(values).__name__}; expected a symmetric matrix of numbers") from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(f"{name} has shape {matrix.shape}; expected a symmetric matrix (n, n)")
    if not np.isfinite(matrix).all():
        raise InputError(f"{name} holds NaN or infinite values; expected a symmetric matrix of numbers")
    size = np.abs(matrix).max()
    gap = np.abs(matrix - matrix.T).max()
    if gap > 1e-8 * size:
        raise InputError(
            f"{name} is not symmetric: entries differ from those across the diagonal by up to {gap:.3g}; pass its "
            f"symmetric part, ({name} + {name}.T) / 2"
        )
    matrix = (matrix + matrix.T) / 2
    if definite:
        lowest = float(np.linalg.eigvalsh(matrix)[0])
        if lowest < -1e-10 * size:
            raise InputError(
                f"{name} has the negative eigenvalue {lowest:.3g}; expected a positive semi-definite matrix, as a "
                "covariance is"
            )
    return matrix


def shared_modes(one: np.ndarray, two: np.ndarray, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (mode,) of two symmetric matrices in their common eigenvectors, by falling eigenvalue of the second.

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
