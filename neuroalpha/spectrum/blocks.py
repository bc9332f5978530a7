"""Reading a matrix of responses in blocks, so that neither a float64 copy nor a file is ever whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

BLOCK_BYTES = 32 * 2**20  # one block of values in float64
LAZY_BYTES = 256 * 2**20  # what one read of a dask array may bring into memory, counted in float64


def row_blocks(values: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """Read (row, column) values, numpy or dask, in blocks of rows."""
    chunks = values.chunks[0] if hasattr(values, "dask") else None
    for rows in slices(values.shape[0], values.shape[1], chunks):
        read = np.asarray(values[rows])
        for part in slices(read.shape[0], read.shape[1]):
            yield slice(rows.start + part.start, rows.start + part.stop), read[part]


def column_blocks(values: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """Read (..., column) values, numpy or dask or a :class:`neuroalpha.trials.Split`, in blocks of columns."""
    chunks = values.chunks[-1] if hasattr(values, "dask") else None
    for columns in slices(values.shape[-1], int(np.prod(values.shape[:-1])), chunks):
        read = np.asarray(values[..., columns])
        for part in slices(read.shape[-1], int(np.prod(read.shape[:-1]))):
            yield slice(columns.start + part.start, columns.start + part.stop), read[..., part]


def slices(length: int, other: int, chunks: Sequence[int] | None = None) -> Iterator[slice]:
    """Cut ``length`` so that a float64 block of that many by ``other`` stays below BLOCK_BYTES.

    With the ``chunks`` of a dask array: one chunk at a time, so that each is read once, cut where it exceeds
    LAZY_BYTES.
    """
    step = max(1, (BLOCK_BYTES if chunks is None else LAZY_BYTES) // (8 * max(other, 1)))
    start = 0
    for size in (length,) if chunks is None else chunks:
        for first in range(start, start + size, step):
            yield slice(first, min(first + step, start + size))
        start += size


def nan_to_zero(block: np.ndarray) -> np.ndarray:
    """Replace NaN in place; the sum tells whether there are any, which is cheaper than a mask."""
    if np.isnan(block.sum()):
        np.copyto(block, 0.0, where=np.isnan(block))
    return block


def within(chosen: np.ndarray, where: slice) -> tuple[np.ndarray, slice]:
    """Those of the sorted indices that lie in a block, counted from its start; and where they stand among them."""
    first, last = np.searchsorted(chosen, (where.start, where.stop))
    return chosen[first:last] - where.start, slice(int(first), int(last))


def in_passes(picks: Sequence[Any], sizes: Sequence[int], limit: int) -> Iterator[list[Any]]:
    """Consecutive picks whose sizes (bytes) together stay below ``limit``, at least one at a time."""
    group: list[Any] = []
    used = 0
    for pick, size in zip(picks, sizes, strict=True):
        if group and used + size > limit:
            yield group
            group, used = [], 0
        group.append(pick)
        used += size
    if group:
        yield group
