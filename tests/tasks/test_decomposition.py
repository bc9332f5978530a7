"""decompose: against a singular value decomposition, scikit-learn and eigenspectrum; streamed, lazy, with NaN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.spectrum import moments
from neuroalpha.tasks.decomposition import decompose, decompose_and_project, from_moments

SHAPES = [(60, 20), (20, 60), (30, 30), (31, 30)]


def features(n, p, seed=0, mean=5.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.5 + mean * rng.normal(size=p)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("center", [True, False])
def test_against_a_singular_value_decomposition(shape, center):
    x = features(*shape)
    found, projected = decompose_and_project(x, center)
    centred = x - x.mean(axis=0) if center else x
    u, singular, vt = np.linalg.svd(centred, full_matrices=False)
    rank = min(shape[0] - center, shape[1])
    assert found.n_values == found.values.size == rank
    np.testing.assert_allclose(found.values, singular[:rank] ** 2, rtol=1e-9)
    np.testing.assert_allclose(np.abs(np.einsum("pr,rp->r", found.vectors, vt[:rank])), 1, atol=1e-7)
    np.testing.assert_allclose(projected @ found.vectors.T, centred, atol=1e-10)
    np.testing.assert_allclose(np.abs(found.project(x)), np.abs(u[:, :rank] * singular[:rank]), atol=1e-8)
    np.testing.assert_allclose(projected, found.project(x), atol=1e-9)
    np.testing.assert_allclose(found.mean, x.mean(axis=0) if center else 0, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("rank", [None, 7])
@pytest.mark.filterwarnings("ignore:.*constant:UserWarning")
def test_eigenvalues_are_those_of_eigenspectrum(shape, center, rank):
    x = features(*shape)
    if rank:
        x = x[:, :rank] @ np.random.default_rng(1).normal(size=(rank, shape[1]))
        x[:, 2] = 4.0
    expected = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(len(x))), center=center, n_draws=0).eigenvalue
    found = decompose(x, center)
    assert found.eigenvalue.shape == expected.shape
    np.testing.assert_allclose(found.eigenvalue, expected, rtol=1e-9, atol=1e-14 * float(expected[0]))
    if rank:
        assert found.values.size == rank + (not center)  # a constant column is a direction only where it counts
        assert (found.eigenvalue[found.values.size :] == 0).all()


@pytest.mark.parametrize("center", [True, False])
def test_streamed_moments_give_the_same(center):
    x = features(70, 12, mean=100)
    state = moments.empty(12)
    for rows in np.array_split(x, 4):
        state = moments.update(state, rows)
    found, expected = from_moments(state, center), decompose(x, center)
    assert (found.n, found.n_values, found.center) == (expected.n, expected.n_values, expected.center)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-8)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
    signs = np.sign((found.vectors * expected.vectors).sum(axis=0))
    np.testing.assert_allclose(found.project(x[:5]) * signs, expected.project(x[:5]), atol=1e-7)


@pytest.mark.parametrize("shape", [(60, 20), (20, 60)])
def test_nan_counts_as_the_mean_and_lazy_gives_the_same(shape):
    dask_array = pytest.importorskip("dask.array")
    x = features(*shape)
    x[3, 4] = x[5, 0] = np.nan
    filled = np.where(np.isnan(x), np.nanmean(x, axis=0), x)
    expected = decompose(filled)
    for given_ in (x, dask_array.from_array(x, chunks=(7, 9))):
        found, projected = decompose_and_project(given_)
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-9)
        np.testing.assert_allclose(projected @ found.vectors.T, filled - filled.mean(axis=0), atol=1e-10)
        np.testing.assert_allclose(found.project(given_), projected, atol=1e-9)


def test_projecting_in_blocks_of_float32_far_from_zero(monkeypatch):
    x = (features(50, 8) + 1000).astype(np.float32)
    found = decompose(x)
    whole = (x.astype(np.float64) - x.astype(np.float64).mean(axis=0)) @ found.vectors
    monkeypatch.setattr("neuroalpha.spectrum.blocks.BLOCK_BYTES", 8 * 8 * 3)
    np.testing.assert_allclose(found.project(x), whole, atol=1e-9)


def test_constant_features_have_no_component():
    found, projected = decompose_and_project(np.full((6, 3), 2.5))
    assert found.values.size == 0
    assert projected.shape == (6, 0)
    np.testing.assert_array_equal(found.eigenvalue, np.zeros(3))


@given(seed=st.integers(0, 1000), wide=st.booleans(), shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
def test_what_changes_nothing(seed, wide, shift, scale):
    x = features(12, 25, seed) if wide else features(25, 12, seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(x.shape[1],) * 2))[0]
    found = decompose(x)
    same = decompose(scale * (x[rng.permutation(len(x))] @ rotation + shift))
    np.testing.assert_allclose(same.values, scale**2 * found.values, rtol=1e-6)
    turned = scale * rotation.T @ found.vectors
    np.testing.assert_allclose(np.abs(np.sum(same.vectors * turned, axis=0)), scale, rtol=1e-4)
