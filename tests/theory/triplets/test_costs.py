"""Prices as they are given and what labels cost, by the cost model of the paper."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.triplets import costs, ratios


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
        (".1/label", costs.Price(item=0.1)),
        ("1/Items+2/judgments", costs.Price(2.0, 1.0)),
        ("1 / entry", costs.Price(1.0)),
        ("1/item+2", costs.Price(2.0, 1.0)),
        (costs.Price(1, 2), costs.Price(1.0, 2.0)),
        (np.float32(0.5), costs.Price(0.5)),
        (0, costs.Price()),
    ],
)
def test_prices_are_read(given_price, expected):
    assert costs.parse_price(given_price, "sparse") == expected


@pytest.mark.parametrize("signal", ratios.SIGNALS)
def test_no_size_overflows(signal):
    n = 10**11
    one = costs.cost(costs.Price(0.5, 0.25), signal, n, 7, 3)
    many = costs.cost(costs.Price(0.5, 0.25), signal, np.array([n]), 7, np.array([3]))
    assert many[0] == pytest.approx(one, rel=1e-14)
    assert one > 0


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
        (lambda: costs.parse_price("1/day", "soft"), "write soft=0.1/item or soft=0.02/judgement"),
        (lambda: costs.parse_price(1, "sparce"), "did you mean 'sparse'"),
        (lambda: costs.parse_price(costs.Price(-1.0), "soft"), "is -1.0"),
        (lambda: costs.parse_price(1e308, "soft"), r"expected 0 or 1e-12 to 1e\+12: count in another unit"),
        (lambda: costs.parse_price("1e-320/item", "soft"), "expected 0 or 1e-12"),
        (lambda: costs.parse_prices({}), "expected prices by signal"),
        (lambda: costs.parse_prices(0.2), "prices is 0.2"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
