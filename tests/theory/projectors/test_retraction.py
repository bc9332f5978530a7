"""Retractions against scipy and against the formula of the geodesic."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from neuroalpha.theory.projectors import retraction


def pair(seed=0, shape=(12, 4), rank=4):
    rng = np.random.default_rng(seed)
    weights = np.linalg.qr(rng.standard_normal(shape))[0]
    direction = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    return weights, direction - weights @ (weights.T @ direction)


@pytest.mark.parametrize("size", [1e-4, 0.02, 3.0])  # by iteration, by iteration, by singular values
def test_polar(size):
    weights, direction = pair()
    found = retraction.polar(weights + size * direction)
    np.testing.assert_allclose(found, scipy.linalg.polar(weights + size * direction)[0], atol=1e-13)
    np.testing.assert_allclose(found.T @ found, np.eye(4), atol=1e-13)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_geodesic_is_the_textbook_formula(rank):
    weights, direction = pair(rank, rank=rank)
    left, values, right = np.linalg.svd(direction, full_matrices=False)
    for size in (0.001, 0.3, 2.0):
        expected = weights @ right.T @ np.diag(np.cos(size * values)) @ right
        expected += left @ np.diag(np.sin(size * values)) @ right
        np.testing.assert_allclose(retraction.geodesic(weights, direction, size), expected, atol=1e-12)


@pytest.mark.parametrize("how", ["polar", "qr", "geodesic"])
def test_all_agree_to_second_order(how):
    weights, gradient = pair(3)
    for size in (1e-2, 1e-3):
        moved = retraction.move(weights, gradient, size, how)
        assert np.abs(moved - weights + size * gradient).max() < 40 * size**2


def test_signs_of_qr():
    weights, _ = pair(5)
    for given in (weights, -weights):
        np.testing.assert_allclose(retraction.signed_qr(given), given, atol=1e-12)
    same = [(retraction.plain_qr(given) * given).sum(axis=0).round(9).tolist() for given in (weights, -weights)]
    assert [1.0] * 4 in same  # the trap: LAPACK's signs do not follow those of the weights
    assert [-1.0] * 4 in same
