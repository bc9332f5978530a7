"""Latents have the sizes, spreads and seeds that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.triplets.latents import draw_latents


def test_clusters_are_balanced_and_spread_is_in_units_of_centroids():
    drawn = draw_latents(4000, 40, 10, seed=0, spread=0.5)
    assert np.bincount(drawn.cluster).tolist() == [100] * 40
    assert (drawn.points - drawn.centroids[drawn.cluster]).std() == pytest.approx(0.5, rel=0.02)
    assert drawn.centroids.std() == pytest.approx(1, rel=0.15)
    np.testing.assert_array_equal(drawn.items[:4000], drawn.points)


def test_every_size_and_repeat_has_its_own_numbers():
    first = draw_latents(5, 3, 4, seed=0)
    np.testing.assert_array_equal(first.points, draw_latents(5, 3, 4, seed=0).points)
    others = [draw_latents(5, 3, 4, seed=1), draw_latents(5, 3, 4, seed=0, repeat=1), draw_latents(6, 3, 4, seed=0)]
    assert not any(np.allclose(first.centroids, each.centroids) for each in others)
