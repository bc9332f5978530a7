"""intrinsic_dimension: a loop over points, manifolds of known dimension, invariants, copies of points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.twonn import intrinsic_dimension, of_distances


def brute_force(x):
    """As Facco et al. write it: sort the ratios, give each its place, least squares through the origin."""
    ratio = []
    for i, row in enumerate(cdist(x, x)):
        first, second = np.sort(np.delete(row, i))[:2]
        ratio.append(second / first)
    ratio = np.sort(ratio)
    place = np.arange(1, len(x) + 1) / len(x)
    kept = int(0.9 * len(x))
    slope = np.linalg.lstsq(np.log(ratio[:kept])[:, None], -np.log(1 - place[:kept]), rcond=None)[0]
    return slope[0]


@pytest.mark.parametrize("shape", [(100, 5), (50, 80)])
def test_a_loop_over_points(shape):
    x = np.random.default_rng(0).normal(size=shape) + 100
    assert intrinsic_dimension(x) == pytest.approx(brute_force(x), rel=1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_flat_manifolds_of_known_dimension(dimension):
    rng = np.random.default_rng(dimension)
    flat = rng.uniform(size=(2000, dimension)) @ rng.normal(size=(dimension, 20))
    assert intrinsic_dimension(flat) == pytest.approx(dimension, rel=0.1)


def test_a_curved_manifold():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, size=1500)
    curve = np.stack([f(k * angle) for k in (1, 2, 3) for f in (np.sin, np.cos)], axis=1)
    assert intrinsic_dimension(curve) == pytest.approx(1, rel=0.1)


def test_ratios_drawn_from_the_law_itself():
    ratio = np.random.default_rng(0).pareto(7.0, size=100_000) + 1
    assert of_distances(np.ones(ratio.size), ratio) == pytest.approx(7, rel=0.02)


def test_copies_are_left_out():
    x = np.random.default_rng(0).normal(size=(300, 3))
    both = np.r_[x, x[:5]]
    found = intrinsic_dimension(both)
    assert found == pytest.approx(intrinsic_dimension(x), rel=0.1)
    assert np.isnan(intrinsic_dimension(np.ones((20, 3))))
    assert np.isnan(intrinsic_dimension(np.repeat(x, 2, axis=0)))
    assert np.isnan(intrinsic_dimension(np.eye(6)))  # every ratio is 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_invariants(seed, scale):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 4))
    turned = rng.permutation(x) @ ortho_group.rvs(4, random_state=rng) * scale + 10 * scale
    assert intrinsic_dimension(turned) == pytest.approx(intrinsic_dimension(x), rel=1e-5)


def test_bad_input():
    with pytest.raises(InputError, match="at least 3 rows"):
        intrinsic_dimension(np.eye(2))
