"""Random search: scipy's hypergeometric distribution, and all subsets by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from neuroalpha.compare.random_rule import RandomRule, random_regret, random_success
from neuroalpha.compare.selection_trials import random_orders, random_trials


@pytest.mark.parametrize(("n", "good"), [(80, 9), (12, 1), (5, 5), (30, 29)])
def test_success_is_hypergeometric(n, good):
    counts = np.arange(n + 1)
    np.testing.assert_allclose(random_success(n, good, counts), 1 - stats.hypergeom(n, good, counts).pmf(0), atol=1e-12)


def test_regret_is_the_mean_over_all_subsets():
    accuracies = np.array([70.0, 81, 81, 90, 55, 88.5, 62])
    for count in range(1, 8):
        best = [accuracies[list(chosen)].max() for chosen in itertools.combinations(range(7), count)]
        assert random_regret(accuracies, np.array([count]))[0] == pytest.approx(90 - np.mean(best), abs=1e-9)
    assert np.isnan(random_regret(accuracies, np.array([0.5]))).all()


def test_regret_where_the_best_cannot_be_drawn():
    accuracies = np.array([70.0, 81, 85])
    draws = [[70.0, 81, 85], [81, 85, 85], [85]]
    np.testing.assert_allclose(random_regret(accuracies, np.array([1, 2, 3]), 90.0), [90 - np.mean(d) for d in draws])


def test_parts_of_readouts_lie_between():
    between = random_success(20, 3, np.array([4, 4.25, 5]))
    assert between[1] == pytest.approx(0.75 * between[0] + 0.25 * between[2])


def test_simulated_orders_agree():
    rng = np.random.default_rng(0)
    accuracies = rng.normal(80, 5, 25)
    good = int((accuracies.max() - accuracies <= 3).sum())
    found = random_trials(accuracies, random_orders(25, 4000, 0))
    lost = accuracies.max() - found.best
    counts = np.arange(1, 26)
    np.testing.assert_allclose((lost <= 3).mean(axis=0), random_success(25, good, counts), atol=0.03)
    np.testing.assert_allclose(lost.mean(axis=0), random_regret(accuracies, counts), atol=0.25)


def test_the_rule_follows_the_order_to_its_end():
    rule, read = RandomRule(np.array([3, 1, 2])), []
    while (index := rule.ask()) is not None:
        read.append(index)
        rule.tell(index, 0.5)
    assert read == [3, 1, 2]
    assert rule.stopped == "every model was read out"
