"""Our rule: one search and many side by side agree, it beats alpha-ReQ's where scores tell, and is not fooled else."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.compare.improvement_rule import ImprovementRule
from neuroalpha.compare.random_rule import random_success
from neuroalpha.compare.selection_trials import improvement_trials, interval_trials, random_orders


def read_by(rule, accuracies):
    read = []
    while (index := rule.ask()) is not None:
        read.append(index)
        rule.tell(index, accuracies[index])
    return read


def sweep(kind, seed, n=48):
    """Simulated sweeps."""
    rng = np.random.default_rng([seed, len(kind)])
    alpha = rng.uniform(0.5, 2.5, n)
    if kind == "kink":
        return alpha, 90 - 10 * np.abs(alpha - 1) + rng.normal(0, 2, n)
    if kind == "failed":
        accuracies = 85 - 25 * np.log(alpha / 1.2) ** 2 + rng.normal(0, 1.2, n)
        bad = rng.random(n) < 0.25
        return np.where(bad, rng.choice([0.2, 3.5], n), alpha), np.where(bad, rng.uniform(10, 50, n), accuracies)
    return alpha, rng.normal(80, 5, n)


@pytest.mark.parametrize("go_on", [True, False])
def test_side_by_side_is_one_by_one(go_on):
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(30, 2))
    accuracies = 80 + 3 * scores[:, 0] - scores[:, 1] ** 2 + rng.normal(size=30)
    orders = random_orders(30, 25, 0)
    found = improvement_trials(scores, accuracies, orders, tolerance=1.0, go_on=go_on)
    for row, order in enumerate(orders):
        rule = ImprovementRule(scores, order, tolerance=1.0)
        read = read_by(rule, accuracies)
        assert found.readouts[row] == len(read)
        np.testing.assert_array_equal(found.best[row, : len(read)], np.maximum.accumulate(accuracies[read]))
        last = accuracies.max() if go_on else accuracies[read].max()
        assert found.best[row, -1] == last


def test_orders_of_other_accuracies_and_of_fewer_models():
    rng = np.random.default_rng(4)
    scores, accuracies = rng.normal(size=20), rng.normal(80, 4, (6, 20))
    orders = [order[: 8 + 2 * row] for row, order in enumerate(random_orders(20, 6, 1))]
    found = improvement_trials(scores, accuracies, orders, tolerance=1.0)
    for row, order in enumerate(orders):
        alone = improvement_trials(scores, accuracies[row], [order], tolerance=1.0)
        np.testing.assert_array_equal(found.best[row], alone.best[0])
        assert found.readouts[row] == alone.readouts[0] <= order.size
        assert found.best[row, -1] == accuracies[row, order].max()


def test_models_without_a_score_are_never_read():
    scores, accuracies = sweep("kink", 0)
    scores[[4, 9]] = np.nan
    order = np.array([index for index in random_orders(48, 1, 0)[0] if index not in (4, 9)])
    read = read_by(ImprovementRule(scores, order, tolerance=0.0, stop=0.0), accuracies)
    assert sorted(read) == sorted(order)


@pytest.mark.parametrize("noise", [0, 1])
@pytest.mark.parametrize("n", [20, 40])
def test_its_own_stop_is_not_overconfident(n, noise):
    """A few alike accuracies are no reason to stop: at its stop it beats random search with as many readouts."""
    beaten = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        alpha = rng.uniform(0.5, 2.5, n)
        accuracies = 90 - 10 * np.abs(alpha - 1) + noise * rng.normal(size=n)
        found = improvement_trials(alpha, accuracies, random_orders(n, 20, 0), tolerance=1.0, go_on=False)
        good = int((accuracies.max() - accuracies <= 1).sum())
        success = (accuracies.max() - found.at(found.readouts) <= 1).mean()
        beaten.append(success - random_success(n, good, found.readouts).mean())
        assert found.readouts.min() >= 10
    assert min(beaten) > 0


def test_least_readouts_are_an_option():
    alpha = np.linspace(0.5, 2.5, 20)
    accuracies = 90 - 10 * np.abs(alpha - 1)
    rule = ImprovementRule(alpha, np.arange(20), tolerance=5.0, least=4)
    assert 4 <= len(read_by(rule, accuracies)) < 10
    assert len(read_by(ImprovementRule(alpha, np.arange(20), tolerance=5.0), accuracies)) == 10


@pytest.mark.parametrize("kind", ["kink", "failed"])
def test_better_than_alpha_reqs_rule_with_as_many_readouts(kind):
    """Mean over 25 simulated sweeps that served to set nothing (other seeds)."""
    gain, beaten = [], []
    for seed in range(1000, 1025):
        scores, accuracies = sweep(kind, seed)
        orders = random_orders(48, 10, seed)
        theirs = interval_trials(scores, accuracies, orders)
        ours = improvement_trials(scores, accuracies, orders, tolerance=1.0)
        top = accuracies.max()
        gain.append(np.mean(theirs.at(theirs.readouts) < ours.at(theirs.readouts)))
        gain[-1] -= np.mean(theirs.at(theirs.readouts) > ours.at(theirs.readouts))
        good = int((top - accuracies <= 1).sum())
        success = (top - ours.at(ours.readouts) <= 1).mean()
        beaten.append(success - random_success(48, good, ours.readouts).mean())
    assert np.mean(gain) > 0.01
    assert np.mean(beaten) > 0.15


def test_a_useless_score_leads_to_random_search():
    difference = []
    for seed in range(40):
        scores, accuracies = sweep("none", seed)
        good = int((accuracies.max() - accuracies <= 1).sum())
        ours = improvement_trials(scores, accuracies, random_orders(48, 4, seed), tolerance=1.0)
        found = accuracies.max() - ours.at(20) <= 1
        difference.append(found.mean() - random_success(48, good, np.array([20]))[0])
    assert abs(np.mean(difference)) < 3 * np.std(difference) / np.sqrt(40)


def test_accuracies_in_percent_and_fractions_lead_the_same_way():
    scores, accuracies = sweep("kink", 5)
    order = random_orders(48, 1, 2)[0]
    read = read_by(ImprovementRule(scores, order, tolerance=1.0), accuracies)
    assert read_by(ImprovementRule(scores, order, tolerance=0.01), accuracies / 100) == read
    assert read_by(ImprovementRule(np.exp(scores), order, tolerance=1.0), accuracies) == read


def test_equal_scores_and_failed_readouts():
    accuracies = np.random.default_rng(0).normal(80, 5, 15)
    accuracies[[2, 3]] = np.nan
    rule = ImprovementRule(np.ones(15), np.random.default_rng(1).permutation(15), tolerance=0.1, stop=0.0)
    read = read_by(rule, accuracies)
    assert len(set(read)) == len(read) == 15
    assert rule.stopped == "every model was read out"


def test_a_single_model():
    assert read_by(ImprovementRule(np.array([1.0]), np.array([0]), tolerance=1.0), np.array([80.0])) == [0]
