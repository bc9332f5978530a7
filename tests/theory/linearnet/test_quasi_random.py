"""Quasi-random directions: the moments they stand for, and the expectation they share with the quadrature."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.linearnet.cosine_moments import CosineMoments
from neuroalpha.theory.linearnet.quasi_random import BLOCK_SIZE, CosinePoints
from neuroalpha.theory.linearnet.settings import EXTRA, TOY

ALL = {**TOY, **EXTRA}


@pytest.mark.parametrize(("noise1", "noise2"), [(0.0, 0.0), (0.0, 0.01), (0.25, 0.25)])
def test_points_have_the_views_second_moments(noise1, noise2):
    points = CosinePoints(3, noise1, noise2, seed=1, n_blocks=16)
    mean = np.mean([block.mean(axis=1) for block in points.squares], axis=0)
    np.testing.assert_allclose(mean, np.repeat([[1 + noise1], [1.0], [1 + noise2]], 3, axis=1), atol=3e-3)
    assert points.squares[0].shape[1] == BLOCK_SIZE * (2 if noise2 else 1)  # both signs of the noise


@pytest.mark.parametrize("name", [n for n in ALL if n.startswith("cosine") and ALL[n].ema is None])
def test_quadrature_and_quasi_random_directions_agree(name):
    lam = np.array([2.5, 1.4, 1.2, 1.0, 0.7, 0.6, 0.4, 0.35, 0.2, 0.1])
    points = CosinePoints(10, ALL[name].noise1, ALL[name].noise2, seed=0, n_blocks=32)
    average = np.mean([points.rates(lam, ALL[name], index) for index in range(32)], axis=0)
    exact = CosineMoments().rates(lam, ALL[name], 0)
    near = 0.03 if ALL[name].variant == "no predictor" else 0.01
    np.testing.assert_allclose(average, exact, atol=near * np.abs(exact).max())


def test_points_repeat_and_steps_differ():
    lam = np.array([1.0, 0.5, 0.2])
    one, two = (CosinePoints(3, 0.0, 0.01, seed=5, n_blocks=4) for _ in range(2))
    np.testing.assert_array_equal(one.rates(lam, TOY["cosine"], 7), two.rates(lam, TOY["cosine"], 7))
    assert np.abs(one.rates(lam, TOY["cosine"], 7) - one.rates(lam, TOY["cosine"], 8)).max() > 1e-6


def test_many_modes_take_fewer_blocks():
    assert len(CosinePoints(10, 0.0, 0.0, seed=0).squares) == 64
    assert len(CosinePoints(100, 0.0, 0.0, seed=0).squares) == 6
