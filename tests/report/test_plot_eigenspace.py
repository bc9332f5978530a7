"""Figures of the eigenspace theory show the numbers they were given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.report import plot_eigenspace, plot_related
from neuroalpha.theory.linearnet.study import every_setting
from neuroalpha.theory.network_flow import compare_eigenspace
from neuroalpha.theory.related import compare_related


@pytest.fixture(scope="module")
def compared():
    return compare_eigenspace(["euclidean", "euclidean no stop-gradient"], until=3, n_modes=3, n_inputs=4, n_times=13)


@pytest.fixture(scope="module")
def related():
    return compare_related(
        ["DirectPred EMA target", "stepwise aligned", "supervised"], n_modes=2, n_inputs=6, n_outputs=3
    )


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_traces(compared):
    axes = plot_eigenspace.eigenspace_traces(compared)
    assert len(axes) == 2
    lines = axes[0].get_lines()
    assert len(lines) == 6  # three modes, simulated and predicted
    for mode in range(3):
        np.testing.assert_allclose(lines[mode].get_ydata(), compared["simulated"][0, 0, :, mode])
        np.testing.assert_allclose(lines[3 + mode].get_ydata(), compared["predicted"][0, :, mode])
        np.testing.assert_allclose(lines[mode].get_xdata(), compared["time"][0])
    assert f"error {float(compared['max_error'][0, 0]):.2g} at step 0.01" in axes[0].get_title()
    assert axes[0].get_yscale() == "log"
    given = plt.subplots(1, 2)[1]
    assert plot_eigenspace.eigenspace_traces(compared, axes=given)[0] is given[0]


def test_errors(compared, related):
    ax = plot_related.errors([compared, related])
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == [
        "euclidean",
        "euclidean no stop-gradient",
        "DirectPred EMA target",
        "stepwise aligned",
        "supervised",
    ]
    shown = [line.get_xdata() for line in ax.get_lines() if line.get_marker() == "o"]
    assert float(np.ravel(shown[0])[0]) == pytest.approx(float(compared["max_error"][0, 0]))
    assert float(np.ravel(shown[1])[0]) == pytest.approx(float(compared["max_error"][0, 1]))
    assert ax.texts[0].get_text() == f"x {float(compared['ratio'][0]):.1f}"


def test_fixed_points():
    parts = [
        compare_eigenspace(["euclidean", "cosine"], (0.1, 0.05), until=1, n_times=3, n_modes=2, n_inputs=3, seed=seed)
        for seed in (0, 1)
    ]
    both = xr.concat(parts, "start", combine_attrs="drop_conflicts")
    both["start"] = np.array(["a", "b"], dtype=object)
    axes = plot_eigenspace.fixed_point_contrast(both)
    line = axes[1].get_lines()[0]
    np.testing.assert_allclose(
        line.get_ydata(), both["simulated"].sel(setting="cosine", start="a").isel(step=0, mode=0)
    )
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert labels == ["from a", "from b", "theory", "fixed point"]


def test_responses_and_relu():
    runs = every_setting(n_modes=2, n_inputs=3, n_responses=4, n_times=6, n_samples=50)
    axes = plot_eigenspace.response_trajectories(runs)
    assert len(axes) == 8
    path = axes[0].get_lines()[0]
    np.testing.assert_allclose(path.get_ydata(), runs["response"][0, :, 0, 1])
    linear = compare_eigenspace(["euclidean"], until=3, n_times=4, n_modes=2, n_inputs=3)
    axes = plot_eigenspace.relu_traces(runs, linear)
    np.testing.assert_allclose(axes[0].get_lines()[1].get_ydata(), runs["eigenvalue"][0, :, 1])
    assert len(axes[0].get_lines()) == 4
    assert len(axes[1].get_lines()) == 2


def test_basins():
    start, decay = np.array([0.01, 0.1, 1.0]), np.array([0.0, 0.1, 0.2, 0.3])
    final = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("start", "weight_decay"))
    data = xr.Dataset(
        {"final": final, "threshold": ("weight_decay", np.where(decay < 0.25, decay, np.inf))},
        coords={"start": start, "weight_decay": decay},
    )
    ax = plot_related.basins(data)
    np.testing.assert_allclose(np.ravel(ax.collections[0].get_array()), np.arange(12.0))
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), [np.nan, 0.1, 0.2, np.nan])
    assert ax.get_yscale() == "log"


def test_stepwise_and_related(related):
    above, below = plot_related.stepwise(related)
    one = related.sel(setting="stepwise aligned")
    np.testing.assert_allclose(above.get_lines()[0].get_ydata(), one["simulated"].isel(step=-1, mode=0))
    loss = below.get_lines()[3].get_ydata()  # after a line for each step
    expected = ((1 - one["simulated"].isel(step=-1, mode=slice(3))) ** 2).sum("mode")
    np.testing.assert_allclose(loss, expected)
    axes = plot_related.related_traces(related)
    assert [ax.get_title() for ax in axes] == ["DirectPred EMA target", "supervised"]
    assert len(axes[0].get_lines()) == 12
    assert len(axes[1].get_lines()) == 4


def test_all_figures(compared, related):
    made = plot_eigenspace.eigenspace_figures({"eigenspace": compared, "related": related, "other": compared})
    assert set(made) == {"eigenspace-traces", "eigenspace-errors", "eigenspace-stepwise", "eigenspace-directpred"}


def test_bad_input(compared, related):
    with pytest.raises(na.InputError, match="expected a Dataset with 'simulated'"):
        plot_eigenspace.eigenspace_traces(xr.Dataset())
    with pytest.raises(na.InputError, match="got 1 axes for 2 panels"):
        plot_eigenspace.eigenspace_traces(compared, axes=plt.subplots()[1])
    with pytest.raises(na.InputError, match="no Dataset of the eigenspace theory among"):
        plot_eigenspace.eigenspace_figures({"mine": compared})
    with pytest.raises(na.InputError, match="no stepwise setting"):
        plot_related.stepwise(related.sel(setting=["supervised"]))
    with pytest.raises(na.InputError, match="only stepwise settings"):
        plot_related.related_traces(related.sel(setting=["stepwise aligned"]))
