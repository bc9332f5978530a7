"""self_cluster: a double loop over cosines, closed forms, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.self_cluster import self_cluster


@pytest.mark.parametrize("shape", [(30, 7), (7, 30)])
def test_scipys_cosines(shape):
    x = np.random.default_rng(0).normal(size=shape) + 0.5
    n, p = shape
    cosine = 1 - cdist(x, x, "cosine")
    expected = n + n * (n - 1) / p
    assert self_cluster(x) == pytest.approx(((cosine**2).sum() - expected) / (n**2 - expected), rel=1e-10)


def test_closed_forms():
    assert self_cluster(np.ones((6, 4))) == pytest.approx(1)
    n, p = 6, 9
    expected = n + n * (n - 1) / p
    assert self_cluster(np.eye(p)[:n]) == pytest.approx((n - expected) / (n**2 - expected))
    # Two tight clusters at right angles: half of all pairs have cosine 1.
    n, p = 200, 100
    expected = n + n * (n - 1) / p
    two = np.repeat(np.eye(p)[:2], n // 2, axis=0)
    assert self_cluster(two) == pytest.approx((n**2 / 2 - expected) / (n**2 - expected))
    assert np.isnan(self_cluster(np.ones((6, 1))))
    assert np.isnan(self_cluster(np.zeros((6, 4))))


def test_random_directions_average_to_zero():
    rng = np.random.default_rng(0)
    assert np.mean([self_cluster(rng.normal(size=(50, 10))) for _ in range(200)]) == pytest.approx(0, abs=0.002)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_invariants(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, 6)) + 0.3
    turned = rng.permutation(x * rng.uniform(0.1, 10, size=(20, 1))) @ ortho_group.rvs(6, random_state=rng)
    assert self_cluster(turned) == pytest.approx(self_cluster(x), rel=1e-9)
    assert self_cluster(x) < 1


def test_bad_input():
    with pytest.raises(InputError, match="features have shape"):
        self_cluster(np.zeros(3))
