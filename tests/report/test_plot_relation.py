"""Figures of a relation show the points and correlations that it holds."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.report import plot_relation


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def relation(layers=("layer1", "layer2"), windows=("2-20", "2-50", "5-50"), n=14, families=3, turn=False, **how):
    rng = np.random.default_rng(0)
    alpha, rows = np.linspace(0.6, 1.4, n), []
    for number, layer in enumerate(layers):
        for window in windows:
            x = alpha if (number, window) == (0, windows[0]) else rng.permutation(alpha)
            for i in range(n):
                height = -abs(alpha[i] - 1) if turn else alpha[i]
                rows.append((f"net{i}", f"fam${i % families}$", layer, window, x[i], height + 0.01 * rng.normal()))
    table = pd.DataFrame(rows, columns=["model", "family", "layer", "window", "alpha", "accuracy"])
    return na.relate(table, n_bootstrap=50, n_permutations=99, **how)


def test_points_of_the_strongest_combination_by_group():
    found = relation()
    ax = plot_relation.relation(found)
    points = found.points.query("layer == 'layer1' and window == '2-20'")
    drawn = np.concatenate([each.get_offsets() for each in ax.collections])
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, points[["alpha", "accuracy"]].to_numpy()))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [rf"fam\${i}\$" for i in range(3)]
    assert ax.get_title().startswith("layer1, window 2-20: Spearman 1.00 [")
    assert len(ax.texts) == 0  # too many models to name each


def test_the_combination_asked_for_and_names_of_few_models():
    found = relation(n=8)
    ax = plot_relation.relation(found, at={"layer": "layer2", "window": "5-50"})
    points = found.points.query("layer == 'layer2' and window == '5-50'")
    assert [text.get_text() for text in ax.texts] == points["unit"].tolist()
    assert "layer2, window 5-50" in ax.get_title()


@pytest.mark.parametrize("turn", [False, True])
def test_line_or_bend(turn):
    ax = plot_relation.relation(relation(turn=turn, n=20))
    x, y = ax.lines[0].get_data()
    slopes = np.diff(y) / np.diff(x)
    assert (np.ptp(slopes) > 1) == turn
    if turn:
        assert x[np.argmax(y)] == pytest.approx(1, abs=0.03)


def test_map_over_ranks_has_stars_where_the_correction_is_withstood():
    found = relation()
    ax = plot_relation.relation_by_window(found)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["20", "50"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2", "5"]
    values = ax.images[0].get_array()
    frame = found.windows.query("layer == 'layer1'")
    np.testing.assert_allclose(values.compressed(), frame["rho"])
    assert values.mask.tolist() == [[False, False], [True, False]]
    shown = [text.get_text() for text in ax.texts]
    assert shown == [f"{rho:.2f}" + "*" * (p < 0.05) for rho, p in zip(frame["rho"], frame["p_corrected"], strict=True)]
    assert shown[0].endswith("*")
    other = plot_relation.relation_by_window(found, at={"layer": "layer2"})
    assert "layer2" in other.get_title()


def test_layers_with_intervals():
    found = relation()
    ax = plot_relation.relation_by_layer(found)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["layer1", "layer2"]
    heights = np.concatenate([each.lines[0].get_ydata() for each in ax.containers])
    expected = [rho for window in ("2-20", "2-50", "5-50") for rho in found.windows.query("window == @window")["rho"]]
    np.testing.assert_allclose(heights, expected)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["2-20", "2-50", "5-50"]


def test_many_windows_and_groups_are_not_all_listed():
    found = relation(windows=[f"{i}-50" for i in range(2, 20)], families=20, n=40)
    layers = plot_relation.relation_by_layer(found)
    assert layers.get_legend() is None
    assert "one line for each of 18 windows" in layers.get_title()
    legend = plot_relation.relation(found).get_legend()
    assert len(legend.get_texts()) == plot_relation.LISTED
    assert legend.get_title().get_text() == "family (4 more not listed)"


def test_axes_are_those_given_and_few_models_are_drawn_too():
    table = pd.DataFrame({"model": list("abc"), "alpha": [1.0, 2.0, 1.5], "accuracy": [1.0, 2.0, 4.0]})
    ax = plt.subplots()[1]
    assert plot_relation.relation(na.relate(table, group=None), ax=ax) is ax
    assert ax.get_legend() is None
    assert len(ax.collections[0].get_offsets()) == 3


def test_bad_input():
    found = relation()
    with pytest.raises(na.InputError, match="no combination with layer 'layer9'; did you mean 'layer"):
        plot_relation.relation(found, at={"layer": "layer9"})
    with pytest.raises(na.InputError, match="'layr' is not what combinations differ in; did you mean 'layer'"):
        plot_relation.relation(found, at={"layr": "layer1"})
    one = relation(layers=("layer1",), windows=("2-20",))
    with pytest.raises(na.InputError, match="looked at in 1 windows with known ranks"):
        plot_relation.relation_by_window(one)
    with pytest.raises(na.InputError, match="layers were not compared"):
        plot_relation.relation_by_layer(one)
