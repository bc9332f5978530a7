"""Figures of what supervision signals cost show the purchases and preferences that they were given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from neuroalpha.report.plot_supervision_costs import preference, preferences, signal_costs
from neuroalpha.theory.recommendation import recommend_signal
from neuroalpha.theory.supervision import preference_map


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines}


def test_preference_has_the_sign_of_the_advantage():
    found = preference_map([3, 30, 90], [3, 30])
    ax = preference(found, beta=1.0, utility="linear")
    drawn = np.asarray(ax.images[0].get_array())
    np.testing.assert_array_equal(np.sign(drawn), np.sign(found.advantage.sel(beta=1, utility="linear").values.T))
    assert np.abs(drawn).max() == pytest.approx(1)
    assert ax.images[0].origin == "lower"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["3", "30", "90"]


def test_blue_is_soft_and_orange_is_hard():
    found = preference_map([3, 90], [3, 90])
    image = preference(found, beta=1.0, utility="linear").images[0]
    (red, _, blue, _), (red_soft, _, blue_soft, _) = image.cmap(image.norm([-1.0, 1.0]))
    assert red > blue
    assert blue_soft > red_soft


def test_every_utility_and_beta_and_what_was_weighed():
    figure = preferences(preference_map([3, 30], [3, 30], betas=(0.5, 2.0), utilities=("linear", "logit")))
    titles = [ax.get_title() for ax in figure.axes[:4]]
    assert titles == ["beta = 0.5, linear", "beta = 2, linear", "beta = 0.5, logit", "beta = 2, logit"]
    assert "score: information ratio; cost: judgements / 900" in figure.get_suptitle()
    rho = xr.DataArray(
        [[[0.1, 0.2]], [[0.7, 0.8]]], dims=("signal", "n", "k"), name="simulated rho, d = 25",
        coords={"signal": ["hard", "soft"], "n": [30], "k": [3, 60]},
    )  # fmt: skip
    assert (
        "score: simulated rho, d = 25; cost: judgements / 1,800"
        in preferences(preference_map(scores=rho)).get_suptitle()
    )


def test_costs_of_a_plan_and_its_recommendation():
    plan = recommend_signal(400, 10, {"hard": 0.02, "soft": 0.01, "sparse": 0.03}, budget=30)
    ax = signal_costs(plan)
    lines = lines_of(ax)
    assert lines["recommended"].get_xydata().tolist() == [[plan.cost, plan.information_ratio]]
    hard = plan.curve[plan.curve["signal"] == "hard"].sort_values("cost")
    np.testing.assert_allclose(lines["hard"].get_xydata(), hard[["cost", "information_ratio"]].to_numpy())
    assert lines["budget"].get_xdata()[0] == 30
    kept = plan.curve.loc[plan.curve["signal"] == "sparse", "sparsity"].iloc[0]
    assert f"sparse, {kept} kept" in lines


def test_only_signals_with_a_price_are_drawn():
    lines = lines_of(signal_costs(recommend_signal(400, 10, {"hard": 0.02, "soft": 0.01})))
    assert set(lines) == {"hard", "soft", "recommended"}


def test_wide_ranges_are_logarithmic_and_free_labels_are_not():
    wide = signal_costs(recommend_signal(5000, 100, {"hard": 0.02, "soft": 0.01}))
    assert (wide.get_xscale(), wide.get_yscale()) == ("log", "log")
    assert signal_costs(recommend_signal(50, 5, {"hard": 0})).get_xscale() == "linear"
