"""Maps over the grid of two settings: means of the cells, blanks, crosses, and marks where there are no cells."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.report.plot_sweep_map import sweep_heatmap


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def grid(objectives=("simclr", "byol"), seeds=2, **columns):
    rng = np.random.default_rng(0)
    rows = [
        {"setting: objective": name, "setting: lr": lr, "setting: width": width, "setting: norm": norm, "seed": seed,
         "setting: options.temperature": 0.1 if name == "simclr" else np.nan, "accuracy": 10 * rng.random(),
         "alpha": 1.0}
        for name in objectives for lr in (1.0, 0.1, 0.01) for width in (32, 16) for seed in range(seeds)
        for norm in (["batch", "none"][seed % 2],)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(model=[f"m{i}" for i in range(len(table))], **columns)


def test_cells_are_means_on_one_scale():
    table = grid()
    axes = sweep_heatmap(table, "lr", "width")
    assert [ax.get_title() for ax in axes] == ["byol (mean of up to 2)", "simclr (mean of up to 2)"]
    for ax, name in zip(axes, ["byol", "simclr"], strict=True):
        means = table[table["setting: objective"] == name].groupby(["setting: width", "setting: lr"])["accuracy"].mean()
        np.testing.assert_allclose(np.asarray(ax.images[0].get_array()), means.unstack().to_numpy())
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.01", "0.1", "1"]
        assert [text.get_text() for text in ax.texts] == [f"{v:.3f}" if v < 1 else f"{v:.2f}" for v in means]
    assert axes[0].images[0].norm is axes[1].images[0].norm
    every = table.groupby(["setting: objective", "setting: width", "setting: lr"])["accuracy"].mean()
    assert axes[0].images[0].norm.vmin == pytest.approx(every.min())
    assert axes[0].images[0].norm.vmax == pytest.approx(every.max())
    assert axes[0].figure.axes[-1].get_ylabel() == "accuracy of the readout"


def test_blanks_where_there_is_no_model_and_crosses_where_there_is_no_value():
    table = grid(("byol",), seeds=1)
    table.loc[0, "alpha"] = np.nan  # lr 1, width 32
    table = table.drop(index=1)  # lr 1, width 16
    ax = sweep_heatmap(table, "setting: lr", "width", "alpha")
    mask = np.ma.getmaskarray(ax.images[0].get_array())
    assert mask.tolist() == [[False, False, True], [False, False, True]]
    crosses = [text.get_position() for text in ax.texts if text.get_text() == "\N{MULTIPLICATION SIGN}"]
    assert crosses == [(2, 1)]
    assert ax.get_title() == "byol"


def test_one_map_of_all_and_maps_of_text():
    ax = sweep_heatmap(grid(), "lr", "norm", group="")
    assert ax.get_title().strip() == "(mean of up to 4)"
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["batch", "none"]
    ax = sweep_heatmap(grid(), "objective", "lr")  # an axis, so no facet
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["byol", "simclr"]
    ax = sweep_heatmap(grid(), "temperature", "lr")  # only one objective has it
    assert ax.get_title().startswith("simclr")
    axes = sweep_heatmap(grid(), "lr", "width", group="norm")
    assert [panel.get_title() for panel in axes] == ["batch (mean of up to 2)", "none (mean of up to 2)"]
    sweep_heatmap(grid(("cost $",)), "lr", "width").figure.canvas.draw()


def test_collapsed_models_do_not_take_up_the_scale():
    table = grid(("byol",), seeds=1, accuracy=[70.0, 60, 65, 10, 62, 63], collapsed=[""] * 3 + ["yes"] + [""] * 2)
    ax = sweep_heatmap(table, "lr", "width")
    assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (60, 70)
    assert "10.0" in [text.get_text() for text in ax.texts]
    table["collapsed"] = "yes"
    assert sweep_heatmap(table, "lr", "width").images[0].norm.vmin == 10


def test_a_random_plan_is_drawn_as_marks():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({
        "setting: lr": 10 ** rng.uniform(-3, 0, 40), "setting: width": rng.choice([16, 64], 40),
        "accuracy": rng.random(40), "alpha": rng.random(40),
    })  # fmt: skip
    table.loc[:2, "alpha"] = np.nan
    ax = sweep_heatmap(table, "lr", "width", "alpha")
    assert ax.get_xscale() == "log"
    assert not ax.images
    known, unknown = ax.collections
    np.testing.assert_allclose(known.get_offsets()[:, 0], table["setting: lr"][3:])
    np.testing.assert_allclose(known.get_array(), table["alpha"][3:])
    assert set(known.get_offsets()[:, 1]) == {0, 1}
    assert len(unknown.get_offsets()) == 3
    ax.figure.canvas.draw()
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["16", "64"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"x": "lrr", "y": "width"}, "no column 'lrr'; did you mean 'lr'"),
        ({"x": "lr", "y": "setting: lr"}, "both axes of the map are 'setting: lr'"),
        ({"x": "lr", "y": "width", "value": "norm"}, "'setting: norm' of the sweep's table holds no numbers"),
        ({"x": "lr", "y": "width", "group": "objectives"}, "no column 'objectives'"),
        ({"x": "lr", "y": "width", "ax": plt.Figure().add_subplot()}, "got 1 axes for 2 panels"),
    ],
)
def test_bad_input(options, text):
    with pytest.raises(na.InputError, match=text):
        sweep_heatmap(grid(), **options)


def test_settings_that_no_model_has_both():
    table = grid(seeds=1)
    table["setting: options.tau"] = np.where(table["setting: objective"] == "byol", 0.9, np.nan)
    with pytest.raises(na.InputError, match=r"no model of the table has both 'setting: options.temperature' and"):
        sweep_heatmap(table, "temperature", "tau")
    table["lidar"] = np.where(table["setting: objective"] == "byol", 3.0, np.nan)
    with pytest.raises(na.InputError, match="has a value of 'lidar'"):
        sweep_heatmap(table, "temperature", "lr", "lidar")
