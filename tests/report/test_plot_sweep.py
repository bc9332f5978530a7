"""Accuracy against scores: the marks are the models, the titles the correlations."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import colors
from scipy import stats

import neuroalpha as na
from neuroalpha.compare.correlation import Resamples
from neuroalpha.report.plot_sweep import score_against_accuracy, within
from neuroalpha.report.zoo_sweep import LOOKS


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def sweep(n=24, objectives=("simclr", "byol", "cost $"), seed=0, **columns):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "model": [f"m{i}" for i in range(n)], "layer": "backbone",
        "setting: objective": [objectives[i % len(objectives)] for i in range(n)],
        "setting: lr": rng.choice([0.1, 0.3, 1.0], n), "alpha": rng.uniform(0.6, 2, n), "rankme": rng.uniform(1, 90, n),
        "final_loss": rng.normal(size=n), "accuracy": rng.uniform(0.2, 0.8, n), "collapsed": "",
    })  # fmt: skip
    return table.assign(**columns)


def marks(ax, hollow=False):
    """Positions and colours of the models' marks, without the ring around the best."""
    found = []
    for each in ax.collections[:-1]:
        is_hollow = each.get_facecolors().size == 0
        if is_hollow == hollow:
            colour = colors.to_hex(each.get_edgecolors()[0]) if len(each.get_edgecolors()) else ""
            found += [(*place, colour) for place in np.asarray(each.get_offsets())]
    return sorted(found)


def expect(drawn, table, x, y="accuracy"):
    expected = sorted(table[[x, y]].itertuples(index=False, name=None))
    np.testing.assert_allclose([mark[:2] for mark in drawn], expected)


def test_a_panel_for_each_score_and_a_mark_for_each_model():
    table = sweep()
    axes = score_against_accuracy(table)
    assert [ax.get_xlabel() for ax in axes] == ["alpha", "RankMe", "final training loss"]
    for ax, name in zip(axes, ["alpha", "rankme", "final_loss"], strict=True):
        expect(marks(ax), table, name)
    mine = table[table["setting: objective"] == "byol"]
    pink = [mark for mark in marks(axes[0]) if mark[2] == LOOKS["byol"].colour.lower()]
    expect(pink, mine, "alpha")
    best = table.loc[table["accuracy"].idxmax()]
    np.testing.assert_allclose(axes[1].collections[-1].get_offsets(), [[best["rankme"], best["accuracy"]]])
    legend = axes[0].figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["byol", r"cost \$", "simclr", "best model"]
    axes[0].figure.canvas.draw()


def test_within_of_groups_in_order():
    """Four models in two groups: ranks 1 2 | 3 4 less their means are -.5 .5 | -.5 .5."""
    x, groups = np.array([1.0, 2, 10, 11]), np.array(["a", "a", "b", "b"])
    assert within(x, np.array([2.0, 1, 12, 10]), groups) == pytest.approx(-1)
    assert within(x, np.array([1.0, 2, 12, 10]), groups) == pytest.approx(0)
    assert np.isnan(within(x, x, np.array(list("abcd"))))


def test_titles_have_the_correlations():
    table = sweep()
    ax = score_against_accuracy(table, "alpha")
    rho = stats.spearmanr(table["alpha"], table["accuracy"])[0]
    inside = within(*(table[name].to_numpy() for name in ("alpha", "accuracy", "setting: objective")))
    expected = f"Spearman {rho:.2f}, within {inside:.2f}, n = 24".replace("-", "\N{MINUS SIGN}")
    assert ax.get_title() == expected
    alone = score_against_accuracy(sweep(objectives=("byol",)), "alpha")
    assert "within" not in alone.get_title()
    assert "not defined" in score_against_accuracy(sweep(alpha=1.0), "alpha").get_title()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(4, 30), st.integers(1, 4))
def test_within_is_that_of_relate(seed, n, n_groups):
    rng = np.random.default_rng(seed)
    x, y, groups = rng.integers(0, 12, n).astype(float), rng.normal(size=n), rng.integers(0, n_groups, n)
    resamples = Resamples(np.ones((1, n)), groups)
    expected = resamples.spearman_within(x, y)[0]
    np.testing.assert_allclose(within(x, y, groups), expected, atol=1e-12)
    order = rng.permutation(n)
    np.testing.assert_allclose(within(x[order], y[order], groups[order]), within(x, y, groups), atol=1e-12)
    assert within(y, -y, groups) == pytest.approx(-1) or np.isnan(within(y, -y, groups))


def test_collapsed_models_are_hollow_or_dashes():
    table = sweep()
    table.loc[[0, 3], "collapsed"] = "collapsed: one dimension"
    table.loc[[0, 3], "alpha"] = np.nan
    alpha, rankme, _ = score_against_accuracy(table)
    assert len(marks(alpha)) == 22
    assert marks(alpha, hollow=True) == []
    dashes = np.concatenate([line.get_ydata() for line in alpha.lines if line.get_marker() == "_"])
    np.testing.assert_allclose(np.sort(dashes), np.sort(table.loc[[0, 3], "accuracy"]))
    assert alpha.get_title().endswith("n = 22")
    expect(marks(rankme, hollow=True), table.loc[[0, 3]], "rankme")
    names = [text.get_text() for text in alpha.figure.legends[0].get_texts()]
    assert names[-2:] == ["collapsed", "without the score"]


def test_layers_axes_and_scales():
    table = pd.concat([sweep(), sweep(seed=1, layer="projector")])
    ax = score_against_accuracy(table, "alpha")
    expect(marks(ax), sweep(), "alpha")
    other = score_against_accuracy(table, "alpha", layer="projector")
    assert marks(other) != marks(ax)
    mine = plt.subplots(1, 2)[1]
    assert list(score_against_accuracy(table, ["alpha", "rankme"], ax=mine)) == list(mine)
    assert mine[1].get_xscale() == ("log" if sweep()["rankme"].max() > 50 * sweep()["rankme"].min() else "linear")
    wide = score_against_accuracy(sweep(rankme=np.geomspace(1, 200, 24)), "rankme")
    assert wide.get_xscale() == "log"
    assert score_against_accuracy(sweep(), "final_loss").get_xscale() == "linear"
    plain = score_against_accuracy(sweep().drop(columns=["setting: objective", "layer", "model", "collapsed"]), "alpha")
    assert [text.get_text() for text in plain.get_legend().get_texts()] == ["best model"]


@pytest.mark.parametrize(
    ("table", "options", "text"),
    [
        (sweep(), {"score": "rankmee"}, "no column 'rankmee'; did you mean 'rankme'"),
        (sweep(), {"accuracy": "acc"}, "no column 'acc'"),
        (sweep().drop(columns=["alpha", "rankme", "final_loss"]), {}, "has no label-free score"),
        (sweep(alpha="x"), {"score": "alpha"}, "'alpha' of the sweep's table holds no numbers"),
        (sweep(alpha=np.nan, collapsed="yes"), {"score": "alpha"}, "all 24 models of the sweep have collapsed"),
        (pd.concat([sweep(), sweep()]), {}, "model 'm0' has 2 rows"),
        (sweep(layer=["a", "b"] * 12), {}, "no layer 'backbone'; name one of 'a', 'b'"),
        (sweep(), {"layer": "fc"}, "no layer 'fc'"),
        (sweep(), {"ax": plt.Figure().add_subplot()}, "got 1 axes for 3 panels"),
        ([1], {}, "expected the sweep's table"),
        (
            sweep(alpha=[1.0, *[np.nan] * 23], accuracy=[np.nan, *[0.5] * 23]), {"score": "alpha"},
            "no model of the table has both 'alpha' and 'accuracy'",
        ),
    ],
)  # fmt: skip
def test_bad_input(table, options, text):
    with pytest.raises(na.InputError, match=text):
        score_against_accuracy(table, **options)
