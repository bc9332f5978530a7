"""Gram matrices within and between repeats: the explicit products, whatever the blocks; subsamples; missing values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum import blocks
from neuroalpha.spectrum.crossgram import SINGLE, cross_grams, subsample_grams
from neuroalpha.spectrum.gram import BLAS, Engine


def explicit(x, center=True):
    x = x.astype(np.float64)
    x = np.where(np.isnan(x), np.nanmean(x, axis=(0, 1)), x)
    x = x - x.mean(axis=(0, 1)) if center else x
    return {(i, j): x[i] @ x[j].T for i in range(len(x)) for j in range(i + 1)}


def assert_same(grams, x, rtol=1e-12, center=True):
    expected = explicit(x, center)
    assert set(grams.blocks) == set(expected)
    largest = max(np.abs(matrix).max() for matrix in expected.values())
    for pair, matrix in expected.items():
        np.testing.assert_allclose(grams.blocks[pair], matrix, atol=rtol * largest)


@settings(max_examples=30)
@given(
    repeats=st.integers(1, 4),
    stimuli=st.integers(2, 12),
    neuroids=st.integers(1, 20),
    block=st.integers(1, 5000),
    lazy=st.booleans(),
    seed=st.integers(0, 999),
)
def test_any_blocks_give_the_explicit_products(repeats, stimuli, neuroids, block, lazy, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(repeats, stimuli, neuroids)) + 5
    given_values = x
    if lazy:
        dask_array = pytest.importorskip("dask.array")
        given_values = dask_array.from_array(x, chunks=(1, int(rng.integers(1, stimuli + 1)), 7))
    kept = blocks.BLOCK_BYTES, blocks.LAZY_BYTES
    blocks.BLOCK_BYTES, blocks.LAZY_BYTES = block, 3 * block
    try:
        found = cross_grams(given_values)
    finally:
        blocks.BLOCK_BYTES, blocks.LAZY_BYTES = kept
    assert_same(found, x)
    centred = x - x.mean(axis=(0, 1))
    np.testing.assert_allclose(found.totals, centred.sum(axis=2), atol=1e-12 * neuroids)
    np.testing.assert_allclose(found.means, x.mean(axis=(0, 1)))


def test_missing_values_count_as_the_mean():
    x = np.random.default_rng(0).normal(size=(2, 8, 9)) + 3
    x[0, 3, 4] = x[1, 2, 4] = np.nan
    found = cross_grams(x)
    assert_same(found, x)
    assert found.missing.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0]


def test_float32_products():
    x = (np.random.default_rng(0).normal(size=(2, 30, 5000)) + 150).astype(np.float32)
    assert_same(cross_grams(x, engine=SINGLE), x, rtol=1e-6)


@pytest.mark.parametrize("limit", [1, 10_000, 2**30])
@pytest.mark.parametrize("center", [True, False])
def test_subsamples_are_those_of_the_part(monkeypatch, limit, center):
    monkeypatch.setattr("neuroalpha.spectrum.crossgram.DRAW_BYTES", limit)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 2000)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 20, 31)) + 4
    whole = cross_grams(x, center)
    picks = [(np.sort(rng.choice(20, 12, False)), np.sort(rng.choice(31, 15, False))) for _ in range(4)]
    picks += [(picks[0][0], np.arange(31)), (np.arange(20), picks[0][1])]
    for (stimuli, neuroids), found in zip(picks, subsample_grams(x, whole, picks, center), strict=True):
        part = x[:, stimuli][:, :, neuroids]
        assert_same(found, part, center=center)
        expected = (part - part.mean(axis=(0, 1)) * center).sum(axis=2)
        if center:
            expected = expected - expected.mean()
        np.testing.assert_allclose(found.totals, expected, atol=1e-10)
        assert found.n_neuroids == neuroids.size


def test_no_product_after_a_neuroid_that_will_be_refused(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    x = np.ones((2, 4, 6))
    x[:, :, 0] = np.nan
    x[0, 1, 3] = np.inf
    found = cross_grams(x)
    assert np.isnan(found.means[0])
    assert np.isinf(found.means[3])
    assert all((matrix == 0).all() for matrix in found.blocks.values())


class Strict(Engine):
    """Refuses blocks that BLAS would copy before it multiplies them."""

    def add_own(self, scatter, block):
        assert block.flags.c_contiguous or block.flags.f_contiguous
        BLAS.add_own(scatter, block)

    def add_cross(self, product, one, two):
        assert one.flags.c_contiguous
        assert two.flags.c_contiguous
        BLAS.add_cross(product, one, two)


@pytest.mark.parametrize("order", ["C", "F"])
def test_no_block_is_copied_to_be_multiplied(monkeypatch, order):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4000)
    rng = np.random.default_rng(0)
    x = np.asarray(rng.normal(size=(2, 20, 31)), order=order)
    whole = cross_grams(x, engine=Strict())
    assert_same(whole, x)
    stimuli, neuroids = np.sort(rng.choice(20, 12, False)), np.sort(rng.choice(31, 15, False))
    (found,) = subsample_grams(x, whole, [(stimuli, neuroids)], True, Strict())
    assert_same(found, x[:, stimuli][:, :, neuroids])


def test_float32_cross_products_are_added_in_float64():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 9, 40)).astype(np.float32)
    total = np.full((9, 9), 1e9, order="F")
    SINGLE.add_cross(total, one, two)
    np.testing.assert_allclose(total - 1e9, one.astype(float) @ two.astype(float).T, atol=2e-5)
