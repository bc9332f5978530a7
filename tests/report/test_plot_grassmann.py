"""Figures of learning on the Grassmannian."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report import plot_grassmann as plot
from neuroalpha.theory import grassmann

STEPS = {"step_sizes": (0.1, 0.05), "times": [0.0, 1.0, 2.0]}


@pytest.fixture(scope="module")
def results():
    return {
        "linear": grassmann.compare_grassmann(tall_widths=[4, 20], wide_widths=[40], retractions=["polar"], **STEPS),
        "naive": grassmann.naive_collapse(np.diag([-1.0, -0.5, 0.2]), np.eye(3)[:, :2] + 0.2, [0.0, 5.0, 10.0]),
        "random_features": grassmann.compare_random_features(widths=(16, 64), **STEPS),
        "kernel_change": grassmann.kernel_change(widths=(16, 64), n_networks=2),
    }


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_overlay_shows_every_width_and_theory_over_them(results):
    found = results["linear"]
    ax = plot.width_overlay(found, loss="contrastive", form="tall", quantity="loss")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert {"one layer", "h = 4", "h = 20", "theory"} <= set(lines)
    one = found.sel(setting="contrastive, tall 20, polar")
    np.testing.assert_array_equal(lines["h = 20"].get_ydata(), one["loss_simulated"][0])
    np.testing.assert_array_equal(lines["theory"].get_ydata(), one["loss_predicted"])
    wide = plot.width_overlay(found, loss="non-contrastive", form="wide", quantity="angle")
    drawn = np.stack([line.get_ydata() for line in wide.get_lines() if line.get_color() == "black"])
    expected = found.sel(setting="non-contrastive, wide 40, polar")["angle_predicted"]
    np.testing.assert_allclose(drawn, np.degrees(expected.values.T))


def test_errors_at_both_steps(results):
    ax = plot.step_errors(results["linear"])
    for step, line in enumerate(ax.get_lines()):
        np.testing.assert_array_equal(line.get_xdata(), results["linear"]["kernel_error"][:, step])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["step 0.1", "step 0.05"]


def test_networks(results):
    ax = plot.frozen_features(results["random_features"])
    texts = " ".join(text.get_text() for text in ax.get_legend().get_texts())
    assert f"slope {float(results['random_features']['slope'][0]):.2f}" in texts
    assert ax.get_ylabel().endswith("at the end")
    for place, name in enumerate(("kernel_error", "frozen_error")):
        drawn = ax.get_lines()[place].get_ydata()
        np.testing.assert_array_equal(drawn, results["random_features"][name][0, :, -1, -1])
    ax = plot.kernel_changes(results["kernel_change"], part="feature_change")
    assert ax.get_ylabel() == "relative change of the features' kernel"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["16", "64"]


def test_all_figures_and_given_axes(results):
    made = plot.grassmann_figures(results)
    assert list(made) == [
        "grassmann-widths", "grassmann-errors", "grassmann-naive", "grassmann-frozen-features",
        "grassmann-kernel-change",
    ]  # fmt: skip
    assert len(made["grassmann-widths"].axes) == 8
    for figure in made.values():
        figure.canvas.draw()
    ax = plt.subplots()[1]
    assert plot.collapse(results["naive"], ax=ax) is ax


def test_bad_input(results):
    with pytest.raises(na.InputError, match=r"expected the result of neuroalpha\.theory\.naive_collapse, got str"):
        plot.collapse("x")
    with pytest.raises(na.InputError, match="compare_grassmann, got Dataset"):
        plot.width_overlay(results["naive"])
    with pytest.raises(na.InputError, match="holds no setting of the contrastive loss, the wide form, geodesic"):
        plot.width_overlay(results["linear"], form="wide", retraction="geodesic")
    with pytest.raises(na.InputError, match="expected a quantity"):
        plot.width_overlay(results["linear"], quantity="x")
    with pytest.raises(na.InputError, match="no figure of 'others'"):
        plot.grassmann_figures({"others": results["naive"]})
