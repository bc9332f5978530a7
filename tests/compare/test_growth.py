"""Readouts against the number of models: the forms are told apart, and each size is a run of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import neuroalpha as na
from neuroalpha.compare.growth import fit_growth, sizes
from neuroalpha.compare.improvement_rule import ImprovementRule
from neuroalpha.compare.interval_rule import IntervalRule
from neuroalpha.compare.rule_comparison import compare_rules
from neuroalpha.compare.selection_trials import improvement_trials, random_orders

CURVES = {
    "logarithmic": lambda n: 2 + 5 * np.log(n),
    "linear": lambda n: 1 + 0.6 * n,
    "power": lambda n: 1.5 * n**0.5,
}


@pytest.mark.parametrize("form", CURVES)
def test_the_true_form_is_found(form):
    n = np.array(sizes(120))
    table = pd.DataFrame({"rule": "r", "score": "s", "n_models": n})
    table["readouts"] = CURVES[form](n) + 0.05 * np.random.default_rng(0).normal(size=n.size)
    fits = fit_growth(table)
    best = fits[fits["best"]].iloc[0]
    assert best["form"] == form
    expected = {"logarithmic": (2, 5), "linear": (1, 0.6), "power": (1.5, 0.5)}[form]
    assert (best["a"], best["b"]) == pytest.approx(expected, rel=0.1)
    assert fits["ahead"].min() == 0
    assert (fits.loc[~fits["best"], "ahead"] > 4).all()


def test_criterion_is_statsmodels():
    n = np.array(sizes(60)[1:], dtype=float)
    y = 3 + 2 * np.log(n) + np.random.default_rng(1).normal(size=n.size)
    fits = fit_growth(pd.DataFrame({"rule": "r", "score": "s", "n_models": n, "readouts": y})).set_index("form")
    aics = {name: sm.OLS(y, sm.add_constant(x)).fit().aic for name, x in (("logarithmic", np.log(n)), ("linear", n))}
    difference = fits.loc["linear", "aic"] - fits.loc["logarithmic", "aic"]
    assert difference == pytest.approx(aics["linear"] - aics["logarithmic"])


def test_growth_of_alpha_reqs_rule_is_its_run_on_the_first_models():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"alpha": rng.uniform(0.5, 2.5, 30), "accuracy": rng.normal(80, 5, 30)})
    found = compare_rules(table, rules=("interval", "random"), orders=40, budgets=()).growth
    grown = found[found["rule"] == "interval"].set_index("n_models")
    assert list(grown.index) == sizes(30)
    for size in (13, 30):
        counts, hits = [], []
        for order in random_orders(30, 40, 0):
            rule, read = IntervalRule(table["alpha"].to_numpy(), order[:size]), []
            while (index := rule.ask()) is not None:
                rule.tell(index, table["accuracy"][index])
                read.append(index)
            counts.append(len(read))
            y = table["accuracy"].to_numpy()
            hits.append(y[order[:size]].max() - y[read].max() <= 1)
        assert grown.loc[size, "readouts"] == np.mean(counts)
        assert grown.loc[size, "success"] == np.mean(hits)
    assert grown.loc[10, "readouts"] == 10
    assert grown.loc[10, "success"] == 1
    blind = found[found["rule"] == "random"]
    assert blind["needed"].is_monotonic_increasing
    assert blind["readouts"].isna().all()


def test_random_search_needs_a_share_of_all_models():
    """One model in about 40 is good enough: 90 % of success take 90 % of the models, which is linear growth."""
    accuracies = np.linspace(50, 90, 40)
    table = pd.DataFrame({"alpha": np.arange(40.0), "accuracy": accuracies})
    found = compare_rules(table, rules=("random",), orders=50, budgets=(), tolerance=0.5)
    np.testing.assert_allclose(found.growth["needed"], np.ceil(0.9 * found.growth["n_models"] - 1e-9))
    fits = found.growth_fits
    assert fits[fits["best"]]["form"].tolist() in (["linear"], ["power"])
    assert fits.set_index("form").loc["linear", "b"] == pytest.approx(0.9, abs=0.02)


def test_models_without_a_score_in_growth():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"alpha": rng.uniform(0.5, 2.5, 24)})
    table["accuracy"] = 90 - 10 * abs(table["alpha"] - 1)
    table.loc[:11, "alpha"] = np.nan
    found = compare_rules(table, orders=30, budgets=()).growth
    theirs = found[found["rule"] == "interval"].set_index("n_models")
    assert theirs.loc[24, "readouts"] <= 12
    assert found.loc[found["rule"] == "improvement", "success"].between(0, 1).all()


def test_fits_begin_at_twenty_models():
    """Of ten, alpha-ReQ's rule reads out all: that point must not shape the fit."""
    n = np.array(sizes(80))
    table = pd.DataFrame({"rule": "r", "score": "s", "n_models": n, "readouts": 2 + 5 * np.log(n)})
    table.loc[table["n_models"] == 10, "readouts"] = 1000.0
    fits = fit_growth(table)
    best = fits[fits["best"]].iloc[0]
    assert (best["form"], best["n_sizes"]) == ("logarithmic", 7)
    assert (best["a"], best["b"]) == pytest.approx((2, 5))
    assert sizes(40) == [10, 20, 23, 27, 30, 33, 37, 40]


def test_sentences_of_growth_tell_success():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"alpha": rng.uniform(0.5, 2.5, 60), "accuracy": rng.normal(80, 5, 60)})
    found = compare_rules(table, rules=("interval",), orders=40, budgets=())
    said = next(sentence for sentence in found.sentences if "readouts that grow" in sentence)
    grown = found.growth.set_index("n_models")
    for size in (20, 60):
        assert f"{100 * grown.loc[size, 'success']:.1f} % for {size} models" in said
        assert f"as many readouts {100 * grown.loc[size, 'random_success']:.1f} %" in said
    assert "for 10 models" not in said


def test_scores_are_ranked_among_the_models_there_are():
    """A run on some models is the live rule on those alone, whatever the scores of the others are."""
    rng = np.random.default_rng(5)
    # Crowded scores: ranks among all are far from ranks among few.
    scores = np.exp(3 * rng.normal(size=(30, 2)))
    accuracies = 80 - 2 * np.log(scores[:, 0]) ** 2 / 9 + rng.normal(size=30)
    orders = [order[: 12 + row % 3] for row, order in enumerate(random_orders(30, 20, 0))]
    found = improvement_trials(scores, accuracies, orders, tolerance=0.5)
    for row, order in enumerate(orders):
        alone = ImprovementRule(scores[order], np.arange(order.size), tolerance=0.5)
        read = []
        while (index := alone.ask()) is not None:
            alone.tell(index, accuracies[order[index]])
            read.append(accuracies[order[index]])
        assert found.readouts[row] == len(read)
        np.testing.assert_array_equal(found.best[row, : len(read)], np.maximum.accumulate(read))


def test_random_search_in_growth_has_the_models_with_a_score():
    """Collapsed models are the bad ones, and the score is noise: alpha-ReQ's rule is random search among the others."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"alpha": rng.normal(size=60), "accuracy": rng.normal(80, 3, 60)})
    table.loc[36:, ["alpha", "accuracy"]] = [np.nan, 30.0]
    grown = compare_rules(table, rules=("interval",), orders=200, budgets=()).growth.set_index("n_models")
    part = random_orders(60, 200, 0)
    part = [order[:20] for order in part if np.isfinite(table["alpha"][order[:10]]).any()]
    y = table["accuracy"].to_numpy()
    expected, everything = [], []
    for order in part:
        known = order[order < 36]
        rule = IntervalRule(table["alpha"].to_numpy(), known)
        count = 0
        while (index := rule.ask()) is not None:
            rule.tell(index, y[index])
            count += 1
        good = int((y[known].max() - y[known] <= 1).sum())
        expected.append(1 - stats.hypergeom(known.size, good, count).pmf(0))
        everything.append(1 - stats.hypergeom(20, good, count).pmf(0))
    assert grown.loc[20, "random_success"] == pytest.approx(np.mean(expected))
    assert grown.loc[20, "random_all_success"] == pytest.approx(np.mean(everything))
    assert grown.loc[20, "random_success"] > grown.loc[20, "random_all_success"] + 0.05


def test_bad_input():
    with pytest.raises(na.InputError, match="no column 'rule'"):
        fit_growth(pd.DataFrame({"n_models": [1]}))
