"""Step times of the comparison, the pairs it makes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.engine.comparison import Comparison
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.related_flows import compare_related as room
from neuroalpha.theory.related_flows import directpred
from neuroalpha.theory.related_flows.compare_related import compare_related, pairs_matrix

SMALL = {"n_modes": 3, "n_inputs": 8, "n_outputs": 3}


@pytest.mark.parametrize(
    ("name", "step_sizes"),
    [
        ("DirectPred", (2.0, 0.2)),
        ("DirectPred", (100, 10)),
        ("DirectPred weight decay", (5.0, 0.5)),
        ("DirectPred EMA target", (10.0, 1.0)),
        ("DirectPred rule", (20.0, 2.0)),
        ("supervised", (2.0, 0.5)),
        ("stepwise aligned", (1.0, 0.1)),
        ("stepwise 1e-4", (0.5, 0.25)),
    ],
)
def test_the_step_that_is_named_passes(name, step_sizes):
    with pytest.raises(DivergenceError, match=rf"^{name}: gradient descent diverges at step size") as told:
        compare_related(name, step_sizes, **SMALL)
    largest = float(re.search(r"largest stable step is about ([\d.e+-]+)", str(told.value))[1])
    assert largest < max(step_sizes)
    found = compare_related(name, (largest, largest / 2), **SMALL)
    assert np.isfinite(found["max_error"].values).all()
    if name != "stepwise 1e-4":  # theory of a random start is a limit: its error is not the step's
        assert float(found["max_error"][0, 1]) < float(found["max_error"][0, 0])


def test_an_error_of_much_too_large_steps_takes_few_integrations(monkeypatch):
    # (100, 10) integrated theory for every trial of a step once, and took half a minute.
    calls = []
    real = directpred.integrate
    monkeypatch.setattr(directpred, "integrate", lambda *args, **more: calls.append(1) or real(*args, **more))
    with pytest.raises(DivergenceError):
        compare_related("DirectPred", (100, 10))
    assert 0 < len(calls) < 40


def test_a_step_that_is_not_taken_is_counted():
    times = np.linspace(0, 10, 101)
    rising = 1 / (1 + np.exp(-4 * (times - 3)))
    late = 0.1 * rising  # never passes 1/2
    both = np.stack([rising, late], axis=1)[None]
    part = Comparison("part", times, (0.1, 0.05), np.concatenate([both, both]), both[0], 0.0)
    whole = replace(part, name="whole", simulated=part.simulated[..., :1], predicted=part.predicted[:, :1])
    none = replace(part, name="none")
    made = room.comparison_dataset([part, whole, none], {})
    room._add_step_times(made, [part, whole, none], [np.array([3.0, 5.0]), np.array([4.0]), None])
    assert made["steps_missed"].values.tolist() == [[1, 1], [0, 0], [0, 0]]
    error = made["step_time_error"].values
    assert np.isnan(error[[0, 2]]).all()  # a step is missing; no steps
    np.testing.assert_allclose(error[1], 0.25, atol=1e-6)  # at 3 in place of 4


def test_all_steps_are_taken_among_equal_eigenvalues():
    # There a random start's steps come latest against theory.
    for seed in range(3):
        found = compare_related(["stepwise 1e-2", "stepwise 1e-4"], gamma=np.eye(20), n_outputs=8, seed=seed)
        assert (found["steps_missed"] == 0).all()
        assert (found["step_time_error"] > 0.02).all()


def test_equal_eigenvalues_follow_the_singular_values_of_the_weights():
    # W' = -4 (W W' - I) W moves every singular value on its own, whatever the directions.
    found = compare_related("stepwise 1e-2", gamma=np.eye(20), n_outputs=8, seed=1)
    weights = 1e-2 * np.random.default_rng([1, 2]).standard_normal((8, 20))
    start = np.linalg.svd(weights, compute_uv=False)
    expected = na.theory.stepwise_flow(np.ones(8), [0.0, 1.0], start=start)["step_time"].values
    np.testing.assert_allclose(found["step_time_simulated"][0, 1], np.sort(expected), rtol=1e-3)


def test_pairs_have_the_named_eigenvalues():
    made = pairs_matrix(7, seed=3)
    np.testing.assert_array_equal(np.abs(made - made.T) < 1e-12, True)
    np.testing.assert_allclose(np.linalg.eigvalsh(made)[::-1], 1 / np.arange(1, 8))
    assert np.abs(made - pairs_matrix(7, seed=4)).max() > 0.01


def test_few_inputs_do_for_stepwise_settings():
    found = compare_related("stepwise aligned", n_inputs=4, n_outputs=2)
    assert found.sizes["mode"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"settings": 3}, "settings is 3; expected names, of DirectPred"),
        ({"settings": [3]}, "no setting 3; known are"),
        ({"settings": ["supervised", "supervised"]}, "a setting is listed twice"),
        ({"step_sizes": 0.1}, r"step_sizes is 0\.1; expected two different ones"),
        ({"step_sizes": ("a", "b")}, "a step size of step_sizes is 'a'; expected a finite number above 0"),
        ({"step_sizes": (True, 0.5)}, "a step size of step_sizes is True"),
        ({"step_sizes": (0.1, -0.1)}, r"a step size of step_sizes is -0\.1; expected a finite number above 0"),
        ({"step_sizes": (0.1, 0.1)}, "expected two different ones"),
        ({"step_sizes": (0.03, 0.02)}, r"step sizes 0\.03 and 0\.02 do not meet; .* as 0\.015"),
        ({"settings": "supervised", "step_sizes": (1e-2, 1e-9)}, r"time 10 takes 1e\+10 steps of 1e-09; .* 1e\+07"),
        ({"gamma": np.eye(3) * 1j}, "gamma is complex numbers"),
        ({"gamma": np.eye(3) > 0}, "gamma is booleans"),
        ({"gamma": "a"}, "gamma is text"),
        ({"gamma": -np.eye(3), "settings": "stepwise 1e-4"}, "gamma has no positive eigenvalue"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(na.InputError, match=message) as told:
        compare_related(**options)
    assert "\n" not in str(told.value)
