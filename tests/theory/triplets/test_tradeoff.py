"""Purchases and the choice among them, against loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.theory.triplets import costs, ratios, tradeoff

coordinate = st.integers(0, 8)
prices = st.floats(0, 2)


@pytest.mark.parametrize("signal", ratios.SIGNALS)
@given(st.integers(1, 400), st.integers(1, 30), st.integers(1, 30))
def test_columns_equal_exact_counts(signal, n, k, kept):
    kept = min(kept, k)
    assert tradeoff.count_columns(signal, np.array([n]), k, np.array([kept]))[0] == ratios.count(signal, n, k, kept)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=12), st.floats(0, 20))
def test_envelope_is_the_best_of_all_at_every_beta(points, beta):
    cost, utility = np.array(points, dtype=float).T
    envelope = tradeoff.lower_envelope(cost, utility)
    assert envelope[0].low == 0
    assert envelope[-1].high == math.inf
    assert all(one.high == two.low for one, two in pairwise(envelope))
    row = tradeoff.best_row(envelope, beta)
    objective = beta * cost - utility
    assert objective[row] == pytest.approx(objective.min(), abs=1e-9)
    for reign in envelope:
        inside = (reign.low + min(reign.high, reign.low + 1)) / 2
        objective = inside * cost - utility
        assert objective[reign.row] == pytest.approx(objective.min(), abs=1e-9)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=12))
def test_undominated_by_definition(points):
    cost, utility = np.array(points, dtype=float).T
    kept = tradeoff.undominated(cost, utility).tolist()
    for i in range(len(cost)):
        beaten = any(
            cost[j] <= cost[i] and utility[j] >= utility[i] and (cost[j], -utility[j], j) < (cost[i], -utility[i], i)
            for j in range(len(cost))
        )
        assert (i in kept) == (not beaten)


@given(st.sampled_from(ratios.SIGNALS), prices, prices, st.floats(0, 500), st.integers(1, 50), st.integers(1, 9))
def test_most_items_by_trying_all(signal, judgement, item, budget, n, k):
    price, kept = costs.Price(judgement, item), np.arange(1, k + 1)
    found = tradeoff.most_items(price, signal, n, k, kept, budget)
    for most, entries in zip(found, kept, strict=True):
        paid = [m for m in range(1, n + 1) if costs.cost(price, signal, m, k, entries) <= budget * (1 + 1e-12)]
        assert most == max(paid, default=0)


@pytest.mark.parametrize("n_classes", [1, 7, 256, 257, 1000, 1_000_000])
def test_sparsities_are_all_the_small_ones_and_some_of_the_large(n_classes):
    found = np.array(tradeoff.sparsity_steps(n_classes))
    assert found[0] == 1
    assert found[-1] == n_classes
    assert found[:256].tolist() == list(range(1, min(n_classes, 256) + 1))
    assert len(found) <= 384
    assert (np.diff(found) <= 0.07 * found[:-1] + 1).all()
