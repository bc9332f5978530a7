"""The simulator against closed forms of Euler's steps; times and step sizes it refuses; divergence is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.engine.dynamics import Dynamics, simulate, step_counts
from neuroalpha.theory.engine.stability import DivergenceError


def decay(rates=(1.0, 0.5), start=(1.0, 2.0)) -> Dynamics:
    rates, start = np.asarray(rates), np.asarray(start)
    return Dynamics(
        "decay",
        (start,),
        lambda state, size, index: (state[0] * (1 - size * rates),),
        lambda state: state[0],
        lambda times: start * np.exp(-np.asarray(times)[:, None] * rates),
    )


@given(st.floats(0.001, 0.5), st.integers(1, 40))
def test_steps_are_those_of_euler(size, count):
    found = simulate(decay(), size, [0.0, size * count])
    np.testing.assert_allclose(found[0], [1, 2])
    np.testing.assert_allclose(found[1], [(1 - size) ** count, 2 * (1 - size / 2) ** count], rtol=1e-10)


def test_the_start_is_not_changed_and_a_run_repeats():
    system = decay()
    first = simulate(system, 0.1, [1.0])
    np.testing.assert_array_equal(system.start[0], [1, 2])
    np.testing.assert_array_equal(simulate(system, 0.1, [1.0]), first)


def test_steps_know_their_index():
    seen: list[int] = []
    system = Dynamics(
        "counting",
        (np.zeros(1),),
        lambda state, size, index: (seen.append(index), (state[0],))[1],
        lambda state: state[0],
        lambda times: np.zeros((len(times), 1)),
    )
    simulate(system, 0.5, [1.0, 2.0])
    assert seen[:4] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("times", "size", "text"),
    [
        ([0.0, 0.16], 0.1, "time 0.16 is not a whole number of steps of 0.1; choose times that are, as 0.2"),
        ([1.0, 0.5], 0.1, "do not rise"),
        ([-1.0, 0.5], 0.1, "numbers from 0 on"),
        ([], 0.1, "numbers from 0 on"),
        ([1.0], 0.0, "step size is 0.0; expected a finite number above 0"),
        ([1.0], float("nan"), "step size is nan"),
    ],
)
def test_bad_times_and_steps(times, size, text):
    with pytest.raises(na.InputError, match=text):
        simulate(decay(), size, times)


def test_counts_survive_rounding():
    np.testing.assert_array_equal(step_counts(np.arange(0, 3, 0.1)[1:], 0.01), np.arange(10, 300, 10))


def test_divergence_is_told_with_the_largest_stable_step():
    with pytest.raises(DivergenceError, match=r"decay: .* at step size 5 .*largest stable step is about 1.9$"):
        simulate(decay(), 5.0, [0.0, 400.0])


def test_an_overflow_between_two_times_is_seen():
    with pytest.raises(DivergenceError, match="diverges at step size 100"):
        simulate(decay((50.0,), (1.0,)), 100.0, [0.0, 100000.0])


def test_theory_that_is_not_finite_is_refused():
    system = decay()
    broken = Dynamics(
        "broken", system.start, system.step, system.observe, lambda times: np.full((len(times), 2), np.inf)
    )
    with pytest.raises(na.InputError, match="theory's own values are not finite"):
        simulate(broken, 0.1, [1.0])
