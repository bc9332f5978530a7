"""The figure of selection rules shows the curves, stops and growth of a comparison."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import colors

import neuroalpha as na
from neuroalpha.compare.rule_comparison import compare_rules
from neuroalpha.report.plot_selection import selection
from neuroalpha.report.zoo_selection import score_looks, stops_of


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"model": [f"m{i}" for i in range(40)], "alpha": rng.uniform(0.5, 2.5, 40)})
    table["accuracy"] = 90 - 10 * (table["alpha"] - 1).abs() + rng.normal(size=40)
    table["rankme"] = table["accuracy"] + 4 * rng.normal(size=40)
    table["accuracy at 0.3333"] = table["accuracy"] - 5 + rng.normal(size=40)
    return compare_rules(table, ["alpha", "rankme"], rules=("interval", "halving", "random", "all"), orders=30)


def line_of(ax, colour, ls="-"):
    (line,) = (
        each for each in ax.lines if each.get_linestyle() == ls and colors.to_hex(each.get_color()) == colour.lower()
        and len(each.get_xdata()) > 2
    )  # fmt: skip
    return line.get_xydata()


def test_curves_stops_and_random_search(found):
    (ax,) = selection(found, "success")[0]
    looks = score_looks(["alpha", "rankme"])
    curve = found.curve[(found.curve["rule"] == "interval") & (found.curve["score"] == "alpha")]
    curve = curve[curve["share"] > 0.02]
    np.testing.assert_allclose(line_of(ax, looks["alpha"].colour), curve[["readouts", "success"]])
    k = np.arange(1, 41)
    n_good = int(found.table["n_good"].iloc[0])
    misses = np.array([np.prod([(40 - n_good - i) / (40 - i) for i in range(each)]) for each in k])
    np.testing.assert_allclose(line_of(ax, "#000000", "--"), np.column_stack([k, 1 - np.maximum(misses, 0)]), atol=1e-9)
    stop = stops_of(found, "interval").set_index("score").loc["rankme"]
    dots = [tuple(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == looks["rankme"].marker]
    assert (stop["readouts"], stop["success"]) in dots
    assert (stop["readouts"], stop["random_success"]) in dots
    halving = found.table[found.table["rule"] == "halving"]
    (stars,) = (line for line in ax.lines if line.get_marker() == "*")
    np.testing.assert_allclose(stars.get_xydata(), halving[["cost", "success"]])
    names = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert names == ["alpha", "RankMe", "random search", "random, equal readouts", "successive halving (cost)"]
    ax.figure.canvas.draw()


def test_growth_and_its_best_fit(found):
    axes = selection(found, ("success", "growth", "needed"))
    assert axes.shape == (3, 1)
    ax = axes[1, 0]
    rows = found.growth[(found.growth["rule"] == "interval") & (found.growth["score"] == "alpha")]
    (points,) = (line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xydata(), rows[["n_models", "readouts"]])
    fits = found.growth_fits.query("rule == 'interval' and score == 'alpha' and what == 'readouts'")
    best = fits.loc[fits["aic"].idxmin()]
    line = line_of(ax, score_looks(["alpha"])["alpha"].colour)
    form = {"logarithmic": lambda n: best.a + best.b * np.log(n), "linear": lambda n: best.a + best.b * n}
    form["power"] = lambda n: best.a * n**best.b
    np.testing.assert_allclose(line[:, 1], form[best["form"]](line[:, 0]))
    assert best["form"] in ax.get_title()
    assert ax.get_xscale() == "log"
    ax.figure.canvas.draw()


def test_own_axes_no_growth_and_only_random(found):
    mine = plt.subplots(2, 1)[1]
    axes = selection(found, ax=mine)
    assert list(axes.ravel()) == list(mine)
    assert mine[0].get_legend() is not None
    blind = found.table["rule"].isin(["random", "all"])
    without = SimpleNamespace(**{
        **vars(found), "table": found.table[blind], "growth": found.growth.iloc[:0],
        "growth_fits": found.growth_fits.iloc[:0],
    })  # fmt: skip
    (ax,) = selection(without, "success")[0]
    assert ax.get_title() == "random search"
    with pytest.raises(na.InputError, match="holds no growth"):
        selection(without)


def test_bad_input(found):
    with pytest.raises(na.InputError, match=r"expected a comparison of rules .* got DataFrame"):
        selection(found.table)
    with pytest.raises(na.InputError, match=r"there is no part 'succes'.* did you mean 'success'"):
        selection(found, "succes")
    with pytest.raises(na.InputError, match="got 1 axes for 2 parts of 1 rules"):
        selection(found, ax=plt.subplots()[1])
