"""Sentences about rules: verdicts follow the interval, rivals are counted, growth is that of the fit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from neuroalpha.compare.comparison_rows import COLUMNS
from neuroalpha.compare.growth import GROWTH, fit_growth
from neuroalpha.compare.rule_sentences import speak_of_rules

ROW = {
    "rule": "interval", "score": "alpha", "budget": np.nan, "n_models": 40, "n_scored": 40, "n_good": 3,
    "success": 0.9, "success_low": 0.85, "success_high": 0.95, "regret": 0.25, "readouts": 20.0, "cost": 20.0,
    "readouts_printed": np.nan, "random_success": 0.8, "random_all_success": 0.7, "difference_low": 0.05,
    "difference_high": 0.15, "improvement_success": np.nan, "p_shuffled": np.nan,
}  # fmt: skip


def said(*changes, growth=(), notes=()):
    growth = pd.DataFrame(list(growth), columns=list(GROWTH))
    table = pd.DataFrame([{**ROW, **change} for change in changes], columns=list(COLUMNS))
    found = SimpleNamespace(
        table=table, growth=growth, growth_fits=fit_growth(growth), n_models=40, orders=100, tolerance=1.0, notes=notes
    )
    return speak_of_rules(found)


@pytest.mark.parametrize(
    ("low", "high", "p", "end"),
    [
        (0.05, 0.15, np.nan, "so it is better than random search here."),
        (-0.05, 0.05, np.nan, "so it cannot be told from random search here."),
        (0.05, 0.15, 0.06, "shuffled scores do as well with p = 0.06, which chance may explain."),
        (-0.15, -0.05, 0.6, "worse than random search here; shuffled scores do as well with p = 0.6."),
    ],
)
def test_the_verdict_is_the_intervals(low, high, p, end):
    text = said({"difference_low": low, "difference_high": high, "p_shuffled": p})[1]
    assert text.startswith("alpha-ReQ's rule on alpha finds a good model in 90.0 % of orders [85.0 %, 95.0 %]")
    assert text.endswith(end)


def test_what_is_told_of_each_rule():
    rows = [{"n_scored": 30}, {"rule": "halving", "cost": 12.34}, {"rule": "all"}, {"budget": 5.0}]
    first, _, interval, halving = said(*rows, notes=("A note.",))
    assert first.startswith("40 models, 3 of them within 1 percentage points of the best; 100 random orders")
    assert "among the 30 with a value of alpha, as the rule, and 70.0 % among all 40" in interval
    assert halving.endswith("in 90.0 % of orders for the cost of 12.3 readouts, random search at that cost in 80.0 %.")


def test_rivals_are_counted():
    rivals = {"a": 0.95, "b": 0.85, "c": 0.9, "d": 0.99}
    text = said(*({"score": name, "improvement_success": value} for name, value in rivals.items()))[-1]
    assert "more often for 2 and less often for 1 of 4 scores: a 95.0 % against 90.0 %; b 85.0 % against" in text


def test_growth_is_the_fit_and_success_at_its_ends():
    sizes = [10, 20, 40, 80, 160]
    row = {"rule": "interval", "score": "alpha", "random_success": 0.5}
    grows = [{**row, "n_models": n, "readouts": 3 + 4 * np.log(n), "success": n / 200} for n in sizes]
    text = said({}, growth=grows)[-1]
    assert text.startswith("interval on alpha takes readouts that grow with the number of models n as 3 + 4 log n (log")
    assert "in 10.0 % for 20 models (random search with as many readouts 50.0 %) and 80.0 % for 160 models" in text
    blind = [{"rule": "random", "score": "", "n_models": n, "needed": 0.5 * n**0.5} for n in sizes]
    text = said({}, growth=blind)[-1]
    assert text.startswith("Random search needs for 90 % success readouts that grow")
    assert "as 0.5 n^0.5 (power, clearly the best" in text
