"""Target power along eigenvectors, against a singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.alignment import align, alignment_exponent, cumulative_power


@pytest.mark.parametrize("shape", [(50, 20), (20, 50), (30, 30), (31, 30)])
def test_agrees_with_a_singular_value_decomposition(shape):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape) * np.arange(1, shape[1] + 1) ** -0.7 + 100, rng.normal(size=(shape[0], 3)) + 7
    found = align(x, y)
    left, singular, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    size = min(shape[0] - 1, shape[1])
    np.testing.assert_allclose(found.eigenvalue, singular[:size] ** 2 / shape[0], rtol=1e-8)
    np.testing.assert_allclose(found.power, ((y - y.mean(axis=0)).T @ left[:, :size]) ** 2 / shape[0], rtol=1e-6)
    np.testing.assert_allclose(found.power.sum(axis=1) + found.rest, y.var(axis=0), rtol=1e-8)
    if shape[0] <= shape[1]:  # few images: their eigenvectors span every target
        np.testing.assert_allclose(found.rest, 0, atol=1e-10)


def test_rest_is_what_least_squares_leaves():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 6)), rng.normal(size=(80, 1))
    design = np.c_[x, np.ones(80)]
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert align(x, y).rest[0] == pytest.approx((residual**2).mean())


def test_copied_and_constant_neuroids_add_zeros():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(60, 5)), rng.normal(size=(60, 1))
    plain, padded = align(x, y), align(np.c_[x, np.full((60, 3), 4.0), x @ rng.normal(size=(5, 4))], y)
    assert padded.eigenvalue.size == 12
    assert (padded.eigenvalue[5:] == 0).all()
    assert (padded.power[0, 5:] == 0).all()
    assert padded.rest[0] == pytest.approx(plain.rest[0])
    assert not align(np.ones((9, 3)), y[:9]).eigenvalue.any()


@given(st.integers(0, 999), st.floats(0.01, 100), st.sampled_from([(25, 10), (10, 25)]))
def test_rotations_of_neuroids_and_orders_of_images_do_not_matter(seed, scale, shape):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
    rotation = np.linalg.qr(rng.normal(size=(shape[1], shape[1])))[0]
    order = rng.permutation(shape[0])
    one, two = align(x, y), align(scale * (x @ rotation)[order], y[order])
    np.testing.assert_allclose(two.eigenvalue, scale**2 * one.eigenvalue, rtol=1e-6)
    np.testing.assert_allclose(two.power, one.power, atol=1e-5)


@pytest.mark.parametrize("b", [-0.5, 0.0, 0.7, 1.0, 2.5])
def test_exponent_of_exact_and_of_scattered_powers(b):
    rank = np.arange(1, 1001.0)
    for ranks in ((1, 1000), (11, 300), (4, 40)):
        assert alignment_exponent(7 * rank**-b, ranks) == pytest.approx(b, abs=1e-6)
    rng = np.random.default_rng(0)
    found = [alignment_exponent(rank**-b * rng.chisquare(1, 1000), (11, 500)) for _ in range(40)]
    assert np.mean(found) == pytest.approx(b, abs=0.1)  # one degree of freedom a rank, as a single target has


def test_cumulative_power():
    np.testing.assert_allclose(
        cumulative_power(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([0.0, 2.0])), [[0.75, 1], [0, 0.5]]
    )


def test_bad_input():
    with pytest.raises(na.InputError, match="ranks 5 to 20 is no window of the 10"):
        alignment_exponent(np.ones(10), (5, 20))
    with pytest.raises(na.InputError, match="no power in the upper half of ranks 2 to 9; use lower ranks"):
        alignment_exponent(np.r_[1.0, 1.0, np.zeros(8)], (2, 9))
