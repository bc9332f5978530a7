"""Eigenvalues that the scores share: numpy's singular values, exact zeros, interlacing, rows of length one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum.labelfree.eigenvalues import centred, of_directions, on_sphere, uncentred


def data(seed, n=30, p=8, mean=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.7 + mean * rng.normal(size=p)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (9, 9), (2, 5), (5, 1)])
def test_numpys_decompositions_on_either_side(shape):
    x = data(0, *shape)
    np.testing.assert_allclose(uncentred(x), np.linalg.svd(x, compute_uv=False) ** 2, rtol=1e-9)
    found = centred(x)
    assert found.shape == (min(shape[0] - 1, shape[1]),)
    covariance = np.linalg.eigvalsh(np.atleast_2d(np.cov(x.T)))[::-1]
    np.testing.assert_allclose(found, covariance[: found.size], rtol=1e-9, atol=1e-13 * covariance[0])
    directions = x / np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(of_directions(x), np.linalg.svd(directions, compute_uv=False) ** 2, rtol=1e-8)


def test_directions_that_are_missing_are_exact_zeros():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 10))
    for found in (uncentred(x), centred(x)):
        assert (found[:3] > 0).all()
        assert (found[3:] == 0).all()


def test_a_large_mean_costs_the_covariance_nothing():
    x = np.round(data(2, mean=0) * 1024) / 1024  # the shift is then exact
    np.testing.assert_allclose(centred(x + 2.0**20), centred(x), rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_interlacing_and_traces(seed):
    """One row fewer lowers each eigenvalue, yet not under the next one (Cauchy)."""
    x = data(seed, 12, 5)
    all_rows, fewer = uncentred(x), uncentred(x[1:])
    slack = 1e-9 * all_rows[0]
    assert (fewer <= all_rows + slack).all()
    assert (fewer[:-1] >= all_rows[1:] - slack).all()
    assert all_rows.sum() == pytest.approx((x**2).sum())
    assert centred(x).sum() == pytest.approx(x.var(axis=0, ddof=1).sum())
    assert of_directions(x).sum() == pytest.approx(12)


def test_rows_of_length_one_are_a_copy_and_zeros_stay():
    x = np.array([[3, 4], [0, 0], [0, -2]], dtype=np.int16)
    found = on_sphere(x)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-15)
    given = data(3)
    before = given.copy()
    np.testing.assert_allclose(of_directions(given * np.arange(1, 31)[:, None]), of_directions(given), rtol=1e-9)
    np.testing.assert_array_equal(given, before)
