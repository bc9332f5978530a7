"""Prices, utilities and the choice of a purchase, against loops and re-weighing."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

import neuroalpha as na
from neuroalpha.theory.triplets import costs, ratios, tradeoff
from neuroalpha.theory.triplets.utility import utility_of

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


def test_costs_of_the_paper():
    assert costs.cost(costs.Price(2.0), "hard", 80, 20) == 2 * 80
    assert costs.cost(costs.Price(2.0), "soft", 80, 20) == 2 * 80 * 20
    assert costs.cost(costs.Price(2.0), "sparse", 80, 20, 3) == 2 * 80 * 3
    assert costs.cost(costs.Price(item=2.0), "soft", 80, 20) == 2 * 80
    assert costs.judgements("pairwise", 80, 20) == 80 * 79 // 2


@pytest.mark.parametrize(
    ("given_price", "expected"),
    [
        (0.02, costs.Price(0.02)),
        ("0.02", costs.Price(0.02)),
        (".1/item", costs.Price(item=0.1)),
        ("0.05/item + 0.01/judgement", costs.Price(0.01, 0.05)),
        ("1/item+2", costs.Price(2.0, 1.0)),
        (costs.Price(1, 2), costs.Price(1.0, 2.0)),
        (np.float32(0.5), costs.Price(0.5)),
        (0, costs.Price()),
    ],
)
def test_prices_are_read(given_price, expected):
    assert costs.parse_price(given_price, "sparse") == expected


@given(st.floats(-2, 2))
def test_utilities_are_those_of_scipy(score):
    x = np.array([[score]])
    np.testing.assert_array_equal(utility_of(x, "linear"), x)
    np.testing.assert_allclose(utility_of(x, "sigmoid"), expit(x))
    np.testing.assert_allclose(utility_of(x, "logit"), logit(np.clip(x, 1e-6, 1 - 1e-6)))
    np.testing.assert_array_equal(utility_of(x, np.square), x**2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: costs.parse_price(-0.1, "hard"), r"price of 'hard' is -0.1; expected a number of at least 0"),
        (lambda: costs.parse_price("-0.1/item", "hard"), "is '-0.1/item'"),
        (lambda: costs.parse_price(None, "soft"), "price of 'soft' is missing"),
        (lambda: costs.parse_price("", "soft"), "price of 'soft' is missing"),
        (lambda: costs.parse_price(float("nan"), "soft"), "is nan"),
        (lambda: costs.parse_price(float("inf"), "soft"), "is inf"),
        (lambda: costs.parse_price(True, "soft"), "is True"),
        (lambda: costs.parse_price("cheap", "soft"), "'cheap'"),
        (lambda: costs.parse_price("1/day", "soft"), "neither 'item' nor 'judgement'"),
        (lambda: costs.parse_price(1, "sparce"), "did you mean 'sparse'"),
        (lambda: costs.parse_price(costs.Price(-1.0), "soft"), "is -1.0"),
        (lambda: costs.parse_prices({}), "expected prices by signal"),
        (lambda: costs.parse_prices(0.2), "prices is 0.2"),
        (lambda: utility_of(np.ones(2), "logistic"), "did you mean 'logit'"),
        (lambda: utility_of(np.ones(2), lambda x: x[:1]), "one finite number"),
        (lambda: utility_of(np.zeros(2), lambda x: x + np.nan), "one finite number"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
