"""What figures and the page take from a comparison of selection rules."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.rule_comparison import compare_rules
from neuroalpha.report.zoo_selection import best_fit, fitted, random_curve, score_looks, selection_data, stops_of


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"model": [f"m{i}" for i in range(40)], "alpha": rng.uniform(0.5, 2.5, 40)})
    table["accuracy"] = 90 - 10 * (table["alpha"] - 1).abs() + rng.normal(size=40)
    table["rankme"] = table["accuracy"] + 4 * rng.normal(size=40)
    table["accuracy at 0.3333"] = table["accuracy"] - 5 + rng.normal(size=40)
    return compare_rules(table, ["alpha", "rankme"], rules=("interval", "halving", "random", "all"), orders=30)


@pytest.mark.parametrize(
    ("form", "expected"), [("logarithmic", 2 + 3 * np.log(20)), ("linear", 62.0), ("power", 2 * 20.0**3)]
)
def test_forms_of_growth(form, expected):
    fit = SimpleNamespace(form=form, a=2.0, b=3.0)
    np.testing.assert_allclose(fitted(fit, np.array([20.0])), [expected])


def test_looks_of_scores():
    looks = score_looks(["alpha", "", "rankme", "mine", "alpha + mine", "clid", "alpha"])
    assert list(looks) == ["alpha", "rankme", "mine", "alpha + mine", "clid"]
    assert looks["alpha"] == score_looks(["alpha"])["alpha"]
    assert looks["alpha + mine"].colour == "#000000"
    assert len({(look.colour, look.style) for look in looks.values()}) == 5


def test_the_page_gets_the_same_numbers(found):
    told = selection_data(found)
    json.dumps(told, allow_nan=False)
    assert [each["name"] for each in told["rules"]] == ["interval"]
    assert [each["label"] for each in told["scores"]] == ["alpha", "RankMe"]
    curve = found.curve[(found.curve["rule"] == "interval") & (found.curve["score"] == "rankme")].query("share > 0.02")
    (drawn,) = (each for each in told["curves"] if each["score"] == "rankme")
    np.testing.assert_allclose(drawn["y"], curve["success"], atol=6e-5)
    stop = stops_of(found, "interval").set_index("score").loc["rankme"]
    assert drawn["stop"]["readouts"] == [pytest.approx(stop["readouts"], abs=1e-4)]
    (grown,) = (each for each in told["growth"] if each["score"] == "alpha")
    assert grown["form"] in ("logarithmic", "linear", "power")
    assert len(grown["fit"]) == 2
    rows = told["rows"]
    assert len(rows) == len(found.table)
    assert [row["budget"] for row in rows] == sorted((row["budget"] for row in rows), key=lambda b: b != "own stop")
    first = rows[0]
    assert first["rule"] == "interval rule (alpha-ReQ)"
    assert first["success"].startswith(f"{found.table.iloc[0]['success']:.3f} [")
    assert first["printed"] == f"{found.table.iloc[0]['readouts_printed']:.1f}"
    assert selection_data(None) is None
    with pytest.raises(na.InputError, match="expected a comparison of rules"):
        selection_data([1])


def test_without_growth_and_without_a_rule_of_random_search(found):
    less = SimpleNamespace(**{
        **vars(found), "growth": found.growth.iloc[:0], "growth_fits": found.growth_fits.iloc[:0],
        "curve": found.curve[found.curve["rule"] == "interval"],
    })  # fmt: skip
    assert best_fit(less.growth_fits, "interval", "alpha", "readouts") is None
    assert all(each["x"] == [] for each in selection_data(less)["growth"])
    plain, own = random_curve(less), random_curve(found)
    assert 5 < len(plain) < len(own)
    np.testing.assert_allclose(plain["success"], own["success"][: len(plain)], atol=1e-9)


def test_names_are_text_on_the_page(found):
    renamed = SimpleNamespace(**{
        **vars(found), "table": found.table.assign(score="<script>", note=None, rule="\ud800", success=np.nan),
    })  # fmt: skip
    told = selection_data(renamed)
    assert told["scores"][0]["label"] == "<script>"
    assert told["rules"][0]["label"] == "?"
    assert (told["rows"][0]["success"], told["rows"][0]["note"]) == ("", "")
