"""Rules that take part: which models they may read, what is shuffled, whom they are paired with."""

from __future__ import annotations

import numpy as np

from neuroalpha.compare.contests import Contests
from neuroalpha.compare.rule_options import DEFAULTS
from neuroalpha.compare.selection_trials import random_orders

N = 24
READABLE = np.arange(N) % 4 != 1


def contests(orders=6, n_shuffles=0, growth=False, budgets=(), **interval):
    accuracies = np.random.default_rng(3).normal(80, 5, N)
    settings = {**DEFAULTS, "interval": {**DEFAULTS["interval"], **interval}}
    return Contests(accuracies, random_orders(N, orders, 0), 1.0, budgets, settings, n_shuffles, growth, 0)


def scores():
    return np.where(READABLE, np.random.default_rng(4).normal(size=N), np.nan)[:, None]


def test_shuffles_stay_among_the_models_with_a_score():
    """A batch that holds all reads out all: whatever is shuffled, it finds the best of those that have a score."""
    work = contests(n_shuffles=5, batch=N)
    work.add_scored("interval", ("alpha",), np.full((N, 1), np.inf))
    assert work.contests == []  # nobody has a score
    work.add_scored("interval", ("alpha",), scores())
    shuffled = work.contests[0].shuffled
    assert shuffled.readouts.tolist() == [READABLE.sum()] * 5 * 6
    assert set(shuffled.at(shuffled.readouts)) == {work.accuracies[READABLE].max()}
    assert np.isin(shuffled.best, work.accuracies[READABLE]).all()
    # The first model read out is no longer the one of the order.
    starts = [order[READABLE[order]][0] for order in random_orders(N, 30, 0)]
    assert (shuffled.best[:, 0] != work.accuracies[starts]).mean() > 0.5


def test_rivals_have_the_same_scores():
    work = contests(budgets=(2, N))
    for rule, name in [("interval", "alpha"), ("interval", "beta"), ("improvement", "alpha")]:
        work.add_scored(rule, (name,), scores())
    work.add_halving((0.5, 1.0), np.array([work.accuracies - 1, work.accuracies]))
    work.add_blind(["random", "all"])
    work.pair_rivals()
    alpha, beta, improvement, halving, random, _ = work.contests
    assert alpha.rival is improvement.trials
    assert [each.rival for each in (beta, improvement, halving, random)] == [None] * 4
    assert (alpha.blind, improvement.blind) == (10, 0)
    assert list(halving.budgeted) == [2]  # all models are no budget
    assert (halving.budgeted[2].cost <= 2).all()
    # The best of a readout that only lost a constant wins; half of the models go on.
    assert (halving.trials.best == work.accuracies.max()).all()
    assert (halving.trials.cost == N / 2 + N / 2).all()
    np.testing.assert_array_equal(random.trials.best[:, 0], work.accuracies[work.orders[:, 0]])


def test_growth_leaves_out_orders_that_begin_without_a_score():
    work, lonely = contests(orders=40, growth=True), np.full((N, 1), np.nan)
    lonely[5] = 1.0
    work.add_scored("interval", ("alpha",), lonely)
    begin = np.array([5 in order[:10] for order in work.orders])
    assert 0 < begin.sum() < 40
    assert [row["n_models"] for row in work.grown] == list(range(10, 25, 2))
    for row in work.grown:
        tops = [work.accuracies[order[: row["n_models"]]].max() for order in work.orders[begin]]
        assert row["success"] == np.mean(np.array(tops) - work.accuracies[5] <= 1)
        assert row["readouts"] == 1
