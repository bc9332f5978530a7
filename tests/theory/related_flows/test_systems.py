"""The related systems as dynamics: their start is theory's, their steps are the gradient's, their times end late."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.related_flows import systems

GAMMA = np.diag([1.0, 0.5, 0.25, 0.1, -0.5])


def every_system():
    """All of them, small."""
    for name, setting in systems.DIRECTPRED.items():
        yield systems.predictor_system(name, setting, 3, 5, seed=1)
    for name, scale in systems.STEPWISE.items():
        yield systems.stepwise_system(name, GAMMA, 3, scale, seed=1)
    yield systems.supervised_system("supervised", 3, 5, 6, seed=1)


EXACT = [system for system in every_system() if not system.dynamics.name.startswith("stepwise 1e")]
"""All but those of random starts, of which theory is a limit."""


@pytest.mark.parametrize("system", EXACT, ids=lambda one: one.dynamics.name)
def test_the_start_is_that_of_theory(system):
    observed = system.dynamics.observe(system.dynamics.start)
    np.testing.assert_allclose(observed, system.dynamics.predict(np.array([0.0]))[0], atol=1e-12)


@pytest.mark.parametrize("scale", [1e-2, 1e-4])
def test_the_effective_start_has_the_determinant_of_the_real_one(scale):
    # With as many outputs as modes, |R_11 ... R_dd| = |det W V|: no growth is lost or won on the whole.
    gamma = np.diag([1.0, 0.5, 0.25])
    system = systems.stepwise_system("stepwise", gamma, 3, scale, seed=4)
    observed = system.dynamics.observe(system.dynamics.start)
    assert np.prod(system.dynamics.predict(np.array([0.0]))[0]) == pytest.approx(np.prod(observed), rel=1e-6)


@pytest.mark.parametrize("system", EXACT, ids=lambda one: one.dynamics.name)
def test_one_small_step_moves_as_theory_does(system):
    dynamics, size = system.dynamics, 1e-6
    moved = dynamics.observe(dynamics.step(dynamics.start, size, 0)) - dynamics.observe(dynamics.start)
    course = dynamics.predict(np.array([0.0, 1e-3, 2e-3]))
    speed = (-3 * course[0] + 4 * course[1] - course[2]) / 2e-3
    np.testing.assert_allclose(moved / size, speed, rtol=2e-4, atol=2e-6)


def test_steps_leave_their_input_alone():
    for system in every_system():
        before = [part.copy() for part in system.dynamics.start]
        system.dynamics.step(system.dynamics.start, 0.01, 0)
        for part, kept in zip(system.dynamics.start, before, strict=True):
            np.testing.assert_array_equal(part, kept)


def test_predicted_steps_are_in_order_and_within_the_times():
    for name, scale in systems.STEPWISE.items():
        system = systems.stepwise_system(name, GAMMA, 4, scale, seed=0)
        assert (np.diff(system.predicted_steps) > 0).all()
        assert system.until == pytest.approx(1.5 * system.predicted_steps[-1])
        assert system.step_sizes == (0.005, 0.0005)  # of the largest eigenvalue, 1


def test_step_size_scales_with_the_largest_eigenvalue():
    assert systems.stepwise_system("stepwise", 10 * GAMMA, 2, 0.0, seed=0).step_sizes[0] == pytest.approx(5e-4)
    with pytest.raises(na.InputError, match="gamma has 4 positive eigenvalues and n_outputs is 5"):
        systems.stepwise_system("stepwise", GAMMA, 5, 0.0, seed=0)
    with pytest.raises(na.InputError, match=r"gamma has no positive eigenvalue \(the largest is -1\)"):
        systems.stepwise_system("stepwise", -np.eye(2), 1, 0.0, seed=0)


@given(st.floats(0.01, 1e4), st.floats(1e-3, 1e4), st.integers(2, 400))
def test_times_are_even_multiples_that_reach_the_end(until, step_size, n_times):
    if until / step_size > 1e6:
        return
    times = systems.grid(until, step_size, n_times)
    counts = np.rint(times / step_size)
    np.testing.assert_allclose(times, counts * step_size, rtol=1e-9)
    assert times[0] == 0
    assert len(set(np.diff(counts))) == 1
    assert counts[-1] >= 10
    assert times[-1] >= until * (1 - 1e-9)
    every = counts[1]
    assert times[-1] < max(until, 10 * step_size) + (every + 1) * step_size
    assert len(times) <= max(2 * n_times, 11 + 1)
