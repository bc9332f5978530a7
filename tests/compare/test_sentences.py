"""Sentences claim what intervals, nulls and corrections carry, and no more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.wording import p_text

FAST = {"n_bootstrap": 200, "n_permutations": 300}


def zoo(n=24, families=6, effect=0.0, seed=0, low=1.2, high=2.0):
    rng = np.random.default_rng(seed)
    alpha = rng.uniform(low, high, n)
    return pd.DataFrame({
        "model": [f"net{i}" for i in range(n)], "family": [f"f{i % families}" for i in range(n)], "alpha": alpha,
        "error": effect * alpha + 0.2 * rng.normal(size=n),
    })  # fmt: skip


def said(table, *parts, **how):
    text = str(na.relate(table, y="error", **FAST | how))
    for part in parts:
        assert part in text, text
    return text


def test_direction_size_interval_null():
    text = said(
        zoo(effect=-1), "error falls with alpha: Spearman -0", "95 % intervals over 24 models; over whole groups"
    )
    assert "alpha against error: 24 models in 6 groups of 'family', 24 rows." in text
    assert "Shuffling error among models of the same family (300 shuffles) gives Spearman" in text
    assert "on average" in text
    assert "rises" not in text


def test_no_direction_is_claimed_and_absence_is_not_either():
    text = said(zoo(seed=3), "No clear direction of error with alpha", "does not show that there is no relation")
    assert "falls with alpha" not in text
    assert "rises with alpha" not in text


def test_an_interval_without_zero_is_not_enough():
    """All of the relation lies between families, so shuffling within them gives as much."""
    table = zoo(effect=0.0)
    rank = table["family"].str[1:].astype(int)
    rng = np.random.default_rng(0)
    table["alpha"], table["error"] = 1.5 + rank + 0.01 * rng.normal(size=24), rank + 0.01 * rng.normal(size=24)
    said(table, "error rises with alpha in these models, but shuffled data often do as much")


def test_orders_too_few_to_decide():
    table = zoo(6, 3)
    said(table, "all 8 orders", "So few orders exist that p cannot fall below 0.12")


def test_families_of_one_model_are_named():
    table = zoo()
    table.loc[[0, 1], "family"] = ["lonely", "alone"]
    said(table, "2 of 8 groups have one model and say nothing in that test", "'lonely'")
    alone = zoo(8, 8)
    said(alone, "No family has two models, so shuffling among models of the same family is impossible")


def test_controls_in_words():
    rng = np.random.default_rng(0)
    table = zoo(effect=1).assign(width=rng.integers(1, 9, 24))
    table["alpha"] = table["width"] + 0.3 * rng.normal(size=24)
    table["error"] = table["width"] + 0.3 * rng.normal(size=24)
    said(
        table, "error rises with alpha", "Given width, partial Spearman is",
        "the interval of Spearman holds zero: what the controls leave has no clear direction", "controls: width.",
        controls=["width"],
    )  # fmt: skip
    more = {f"z{i}": rng.normal(size=7) for i in range(4)}
    said(zoo(7, 1).assign(**more), "No partial correlation: 7 models are too few to take out 4", controls=list(more))


@pytest.mark.parametrize("windows", [1, 2])
def test_each_p_value_stands_behind_its_own_statistic(windows):
    rng = np.random.default_rng(1)
    table = zoo(effect=1).assign(width=rng.integers(1, 9, 24))
    table.loc[0, "error"] = 9.0  # far out: Pearson and Spearman differ
    table = pd.concat([table.assign(window=f"{w}-50", alpha=table["alpha"] + (w - 1)) for w in range(1, windows + 1)])
    found = na.relate(table, y="error", controls=["width"], near=None, **FAST)
    text = next(each for each in found.sentences if "iven width" in each)
    rows = found.table.drop_duplicates("statistic").set_index("statistic")
    told = []
    for name, word in (("partial spearman", "partial Spearman is"), ("partial pearson", "partial Pearson")):
        row = rows.loc[name]
        corrected = f", {row['p_corrected']:.2g} corrected" if windows > 1 else ""
        told.append(f"{word} {row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}] ({p_text(row['p'])}{corrected})")
    assert told[0].rpartition("(")[2] != told[1].rpartition("(")[2]
    assert ", ".join(told) in text


def test_points_of_few_models_are_one_for_each_at_the_last_layer_and_first_window():
    base = zoo(4).assign(model=[f"zoo/checkpoints/{'of a very long name ' * 3}{i}.pt" for i in range(4)])
    places = [("last but 1", 0.0), ("last", 1.0)]
    table = pd.concat([
        base.assign(position=position, layer=position, depth=depth, window=window, alpha=base["alpha"] + depth)
        for position, depth in places for window in ("5-50", "1-10")
    ])  # fmt: skip
    last = na.relate(table, y="error", **FAST).sentences[-1]
    assert "4 models are too few" in last
    assert "the points (alpha, error) at position last, window 5-50: " in last
    listed = last.partition("window 5-50: ")[2]
    values = [f"({a:.3g}, {e:.3g})" for a, e in zip(base["alpha"] + 1, base["error"], strict=True)]
    assert all(value in listed for value in values)
    assert listed.count("(") == 4
    assert "zoo/checkpoints" not in listed
    assert max(len(part.split(" (")[0]) for part in listed.split("), ")) <= 32
    layers = na.relate(table.drop(columns="position"), y="error", **FAST).sentences[-1]
    assert "at last, window 5-50" in layers.replace("layer last", "last")


def test_the_replaced_mixed_model_is_named():
    said(zoo(effect=1, families=1), "By least squares, HC3 errors", "(all models are one group)")
    assert "By mixed model (REML, 6 groups)" in said(_offset(zoo(effect=1)))


def test_a_slope_without_errors():
    table = zoo(effect=1)
    for name in ("alpha", "error"):  # no family differs: the variance between them stands at zero
        table[name] -= table.groupby("family")[name].transform("mean") - 2
    table["special"] = np.where(table["family"] == "f2", table["alpha"] ** 2, 0.0)
    said(table, "of error given special, without interval (no mixed model: its fit is singular", controls=["special"])


def _offset(table):
    table["error"] += 3 * table["family"].str[1:].astype(int)
    return table


def test_many_combinations_are_counted_and_the_strongest_named():
    rng = np.random.default_rng(0)
    base = zoo(effect=0)
    table = pd.concat([base.assign(window=f"{i}-{9 * i}", alpha=rng.uniform(1.2, 2, 24)) for i in range(2, 8)])
    strong = base.assign(window="11-500", alpha=1.5 + base["error"])
    text = said(
        pd.concat([table, strong]), "Over 7 combinations", "1.00 (window 11-500)",
        "of 7 combinations, at 1 after correction",
        "At window 11-500: error rises with alpha", "Details are of the strongest of 7 combinations",
    )  # fmt: skip
    assert "At window 3-27: error" not in text


def test_flips_that_may_be_chance():
    rng = np.random.default_rng(1)
    base = zoo()
    table = pd.concat([base.assign(window=f"{i}-{9 * i}", alpha=rng.uniform(1.2, 2, 24)) for i in range(2, 6)])
    said(table, "Its sign flips", "no two intervals lie on both sides of zero, so the flips may be chance")


def test_one_sign_everywhere():
    base = zoo(effect=2)
    said(pd.concat([base.assign(window=w) for w in ("5-50", "11-100")]), "Its sign is positive at all of them.")


def test_a_combination_with_few_models():
    base = zoo(effect=1)
    table = pd.concat([base.assign(window="5-50"), base.iloc[:3].assign(window="11-100")])
    said(table, "At window 11-100: nothing can be said of 3 models")


def test_near_one_in_words():
    table = zoo(30, low=0.6, high=1.4)
    table["error"] = abs(table["alpha"] - 1) + 0.02 * np.random.default_rng(0).normal(size=30)
    text = said(
        table, "error rises with |alpha - 1|", "error turns near alpha = 1", "the interval of the place holds 1"
    )
    assert "is ahead of a line and monotone steps by more than twice the standard error" in text
    noise = zoo(30, low=0.6, high=1.4, seed=2)
    said(noise, "Whether error turns at 1 stays open")
    steps = zoo(30, low=0.6, high=1.4, effect=3)
    said(steps, "No turn at 1 is needed")
    few = noise.assign(alpha=np.repeat([0.8, 1.0, 1.2], 10))
    said(few, "Each model predicted from the others")
