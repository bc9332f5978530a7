"""Weighted correlations are those of SciPy on the models repeated as often as their weight says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroalpha.compare.correlation import Resamples, interval, midranks, resample_groups, resample_models

ORACLES = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}


def pairs(seed, n=17, tied=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 0.6 * x + rng.normal(size=n)
    return (np.round(2 * x), np.round(2 * y)) if tied else (x, y)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("name", ORACLES)
def test_each_resample_is_scipy_on_repeated_models(name, tied):
    x, y = pairs(0, tied=tied)
    weights = np.vstack([np.ones(17, dtype=int), resample_models(17, 12, np.random.default_rng(1))])
    found = getattr(Resamples(weights), name)(x, y)
    expected = [ORACLES[name](np.repeat(x, row), np.repeat(y, row))[0] for row in weights]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=12))
def test_midranks_are_scipys(pairs):
    values, weights = np.array(pairs, dtype=float).T
    weights = weights.astype(int)
    found = np.repeat(midranks(values, weights[None])[0], weights)
    np.testing.assert_allclose(found, stats.rankdata(np.repeat(values, weights)))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000))
def test_what_does_not_change_a_correlation(seed):
    x, y = pairs(seed)
    order = np.random.default_rng(seed).permutation(x.size)
    one = Resamples(np.ones((1, x.size)))
    for name in ORACLES:
        correlate = getattr(one, name)
        np.testing.assert_allclose(correlate(x[order], y[order]), correlate(x, y), atol=1e-12)
        np.testing.assert_allclose(correlate(y, x), correlate(x, y), atol=1e-12)
        np.testing.assert_allclose(correlate(-3 * x + 2, y), -correlate(x, y), atol=1e-12)
    for name in ("spearman", "kendall"):
        np.testing.assert_allclose(getattr(one, name)(np.exp(x), y**3), getattr(one, name)(x, y), atol=1e-12)


def test_within_groups_is_the_correlation_of_centred_ranks():
    x, y = pairs(2, tied=True)
    groups = np.arange(17) % 4
    weights = resample_models(17, 8, np.random.default_rng(0))
    found = Resamples(weights, groups).spearman_within(x, y)
    for row, value in zip(weights, found, strict=True):
        a, b, g = (np.repeat(each, row) for each in (x, y, groups))
        ranks = np.array([stats.rankdata(a), stats.rankdata(b)])
        for group in np.unique(g):
            ranks[:, g == group] -= ranks[:, g == group].mean(axis=1, keepdims=True)
        assert value == pytest.approx((ranks[0] @ ranks[1]) / np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))


def test_within_groups_takes_no_notice_of_shifts_between_groups():
    x, y = pairs(3, n=20)
    groups = np.repeat(np.arange(4), 5)
    # So far apart that no two groups mix: then ranks within groups do not depend on how far.
    near, far = (Resamples(np.ones((1, 20)), groups).spearman_within(x + s * groups, y - s * groups) for s in (50, 500))
    np.testing.assert_allclose(near, far)
    assert stats.spearmanr(x + 50 * groups, y - 50 * groups)[0] < -0.8


def test_intervals_are_scipys():
    x, y = pairs(4, n=40)
    for name in ("pearson", "spearman"):
        draws = getattr(Resamples(resample_models(40, 4000, np.random.default_rng(0))), name)(x, y)
        oracle = stats.bootstrap(
            (x, y), lambda a, b, name=name: ORACLES[name](a, b)[0], paired=True, vectorized=False, n_resamples=1500,
            method="percentile", random_state=0,
        ).confidence_interval  # fmt: skip
        np.testing.assert_allclose(interval(draws, 0.95), oracle, atol=0.04)


def test_groups_are_drawn_whole():
    groups = np.array([0, 0, 1, 2, 2, 2])
    weights = resample_groups(groups, 500, np.random.default_rng(0))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3:] == weights[:, 3:4]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert weights.mean() == pytest.approx(1, abs=0.05)


def test_a_constant_has_no_correlation_and_no_interval():
    x, y = pairs(5)
    one = Resamples(np.ones((3, 17)), np.zeros(17, dtype=int))
    for name in (*ORACLES, "spearman_within"):
        assert np.isnan(getattr(one, name)(np.full(17, 0.1), y)).all()
        assert np.isnan(getattr(one, name)(x, np.full(17, 1e9))).all()
    assert np.isnan(interval(np.array([1.0, np.nan, np.nan]), 0.95)).all()
    assert np.isnan(interval(np.empty(0), 0.95)).all()


def test_what_is_remembered_does_not_mix_columns_up():
    resamples = Resamples(resample_models(17, 5, np.random.default_rng(0)))
    columns = [pairs(seed)[0] for seed in range(40)]  # more than are remembered
    first = [resamples.spearman(column, columns[0]) for column in columns]
    again = [resamples.spearman(column, columns[0]) for column in columns]
    np.testing.assert_array_equal(first, again)
    fresh = Resamples(resamples.weights)
    np.testing.assert_array_equal(fresh.spearman(columns[30], columns[0]), first[30])
