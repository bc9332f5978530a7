"""Figures of training: panels, lines and labels are those of the histories; traces those of the eigenvalues."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import colors

import neuroalpha as na
from neuroalpha.report.plot_training import GREY, eigenvalue_traces, training
from neuroalpha.report.zoo_sweep import LOOKS


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def history(n=12, start=5.0, end=4.0, **columns):
    epoch = np.arange(1, n + 1)
    table = pd.DataFrame({
        "epoch": epoch, "step": epoch * 10, "loss": np.linspace(start, end, n), "lr": 0.1,
        "alpha: backbone": 1 + 1 / epoch, "alpha: projector": 0.5 + 1 / epoch,
        "effective_rank: backbone": 10.0 + epoch, "readout_accuracy": epoch / 20, "knn_accuracy": epoch / 25,
        "seconds": 1.0,
    })  # fmt: skip
    return table.assign(**columns)


def curves(ax):
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_panels_of_one_run():
    run = history()
    run.loc[:2, "alpha: projector"] = np.nan
    axes = training(run.sample(frac=1, random_state=0))
    assert [ax.get_ylabel() for ax in axes] == ["loss", "alpha", "effective rank", "accuracy"]
    loss, alpha, rank, accuracy = axes
    np.testing.assert_allclose(curves(loss)[0].get_xydata(), run[["epoch", "loss"]])
    np.testing.assert_allclose(curves(alpha)[1].get_ydata(), run["alpha: projector"])
    assert [line.get_linestyle() for line in curves(alpha)] == ["-", "--"]
    assert [text.get_text() for text in alpha.get_legend().get_texts()] == ["backbone", "projector"]
    assert [line.get_ydata()[0] for line in alpha.lines if len(line.get_xdata()) == 2] == [1]
    assert rank.get_legend() is None
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["online readout", "kNN"]
    assert not loss.figure.legends
    loss.figure.canvas.draw()


def test_runs_of_one_objective_share_its_colour():
    runs = [history(), history(end=3.5), history(end=3.0)]
    axes = training(runs, ["byol", "simclr", "byol"])
    drawn = [colors.to_hex(line.get_color()) for line in curves(axes[0])]
    byol, simclr = (LOOKS[name].colour.lower() for name in ("byol", "simclr"))
    assert drawn == [byol, simclr, byol]
    assert [text.get_text() for text in axes[0].figure.legends[0].get_texts()] == ["byol", "simclr"]
    named = training({"a $": runs[0], "b": runs[1]})
    assert [text.get_text() for text in named[0].figure.legends[0].get_texts()] == [r"a \$", "b"]
    assert len(set(training(runs)[0].lines[i].get_color() for i in range(3))) == 3


def test_losses_of_unlike_scales_are_rescaled():
    axes = training([history(), history(start=60, end=20)])
    assert axes[0].get_ylabel() == "loss (each rescaled to 0\N{EN DASH}1)"
    for line in curves(axes[0]):
        np.testing.assert_allclose(line.get_ydata(), np.linspace(1, 0, 12), atol=1e-12)
    alike = training([history(), history(start=5.5)])
    assert alike[0].get_ylabel() == "loss"
    np.testing.assert_allclose(curves(alike[0])[1].get_ydata(), np.linspace(5.5, 4, 12))
    flat = training([history(end=5.0), history()])
    assert np.isfinite(curves(flat[0])[0].get_ydata()).all()


def test_many_runs_and_own_axes():
    axes = training([history(end=4 - i / 50) for i in range(40)])
    legend = axes[0].figure.legends[0]
    assert legend.get_title().get_text() == "8 of 40, the others grey"
    assert sum(line.get_color() == GREY for line in curves(axes[0])) == 32
    mine = plt.subplots(1, 4)[1]
    assert list(training([history(), history()], ax=mine)) == list(mine)
    assert mine[-1].get_legend() is not None
    few = training(history().drop(columns=["loss", "readout_accuracy"]).assign(knn_accuracy=np.nan))
    assert [ax.get_ylabel() for ax in few] == ["alpha", "effective rank"]


@pytest.mark.parametrize(
    ("runs", "options", "text"),
    [
        ([], {}, "got 0 histories"),
        ([history()], {"labels": ["a", "b"]}, "got 1 histories and 2 labels"),
        ([[1, 2]], {}, "history 0 is a list"),
        ([history(), history().rename(columns={"epoch": "epochs"})], {}, "history 1 has no column 'epoch'; did you"),
        (history()[["epoch", "lr"]], {}, "nothing to draw"),
        (history(), {"ax": plt.Figure().add_subplot()}, "got 1 axes for 4 panels"),
    ],
)
def test_bad_histories(runs, options, text):
    with pytest.raises(na.InputError, match=text):
        training(runs, **options)


def traces(n_epochs=20, n_components=64):
    epoch, rank = np.arange(1, n_epochs + 1), np.arange(1, n_components + 1)
    values = 1 / (1 + 1e3 * np.exp(-(epoch[:, None] - rank / 8)))
    return xr.DataArray(values, dims=("epoch", "component"), coords={"epoch": epoch, "rank": ("component", rank)})


def test_traces_are_every_kth_eigenvalue_on_a_logarithmic_axis():
    found = traces()
    ax = eigenvalue_traces(found, every=10)
    assert len(ax.lines) == 7
    np.testing.assert_allclose(ax.lines[2].get_xydata(), np.column_stack([found["epoch"], found[:, 20]]))
    assert ax.get_yscale() == "log"
    assert ax.figure.axes[-1].get_ylabel() == "rank (every 10th)"
    assert len(eigenvalue_traces(found.transpose()).lines) == 22  # every third
    assert "3rd" in eigenvalue_traces(found).figure.axes[-1].get_ylabel()
    assert len({colors.to_hex(line.get_color()) for line in ax.lines}) == 7
    assert eigenvalue_traces(traces(n_components=4)).figure.axes[-1].get_ylabel() == "rank"


def test_traces_without_coordinates_and_with_rounding():
    values = traces().drop_vars(["epoch", "rank"]).copy()
    values[3:, 30] = -1e-9
    values[:, 60] = 1e-30
    mine = plt.subplots()[1]
    ax = eigenvalue_traces(values, every=30, ax=mine)
    assert ax is mine
    assert np.isnan(ax.lines[1].get_ydata()[3:]).all()
    low, high = ax.get_ylim()
    assert high / low < 1e11  # rounding does not take up the axis
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("values", "options", "text"),
    [
        (traces().rename(epoch="time"), {}, "expected eigenvalues as a DataArray with dims"),
        (traces().values, {}, "got ndarray"),
        (traces(), {"every": 0}, "every is 0"),
        (-traces(), {}, "no eigenvalue is positive"),
    ],
)
def test_bad_eigenvalues(values, options, text):
    with pytest.raises(na.InputError, match=text):
        eigenvalue_traces(values, **options)
