"""Pairs of views: repeatable, fresh in every step, with the noise and covariance asked for."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.linearnet.views import draw_views


def test_views_are_repeatable_fresh_and_of_the_noise_asked_for():
    again, first = (draw_views(50_000, 3, 0.2, 0.0, seed=1, index=4) for _ in range(2))
    np.testing.assert_array_equal(again[0], first[0])
    assert np.abs(draw_views(50_000, 3, 0.2, 0.0, seed=1, index=5)[0] - first[0]).max() > 0.1
    assert np.abs(draw_views(50_000, 3, 0.2, 0.0, seed=2, index=4)[0] - first[0]).max() > 0.1
    np.testing.assert_allclose(np.cov((first[0] - first[1]).T), 0.2 * np.eye(3), atol=0.01)
    np.testing.assert_allclose(np.cov(first[1].T), np.eye(3), atol=0.03)


def test_views_without_noise_are_one():
    one, two = draw_views(10, 3, 0.0, 0.0, seed=0, index=0)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("noise1", "noise2"), [(0.0, 0.5), (0.3, 0.5)])
def test_whitened_views_have_exactly_the_populations_moments(noise1, noise2):
    root = np.array([[1.0, 0.5], [0.0, 2.0]])
    spread = root @ root.T
    one, two = draw_views(20, 2, noise1, noise2, seed=3, index=9, whiten=True, root=root)
    np.testing.assert_allclose(one.T @ one / 20, (1 + noise1) * spread, atol=1e-12)
    np.testing.assert_allclose(two.T @ two / 20, (1 + noise2) * spread, atol=1e-12)
    np.testing.assert_allclose(one.T @ two / 20, spread, atol=1e-12)
