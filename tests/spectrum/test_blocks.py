"""Blocks: they cover a matrix once, stay below their limit, and read each chunk of a lazy one once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum import blocks


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 400)
    monkeypatch.setattr(blocks, "LAZY_BYTES", 1600)


@given(length=st.integers(0, 200), other=st.integers(0, 10**7), data=st.data())
def test_slices_cover_once_in_order_below_the_limit(length, other, data):
    chunks = None
    if data.draw(st.booleans()):
        cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=5)))
        chunks = tuple(np.diff([0, *cuts, length]).tolist())
    limit = blocks.BLOCK_BYTES if chunks is None else blocks.LAZY_BYTES
    found = list(blocks.slices(length, other, chunks))
    assert [i for part in found for i in range(part.start, part.stop)] == list(range(length))
    for part in found:
        size = part.stop - part.start
        assert size == 1 or 8 * other * size <= limit
    ends = set(np.cumsum(chunks).tolist()) if chunks else {length}
    assert ends - {0} <= {part.stop for part in found}  # no slice reaches over the end of a chunk


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("shape", [(30, 7), (3, 10, 21), (1, 1)])
def test_blocks_put_together_are_the_whole(shape, lazy):
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    values = x
    if lazy:
        values = pytest.importorskip("dask.array").from_array(x, chunks=tuple(max(1, side // 3) for side in shape))
    parts = list(blocks.column_blocks(values))
    np.testing.assert_array_equal(np.concatenate([block for _, block in parts], axis=-1), x)
    for where, block in parts:
        np.testing.assert_array_equal(block, x[..., where])
        assert block.nbytes <= max(400, 8 * x[..., :1].size)
    if x.ndim == 2:
        parts = list(blocks.row_blocks(values))
        np.testing.assert_array_equal(np.concatenate([block for _, block in parts]), x)
        for where, block in parts:
            np.testing.assert_array_equal(block, x[where])
            assert block.nbytes <= max(400, 8 * x.shape[1])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("chunks", [(5, 20), (30, 3)])
def test_each_chunk_is_read_once_by_blocks_along_it(chunks):
    dask_array = pytest.importorskip("dask.array")
    read = []

    def load(block, block_info=None):
        read.append(tuple(block_info[0]["chunk-location"]))
        return block

    x = dask_array.zeros((30, 20), chunks=chunks).map_blocks(load, dtype=float, meta=np.empty((0, 0)))
    for _ in blocks.row_blocks(x) if chunks[0] < 30 else blocks.column_blocks(x):
        pass
    assert len(read) == len(set(read)) == x.npartitions


@settings(max_examples=30)
@given(n=st.integers(1, 40), start=st.integers(0, 40), size=st.integers(0, 40), seed=st.integers(0, 999))
def test_within_is_the_intersection(n, start, size, seed):
    chosen = np.flatnonzero(np.random.default_rng(seed).random(n) < 0.5)
    inside, positions = blocks.within(chosen, slice(start, start + size))
    expected = [each for each in chosen.tolist() if start <= each < start + size]
    assert (inside + start).tolist() == expected
    assert chosen[positions].tolist() == expected


@given(sizes=st.lists(st.integers(0, 50), max_size=12), limit=st.integers(1, 100))
def test_passes_keep_the_order_and_the_limit(sizes, limit):
    groups = list(blocks.in_passes(range(len(sizes)), sizes, limit))
    assert [pick for group in groups for pick in group] == list(range(len(sizes)))
    for position, group in enumerate(groups):
        assert group
        assert len(group) == 1 or sum(sizes[pick] for pick in group) <= limit
        if position:  # and no group could have held the next one's first
            assert sum(sizes[pick] for pick in groups[position - 1]) + sizes[group[0]] > limit


def test_nan_become_zero_in_place():
    x = np.array([[1.0, np.nan], [np.inf, -2.0]])
    assert blocks.nan_to_zero(x) is x
    np.testing.assert_array_equal(x, [[1.0, 0.0], [np.inf, -2.0]])
    opposite = np.array([np.inf, -np.inf, np.nan])  # whose sum is NaN for two reasons
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(blocks.nan_to_zero(opposite), [np.inf, -np.inf, 0.0])
