"""The network as dynamics: its step, what is watched, the flow of data that are not white, where none is known."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.linearnet import system
from neuroalpha.theory.linearnet.settings import EXTRA, TOY, start_weights
from neuroalpha.theory.linearnet.update import sample_update
from neuroalpha.theory.linearnet.views import draw_views

WEIGHTS = start_weights(3, 5, 0)


def test_a_step_on_samples_is_the_update_of_these_samples():
    step = system.network_step(TOY["cosine"], WEIGHTS.shape, n_samples=50, seed=7)
    one, two = draw_views(50, 5, 0.0, 0.01, seed=7, index=3)
    wanted = WEIGHTS + 0.1 * sample_update(WEIGHTS, WEIGHTS, one, two, TOY["cosine"])
    np.testing.assert_allclose(step((WEIGHTS,), 0.1, 3)[0], wanted, atol=1e-14)


def test_a_target_follows_the_network_of_before_the_step():
    setting = EXTRA["euclidean EMA target"]
    state = (WEIGHTS, 0.5 * WEIGHTS)
    moved = system.network_step(setting, WEIGHTS.shape)(state, 0.1, 0)
    np.testing.assert_allclose(moved[1], 0.5 * WEIGHTS + 0.1 * setting.ema * 0.5 * WEIGHTS)
    start = system.network_start(WEIGHTS, setting)
    np.testing.assert_array_equal(start[0], start[1])
    assert start[0] is not start[1]
    assert len(system.network_start(WEIGHTS, TOY["cosine"])) == 1


def test_eigenvalues_are_squared_singular_values():
    np.testing.assert_allclose(system.eigenvalues(WEIGHTS), np.linalg.svd(WEIGHTS, compute_uv=False) ** 2)
    spread = np.diag([3.0, 2.0, 1.0, 0.5, 0.1])
    np.testing.assert_allclose(
        system.eigenvalues(WEIGHTS, spread), np.linalg.svd(WEIGHTS @ np.sqrt(spread), compute_uv=False) ** 2
    )


def test_aligned_weights_keep_their_singular_values_and_read_along_the_data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 5))
    spread = x.T @ x / 20
    turned = system.aligned_weights(WEIGHTS, spread)
    np.testing.assert_allclose(np.linalg.svd(turned)[1], np.linalg.svd(WEIGHTS)[1])
    values, variances = system.aligned_modes(turned, spread)
    np.testing.assert_allclose(np.sort(values)[::-1], system.eigenvalues(turned, spread))
    np.testing.assert_allclose(np.sort(variances), np.linalg.eigvalsh(spread)[2:])
    with pytest.raises(na.InputError, match="not aligned with the data's covariance"):
        system.aligned_modes(WEIGHTS, spread)


def test_inputs_that_do_not_vary_teach_nothing():
    spread = np.diag([2.0, 1.0, 0.0, 0.0, 0.0])
    weights = np.eye(3, 5) / 2
    found = system.network_dynamics("one", FlowSetting(weight_decay=0.1), weights, covariance=spread)
    predicted = found.predict(np.array([0.0, 3.0]))
    np.testing.assert_allclose(predicted[0], [0.5, 0.25, 0])
    assert predicted[1, 2] == 0
    assert np.isfinite(predicted).all()


def test_roots_and_loud_inputs():
    spread = np.array([[2.0, 1.0], [1.0, 3.0]])
    root = system.symmetric_root(spread)
    np.testing.assert_allclose(root @ root, spread)
    np.testing.assert_allclose(root, root.T)
    loud = system.loud_inputs(6, 20, seed=0)
    norms = (loud**2).sum(axis=1)
    assert (np.diff(norms) <= 0).all()
    assert norms[-1] > 17  # chi-square of 6: the loudest 20 of 5,000 are beyond its 99th percentile, 16.8


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"setting": TOY["euclidean"], "relu": True, "n_samples": 5}, "ReLU network has no flow"),
        ({"setting": TOY["cosine"], "covariance": np.eye(5)}, "covariance goes with Euclidean losses only"),
        ({"setting": TOY["euclidean"], "covariance": np.diag([1.0, 2, 3, 4, 5])}, "not aligned"),
    ],
)
def test_where_no_flow_is_known_predicting_says_so(options, text):
    setting = options.pop("setting")
    dynamics = system.network_dynamics("none", setting, WEIGHTS, **options)
    assert np.isfinite(dynamics.step(dynamics.start, 0.1, 0)[0]).all()
    with pytest.raises(na.InputError, match=text):
        dynamics.predict(np.array([0.0, 1.0]))


def test_one_mode_has_no_cosine():
    with pytest.raises(na.InputError, match="one mode has no direction"):
        system.network_step(TOY["cosine"], (1, 3))
