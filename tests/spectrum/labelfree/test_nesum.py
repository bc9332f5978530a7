"""nesum and stable_rank: numpy's covariance and norms, closed forms, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from neuroalpha.errors import InputError
from neuroalpha.spectrum.dimension import of_eigenvalues
from neuroalpha.spectrum.labelfree.eigenvalues import centred
from neuroalpha.spectrum.labelfree.nesum import nesum, stable_rank


def data(seed, n=50, p=12):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.5 + rng.normal(size=p)


@pytest.mark.parametrize("shape", [(50, 12), (12, 50)])
def test_numpys_covariance_and_norms(shape):
    x = data(0, *shape)
    cov = np.cov(x.T)
    assert nesum(x) == pytest.approx(np.trace(cov) / np.linalg.eigvalsh(cov)[-1], rel=1e-10)
    assert stable_rank(x) == pytest.approx((np.linalg.norm(x) / np.linalg.norm(x, 2)) ** 2, rel=1e-10)


def test_nesum_is_the_stable_rank_of_centred_features_and_of_dimensions():
    x = data(1)
    assert nesum(x) == pytest.approx(stable_rank(x - x.mean(axis=0)), rel=1e-10)
    assert nesum(x) == pytest.approx(of_eigenvalues(centred(x))["stable_rank"], rel=1e-10)


def test_closed_forms():
    axes = np.vstack([np.eye(5), -np.eye(5)])
    assert nesum(axes) == pytest.approx(5)
    assert stable_rank(axes) == pytest.approx(5)
    assert nesum(axes * [2, 1, 1, 1, 1]) == pytest.approx(2)  # 4 + 4 ones over 4
    assert nesum(np.outer(np.arange(9.0), np.ones(4))) == pytest.approx(1)
    assert stable_rank(np.ones((9, 4))) == pytest.approx(1)
    assert np.isnan(nesum(np.ones((9, 4))))
    assert np.isnan(stable_rank(np.zeros((9, 4))))


def test_a_large_mean_is_all_that_the_stable_rank_sees():
    x = data(2)
    assert stable_rank(x + 1e4) == pytest.approx(1, abs=1e-4)
    assert nesum(x + 1e4) == pytest.approx(nesum(x), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_invariants(seed, scale):
    x = data(seed, 20, 6)
    rng = np.random.default_rng(seed)
    turned = rng.permutation(x) @ ortho_group.rvs(6, random_state=rng) * scale
    for score in (nesum, stable_rank):
        assert score(turned) == pytest.approx(score(x), rel=1e-9)
        assert 1 <= score(x) <= 6


@pytest.mark.parametrize("score", [nesum, stable_rank])
def test_bad_input(score):
    with pytest.raises(InputError, match=r"expected \(stimulus, unit\)"):
        score(np.zeros((2, 3, 4)))
