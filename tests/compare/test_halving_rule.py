"""Successive halving: who goes on and what it costs, by a loop of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuroalpha.compare.halving_rule import HalvingRule
from neuroalpha.compare.selection_trials import halving_trials, random_orders


def literally(table, order, lengths):
    """``table`` maps a length to accuracies (n_models,)."""
    alive, cost = list(order), 0.0
    for place, length in enumerate(lengths):
        cost += len(alive) * length
        ranked = sorted(alive, key=lambda index: -table[length][index])
        if place + 1 < len(lengths):
            alive = ranked[: max(1, math.ceil(round(len(alive) * length / lengths[place + 1], 9)))]
    return ranked[0], cost


@pytest.mark.parametrize("lengths", [(1.0,), (0.5, 1.0), (1 / 9, 1 / 3, 1.0), (0.1, 0.2, 0.5, 1.0)])
@pytest.mark.parametrize("n", [1, 2, 9, 47])
def test_winner_and_cost_are_those_of_a_loop(lengths, n):
    rng = np.random.default_rng(n)
    true = rng.normal(80, 5, n)
    table = {length: true + rng.normal(0, 3 * (1 - length), n) for length in lengths}
    orders = random_orders(n, 5, 0)
    found = halving_trials(np.array([table[length] for length in lengths]), orders, lengths=lengths)
    for row, order in enumerate(orders):
        winner, cost = literally(table, order, lengths)
        assert found.best[row, -1] == table[1.0][winner]
        assert found.cost[row] == pytest.approx(cost)


def test_a_budget_lets_fewer_models_enter():
    for budget in (3, 7.5, 16, 100):
        rule = HalvingRule(np.arange(48), budget=budget)
        entering = len(rule.waiting)
        while (index := rule.ask()) is not None:
            rule.tell(index, float(index))
        assert rule.cost <= budget + 1e-9
        assert entering == 48 or _cost_of(entering + 1) > budget


def _cost_of(n):
    rule = HalvingRule(np.arange(n))
    while (index := rule.ask()) is not None:
        rule.tell(index, float(index))
    return rule.cost


def test_failed_readouts_never_go_on():
    rule = HalvingRule(np.arange(9), lengths=(1 / 3, 1.0))
    seen = []
    while (index := rule.ask()) is not None:
        seen.append((index, rule.length))
        rule.tell(index, np.nan if index >= 4 else float(index))
    assert [index for index, length in seen if length == 1.0] == [3, 2]
    assert rule.stopped


def test_all_fail():
    rule = HalvingRule(np.arange(5))
    while (index := rule.ask()) is not None:
        rule.tell(index, np.nan)
    assert rule.whole == []
