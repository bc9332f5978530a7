"""Kernel: the leading eigenvectors of a large symmetric matrix, a good deal faster than computing all of them.

The matrix is reduced to tridiagonal form, whose eigenvalues cost little; each eigenvector of the tridiagonal matrix
follows from two factorisations that start at its two ends and meet where the residual is smallest (Parlett & Dhillon
1997, "Fernando's solution to Wilkinson's problem"), for many eigenvalues at once. Vectors of eigenvalues that all but
coincide would not come out orthogonal: such a matrix is left to LAPACK's divide and conquer.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

MIN_SIDE = 512  # below it divide and conquer takes no longer
MIN_GAP = 1e-9  # between neighbours, relative to the largest: vectors are then orthogonal to about 1e-6 at worst
SINGLE_RANGE = 1e-4  # smallest wanted eigenvalue over the largest, below which float32 does not do
CHUNK = 512  # vectors at a time: the factorisations take 3 * side * CHUNK float64


def leading(matrix: np.ndarray, k: int, vector_dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray] | None:
    """The ``k`` largest eigenvalues (k,), descending, in float64, and their eigenvectors (side, k).

    ``matrix`` is symmetric, in Fortran order, and is overwritten. Its dtype is that of the reduction, whose errors grow
    with the largest eigenvalue over the gap to the next one. ``vector_dtype`` is that of the back-transformation, whose
    errors do not. Where the wanted eigenvalues span too much for float32, the vectors come in float64 all the same, and
    a float32 matrix gives None: ask again in float64.
    """
    side = matrix.shape[0]
    single = matrix.dtype == np.float32
    if side < MIN_SIDE and not single:
        return _divide_and_conquer(matrix, k)
    kept = matrix.diagonal().copy()  # of the matrix itself, the reduction leaves the upper triangle alone
    reduced, diagonal, below, scales, _ = (lapack.ssytrd if single else lapack.dsytrd)(
        matrix, lower=1, lwork=64 * side, overwrite_a=1
    )
    diagonal, below = diagonal.astype(np.float64), below.astype(np.float64)
    values = lapack.dsterf(diagonal, below)[0][::-1]
    if not values[k - 1] > SINGLE_RANGE * values[0]:
        if single:
            return None
        vector_dtype = np.float64
    gaps = -np.diff(values[: k + 1])
    if not gaps.min(initial=np.inf) > MIN_GAP * abs(values[0]) or not below.all():
        if single:
            return None
        np.fill_diagonal(reduced, kept)
        return _divide_and_conquer(reduced, k, lower=False)
    del matrix
    reflectors = reduced[1:, :-1].astype(vector_dtype, order="F")
    del reduced
    vectors: np.ndarray = np.empty((side, k), dtype=vector_dtype, order="F")
    for start in range(0, k, CHUNK):
        vectors[:, start : start + CHUNK] = tridiagonal_vectors(diagonal, below, values[start : min(start + CHUNK, k)])
    transform = lapack.sormqr if vector_dtype == np.float32 else lapack.dormqr
    for start in range(0, k, CHUNK):
        part = np.asfortranarray(vectors[1:, start : start + CHUNK])
        vectors[1:, start : start + CHUNK] = transform(
            "L", "N", reflectors, scales.astype(vector_dtype), part, 64 * part.shape[1], overwrite_c=1
        )[0]
    return values[:k], vectors


def tridiagonal_vectors(diagonal: np.ndarray, below: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Unit eigenvectors (side, k) of a symmetric tridiagonal matrix for some of its eigenvalues (k,).

    ``diagonal`` (side,), ``below`` (side - 1,), none of it zero; ``values`` accurate to machine precision and distinct.
    """
    side, k = diagonal.size, values.size
    down, up = np.empty((side, k)), np.empty((side, k))  # pivots from the first row down, from the last row up
    squared = below**2
    down[0], up[-1] = diagonal[0] - values, diagonal[-1] - values
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # a zero pivot gives inf, then recovers
        for row in range(1, side):
            np.divide(squared[row - 1], down[row - 1], out=down[row])
            np.subtract(diagonal[row] - values, down[row], out=down[row])
            back = side - 1 - row
            np.divide(squared[back], up[back + 1], out=up[back])
            np.subtract(diagonal[back] - values, up[back], out=up[back])
        residual = down + up
        residual -= diagonal[:, None]
        residual += values
        np.abs(residual, out=residual)
        np.copyto(residual, np.inf, where=np.isnan(residual))
        meet = residual.argmin(axis=0)
        np.divide(-below[:, None], down[:-1], out=down[:-1])
        np.divide(-below[:, None], up[1:], out=up[1:])
    rows = np.arange(side)[:, None]
    down[rows >= meet] = 0.0
    up[rows <= meet] = 0.0
    vectors = residual
    vectors[:] = 0.0
    vectors[meet, np.arange(k)] = 1.0
    step = np.empty(k)
    for row in range(side - 2, -1, -1):
        vectors[row] += np.multiply(down[row], vectors[row + 1], out=step)
    for row in range(1, side):
        vectors[row] += np.multiply(up[row], vectors[row - 1], out=step)
    vectors /= np.sqrt(np.einsum("sk,sk->k", vectors, vectors))
    return vectors


def _divide_and_conquer(matrix: np.ndarray, k: int, lower: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """All eigenvectors in float64, of which the first ``k`` are returned."""
    values, vectors = linalg.eigh(matrix.astype(np.float64, copy=False), lower=lower, driver="evd", check_finite=False)
    return values[::-1][:k], vectors[:, ::-1][:, :k]
