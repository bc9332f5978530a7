"""Second moments: exact against SVD, whatever the blocks, however large the means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum import blocks, gram


def spectrum(x, center=True):
    means = gram.column_means(x)[0] if center else 0.0
    return gram.eigenvalues(gram.smaller_side(x, means), min(x.shape))


@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (30, 30), (2, 50), (50, 1)])
@pytest.mark.parametrize("center", [True, False])
def test_against_svd(shape, center):
    x = np.random.default_rng(0).normal(size=shape) + 3
    expected = np.linalg.svd(x - x.mean(0) * center, compute_uv=False) ** 2
    np.testing.assert_allclose(spectrum(x, center), expected, rtol=1e-9, atol=1e-10 * expected[0])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 30), p=st.integers(1, 30), block=st.integers(1, 20_000), seed=st.integers(0, 99))
def test_any_split_gives_the_same(n, p, block, seed):
    x = np.random.default_rng(seed).normal(size=(n, p))
    whole = spectrum(x)
    kept, blocks.BLOCK_BYTES = blocks.BLOCK_BYTES, block
    try:
        np.testing.assert_allclose(spectrum(x), whole, rtol=1e-9, atol=1e-9 * whole.max(initial=0))
    finally:
        blocks.BLOCK_BYTES = kept


def test_large_means_do_not_cost_the_small_eigenvalues():
    """ReLU-like features, means 1500 times their spread: a float32 Gram matrix centred afterwards gives garbage "
    "here."""
    rng = np.random.default_rng(0)
    n, p = 300, 500
    x = (rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.75).astype(np.float64)
    exact = np.linalg.svd(x - x.mean(0), compute_uv=False)[: n - 1] ** 2
    shifted = x + 1500 * x.std() * rng.random(p)
    np.testing.assert_allclose(spectrum(shifted)[: n - 1], exact, rtol=1e-8)

    single = shifted.astype(np.float32)
    late = single @ single.T
    late = late - late.mean(0) - late.mean(1)[:, None] + late.mean()
    wrong = np.linalg.eigvalsh(late.astype(np.float64))[::-1][250]
    assert abs(wrong / exact[250] - 1) > 0.5  # the trap is real


def test_nan_counts_as_the_mean():
    x = np.random.default_rng(0).normal(size=(20, 6))
    x[3, 2] = np.nan
    filled = x.copy()
    filled[3, 2] = np.nanmean(x[:, 2])
    np.testing.assert_allclose(spectrum(x), spectrum(filled), rtol=1e-10)
    assert gram.column_means(x)[1].tolist() == [0, 0, 1, 0, 0, 0]


def test_rank_deficiency_is_exactly_zero():
    x = np.random.default_rng(0).normal(size=(30, 4)) @ np.random.default_rng(1).normal(size=(4, 20))
    values = spectrum(x)
    assert (values[:4] > 0).all()
    assert (values[4:] == 0).all()
