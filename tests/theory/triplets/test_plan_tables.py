"""The tables of a recommendation, against the purchases that they describe."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from neuroalpha.theory.triplets import costs, plan_tables, ratios
from neuroalpha.theory.triplets.weighing import Problem, weigh

PRICES = {
    "hard": costs.Price(0.02),
    "soft": costs.Price(0.05),
    "sparse": costs.Price(0.03, 0.1),
    "top-class": costs.Price(0.02),
    "pairwise": costs.Price(0.01),
}


def problem(**changes):
    kept = dict.fromkeys(PRICES, 1.0) | {"soft": 0.75}
    settings = {"n_items": 60, "n_classes": 12, "prices": PRICES, "kept_bits": kept, "sparsities": range(1, 13)}
    settings |= {"budget": math.inf, "information": "share", "utility": "linear"}
    return Problem(**(settings | changes))


def test_rows_kept_when_thinned():
    rows = np.arange(1000) * 3
    kept = plan_tables.thin(rows)
    assert len(kept) == 200
    assert (kept[0], kept[-1]) == (0, 2997)
    assert set(kept) <= set(rows)
    np.testing.assert_array_equal(plan_tables.thin(rows[:7]), rows[:7])


def test_purchases_are_described_exactly():
    weighing = weigh(problem(value=500.0))
    table = plan_tables.describe(weighing.problem, weighing.options)
    assert table["signal"].iloc[0] == "none"
    assert (table.iloc[0][["judgements", "cost", "triplets", "bits"]] == 0).all()
    for _, row in table.iloc[1::97].iterrows():
        kept = 12 if pd.isna(row["sparsity"]) else int(row["sparsity"])
        size = (row["signal"], row["n_labelled"], 12, kept)
        assert row["triplets"] == ratios.count(*size)
        assert row["cost"] == pytest.approx(costs.cost(PRICES[row["signal"]], *size))
        assert row["bits"] == (0.75 if row["signal"] == "soft" else 1.0) * row["triplets"]


def test_signals_and_what_money_buys():
    weighing = weigh(problem(budget=2.5))
    table = plan_tables.signal_table(weighing, weighing.picks()).set_index("signal")
    assert not table.loc["pairwise"].isna()["cost"]
    bought = table[table["affordable"]]
    np.testing.assert_allclose(bought["bits_per_cost"], bought["bits"] / bought["cost"])
    poor = weigh(problem(budget=0.3))  # one soft label costs 0.6
    row = plan_tables.signal_table(poor, poor.picks()).set_index("signal").loc["soft"]
    assert (row["n_labelled"], row["cost"]) == (0, 0)
    assert np.isnan(row["bits_per_cost"])
    assert row["cost_of_all"] == pytest.approx(36)


def test_the_frontier_is_not_beaten_by_any_purchase():
    given = problem(budget=20.0)
    found = plan_tables.frontier(given)
    weighing = weigh(given)
    for cost, bits in zip(weighing.options.cost, weighing.bits, strict=True):
        assert found[found["cost"] <= cost * (1 + 1e-12)]["bits"].max() >= bits * (1 - 1e-12)


def test_ranges_of_beta_join_and_sparsities_are_the_best_of_each():
    weighing = weigh(problem())
    flips = plan_tables.flip_table(weighing)
    for _, rows in flips.groupby("utility"):
        assert rows["beta_low"].iloc[0] == 0
        assert math.isinf(rows["beta_high"].iloc[-1])
        np.testing.assert_array_equal(rows["beta_high"].iloc[:-1], rows["beta_low"].iloc[1:])
    kept = plan_tables.sparsity_table(weighing)
    for signal, rows in kept.groupby("signal"):
        number = weighing.problem.names.index(signal)
        for _, row in rows.iterrows():
            mine = (weighing.options.signal == number) & (weighing.options.sparsity == row["sparsity"])
            assert row["objective"] == weighing.objective[mine].min()


def test_nothing_as_a_row_and_prices_of_whole_labels():
    weighing = weigh(problem(value=1e-6))
    table = plan_tables.signal_table(weighing, weighing.picks())
    row = plan_tables.nothing(weighing, table)
    assert (row["cost"], row["bits"], row["objective"]) == (0, 0, 0.0)
    assert pd.isna(row["sparsity"])
    other = plan_tables.per_label(problem(), ["hard", "soft"])
    whole = {**PRICES, "soft": costs.Price(item=0.05)}
    again = weigh(problem(prices=whole))
    assert other["prices"] == {"soft": 0.05}
    assert other["signal"] == again.name(again.best())
    assert other["cost"] == pytest.approx(again.options.cost[again.best()])
    assert plan_tables.per_label(problem(), ["hard", "pairwise"]) is None
    assert plan_tables.per_label(problem(value=1e-6), ["soft"])["signal"] is None
