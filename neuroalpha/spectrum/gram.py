"""Kernel: second moments of a centred matrix from its smaller side, block by block, in float64.

Centring comes before the product: a Gram matrix that is centred afterwards loses the small eigenvalues as soon as unit
means are large against their spread (ReLU features: mean / sd of 15 already costs 2e-4 in float32, 150 costs
everything). Values are numpy or dask; of a dask array, one block at a time is in memory. What is done with a block is
done by an :class:`Engine`: BLAS here, torch in :mod:`neuroalpha.spectrum.twin`.

All products are SciPy's, none NumPy's ``@``: their wheels carry a BLAS each, with threads of its own, and a loop that
goes from one to the other has idle threads of the first spin on the cores that the second needs (a third of the time).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import linalg
from scipy.linalg import blas

from neuroalpha.spectrum.blocks import column_blocks, in_passes, nan_to_zero, row_blocks, within

DRAW_BYTES = 256 * 2**20  # matrices of the subsamples that are filled in one pass over the values


class Engine:
    """Products of blocks in float64 by BLAS, added in place to a matrix of which the lower triangle counts."""

    device = "numpy"
    rows_factor = 1  # how many times larger than usual the blocks of rows are that :mod:`.moments` multiplies

    def shifted(self, batch: Any, shift: np.ndarray) -> Any:
        """``batch - shift`` (row, column) in float64, C order, where it is multiplied."""
        with np.errstate(invalid="ignore"):  # inf - inf shows in the sums
            return np.subtract(np.asarray(batch), shift, dtype=np.float64, order="C")

    def sum_rows(self, block: Any) -> np.ndarray:
        """Sum (column,) over rows of a block in C order; the product is faster than a sum over the slow axis."""
        if not block.size:  # which BLAS refuses
            return np.zeros(block.shape[1])
        assert block.flags.c_contiguous  # else BLAS would multiply a copy
        gemv = blas.sgemv if block.dtype == np.float32 else blas.dgemv
        return gemv(1.0, block.T, np.ones(block.shape[0], dtype=block.dtype)).astype(np.float64, copy=False)

    def put(self, block: np.ndarray) -> Any:
        """Bring a float64 block to where it is multiplied."""
        return block

    def place(self, matrix: np.ndarray) -> Any:
        """Bring a float64 matrix to where the scatter is."""
        return matrix

    def copy(self, matrix: Any) -> Any:
        """A copy of a matrix."""
        return matrix.copy(order="F")

    def zeros(self, side: int) -> Any:
        """A matrix to fill; Fortran order, which is what BLAS adds to in place."""
        return np.zeros((side, side), order="F")

    def add_own(self, scatter: Any, block: Any) -> None:
        """Add ``block @ block.T`` to the lower triangle of ``scatter``: half the work of a product."""
        assert scatter.flags.f_contiguous  # else BLAS would add to a copy
        if block.flags.f_contiguous:
            blas.dsyrk(1.0, block, beta=1.0, c=scatter, lower=1, overwrite_c=1)
        else:
            blas.dsyrk(1.0, np.ascontiguousarray(block).T, beta=1.0, c=scatter, trans=1, lower=1, overwrite_c=1)

    def add_cross(self, product: Any, one: Any, two: Any) -> None:
        """Add ``one @ two.T`` to ``product``, blocks in C order."""
        multiply(one, two.T, product)

    def full(self, scatter: Any) -> Any:
        """Mirror the lower triangle into the upper one, in place, piece by piece; returns the same array."""
        n, step = scatter.shape[0], 512
        for start in range(0, n, step):
            stop = min(start + step, n)
            scatter[start:stop, stop:] = scatter[stop:, start:stop].T
            corner = np.tril(scatter[start:stop, start:stop])
            scatter[start:stop, start:stop] = corner + np.tril(corner, -1).T
        return scatter

    def eigenvalues(self, scatter: Any, rank: int) -> np.ndarray:
        """Eigenvalues of a symmetric matrix, descending, the largest ``rank`` of them, as numpy."""
        return linalg.eigvalsh(scatter, check_finite=False)[::-1][:rank]


BLAS = Engine()


def multiply(one: np.ndarray, two: np.ndarray, total: np.ndarray | None = None) -> np.ndarray:
    """``one @ two`` by SciPy's BLAS, in Fortran order; added in place to ``total``, if given, in Fortran order too.

    Both are float32 or both float64. An array in either order is not copied; one in neither, as a strided view, is.
    """
    assert one.dtype == two.dtype  # BLAS would convert what it is given, silently
    if not (one.size and two.size):  # which BLAS refuses
        return np.zeros((one.shape[0], two.shape[1]), dtype=one.dtype, order="F") if total is None else total
    a, turned_a = _fortran(one)
    b, turned_b = _fortran(two)
    gemm = blas.sgemm if one.dtype == np.float32 else blas.dgemm
    if total is None:
        return gemm(1.0, a, b, trans_a=turned_a, trans_b=turned_b)
    assert total.flags.f_contiguous  # else BLAS would add to a copy
    assert total.dtype == one.dtype
    return gemm(1.0, a, b, beta=1.0, c=total, trans_a=turned_a, trans_b=turned_b, overwrite_c=1)


def _fortran(matrix: np.ndarray) -> tuple[np.ndarray, bool]:
    """The matrix, or its transpose, in Fortran order, and whether it is the transpose."""
    if matrix.flags.f_contiguous:
        return matrix, False
    return np.ascontiguousarray(matrix).T, True


def column_means(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean (column,) of each column without its NaN, and how many NaN it has (column,); NaN where there is no value.

    ``values`` is (row, column), numpy or dask; read once.
    """
    total, missing = np.zeros(values.shape[1]), np.zeros(values.shape[1], dtype=np.int64)
    by_columns = hasattr(values, "dask") and values.numblocks[1] > values.numblocks[0]  # as the file is best read
    for where, block in column_blocks(values) if by_columns else row_blocks(values):
        columns = where if by_columns else slice(None)
        summed, absent = column_sums(block.astype(np.float64))
        total[columns] += summed
        missing[columns] += absent
    return over_present(total, values.shape[0] - missing), missing


def column_sums(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum (column,) of a float64 block (row, column) without its NaN, and how many NaN (column,)."""
    with np.errstate(invalid="ignore"):  # inf - inf: told later, by name of the neuroid
        summed = block.sum(axis=0)
        if np.isfinite(summed).all():
            return summed, np.zeros(summed.size, dtype=np.int64)
        absent = np.isnan(block)
        return np.where(absent, 0.0, block).sum(axis=0), absent.sum(axis=0)


def over_present(total: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Means from sums and counts; NaN where there is no value."""
    return np.divide(total, present, out=np.full(total.size, np.nan), where=present > 0)


def smaller_side(values: Any, means: np.ndarray | float, engine: Engine = BLAS) -> Any:
    """Scatter matrix of the smaller side of ``values - means``, NaN counted as the mean (0.0: no centring).

    With n rows and p columns: the Gram matrix (n, n) if n <= p, accumulated over blocks of columns, else the covariance
    side (p, p), accumulated over blocks of rows. Both have the same non-zero eigenvalues. Not divided by anything.
    Reads the values once.
    """
    n, p = values.shape
    scatter = engine.zeros(min(n, p))
    for _, block in _centred_blocks(values, means):
        engine.add_own(scatter, engine.put(block) if n <= p else engine.put(block).T)
    return engine.full(scatter)


def subsample_scatters(
    values: Any,
    means: np.ndarray | float,
    picks: Sequence[tuple[np.ndarray, np.ndarray]],
    center: bool,
    engine: Engine = BLAS,
) -> Iterator[Any]:
    """Scatter matrices of submatrices (rows, columns; sorted indices), each centred on itself, in the order of picks.

    ``means`` are those of all rows: NaN count as them. The matrices are those of the side that is smaller in
    ``values``; as many as fit into DRAW_BYTES are filled in one pass over the values.
    """
    by_columns = values.shape[0] <= values.shape[1]
    sides = [rows.size if by_columns else columns.size for rows, columns in picks]
    for group in in_passes(list(zip(picks, sides, strict=True)), [8 * side**2 for side in sides], DRAW_BYTES):
        scatters = [engine.zeros(side) for _, side in group]
        totals = [np.zeros(columns.size) for (_, columns), _ in group]
        for where, block in _centred_blocks(values, means):
            for ((rows, columns), _), scatter, total in zip(group, scatters, totals, strict=True):
                inside = within(columns if by_columns else rows, where)[0]
                part = block[np.ix_(rows, inside)] if by_columns else block[np.ix_(inside, columns)]
                total += 0.0 if by_columns else part.sum(axis=0)
                engine.add_own(scatter, engine.put(part) if by_columns else engine.put(part).T)
        for ((rows, _), _), total in zip(group, totals, strict=True):
            scatter = engine.full(scatters.pop(0))
            if center and by_columns:  # centred on the means of all rows already: little is left to take away
                scatter = double_centred(scatter)
            elif center:
                scatter -= engine.place(np.outer(total, total) / rows.size)
            yield scatter


def double_centred(gram: Any) -> Any:
    """Gram matrix of rows after taking away their mean row, from the Gram matrix before (numpy or torch)."""
    return gram - gram.mean(0) - gram.mean(1)[:, None] + gram.mean()


def eigenvalues(scatter: Any, rank: int, engine: Engine = BLAS) -> np.ndarray:
    """Eigenvalues of a scatter matrix, descending, the largest ``rank`` of them; rounding below zero becomes zero.

    What lies below ``largest * side * machine epsilon`` cannot be told from zero and is returned as exactly zero.
    """
    values = engine.eigenvalues(scatter, rank)
    floor = max(values[0], 0.0) * scatter.shape[0] * np.finfo(np.float64).eps if values.size else 0.0
    return np.where(values > floor, values, 0.0)


def _centred_blocks(values: Any, means: np.ndarray | float) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of columns if there are no more rows than columns, else of rows, in float64, centred, NaN as the mean."""
    n, p = values.shape
    means = np.broadcast_to(means, p)
    for where, block in column_blocks(values) if n <= p else row_blocks(values):
        centred = np.subtract(block, means[where] if n <= p else means, dtype=np.float64, order="C")
        yield where, nan_to_zero(centred)
