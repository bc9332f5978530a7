"""Figures beside the eigenspace theory: what is drawn is what they were given, whole, in its order."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.report import plot_related
from neuroalpha.theory.related import compare_related


@pytest.fixture(scope="module")
def related():
    names = ["DirectPred EMA target", "stepwise aligned", "stepwise 1e-2", "supervised"]
    return compare_related(names, n_modes=2, n_inputs=6, n_outputs=3)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_errors_are_drawn_at_both_steps_in_order(related):
    ax = plot_related.errors(related)
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
    shown = np.array([np.ravel(line.get_xdata())[0] for line in dots]).reshape(-1, 2)
    np.testing.assert_allclose(shown, related["max_error"].values)
    assert [int(np.ravel(line.get_ydata())[0]) for line in dots] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [text.get_text() for text in ax.get_yticklabels()] == list(related["setting"].values)
    assert [text.get_text() for text in ax.texts] == [f"x {ratio:.1f}" for ratio in related["ratio"].values]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_an_error_of_zero_is_called_exact():
    data = xr.Dataset(
        {"max_error": (("setting", "step"), [[0.0, 0.0], [0.02, 0.002]]), "ratio": ("setting", [np.nan, 10.0])},
        coords={"setting": ["still", "moving"]},
    )
    ax = plot_related.errors(data)
    assert [text.get_text() for text in ax.texts] == ["exact", "x 10.0"]
    assert all((np.ravel(line.get_xdata()) > 0).all() for line in ax.get_lines())  # the axis is logarithmic


def test_stepwise_curves_losses_and_predicted_steps(related):
    axes = plot_related.stepwise(related)
    assert len(axes) == 4
    for place, name in enumerate(["stepwise aligned", "stepwise 1e-2"]):
        one = related.sel(setting=name).isel(mode=slice(3))
        curves, theory = one["simulated"].isel(step=-1).values, one["predicted"].values
        above, below = axes[place].get_lines(), axes[2 + place].get_lines()
        known = np.isfinite(one["time"].values)
        for mode in range(3):
            np.testing.assert_allclose(above[mode].get_ydata(), curves[known, mode])
            np.testing.assert_allclose(above[3 + mode].get_ydata(), theory[known, mode])
        steps = [line.get_xdata()[0] for line in below[:3]]
        np.testing.assert_allclose(steps, one["step_time_predicted"])
        np.testing.assert_allclose(below[3].get_ydata(), ((1 - curves[known]) ** 2).sum(axis=1))
        np.testing.assert_allclose(below[4].get_ydata(), ((1 - theory[known]) ** 2).sum(axis=1))
        share = 100 * float(one["step_time_error"].isel(step=-1))
        assert axes[place].get_title() == f"{name}: step times {share:.2g} % off"


def test_steps_that_are_not_taken_are_told(related):
    changed = related.copy(deep=True)
    changed["step_time_error"].loc[{"setting": "stepwise aligned"}] = np.nan
    axes = plot_related.stepwise(changed.sel(setting=["stepwise aligned"]))
    assert axes[0].get_title() == "stepwise aligned: step times not all taken"


def test_traces_part_p_s_and_tau(related):
    axes = plot_related.related_traces(related)
    lines = axes[0].get_lines()
    one = related.sel(setting="DirectPred EMA target").isel(mode=slice(6))
    known = np.isfinite(one["time"].values)
    for mode in range(6):
        np.testing.assert_allclose(lines[mode].get_ydata(), one["simulated"].isel(step=0, mode=mode).values[known])
        np.testing.assert_allclose(lines[6 + mode].get_ydata(), one["predicted"].isel(mode=mode).values[known])
    assert [lines[place].get_label().split()[0] for place in (0, 2, 4)] == ["p", "s", "tau"]
    assert len({lines[place].get_color() for place in (0, 2, 4)}) == 3
    assert lines[0].get_color() == lines[1].get_color()
    assert axes[0].get_legend().get_texts()[0].get_text() == "p of the predictor"
    assert axes[1].get_ylabel() == "strength"


def test_figures_are_those_that_the_settings_allow(related):
    both, stepped = {"eigenspace-stepwise", "eigenspace-directpred"}, ["stepwise aligned"]
    assert set(plot_related.related_figures(related)) == both
    assert set(plot_related.related_figures(related.sel(setting=stepped))) == {"eigenspace-stepwise"}
    assert set(plot_related.related_figures(compare_related("DirectPred", n_modes=2))) == {"eigenspace-directpred"}


def test_basins_of_several_settings_are_drawn_side_by_side():
    found = na.theory.collapse_basins([0.01, 0.1, 1.0], [0.0, 0.1, 0.2], ["euclidean", "euclidean iso"])
    axes = plot_related.basins(found)
    assert [ax.get_title() for ax in axes] == ["euclidean", "euclidean iso"]
    for place, ax in enumerate(axes):
        expected = found["final"].isel(setting=place).transpose("start", "weight_decay").values
        np.testing.assert_allclose(np.ravel(ax.collections[0].get_array()), expected.ravel())
    drawn = axes[0].get_lines()[0].get_ydata()
    # p = (1 - sqrt(1 - 4 w)) / 2; at 0 there is no basin to draw
    np.testing.assert_allclose(drawn, [np.nan, (1 - np.sqrt(0.6)) / 2, (1 - np.sqrt(0.2)) / 2])
    assert np.isnan(axes[1].get_lines()[0].get_ydata()).all()
    assert axes[1].get_legend() is None


def test_given_axes_are_used(related):
    ax = plt.subplots()[1]
    assert plot_related.errors(related, ax=ax) is ax
    given = plt.subplots(2, 2)[1]
    assert plot_related.stepwise(related, axes=given)[3] is given[1, 1]


@pytest.mark.parametrize("draw", [plot_related.errors, plot_related.basins, plot_related.stepwise])
def test_other_datasets_are_refused(draw):
    with pytest.raises(na.InputError, match="expected a Dataset with"):
        draw(xr.Dataset())


def test_settings_that_are_missing_are_told(related):
    with pytest.raises(na.InputError, match="no stepwise setting in the Dataset"):
        plot_related.stepwise(related.sel(setting=["supervised"]))
    with pytest.raises(na.InputError, match="only stepwise settings in the Dataset"):
        plot_related.related_traces(related.sel(setting=["stepwise aligned"]))
    with pytest.raises(na.InputError, match="got 1 axes for 4 panels"):
        plot_related.stepwise(related, axes=plt.subplots()[1])
