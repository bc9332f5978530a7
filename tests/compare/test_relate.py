"""From a zoo's table to statements: SciPy's numbers, planted effects found, and nothing said that cannot be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import neuroalpha as na
from neuroalpha.compare.relate import Relation

FAST = {"n_bootstrap": 200, "n_permutations": 300}


def zoo(n=30, families=6, effect=1.0, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    alpha = rng.uniform(1.1, 2.0, n)
    return pd.DataFrame({
        "model": [f"net{i}" for i in range(n)],
        "family": [f"f{i % families}" for i in range(n)],
        "alpha": alpha,
        "accuracy": 50 + effect * 10 * alpha + 10 * noise * rng.normal(size=n),
        "width": rng.integers(16, 512, n),
        "clean": rng.uniform(80, 95, n),
    })  # fmt: skip


def row(relation, statistic, predictor=None):
    found = relation.table
    found = found[(found["statistic"] == statistic) & (found["predictor"] == (predictor or relation.x))]
    assert len(found) == 1
    return found.iloc[0]


def test_values_are_scipys_and_a_planted_effect_is_found():
    table = zoo(noise=0.15)
    found = na.relate(table, controls=["log width", "clean"], **FAST)
    assert isinstance(found, Relation)
    for name, oracle in (("spearman", stats.spearmanr), ("kendall", stats.kendalltau), ("pearson", stats.pearsonr)):
        each = row(found, name)
        assert each["value"] == pytest.approx(oracle(table["alpha"], table["accuracy"])[0])
        assert each["low"] < each["value"] < each["high"]
        assert each["low_groups"] < each["value"] < each["high_groups"]
        assert each["p"] == each["p_corrected"] == pytest.approx(1 / 301)
        assert (each["n_models"], each["n_groups"], each["n_rows"]) == (30, 6, 30)
    for name in ("partial spearman", "partial pearson", "slope", "spearman within groups"):
        assert row(found, name)["low"] > 0
    assert (found.n_models, found.n_groups, found.n_rows, found.n_tried) == (30, 6, 30, 1)


def test_what_is_asked_stands_on_every_row():
    frame = na.relate(zoo(), controls=["clean"], **FAST).to_frame()
    assert set(frame["controls"]) == {"clean"}
    assert set(frame["seed"]) == {0}
    assert set(frame["n_permutations"]) == {300}
    assert frame.columns[:4].tolist() == ["layer", "window", "predictor", "statistic"]


def test_the_same_seed_gives_the_same_table_and_rows_may_come_in_any_order():
    table = zoo(noise=1.5)
    a, b = na.relate(table, **FAST), na.relate(table, **FAST)
    pd.testing.assert_frame_equal(a.table, b.table)
    assert a.sentences == b.sentences
    shuffled = na.relate(table.sample(frac=1, random_state=1), **FAST)
    np.testing.assert_allclose(a.table["value"], shuffled.table["value"], rtol=1e-6)
    assert na.relate(table, **FAST, seed=1).table["p"].tolist() != a.table["p"].tolist()


def test_families_that_hide_the_direction():
    """Across families accuracy rises with alpha, within each it falls: null, ranks within and mixed model say so."""
    rng = np.random.default_rng(0)
    family = np.repeat(np.arange(6), 6)
    inside = rng.normal(size=36)
    table = pd.DataFrame({
        "model": [f"m{i}" for i in range(36)], "family": [f"f{i}" for i in family],
        "alpha": 2 + family + 0.8 * inside, "accuracy": 50 + 8 * family - 4 * inside + rng.normal(size=36),
    })  # fmt: skip
    found = na.relate(table, **FAST)
    assert row(found, "spearman")["value"] > 0.5
    assert row(found, "spearman")["value"] < row(found, "spearman")["null_low"]
    assert row(found, "spearman")["p"] < 0.01
    assert row(found, "spearman within groups")["high"] < 0
    assert row(found, "slope")["high"] < 0
    assert row(found, "slope")["method"].startswith("mixed model")
    assert "against the direction over all models" in str(found)


def test_a_turn_at_one_is_found_and_said():
    table = zoo()
    table["alpha"] = np.linspace(0.6, 1.4, 30)
    table["accuracy"] = 80 - 30 * abs(table["alpha"] - 1) + np.random.default_rng(0).normal(size=30)
    found = na.relate(table, **FAST)
    assert abs(row(found, "spearman")["value"]) < 0.4
    assert row(found, "spearman", "|alpha - 1|")["high"] < -0.7
    place = row(found, "kink position")
    assert place["low"] <= 1 <= place["high"]
    assert "accuracy turns near alpha = 1" in str(found)
    best = found.forms.sort_values("prediction_error").iloc[0]
    assert best["form"] in ("distance", "kink at near", "free kink")


def test_turning_elsewhere_and_not_turning():
    table = zoo()
    table["alpha"] = np.linspace(0.7, 2.0, 30)
    rng = np.random.default_rng(0)
    table["accuracy"] = 80 - 30 * abs(table["alpha"] - 1.5) + rng.normal(size=30)
    assert "accuracy turns, but not at alpha = 1" in str(na.relate(table, **FAST))
    table["accuracy"] = 10 * table["alpha"] + np.random.default_rng(0).normal(size=30)
    assert "No turn at 1 is needed" in str(na.relate(table, **FAST))


def test_one_side_of_one_cannot_decide():
    found = na.relate(zoo(), **FAST)
    assert "Whether accuracy turns at alpha = 1 cannot be decided: 30 of 30 models lie above it" in str(found)
    assert na.relate(zoo(), near=None, **FAST).table["predictor"].unique().tolist() == ["alpha"]
    other = zoo().rename(columns={"alpha": "effective_rank"})
    assert na.relate(other, "effective_rank", **FAST).near is None
    assert na.relate(other, "effective_rank", near=1.5, **FAST).table["predictor"].nunique() == 2


def test_sign_over_windows():
    table = zoo()
    down = table.assign(window="5-50", alpha=3 - table["alpha"])
    flat = table.assign(window="2-20", alpha=np.random.default_rng(5).permutation(table["alpha"]))
    found = na.relate(pd.concat([flat, down, table.assign(window="11-500")]), **FAST)
    assert found.n_tried == 3
    assert found.within == ("window",)
    assert found.windows["window"].tolist() == ["2-20", "5-50", "11-500"]
    assert found.windows["sign"].tolist()[1:] == [-1, 1]
    assert found.windows[["first", "last"]].iloc[2].tolist() == [11, 500]
    text = str(found)
    assert "Its sign flips" in text
    assert "a statement about one combination does not hold for others" in text
    assert "changes between" in text
    assert "'5-50 and 11-500'" in text


def test_fewer_than_five_models_are_shown_and_not_tested():
    table = zoo(4)
    found = na.relate(table, controls=["clean"], **FAST)
    assert found.table["p"].isna().all()
    assert found.table["low"].isna().all()
    assert "4 models are too few for a p value or an interval" in found.sentences[-1]
    for _, each in table.iterrows():
        assert f"{each['model']} ({each['alpha']:.3g}, {each['accuracy']:.3g})" in found.sentences[-1]
    assert len(found.points) == 4
    assert na.relate(table.iloc[:1], **FAST).table["value"].isna().all()


def test_five_models_are_enough():
    found = na.relate(zoo(5, 1), **FAST)
    assert found.exact
    assert row(found, "spearman")["p"] >= 1 / 120
    assert row(found, "slope")["method"] == "least squares, HC3 errors"


def test_missing_rows_are_counted_and_named():
    table = zoo()
    table.loc[[2, 3], "alpha"] = np.nan
    found = na.relate(table, **FAST)
    assert found.n_rows == 28
    assert found.dropped["unit"].tolist() == ["net2", "net3"]
    assert "2 of 30 rows are left out: 2 with no alpha ('net2', 'net3')." in found.sentences


def test_controls_that_cannot_be_used_are_named():
    table = zoo()
    table["copy"], table["same"] = 2 * table["clean"] + 1, 5.0
    found = na.relate(table, controls=["clean", "copy", "same", "log width"], **FAST)
    assert found.controls == ("clean", "copy", "log width")
    assert "Not controlled for, because constant: same." in found.sentences
    plain = na.relate(table, controls=["clean", "log width"], **FAST)
    assert row(found, "partial spearman")["value"] == pytest.approx(row(plain, "partial spearman")["value"])
    assert "not controlled for: copy" in row(found, "partial spearman")["note"]


def test_without_groups():
    found = na.relate(zoo().drop(columns="family"), group=None, **FAST)
    assert found.n_groups == 0
    assert "spearman within groups" not in set(found.table["statistic"])
    assert row(found, "spearman")["null"] == pytest.approx(0, abs=0.05)
    assert row(found, "slope")["method"] == "least squares, HC3 errors"
    assert found.table["low_groups"].isna().all()


def test_few_groups_give_no_interval_over_groups():
    found = na.relate(zoo(families=4), **FAST)
    assert found.table["low_groups"].isna().all()
    assert "4 groups, fewer than 5, give no interval over groups" in str(found)


def test_a_y_that_differs_between_layers():
    table = pd.concat([zoo(seed=seed).assign(layer=f"layer{seed}", window="2-20") for seed in range(2)])
    found = na.relate(table, **FAST)
    assert found.within == ("layer", "window")
    for seed, value in enumerate(found.windows["rho"]):
        one = zoo(seed=seed)
        assert value == pytest.approx(stats.spearmanr(one["alpha"], one["accuracy"])[0])


def test_error_rate_without_a_relation():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(40):
        table = zoo(16, 4)
        table["accuracy"] = rng.normal(size=16) + 3 * rng.normal(size=4)[np.arange(16) % 4]
        found = na.relate(table, near=None, n_bootstrap=0, n_permutations=99)
        p.append(row(found, "spearman")["p"])
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_the_relation_is_frozen_and_prints_its_sentences():
    found = na.relate(zoo(), **FAST)
    assert repr(found) == str(found) == "\n".join(found.sentences)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.x = "other"


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"level": 1.0}, "level is 1.0; expected a number from 0.5 to below 1"),
        ({"level": "95"}, "level is '95'"),
        ({"seed": None}, "seed is None"),
        ({"n_bootstrap": -1}, "n_bootstrap is -1"),
        ({"n_permutations": 1.5}, "n_permutations is 1.5"),
        ({"near": "one"}, "near is 'one'; expected a number, 'auto' or None"),
        ({"near": np.nan}, "near is nan"),
        ({"group": "famly"}, "no column 'famly'"),
        ({"y": "acc"}, "no column 'acc'"),
    ],
)
def test_bad_input(how, match):
    with pytest.raises(na.InputError, match=match):
        na.relate(zoo(), **how)
