"""Scores against accuracy: scipy's numbers, groups by themselves and pooled, and what a pick would have lost."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import neuroalpha as na
from neuroalpha.compare.score_correlation import score_correlations
from neuroalpha.report.zoo_sweep import label_of


def sweep(n=36, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"model": [f"net{i}" for i in range(n)], "objective": [["a", "b", "c"][i % 3] for i in range(n)]}
    )
    table["alpha"] = rng.uniform(0.6, 1.8, n)
    table["accuracy"] = 80 - 10 * abs(table["alpha"] - 1) + rng.normal(size=n)
    table["rankme"] = np.round(table["accuracy"] + rng.normal(0, 4, n))
    table["final_loss"] = -table["accuracy"] + rng.normal(0, 2, n)
    return table


def at(frame, score, where):
    found = frame[(frame["score"] == score) & (frame["where"] == where)]
    assert len(found) == 1
    return found.iloc[0]


def test_values_are_scipys():
    table = sweep()
    found = score_correlations(table, ["alpha", "rankme"], n_bootstrap=300)
    for where, part in [("all", table), *((f"objective = {k}", p) for k, p in table.groupby("objective"))]:
        for score, values in (
            ("alpha", part["alpha"]), ("|alpha - 1|", abs(part["alpha"] - 1)), ("rankme", part["rankme"])
        ):  # fmt: skip
            each = at(found, score, where)
            assert each["spearman"] == pytest.approx(stats.spearmanr(values, part["accuracy"])[0])
            assert each["kendall"] == pytest.approx(stats.kendalltau(values, part["accuracy"])[0])
            assert each["spearman_low"] <= each["spearman"] <= each["spearman_high"]
            assert each["kendall_low"] <= each["kendall"] <= each["kendall_high"]
            assert each["n_models"] == len(part)


def test_within_groups_by_brute_force():
    table = sweep()
    each = at(score_correlations(table, "rankme", n_bootstrap=0), "rankme", "within groups")
    up = untied_x = untied_y = 0
    for _, part in table.groupby("objective"):
        for (_, a), (_, b) in itertools.combinations(part.iterrows(), 2):
            x, y = np.sign(a["rankme"] - b["rankme"]), np.sign(a["accuracy"] - b["accuracy"])
            up, untied_x, untied_y = up + x * y, untied_x + abs(x), untied_y + abs(y)
    assert each["kendall"] == pytest.approx(up / np.sqrt(untied_x * untied_y))
    ranks = table[["rankme", "accuracy"]].rank()
    centred = ranks - ranks.groupby(table["objective"]).transform("mean")
    assert each["spearman"] == pytest.approx(np.corrcoef(centred.T)[0, 1])
    assert np.isnan(each["spearman_low"])


def test_groups_that_hide_the_direction():
    rng = np.random.default_rng(0)
    group, inside = np.repeat(np.arange(4), 8), rng.normal(size=32)
    table = pd.DataFrame({"objective": [f"o{g}" for g in group], "rankme": 3 * group + inside})
    table["accuracy"] = 60 + 5 * group - inside
    found = score_correlations(table, "rankme", n_bootstrap=200)
    assert at(found, "rankme", "all")["spearman"] > 0.7
    assert at(found, "rankme", "within groups")["spearman_high"] < 0
    assert at(found, "rankme", "within groups")["kendall"] < -0.9


def test_regret_is_what_the_pick_lacks():
    table = sweep()
    found = score_correlations(table, ["alpha", "rankme", "final_loss"], n_bootstrap=0)
    top = table["accuracy"].max()
    for score, place in (("alpha", abs(table["alpha"] - 1).idxmin()), ("final_loss", table["final_loss"].idxmin())):
        each = at(found, score, "all")
        assert each["picked"] == f"net{place}"
        assert each["regret"] == pytest.approx(top - table["accuracy"][place])
        assert each["regret_random"] == pytest.approx((top - table["accuracy"]).mean())
    assert at(found, "|alpha - 1|", "all")["picked"] == at(found, "alpha", "all")["picked"]
    tied = table.loc[table["rankme"] == table["rankme"].max(), "accuracy"]
    assert at(found, "rankme", "all")["regret"] == pytest.approx(top - tied.mean())
    lost = [at(found, "alpha", f"objective = {name}")["regret"] for name in "abc"]
    assert at(found, "alpha", "within groups")["regret"] == pytest.approx(np.mean(lost))
    other = score_correlations(table, ["alpha", "rankme"], best={"alpha": "highest", "rankme": 70}, n_bootstrap=0)
    assert at(other, "alpha", "all")["picked"] == f"net{table['alpha'].idxmax()}"
    assert "|rankme - 70|" in set(other["score"])
    assert "|alpha - 1|" not in set(other["score"])


def test_fractions_lose_percentage_points():
    table = sweep()
    part = score_correlations(table.assign(accuracy=table["accuracy"] / 100), n_bootstrap=0)
    np.testing.assert_allclose(part["regret"], score_correlations(table, n_bootstrap=0)["regret"])


def test_missing_scores_are_counted_and_count_for_the_best():
    table = sweep()
    best = table["accuracy"].idxmax()
    table.loc[[best], "rankme"] = np.nan
    each = at(score_correlations(table, "rankme", n_bootstrap=50), "rankme", "all")
    assert (each["n_models"], each["n_missing"]) == (35, 1)
    kept = table.dropna()
    assert each["spearman"] == pytest.approx(stats.spearmanr(kept["rankme"], kept["accuracy"])[0])
    assert each["regret"] > 0
    table.loc[table["objective"] == "b", "rankme"] = np.nan
    each = at(score_correlations(table, "rankme", n_bootstrap=50), "rankme", "objective = b")
    assert (each["n_models"], each["picked"], each["note"]) == (0, "", "fewer than 3 models")
    assert np.isnan(each["spearman"])


def test_a_collapsed_group_does_not_hide_the_others():
    table = sweep()
    table.loc[table["objective"] == "b", "rankme"] = np.nan
    found = score_correlations(table, ["rankme", "alpha"], n_bootstrap=20)
    each = at(found, "rankme", "within groups")
    for column in ("regret", "regret_random"):
        kept = [at(found, "rankme", f"objective = {name}")[column] for name in "ac"]
        assert each[column] == pytest.approx(np.mean(kept))
    assert each["note"] == "no model of 1 of 3 groups has the score: the regret is over the others"
    assert at(found, "alpha", "within groups")["note"] == ""


def test_inverse_condition_is_best_at_its_highest():
    table = sweep().assign(condition=lambda t: t["accuracy"] / 100)
    each = at(score_correlations(table, "condition", n_bootstrap=0), "condition", "all")
    assert (each["direction"], each["regret"]) == ("highest", 0)
    assert label_of("condition") == "inverse condition number"


def test_interval_covers():
    """Bivariate normal with known Spearman: the 90 % interval holds it in most samples."""
    rho, hits = 0.6, 0
    truth = 6 / np.pi * np.arcsin(rho / 2)
    for seed in range(40):
        draws = np.random.default_rng(seed).multivariate_normal([0, 0], [[1, rho], [rho, 1]], 60)
        table = pd.DataFrame({"rankme": draws[:, 0], "accuracy": 70 + 5 * draws[:, 1]})
        each = score_correlations(table, "rankme", group=None, n_bootstrap=120, level=0.9, seed=seed).iloc[0]
        hits += each["spearman_low"] <= truth <= each["spearman_high"]
    assert hits >= 31


@settings(max_examples=20, deadline=None)
@given(st.permutations(list(range(36))), st.floats(0.1, 10))
def test_order_of_rows_and_monotone_scores(order, power):
    table = sweep()
    moved = table.iloc[order].assign(rankme=lambda t: t["rankme"] ** power)
    a, b = (score_correlations(each, "rankme", n_bootstrap=0) for each in (table, moved))
    a, b = (each.set_index("where").loc[a["where"]] for each in (a, b))
    np.testing.assert_allclose(a[["spearman", "kendall", "regret"]], b[["spearman", "kendall", "regret"]], atol=1e-9)


def test_few_models_and_constants():
    four = score_correlations(sweep(4), "rankme", group=None).iloc[0]
    assert np.isfinite(four["spearman"])
    assert np.isnan(four["spearman_low"])
    assert "no interval" in four["note"]
    flat = score_correlations(sweep().assign(rankme=3.0), "rankme", group=None).iloc[0]
    assert np.isnan(flat["spearman"])
    assert "does not vary" in flat["note"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": "rnakme"}, "did you mean 'rankme'"),
        ({"group": "objectives"}, "did you mean 'objective'"),
        ({"best": {"alpha": "near"}}, "best of 'alpha' is 'near'"),
        ({"level": 0.1}, "level is 0.1"),
        ({"n_bootstrap": -1}, "n_bootstrap is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"accuracy": "objective"}, "holds no numbers"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(na.InputError, match=message):
        score_correlations(sweep(), **change)
