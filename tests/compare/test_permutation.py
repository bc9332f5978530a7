"""Shuffles within families: every order once, SciPy's p values, and the error rates that p values promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from neuroalpha.compare.permutation import (
    all_permutations,
    compare_to_null,
    holm,
    n_possible,
    null_kendall,
    null_pearson,
    random_permutations,
)


def ranks(values):
    return stats.rankdata(values)


def test_every_order_within_groups_once():
    groups = np.array([1, 0, 1, 0, 2, 1])
    orders = all_permutations(groups)
    assert n_possible(groups) == 12 == len(orders) + 1
    assert (groups[orders] == groups).all()
    brute = {
        order for order in itertools.permutations(range(6)) if all(groups[a] == groups[b] for a, b in enumerate(order))
    }
    assert {tuple(order) for order in orders.tolist()} == brute - {tuple(range(6))}


def test_groups_of_one_have_no_other_order():
    assert n_possible(np.arange(4)) == 1
    assert all_permutations(np.arange(4)).shape == (0, 4)


def test_random_orders_stay_within_groups_and_are_uniform():
    groups = np.array([0, 1, 0, 0, 1])
    orders = random_permutations(groups, np.random.default_rng(0).random((12_000, 5)))
    assert (groups[orders] == groups).all()
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert counts.size == 12
    assert stats.chisquare(counts).pvalue > 0.001


def test_a_place_without_one_model_keeps_the_order_of_the_others():
    keys = np.random.default_rng(0).random((50, 6))
    groups = np.zeros(6, dtype=int)
    whole, part = random_permutations(groups, keys), random_permutations(groups[:5], keys[:, :5])
    for a, b in zip(whole, part, strict=True):
        assert [each for each in a if each != 5] == b.tolist()


@pytest.mark.parametrize("tied", [False, True])
def test_null_statistics_are_scipys(tied):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(11, 3)), rng.normal(size=11)
    if tied:
        x, y = np.round(x), np.round(y)
    orders = random_permutations(np.zeros(11, dtype=int), rng.random((9, 11)))
    for found, oracle in (
        (null_pearson(x, y, orders), stats.pearsonr),
        (null_pearson(np.apply_along_axis(ranks, 0, x), ranks(y), orders), stats.spearmanr),
        (null_kendall(x, y, orders), stats.kendalltau),
    ):
        expected = [[oracle(column, y[order])[0] for column in x.T] for order in orders]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_kendall_in_chunks(monkeypatch):
    rng = np.random.default_rng(1)
    x, y, orders = rng.normal(size=(8, 2)), rng.normal(size=8), all_permutations(np.arange(8) // 3)
    whole = null_kendall(x, y, orders)
    monkeypatch.setattr("neuroalpha.compare.permutation.CHUNK", 100)
    np.testing.assert_array_equal(null_kendall(x, y, orders), whole)


def test_constant_columns_have_no_null():
    x, y = np.zeros((6, 1)), np.arange(6.0)
    orders = all_permutations(np.zeros(6, dtype=int))
    assert np.isnan(null_pearson(x, y, orders)).all()
    assert np.isnan(null_kendall(x, y, orders)).all()


def test_exact_p_value_is_scipys():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=6), rng.normal(size=6)
    oracle = stats.permutation_test(
        (y,), lambda shuffled: abs(stats.pearsonr(x, shuffled)[0]), permutation_type="pairings", alternative="greater",
        n_resamples=np.inf,
    )  # fmt: skip
    null = null_pearson(x[:, None], y, all_permutations(np.zeros(6, dtype=int)))
    found = compare_to_null(np.array([stats.pearsonr(x, y)[0]]), null, 0.95)
    assert found.p[0] == pytest.approx(oracle.pvalue)
    assert found.p_corrected[0] == found.p[0]
    assert found.mean[0] == pytest.approx(0, abs=1e-12)


def test_deviations_count_from_what_groups_alone_give():
    """Groups that differ in both variables: rho is high in every shuffle, and only what is beyond that counts."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 6)
    x, y = 5 * groups + rng.normal(size=18), 5 * groups + rng.normal(size=18)
    orders = random_permutations(groups, rng.random((3000, 18)))
    observed = np.array([stats.spearmanr(x, y)[0]])
    found = compare_to_null(observed, null_pearson(ranks(x)[:, None], ranks(y), orders), 0.95)
    member = (groups[:, None] == np.arange(3)) / 6
    a, b = (ranks(v) - ranks(v).mean() for v in (x, y))
    assert found.mean[0] == pytest.approx((member.T @ a) @ (member.T @ b) * 6 / np.sqrt((a @ a) * (b @ b)), abs=0.01)
    assert observed[0] > 0.8
    assert found.low[0] <= observed[0] <= found.high[0]
    assert found.p[0] > 0.05


def test_correction_is_the_largest_deviation_by_brute_force():
    rng = np.random.default_rng(5)
    observed, null = rng.normal(size=4) * 2, rng.normal(size=(199, 4)) * [1, 2, 3, 4]
    found = compare_to_null(observed, null, 0.9)
    both = np.vstack([observed, null])
    scores = np.abs(both - both.mean(axis=0)) / both.std(axis=0)
    for index in range(4):
        assert found.p[index] == pytest.approx((1 + (scores[1:, index] >= scores[0, index]).sum()) / 200)
        assert found.p_corrected[index] == pytest.approx((1 + (scores[1:].max(axis=1) >= scores[0, index]).sum()) / 200)
    np.testing.assert_allclose(found.low, np.quantile(null, 0.05, axis=0))
    assert (found.p_corrected >= found.p).all()


def test_copies_of_one_statistic_cost_nothing():
    rng = np.random.default_rng(6)
    observed, null = np.full(5, 2.5), np.repeat(rng.normal(size=(99, 1)), 5, axis=1)
    found = compare_to_null(observed, null, 0.95)
    np.testing.assert_array_equal(found.p, found.p_corrected)


def test_what_is_unknown_stays_unknown_and_does_not_count():
    rng = np.random.default_rng(7)
    observed, null = np.array([3.0, np.nan, 1.0]), rng.normal(size=(99, 3))
    null[:, 2] = 1.0  # shuffling changes nothing
    found = compare_to_null(observed, null, 0.95)
    assert np.isnan(found.p[1:]).all()
    assert np.isnan(found.p_corrected[1:]).all()
    assert found.p_corrected[0] == found.p[0]
    assert np.isnan(compare_to_null(observed, np.empty((0, 3)), 0.95).p).all()


def test_holm_is_statsmodels():
    p = np.random.default_rng(0).random(30) ** 4
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def test_error_rates():
    """Families differ in both variables, none is related within: p is uniform, the corrected one holds for any of 8."""
    rng = np.random.default_rng(8)
    groups = np.repeat(np.arange(4), 5)
    single, least = [], []
    for _ in range(300):
        y = 2 * rng.normal(size=4)[groups] + rng.normal(size=20)
        x = 2 * rng.normal(size=4)[groups, None] + rng.normal(size=(20, 1)) + 0.5 * rng.normal(size=(20, 8))
        x = np.apply_along_axis(ranks, 0, x)
        observed = np.array([np.corrcoef(column, ranks(y))[0, 1] for column in x.T])
        null = null_pearson(x, ranks(y), random_permutations(groups, rng.random((199, 20))))
        found = compare_to_null(observed, null, 0.95)
        single.append(found.p[0])
        least.append(found.p_corrected.min())
    assert stats.kstest(single, "uniform").pvalue > 0.01
    assert stats.binomtest(int((np.array(least) <= 0.05).sum()), 300, 0.05).pvalue > 0.01
