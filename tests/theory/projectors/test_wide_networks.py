"""Networks against width: labels, order of draws, times, what is refused before any work."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.projectors.losses import make_views
from neuroalpha.theory.projectors.objectives import OBJECTIVES
from neuroalpha.theory.projectors.training import kernel_movement
from neuroalpha.theory.projectors.wide_networks import compare_random_features, kernel_change

FEW = {"widths": (8, 16), "step_sizes": (0.25, 0.05)}


def test_one_network_of_many_is_the_network_alone():
    whole = compare_random_features(**FEW)
    alone = compare_random_features(losses="contrastive", widths=16, step_sizes=(0.25, 0.05))
    for name in ("kernel_error", "frozen_error", "loss_simulated", "loss_predicted", "gradient_ratio"):
        np.testing.assert_allclose(
            whole[name].sel(loss="contrastive", width=16), alone[name][0, 0], rtol=1e-10, atol=1e-12
        )
    assert whole["step_size"].values.tolist() == [0.25, 0.05]
    np.testing.assert_array_equal(whole["time"], np.linspace(0, 5, 11))
    errors = np.log(whole["kernel_error"].values[:, :, -1, -1])
    np.testing.assert_allclose(whole["slope"], np.diff(errors)[:, 0] / np.log(2))


def test_default_times_follow_the_step_sizes():
    found = compare_random_features(widths=[8], step_sizes=(0.3, 0.1), losses=["non-contrastive"])
    np.testing.assert_allclose(found["time"], 0.6 * np.arange(11))


def test_as_many_units_as_outputs():
    found = compare_random_features(widths=[2], step_sizes=(0.25, 0.1), losses=["contrastive"])
    assert np.isnan(found["frozen_ratio"]).all()  # W2 cannot turn: no error to compare
    assert np.isnan(found["kernel_change"]).all()


def test_kernel_change_is_the_mean_of_its_networks():
    names = ["supervised, free weights", "contrastive, orthonormal W2"]
    x, positive, negative = make_views(20, 5, 2, seed=3)
    targets = np.random.default_rng(0).standard_normal((20, 2))
    found = kernel_change(
        x, positive, negative, targets=targets, widths=[8, 16], objectives=names, n_networks=2, seed=4, center=False,
        step_size=0.05,
    )  # fmt: skip
    rows = [
        kernel_movement(OBJECTIVES[names[0]], np.stack([x, positive, negative]), targets, 16, 0.05, seed)
        for seed in (4, 14)
    ]
    one = found.sel(objective=names[0], width=16)
    for name in rows[0]:
        assert float(one[name]) == pytest.approx(np.mean([row[name] for row in rows]))
    changes = [row["kernel_change"] for row in rows]
    assert float(one["kernel_change_sd"]) == pytest.approx(np.std(changes, ddof=1))
    assert found["objective"].values.tolist() == names
    single = kernel_change(widths=[8], objectives=names[0], n_networks=1, step_size=0.1)
    assert np.isnan(single["kernel_change_sd"]).all()
    assert np.isnan(single["slope"]).all()


X = np.random.default_rng(0).standard_normal((6, 3))
BAD = [
    (lambda: compare_random_features(step_sizes=0.1), "step_sizes is 0.1; expected two different ones"),
    (lambda: compare_random_features(step_sizes=(0.1, "a")), "a step size of step_sizes is 'a'"),
    (lambda: compare_random_features(step_sizes=(True, 0.1)), "a step size of step_sizes is True"),
    (lambda: compare_random_features(step_sizes=(0.6, 0.1)), r"step_sizes is 0\.6; expected a number .* to 0\.5"),
    (lambda: compare_random_features(times=[0, 0.3], step_sizes=(0.2, 0.1)), r"time 0\.3 is not a whole number"),
    (lambda: compare_random_features(widths="many"), "widths is 'many'; expected whole numbers, as"),
    (lambda: compare_random_features(losses=[]), r"losses is \[\]; expected some of"),
    (lambda: compare_random_features(np.ones((6, 3)), X), "x is the same in all 6 samples"),
    (lambda: compare_random_features(X, X, X), "negative is the same as positive"),
    (lambda: kernel_change(objectives=[]), r"objectives is \[\]; expected some of"),
    (lambda: kernel_change(X, X, targets=1j * X, objectives=["supervised, free weights"]), "targets is complex"),
    (lambda: kernel_change(X, X), "contrastive objectives need negative views"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call, message):
    with pytest.raises(na.InputError, match=message) as told:
        call()
    assert "\n" not in str(told.value)
