"""Partial correlation is that of statsmodels' residuals; its null keeps what the controls explain."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroalpha.compare.correlation import Resamples, resample_models
from neuroalpha.compare.partial import independent_columns, null_partial, partial_correlation, residuals
from neuroalpha.compare.permutation import all_permutations, compare_to_null, random_permutations


def data(seed=0, n=25, k=3):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k)) * [1, 100, 0.01][:k]
    x = z.sum(axis=1) + rng.normal(size=n)
    y = 0.7 * x - z[:, :1].sum(axis=1) + rng.normal(size=n)
    return x, y, z


def oracle(x, y, z):
    left = [sm.OLS(v, sm.add_constant(z)).fit().resid for v in (x, y)]
    return stats.pearsonr(*left)[0]


@pytest.mark.parametrize("k", [0, 1, 3])
def test_pearson_of_residuals_in_each_resample(k):
    x, y, z = data(k=k)
    weights = np.vstack([np.ones(25, dtype=int), resample_models(25, 6, np.random.default_rng(0))])
    found = partial_correlation(Resamples(weights), x, y, z, "value")
    expected = [
        oracle(*(np.repeat(v, row, axis=0) for v in (x, y, z))) if k else
        stats.pearsonr(np.repeat(x, row), np.repeat(y, row))[0]
        for row in weights
    ]  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_rank_version_and_the_inverse_correlation_matrix():
    x, y, z = data(1)
    found = partial_correlation(Resamples(np.ones((1, 25))), x, y, z, "rank")[0]
    ranked = [stats.rankdata(v) for v in (x, y, *z.T)]
    assert found == pytest.approx(oracle(ranked[0], ranked[1], np.array(ranked[2:]).T))
    precision = np.linalg.inv(np.corrcoef(ranked))
    assert found == pytest.approx(-precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1]))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_what_does_not_change_it(seed):
    x, y, z = data(seed)
    rng = np.random.default_rng(seed)
    one = Resamples(np.ones((1, 25)))
    expected = partial_correlation(one, x, y, z, "value")
    mixed = (z / [1, 100, 0.01]) @ rng.normal(size=(3, 3))
    np.testing.assert_allclose(partial_correlation(one, x, y, mixed, "value"), expected, atol=1e-6)
    np.testing.assert_allclose(partial_correlation(one, y, x, z, "value"), expected, atol=1e-9)
    shifted = x + z @ [2.0, -0.03, 5.0]
    np.testing.assert_allclose(partial_correlation(one, shifted, y, z, "value"), expected, atol=1e-6)


def test_controls_that_say_the_same_twice():
    x, y, z = data(2)
    twice = np.column_stack([z, z[:, 0] + z[:, 1] / 100, np.ones(25)])
    assert independent_columns(twice) == [0, 1, 2]
    assert independent_columns(np.column_stack([np.full(25, 3.0), z[:, 0], -2 * z[:, 0] + 1, z[:, 1]])) == [1, 3]
    one = Resamples(np.ones((1, 25)))
    np.testing.assert_allclose(
        partial_correlation(one, x, y, twice, "value"), partial_correlation(one, x, y, z, "value"), atol=1e-6
    )


def test_unknown_where_controls_determine_x_or_too_few_models_are_left():
    x, y, z = data(3)
    assert np.isnan(partial_correlation(Resamples(np.ones((1, 25))), z @ [1.0, 0.02, 3.0], y, z, "value")).all()
    few = np.zeros((1, 25))
    few[0, :5] = 5  # five different models for three controls
    assert np.isnan(partial_correlation(Resamples(few), x, y, z, "value")).all()
    assert np.isnan(
        null_partial(z[:, 0], y, z, random_permutations(np.zeros(25, int), np.random.default_rng(0).random((3, 25))))
    ).all()


def test_residuals_are_orthogonal_to_controls():
    x, _, z = data(4)
    left = residuals(np.column_stack([x, 2 * x]), z)
    np.testing.assert_allclose(left.T @ np.column_stack([np.ones(25), z]), 0, atol=1e-8)
    np.testing.assert_allclose(left[:, 1], 2 * left[:, 0])


def test_null_by_brute_force():
    x, y, z = data(5, n=6, k=1)
    orders = all_permutations(np.array([0, 0, 0, 1, 1, 1]))
    found = null_partial(x, y, z, orders)
    fit = sm.OLS(y, sm.add_constant(z)).fit()
    expected = [oracle(x, fit.fittedvalues + fit.resid[order], z) for order in orders]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_strong_control_does_not_raise_the_error_rate():
    rng = np.random.default_rng(6)
    groups, p, plain = np.repeat(np.arange(3), 8), [], []
    for _ in range(250):
        z = rng.normal(size=(24, 1))
        x, y = (3 * z[:, 0] + rng.normal(size=24) for _ in range(2))
        orders = random_permutations(groups, rng.random((199, 24)))
        found = compare_to_null(np.array([oracle(x, y, z)]), null_partial(x, y, z, orders)[:, None], 0.95)
        p.append(found.p[0])
        plain.append(stats.pearsonr(x, y)[1])
    assert np.mean(np.array(plain) < 0.05) > 0.9  # without the control nearly every one would be called related
    assert stats.kstest(p, "uniform").pvalue > 0.01
