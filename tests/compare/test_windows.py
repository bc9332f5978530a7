"""All combinations at once say what each says alone, and are corrected together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from neuroalpha.compare.windows import Place, Question, answer


def places(n=14, windows=4, seed=0, missing=()):
    rng = np.random.default_rng(seed)
    common, y = rng.normal(size=n), rng.normal(size=n)
    made = []
    for window in range(windows):
        x = common + 0.4 * rng.normal(size=n) + 0.5 * y * (window == 0)
        kept = np.setdiff1d(np.arange(n), missing if window else ())
        made.append(Place({"window": f"w{window}"}, kept, x[kept], y[kept], np.empty((kept.size, 0))))
    return made


def ask(n=14, groups=None, **how):
    how = {"near": None, "n_bootstrap": 100, "n_permutations": 300, "level": 0.95, "seed": 0} | how
    return Question(x_name="alpha", groups=groups, **how)


def found(answers, statistic):
    return [row for row in answers.rows if row["statistic"] == statistic]


def test_values_and_p_values_are_those_of_each_alone():
    many = places()
    groups = np.arange(14) % 3
    whole = answer(many, ask(groups=groups, near=1.0))
    for number, place in enumerate(many):
        alone = answer([place], ask(groups=groups, near=1.0))
        mine = [row for row in whole.rows if row["window"] == f"w{number}"]
        assert len(mine) == len(alone.rows)
        for a, b in zip(mine, alone.rows, strict=True):
            assert (a["statistic"], a["predictor"]) == (b["statistic"], b["predictor"])
            np.testing.assert_equal([a["value"], a.get("p")], [b["value"], b.get("p")])
            if a["statistic"] not in ("kink position", "slope below kink", "slope above kink"):
                np.testing.assert_equal([a["low"], a["high"]], [b["low"], b["high"]])
            if np.isfinite(a.get("p_corrected", np.nan)):
                assert a["p_corrected"] >= a["p"]


def test_the_correction_is_over_all_combinations_with_the_same_shuffles():
    many = places()
    rows = found(answer(many, ask(n_permutations=400)), "spearman")
    keys = np.random.default_rng([0, 0]).random((400, 14))
    orders = np.argsort(keys, axis=1)
    null = np.array([[stats.spearmanr(place.x, place.y[order])[0] for place in many] for order in orders])
    both = np.vstack([[row["value"] for row in rows], null])
    scores = np.abs(both - both.mean(axis=0)) / both.std(axis=0)
    expected = (scores.max(axis=1)[:, None] >= scores[0] - 1e-9).mean(axis=0)
    np.testing.assert_allclose([row["p_corrected"] for row in rows], expected)
    np.testing.assert_allclose([row["null_low"] for row in rows], np.quantile(null, 0.025, axis=0), atol=1e-9)


def test_few_orders_are_all_taken():
    groups = np.array([0, 0, 0, 1, 1, 1])
    answers = answer(places(6), ask(groups=groups))
    assert (answers.exact, answers.n_shuffles) == (True, 35)
    assert min(row["p"] for row in found(answers, "pearson")) >= 1 / 36
    assert answer(places(6), ask(groups=groups, n_permutations=35)).exact is False


def test_groups_of_one_model_leave_no_p_value():
    answers = answer(places(6), ask(groups=np.arange(6)))
    assert (answers.exact, answers.n_shuffles) == (True, 0)
    assert all(np.isnan(row["p"]) for row in found(answers, "spearman"))
    assert found(answers, "spearman within groups") == []


def test_models_that_some_combinations_lack():
    answers = answer(places(missing=(3, 7)), ask(near=1.0))
    rows = found(answers, "spearman")
    assert [row["n_models"] for row in rows if row["predictor"] == "alpha"] == [14, 12, 12, 12]
    assert all(np.isfinite(row["p_corrected"]) for row in rows)


def test_too_few_models_have_values_only():
    answers = answer([*places(14, 1), *places(4, 1, seed=1)], ask(near=1.0))
    few = [row for row in answers.rows if row["n_models"] == 4]
    assert {row["statistic"] for row in few} == {"spearman", "kendall", "pearson"}
    for row in few:
        assert np.isfinite(row["value"])
        assert np.isnan([row["low"], row.get("p", np.nan)]).all()
        assert "4 models: no p value and no interval" in row["note"]
    assert np.isnan(found(answer(places(2, 1), ask()), "spearman")[0]["value"])


def test_many_models_have_no_resampled_kendall():
    big = places(301, 1)
    row = found(answer(big, ask(n_bootstrap=10, n_permutations=10)), "kendall")[0]
    assert row["value"] == pytest.approx(stats.kendalltau(big[0].x, big[0].y)[0])
    assert np.isnan(row["low"])
    assert np.isnan(row.get("p", np.nan))
    assert "over 300 models" in row["note"]


def test_controls_that_models_are_too_few_for():
    z = np.random.default_rng(0).normal(size=(7, 4))
    place = places(7, 1)[0]
    place = Place(place.where, place.models, place.x, place.y, z, "", True)
    row = found(answer([place], ask()), "partial spearman")[0]
    assert np.isnan(row["value"])
    assert "7 models are too few to take out 4 controls" in row["note"]


def test_distance_that_says_no_more_than_x():
    place = places(12, 1)[0]
    above = Place(place.where, place.models, np.exp(place.x) + 1, place.y, place.controls)
    rows = found(answer([above], ask(near=1.0)), "spearman")
    assert rows[0]["value"] == pytest.approx(rows[1]["value"])
    assert "all values are above 1" in rows[1]["note"]


def test_slopes_are_corrected_by_holm():
    rows = found(answer(places(), ask()), "slope")
    expected = multipletests([row["p"] for row in rows], method="holm")[1]
    np.testing.assert_allclose([row["p_corrected"] for row in rows], expected)


def test_no_resamples_and_no_shuffles():
    answers = answer(places(windows=1), ask(n_bootstrap=0, n_permutations=0, near=1.0))
    row = found(answers, "spearman")[0]
    assert np.isnan(row["low"])
    assert np.isnan(row["p"])
    assert np.isfinite(found(answers, "slope")[0]["p"])
