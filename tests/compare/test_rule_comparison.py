"""Rules side by side: the published figures come out of the table, and each column is what a plain loop gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import neuroalpha as na
from neuroalpha.compare.comparison_rows import wilson
from neuroalpha.compare.contests import Contests
from neuroalpha.compare.interval_rule import IntervalRule
from neuroalpha.compare.rule_comparison import RuleComparison, compare_rules
from neuroalpha.compare.selection_trials import improvement_trials, interval_trials, random_orders


def sweep(n=40, seed=0, noise=1.5):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"model": [f"net{i}" for i in range(n)], "alpha": rng.uniform(0.5, 2.5, n)})
    table["rankme"] = rng.uniform(10, 500, n)
    table["accuracy"] = 90 - 10 * abs(table["alpha"] - 1) + noise * rng.normal(size=n)
    return table


def row(found, rule, score="", budget=None):
    table = found.table[(found.table["rule"] == rule) & (found.table["score"] == score)]
    table = table[table["budget"].isna() if budget is None else table["budget"] == budget]
    assert len(table) == 1
    return table.iloc[0]


def test_published_figures():
    rng = np.random.default_rng(0)
    alphas = np.array([(rng.uniform(0.5, 2.5), rng.normal())[0] for _ in range(80)])
    table = pd.DataFrame({"alpha": alphas, "accuracy": 90 - 10 * np.abs(alphas - 1)})
    found = compare_rules(table, rules=("interval",), budgets=(), growth=False)
    only = row(found, "interval", "alpha")
    assert (only["success"], only["regret"], only["regret_max"]) == (0.999, 0.02066304593751151, 1.7089077126638585)
    assert (only["readouts_printed"], only["readouts"]) == (17.293375, 20.813)
    assert only["random_success"] == pytest.approx(0.936, abs=0.001)
    assert any("17.3 by the published way of counting" in sentence for sentence in found.sentences)


def test_columns_are_what_a_loop_gives():
    table, seed = sweep(), 5
    found = compare_rules(table, orders=60, budgets=(8,), growth=False, seed=seed)
    y, top = table["accuracy"].to_numpy(), table["accuracy"].max()
    good = int((top - y <= 1).sum())
    for budget in (None, 8):
        success, lost, counts, blind = [], [], [], []
        for order in random_orders(40, 60, seed):
            rule, read = IntervalRule(table["alpha"].to_numpy(), order), []
            while (index := rule.ask()) is not None and (budget is None or len(read) < budget):
                rule.tell(index, y[index])
                read.append(index)
            lost.append(top - y[read].max())
            success.append(lost[-1] <= 1)
            counts.append(len(read))
            blind.append(1 - stats.hypergeom(40, good, len(read)).pmf(0))
        each = row(found, "interval", "alpha", budget)
        assert each["success"] == np.mean(success)
        assert each["regret"] == pytest.approx(np.mean(lost))
        assert each["regret_median"] == np.median(lost)
        assert each["readouts"] == each["cost"] == np.mean(counts)
        assert each["random_success"] == pytest.approx(np.mean(blind))
        gain = np.array(success) - np.array(blind)
        assert each["difference"] == pytest.approx(gain.mean())
        assert each["difference_high"] - gain.mean() == pytest.approx(1.96 * gain.std() / np.sqrt(60), rel=1e-3)
        assert (each["n_models"], each["n_scored"], each["n_good"], each["orders"]) == (40, 40, good, 60)
    everything = row(found, "all")
    assert (everything["success"], everything["regret"], everything["readouts"]) == (1, 0, 40)
    blind8 = row(found, "random", budget=8)
    assert blind8["success"] == blind8["random_success"] == pytest.approx(1 - stats.hypergeom(40, good, 8).pmf(0))
    assert blind8["difference"] == 0


def test_the_improvement_rule_stands_beside_alpha_reqs():
    found = compare_rules(sweep(), ["alpha", "rankme"], orders=100, combined=["alpha", "rankme"], growth=False)
    theirs, table, orders = row(found, "interval", "alpha"), sweep(), random_orders(40, 100, 0)
    alpha, y = table["alpha"].to_numpy(), table["accuracy"].to_numpy()
    counts = interval_trials(alpha, y, orders).readouts
    lost = y.max() - improvement_trials(alpha, y, orders, tolerance=1.0).at(counts)
    assert theirs["improvement_success"] == (lost <= 1).mean()
    assert theirs["improvement_regret"] == pytest.approx(lost.mean())
    curve = found.curve[(found.curve["rule"] == "improvement") & (found.curve["score"] == "alpha + rankme")]
    assert len(curve) == 40
    assert curve["success"].is_monotonic_increasing
    assert curve["regret"].is_monotonic_decreasing
    assert curve["success"].iloc[-1] == 1
    assert row(found, "improvement", "alpha + rankme")["success"] > 0.8


def test_fractions_are_percent():
    table = sweep()
    whole = compare_rules(table, orders=30, growth=False)
    part = compare_rules(table.assign(accuracy=table["accuracy"] / 100), orders=30, growth=False)
    pd.testing.assert_frame_equal(whole.table, part.table)


def test_halving_needs_shorter_readouts():
    table = sweep()
    rng = np.random.default_rng(1)
    without = compare_rules(table, orders=20, growth=False)
    assert "halving" not in set(without.table["rule"])
    assert any("No successive halving" in sentence for sentence in without.sentences)
    table["accuracy at 0.1111"] = table["accuracy"] - 8 + rng.normal(0, 1, 40)
    table["accuracy at 0.3333"] = table["accuracy"] - 3 + rng.normal(0, 0.5, 40)
    found = compare_rules(table, orders=20, growth=False, budgets=(6,))
    own = row(found, "halving")
    assert own["cost"] == pytest.approx(40 * 0.1111 + 14 * 0.3333 + 5, abs=0.01)
    assert own["random_success"] < own["success"]
    assert row(found, "halving", budget=6)["cost"] <= 6
    named = compare_rules(table, orders=20, growth=False, lengths={0.3333: "accuracy at 0.3333"})
    assert row(named, "halving")["cost"] == pytest.approx(40 * 0.3333 + 14, abs=0.01)
    fractions = table.copy()
    for name in ("accuracy", "accuracy at 0.1111", "accuracy at 0.3333"):
        fractions[name] /= 100
    again = compare_rules(fractions, orders=20, growth=False, budgets=(6,))
    assert row(again, "halving")["regret"] == pytest.approx(own["regret"])


def test_models_without_a_score_count_for_the_best():
    table = sweep()
    best = table["accuracy"].argmax()
    table.loc[[best, 3], "alpha"] = [np.nan, np.inf]
    found = compare_rules(table, orders=30, growth=False, tolerance=0.01)
    each = row(found, "interval", "alpha")
    assert (each["success"], each["n_scored"]) == (0, 38)
    assert "2 of 40 models have no score" in each["note"]
    assert any("2 models without alpha" in note for note in found.notes)


def test_random_search_draws_from_the_models_that_the_rule_may_read():
    """Noise for a score and 16 of 40 models collapsed: no rule may look better than random search for leaving those."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"alpha": rng.normal(size=40), "accuracy": np.r_[rng.normal(80, 2, 24), rng.normal(40, 2, 16)]}
    )
    table.loc[24:, "alpha"] = np.nan
    found = compare_rules(table, orders=400, budgets=(5,))
    y = table["accuracy"].to_numpy()
    good = int((y.max() - y <= 1).sum())
    each = row(found, "interval", "alpha", 5)
    assert (each["n_scored"], each["n_good"], each["n_good_scored"]) == (24, good, good)
    assert each["random_success"] == pytest.approx(1 - stats.hypergeom(24, good, 5).pmf(0))
    assert each["random_all_success"] == pytest.approx(1 - stats.hypergeom(40, good, 5).pmf(0))
    assert each["difference_low"] <= 0 <= each["difference_high"]
    # Their own regret, too, is that of random search among the 24.
    assert abs(each["regret"] - each["random_regret"]) < 0.25
    assert "within the first batch of 10: random search" in each["note"]
    curve = found.curve[found.curve["rule"] == "interval"].set_index("readouts")
    assert curve.loc[5, "random_success"] == pytest.approx(each["random_success"])
    assert curve.loc[5, "random_all_success"] == pytest.approx(each["random_all_success"])
    assert curve.loc[24, "random_success"] == 1 > curve.loc[24, "random_all_success"]
    said = next(sentence for sentence in found.sentences if "alpha-ReQ's rule on alpha finds" in sentence)
    assert "among the 24 with a value of alpha, as the rule, and" in said
    blind = row(found, "random", budget=5)
    assert blind["random_success"] == blind["random_all_success"] == pytest.approx(each["random_all_success"])


def test_the_best_model_without_a_score_lowers_both():
    table = sweep()
    best = int(table["accuracy"].argmax())
    table.loc[best, "alpha"] = np.nan
    each = row(compare_rules(table, orders=30, growth=False, tolerance=0.001), "interval", "alpha")
    assert (each["n_good"], each["n_good_scored"], each["random_success"]) == (1, 0, 0)
    assert each["random_regret"] >= table["accuracy"].max() - table["accuracy"].drop(best).max()


def test_each_shuffle_has_fifty_orders_or_all():
    accuracies = sweep(20)["accuracy"].to_numpy()
    scores = sweep(20)[["alpha"]].to_numpy()
    for orders, each in ((60, 50), (7, 7)):
        settings = {"interval": {"batch": 10, "top": 5}, "improvement": {}}
        work = Contests(accuracies, random_orders(20, orders, 0), 1.0, (), settings, 3, False, 0)
        for rule in ("interval", "improvement"):
            work.add_scored(rule, ("alpha",), scores)
        assert [contest.shuffled.readouts.size for contest in work.contests] == [3 * each] * 2


def test_shuffled_scores_tell_luck_from_knowledge():
    found = compare_rules(sweep(), ["alpha", "rankme"], orders=40, n_shuffles=24, growth=False, budgets=())
    for rule in ("interval", "improvement"):
        assert row(found, rule, "alpha")["p_shuffled"] < 0.05
        assert row(found, rule, "rankme")["p_shuffled"] > 0.05


def test_p_of_shuffled_scores_is_uniform_without_a_relation():
    values = []
    for seed in range(40):
        table = sweep(24, seed).assign(accuracy=np.random.default_rng(seed + 500).normal(80, 5, 24))
        found = compare_rules(table, rules=("interval",), orders=20, n_shuffles=9, growth=False, budgets=())
        values.append(row(found, "interval", "alpha")["p_shuffled"])
    for level in (0.2, 0.5):
        hits = int((np.array(values) <= level + 1e-9).sum())
        assert stats.binomtest(hits, 40, level).pvalue > 0.01


def test_wilson_is_statsmodels():
    for hits in (0, 3, 17, 20):
        expected = proportion_confint(hits, 20, alpha=0.1, method="wilson")
        assert wilson(hits / 20, 20, 0.9) == pytest.approx(expected, abs=1e-12)


def test_repeatable_and_told():
    table = sweep()
    a, b = (compare_rules(table, orders=25, growth=False, n_shuffles=5) for _ in range(2))
    pd.testing.assert_frame_equal(a.table, b.table)
    assert isinstance(a, RuleComparison)
    assert str(a) == "\n".join(a.sentences)
    assert not compare_rules(table, orders=25, growth=False, seed=9).table.equals(a.table)
    assert set(a.to_frame()["seed"]) == {0}
    assert set(a.to_frame()["tolerance"]) == {1.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": "alhpa"}, "did you mean 'alpha'"),
        ({"scores": ()}, "no score is given"),
        ({"scores": "model"}, "holds no numbers"),
        ({"accuracy": "top1"}, "no column 'top1'"),
        ({"rules": ("intervall",)}, "did you mean 'interval'"),
        ({"tolerance": 90.0}, "every choice would succeed"),
        ({"tolerance": -1}, "tolerance is -1"),
        ({"level": 95}, "level is 95"),
        ({"orders": 0}, "orders is 0"),
        ({"budgets": (0,)}, "a budget is 0"),
        ({"seed": 0.5}, "seed is 0.5"),
        ({"lengths": {2.0: "accuracy"}}, "no length of a readout"),
        ({"lengths": "all"}, "lengths is 'all'"),
        ({"options": {"interval": {"bath": 1}}}, "'bath' is no option"),
        ({"options": {"intervals": {}}}, "did you mean 'interval'"),
        ({"table": sweep().assign(alpha=np.nan)}, "every model collapsed"),
        ({"table": sweep().assign(accuracy=np.nan)}, "selection needs two models"),
        ({"table": pd.concat([sweep(5), sweep(5)])}, "5 models of the table have several rows"),
        ({"table": 3}, "table is int"),
    ],
)
def test_bad_input(change, message):
    given = {"table": sweep(), "scores": "alpha", "orders": 5, "growth": False} | change
    with pytest.raises(na.InputError, match=message) as caught:
        compare_rules(given.pop("table"), **given)
    assert "\n" not in str(caught.value)


def test_a_single_model_with_a_score_has_no_growth():
    # in no order used here is it among the first ten: there is nothing to grow, and nothing to fail
    table = pd.DataFrame({"alpha": np.full(60, np.nan), "accuracy": np.linspace(50, 90, 60)})
    table.loc[3, "alpha"] = 1.0
    grown = [len(na.compare_rules(table, rules=["interval"], orders=1, seed=seed).growth) for seed in range(12)]
    assert min(grown) == 0


def test_equal_scores_are_said():
    found = compare_rules(sweep().assign(alpha=1.2), orders=20, growth=False)
    assert any("it can choose nothing" in note for note in found.notes)
    assert row(found, "interval", "alpha")["readouts"] == 40


def test_fewer_models_than_a_batch():
    found = compare_rules(sweep(6), orders=20)
    assert row(found, "interval", "alpha")["readouts"] == 6
    assert found.growth.empty
    assert found.growth_fits.empty
