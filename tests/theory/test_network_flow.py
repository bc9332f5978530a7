"""The toy network, simulated and compared with the flow of its eigenvalues: what was agreed on, and bad input."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.engine.dataset import error_table
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.linearnet.settings import EXTRA, TARGET, TOY, start_weights
from neuroalpha.theory.network_flow import compare_eigenspace, simulate_network

EUCLIDEAN = [name for name in [*TOY, *EXTRA] if name.startswith("euclidean")]
COSINE = [name for name in [*TOY, *EXTRA] if name.startswith("cosine")]


@pytest.mark.parametrize("name", EUCLIDEAN)
def test_error_falls_tenfold_with_the_step(name):
    found = compare_eigenspace([name], (0.01, 0.001), until=6, n_times=31, n_modes=4, n_inputs=6).squeeze("setting")
    assert float(found["max_error"][0]) <= TARGET
    if name == "euclidean no predictor":  # clean first view: nothing moves
        assert float(found["max_error"][0]) < 1e-15
        assert np.ptp(found["simulated"].values, axis=1).max() < 1e-15
    else:
        assert 9 < float(found["ratio"]) < 11


@pytest.mark.parametrize("name", [name for name in COSINE if name != "cosine no predictor"])
def test_error_of_the_cosine_loss_falls_tenfold_with_the_step(name):
    found = compare_eigenspace([name], (0.2, 0.02), until=10, n_times=11).squeeze("setting")
    assert float(found["max_error"][0]) <= TARGET
    assert 9 < float(found["ratio"]) < 11


def test_without_predictor_the_cosine_loss_makes_modes_slowly_equal():
    found = compare_eigenspace(["cosine no predictor"], (40, 4), until=2000, n_times=11, n_modes=5, n_inputs=6)
    assert 8 < float(found["ratio"][0]) < 12
    assert float(found["max_error"][0, 0]) < TARGET
    spread = np.ptp(found["predicted"].isel(setting=0).values, axis=1)
    assert spread[-1] < 0.8 * spread[0]


@pytest.mark.parametrize("name", ["cosine", "cosine power 1/2", "cosine EMA target", "cosine view noise"])
def test_the_trace_is_kept_under_the_cosine_loss(name):
    found = compare_eigenspace([name], (0.1, 0.01), until=10, n_times=11)
    drift = found["trace_drift"].isel(setting=0).values
    assert drift[0] < 1e-3
    assert drift[0] / drift[1] == pytest.approx(10, rel=0.05)  # of the second order of a step


def test_where_eigenvalues_end():
    def end(name, **options):
        return simulate_network(name, n_times=3, **options)["eigenvalue"].isel(time=-1).values

    np.testing.assert_allclose(end("euclidean iso"), 1, atol=1e-6)
    np.testing.assert_allclose(end("euclidean", until=40), 1, atol=1e-6)
    np.testing.assert_allclose(end("euclidean view noise", until=40), 0.8, atol=1e-6)
    assert end("euclidean no stop-gradient", until=40, step_size=0.05).max() < 1e-6
    weights = start_weights(10, 15, 2)
    np.testing.assert_allclose(end("cosine"), np.linalg.eigvalsh(weights @ weights.T).mean(), rtol=1e-3)


def test_weight_decay_has_a_basin_of_collapse_with_the_predictor_and_none_without_its_gradient():
    lower, upper = (1 - np.sqrt(0.6)) / 2, (1 + np.sqrt(0.6)) / 2  # of weight decay 0.1
    start = np.diag(np.sqrt([2.0, 1.02 * lower, 0.98 * lower]))
    found = simulate_network("euclidean weight decay", start=start, until=200, step_size=0.1, n_times=3)
    np.testing.assert_allclose(found["eigenvalue"].isel(time=-1), [upper, upper, 0], atol=1e-5)
    iso = simulate_network("euclidean iso weight decay", start=start, until=200, step_size=0.1, n_times=3)
    np.testing.assert_allclose(iso["eigenvalue"].isel(time=-1), 0.9, atol=1e-6)
    none = simulate_network(FlowSetting(weight_decay=0.26), start=start, until=400, step_size=0.1, n_times=3)
    assert float(none["eigenvalue"].isel(time=-1).max()) < 1e-5


@pytest.mark.parametrize("name", ["euclidean", "cosine", "cosine no stop-gradient"])
def test_samples_do_what_the_population_does(name):
    how = {"until": 5, "step_size": 0.05, "n_times": 6, "n_modes": 8, "n_inputs": 10}
    population = simulate_network(name, **how)["eigenvalue"]
    sampled = simulate_network(name, n_samples=4000, whiten=True, **how)["eigenvalue"]
    quasi = simulate_network(name, quasi_random=True, **how)["eigenvalue"]
    assert np.abs(sampled - population).max() < 0.03 * float(population.max())
    assert np.abs(quasi - population).max() < 0.003 * float(population.max())
    assert np.abs(population.isel(time=-1) - population.isel(time=0)).max() > 0.05


@pytest.mark.parametrize("name", ["euclidean", "euclidean weight decay", "euclidean EMA target"])
def test_data_of_unequal_variance_give_each_mode_its_own_clock(name):
    variances = np.array([3.0, 2.0, 1.0, 0.5, 0.25])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))[0]
    spread = (turn * variances) @ turn.T
    found = compare_eigenspace([name], (0.01, 0.001), until=5, n_times=11, n_modes=4, n_inputs=5, covariance=spread)
    assert 9 < float(found["ratio"][0]) < 11
    plain = compare_eigenspace([name], (0.01, 0.001), until=5, n_times=11, n_modes=4, n_inputs=5)
    assert np.abs(plain["predicted"] - found["predicted"]).max() > 0.1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.sampled_from(["euclidean", "cosine iso", "cosine power 1/2"]))
def test_rotations_of_inputs_and_outputs_do_not_matter(seed, name):
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(3, 5)) / 4
    out, turn = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (3, 5))
    how = {"until": 1.0, "step_size": 0.1, "n_times": 3}
    one = simulate_network(name, start=start, **how)
    two = simulate_network(name, start=out @ start @ turn.T, **how)
    np.testing.assert_allclose(one["eigenvalue"], two["eigenvalue"], atol=1e-8)


def test_responses_follow_the_weights():
    found = simulate_network("euclidean iso", n_modes=2, n_inputs=6, n_responses=20, n_times=4, until=30)
    assert found["response"].shape == (found.sizes["time"], 20, 2)
    first, last = found["response"].isel(time=0).values, found["response"].isel(time=-1).values
    # every mode grows by itself: eigenvalues to 1, so responses by the square root of what they lacked
    np.testing.assert_allclose(last, first / np.sqrt(found["eigenvalue"].isel(time=0).values), rtol=1e-3)


def test_relu_networks_are_simulated():
    found = simulate_network(
        "euclidean iso", activation="relu", n_samples=300, n_modes=3, n_inputs=4, until=2, n_times=3
    )
    linear = simulate_network("euclidean iso", n_samples=300, n_modes=3, n_inputs=4, until=2, n_times=3)
    assert np.isfinite(found["eigenvalue"]).all()
    assert np.abs(found["eigenvalue"] - linear["eigenvalue"]).max() > 0.01


def test_dataset_says_how_it_was_made():
    found = compare_eigenspace({"mine": FlowSetting(power=0.5)}, until=1, n_times=3)
    assert isinstance(found, xr.Dataset)
    assert list(found["setting"].values) == ["mine"]
    assert str(found["how"].values[0]) == "euclidean, power 0.5"
    assert found.attrs["expectation"] == "second moments"
    assert (found.attrs["seed"], "version" in found.attrs) == (2, True)
    table = error_table(found)
    assert table["target"][0] == TARGET
    assert table["max_error"][0] == float(found["max_error"][0, 0])
    np.testing.assert_array_equal(start_weights(10, 15, 2), start_weights(10, 15, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"settings": ["euclidian"]}, r"no setting 'euclidian'; did you mean 'euclidean'"),
        ({"settings": []}, "no settings were given; known are euclidean"),
        (
            {"settings": ["euclidean"], "step_sizes": (5.0, 0.5)},
            r"diverges at step size 5 .* largest stable step is about",
        ),
        ({"settings": ["euclidean"], "step_sizes": (0.1,)}, "expected two different ones"),
        ({"settings": ["euclidean"], "step_sizes": 0.1}, "step_sizes is 0.1; expected two different ones"),
        ({"settings": ["euclidean"], "step_sizes": ("a", "b")}, "a step size of step_sizes is 'a'"),
        ({"settings": ["euclidean"], "step_sizes": (True, 0.5)}, "a step size of step_sizes is True"),
        ({"settings": 3}, "settings is 3; expected names"),
        ({"settings": ["euclidean", "euclidean"]}, "a setting is listed twice"),
        ({"start": np.zeros((2, 3))}, "start is 0 everywhere"),
        ({"start": 1j * np.ones((2, 3))}, "start is complex numbers"),
        ({"settings": ["euclidean"], "covariance": np.zeros(15)}, "covariance is 0 everywhere"),
        ({"n_samples": 20, "whiten": True}, "n_samples is 20; to whiten 15 inputs and their noise give 45"),
        (
            {"settings": ["euclidean"], "step_sizes": (0.1, -0.01)},
            "a step size of step_sizes is -0.01; expected a finite number above 0",
        ),
        ({"n_modes": 16}, "n_inputs is 15 for 16 modes"),
        ({"seed": -1}, "seed is -1"),
        ({"n_samples": 0}, "n_samples is 0"),
        ({"until": 0}, "until is 0; expected a finite number above 0"),
        ({"settings": ["cosine"], "covariance": np.eye(15)}, "covariance goes with Euclidean losses only"),
        ({"settings": ["euclidean"], "covariance": np.triu(np.ones((15, 15)))}, "covariance is not symmetric"),
        ({"settings": ["euclidean"], "covariance": -np.eye(15)}, "covariance has the negative eigenvalue -1"),
        ({"settings": ["euclidean"], "covariance": np.ones(3)}, "covariance is of 3 inputs and the weights of 15"),
        ({"settings": ["cosine"], "n_modes": 1}, "one mode has no direction"),
        ({"start": np.ones((3, 2))}, r"start has shape \(3, 2\)"),
    ],
)
def test_bad_input_of_the_comparison(options, message):
    with pytest.raises(na.InputError, match=message) as told:
        compare_eigenspace(**options)
    assert "\n" not in str(told.value)


def test_a_start_that_is_not_aligned_with_the_data_has_no_flow():
    start = start_weights(3, 4, 0)
    with pytest.raises(na.InputError, match="not aligned with the data's covariance"):
        compare_eigenspace(["euclidean"], until=1, start=start, covariance=np.arange(1.0, 5.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "euclidean ios"}, "did you mean 'euclidean iso'"),
        ({"activation": "tanh"}, "activation is 'tanh'; expected 'identity' or 'relu'"),
        ({"activation": "relu"}, "a ReLU network has no closed population; give n_samples"),
        ({"n_samples": 20, "whiten": True}, "n_samples is 20; to whiten 15 inputs and their noise give 45"),
        ({"step_size": 3.0, "until": 300.0}, "diverges at step size 3 .* largest stable step is about"),
        ({"step_size": 0.0}, "the step size is 0.0; expected a finite number above 0"),
        ({"step_size": 2.0, "until": 1.0}, "until is 1, less than one step of 2"),
        ({"n_times": 1}, "n_times is 1"),
        ({"covariance": "a"}, "covariance is text"),
        ({"start": "a"}, "start is text"),
        ({"setting": 3}, "no setting 3"),
        ({"n_responses": -1}, "n_responses is -1"),
    ],
)
def test_bad_input_of_the_simulation(options, message):
    with pytest.raises(na.InputError, match=message):
        simulate_network(**options)


SMALL = {"n_modes": 6, "n_inputs": 8}


def named(message: str) -> float:
    return float(re.search(r"largest stable step is about ([0-9.e+-]+)$", message)[1])


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *[(name, size) for name in EUCLIDEAN if "no predictor" not in name for size in (3.0, 50.0)],
        ("cosine", 100.0),
    ],
)
def test_the_named_step_passes_in_both_commands(name, size):
    with pytest.raises(DivergenceError, match="diverges at step size") as told:
        compare_eigenspace([name], (size, size / 10), **SMALL)  # default times, whatever the step
    step = named(str(told.value))
    assert 0.01 < step < size
    until = max(10 * size, 15.0)
    found = compare_eigenspace([name], (step, step / 2), until=until, **SMALL)
    assert np.isfinite(found["simulated"]).all()
    run = simulate_network(name, step_size=step, until=100 * step, **SMALL)
    assert float(run["eigenvalue"].max()) < 10
    if name.startswith("euclidean"):
        with pytest.raises(DivergenceError):  # nor is it much too small
            simulate_network(name, step_size=2.5 * step, until=250 * step, **SMALL)


@pytest.mark.parametrize(("name", "size"), [("cosine", 100.0), ("euclidean iso", 1.3), ("euclidean iso", 1.2)])
def test_runs_that_stay_finite_but_leave_the_flow_are_told(name, size):
    with pytest.raises(DivergenceError, match=f"{name}: gradient descent diverges at step size {size:g} "):
        simulate_network(name, step_size=size, until=20 * size)


def test_the_error_falls_tenfold_where_it_is_small_too():
    found = compare_eigenspace(["cosine no predictor"], (0.5, 0.05), until=100, n_times=11)
    assert float(found["max_error"][0, 0]) < 1e-5
    assert 9.5 < float(found["ratio"][0]) < 10.5
