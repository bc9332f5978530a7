"""The figure of noise curves: panels, colours that tell alpha, names, intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt

import neuroalpha as na
from neuroalpha.report.plot_noise import MOST, SCALE, UNKNOWN, noise_curves


def table(models=3, kinds=("symmetric",), **columns):
    rows = [
        {
            "model": f"net{m}", "layer": "fc", "noise": kind, "level": level, "accuracy": 0.9 - 0.1 * m * level,
            "low": 0.85 - 0.1 * m * level, "high": 0.92 - 0.1 * m * level, "alpha": 0.8 + 0.2 * m,
            "memorisation": np.nan if level == 0 else level / 2,
        }
        for kind in kinds
        for m in range(models)
        for level in (0.4, 0.0, 0.2)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**columns)


def curves_of(ax):
    return [line for line in ax.get_lines() if line.get_marker() == "o"]


def test_a_curve_for_each_model_in_order_of_level():
    ax = noise_curves(table())
    assert len(curves_of(ax)) == 3
    np.testing.assert_allclose(curves_of(ax)[2].get_xdata(), [0, 0.2, 0.4])
    np.testing.assert_allclose(curves_of(ax)[2].get_ydata(), [0.9, 0.86, 0.82])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["net0 fc", "net1 fc", "net2 fc"]
    assert ax.get_title() == "symmetric noise"
    assert ax.get_ylabel() == "accuracy on clean test images"
    (bars, *_) = (c for c in ax.containers if c.has_yerr)
    ends = [segment[:, 1] for segment in bars.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[0.85, 0.92]] * 3)


def test_colours_are_those_of_the_bar():
    curves = table(alpha=np.repeat([0.8, np.nan, 1.2], 3))
    ax = noise_curves(curves, colour_by="alpha")
    drawn = [colors.to_hex(line.get_color()) for line in curves_of(ax)]
    assert drawn == [SCALE[0], UNKNOWN, SCALE[-1]]
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "alpha"
    np.testing.assert_allclose(bar.get_ylim(), (0.8, 1.2))
    assert ax.get_legend() is None
    assert [line.get_ydata()[0] for line in bar.get_lines()] == [1]  # alpha = 1 is marked
    assert not noise_curves(curves.rename(columns={"alpha": "depth"}), colour_by="depth").figure.axes[1].get_lines()
    one = noise_curves(table(1), colour_by="alpha")  # a single number has a bar as well
    assert one.figure.axes[1].get_ylim() == pytest.approx((0.75, 0.85))


def test_a_panel_for_each_kind():
    curves = table(kinds=("symmetric", "human"))
    axes = noise_curves(curves)
    assert [ax.get_title() for ax in axes] == ["symmetric noise", "human labels"]
    assert axes[1].get_xlabel() == "wrong labels (share)"
    mine = plt.subplots(1, 2)[1]
    assert list(noise_curves(curves, ax=mine)) == list(mine)
    single = plt.subplots()[1]
    assert noise_curves(table(), ax=single) is single


def test_many_curves_and_other_values():
    ax = noise_curves(table(MOST + 3))
    assert ax.get_legend().get_title().get_text() == f"{MOST} of {MOST + 3}, the others grey"
    assert sum(colors.to_hex(line.get_color()) == UNKNOWN for line in curves_of(ax)) == 3
    assert not ax.containers  # intervals would hide one another
    ax = noise_curves(table(), value="memorisation")
    assert ax.get_ylabel() == "wrong labels memorised"
    assert curves_of(ax)[0].get_xdata().tolist() == [0.2, 0.4]  # nothing to memorise at 0
    assert not ax.containers
    ax = noise_curves(table(1).drop(columns=["model", "layer", "low"]))
    assert len(curves_of(ax)) == 1
    assert ax.get_legend() is None
    noise_curves(table(1, model="cost $")).figure.canvas.draw()


@pytest.mark.parametrize(
    ("curves", "options", "text"),
    [
        ([1], {}, "expected a table of noise curves \\(pandas.DataFrame\\), got list"),
        (table().drop(columns="level"), {}, "have no column 'level'"),
        (table(), {"colour_by": "alpa"}, "no column 'alpa'; did you mean 'alpha'"),
        (table(alpha="x"), {"colour_by": "alpha"}, "'alpha' of the noise curves holds no numbers"),
        (table(level=np.nan), {}, "no row with both a level and 'accuracy'"),
        (pd.concat([table(), table()]), {}, "net0 fc has two points at symmetric noise 0.4"),
        (table(alpha=np.arange(9)), {"colour_by": "alpha"}, "'alpha' differs along a curve"),
        (table(kinds=("a", "b")), {"ax": plt.Figure().add_subplot()}, "got 1 axes for 2 kinds"),
    ],
)
def test_bad_input(curves, options, text):
    with pytest.raises(na.InputError, match=text):
        noise_curves(curves, **options)
