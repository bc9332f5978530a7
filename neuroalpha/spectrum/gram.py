"""Kernel: second moments of a centred matrix from its smaller side, block by block, in float64.

Centring comes before the product: a Gram matrix that is centred afterwards loses the small eigenvalues as soon as unit
means are large against their spread (ReLU features: mean / sd of 15 already costs 2e-4 in float32, 150 costs
everything).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import linalg

BLOCK_BYTES = 256 * 2**20


def column_means(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean (column,) of each column without its NaN, and how many NaN it has (column,); NaN where there is no value.

    ``values`` is (row, column), numpy or dask.
    """
    n_columns = values.shape[1]
    total, missing = np.zeros(n_columns), np.zeros(n_columns, dtype=np.int64)
    for rows in _slices(values.shape[0], n_columns):
        block = np.asarray(values[rows], dtype=np.float64)
        absent = np.isnan(block)
        total += np.where(absent, 0.0, block).sum(axis=0)
        missing += absent.sum(axis=0)
    present = values.shape[0] - missing
    return np.divide(total, present, out=np.full(n_columns, np.nan), where=present > 0), missing


def smaller_side(values: Any, means: np.ndarray | float) -> np.ndarray:
    """Scatter matrix of the smaller side of ``values - means``, NaN counted as the mean (0.0: no centring).

    With n rows and p columns: the Gram matrix (n, n) if n <= p, accumulated over blocks of columns, else the covariance
    side (p, p), accumulated over blocks of rows. Both have the same non-zero eigenvalues. Not divided by anything.
    """
    n, p = values.shape
    means = np.broadcast_to(means, p)
    side = min(n, p)
    scatter = np.zeros((side, side))
    if n <= p:
        for columns in _slices(p, n):
            block = _centred(values[:, columns], means[columns])
            scatter += block @ block.T
    else:
        for rows in _slices(n, p):
            block = _centred(values[rows], means)
            scatter += block.T @ block
    return scatter


def eigenvalues(scatter: np.ndarray, rank: int) -> np.ndarray:
    """Eigenvalues of a scatter matrix, descending, the largest ``rank`` of them; rounding below zero becomes zero.

    What lies below ``largest * side * machine epsilon`` cannot be told from zero and is returned as exactly zero.
    """
    values = linalg.eigvalsh(scatter, check_finite=False)[::-1][:rank]
    floor = max(values[0], 0.0) * scatter.shape[0] * np.finfo(np.float64).eps if values.size else 0.0
    return np.where(values > floor, values, 0.0)


def _centred(block: Any, means: np.ndarray) -> np.ndarray:
    centred = np.asarray(block, dtype=np.float64) - means
    np.nan_to_num(centred, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)
    return centred


def _slices(length: int, other: int) -> Iterator[slice]:
    """Cut ``length`` so that a float64 block of that many rows by ``other`` columns stays below BLOCK_BYTES."""
    step = max(1, BLOCK_BYTES // (8 * max(other, 1)))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
