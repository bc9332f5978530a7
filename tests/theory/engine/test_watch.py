"""What leaves theory and what does not: swings, growth, noise, other basins."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.engine.dynamics import Dynamics, simulate
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.engine.watch import Bounds, Course


def logistic(start=0.1) -> Dynamics:
    return Dynamics(
        "logistic",
        (np.array([start]),),
        lambda state, size, index: (state[0] + size * state[0] * (1 - state[0]),),
        lambda state: state[0],
        lambda times: (1 / (1 + (1 / start - 1) * np.exp(-np.asarray(times))))[:, None],
    )


def test_a_course_knows_its_bounds_at_any_end():
    system = logistic(0.5)
    course = Course(system, np.array([1.0, 2.0, 50.0, 60.0]))
    assert course.until(1.0) == (
        0.5,
        pytest.approx(1 / (1 + np.exp(-1))),
        pytest.approx(1 / (1 + np.exp(-1)) - 0.5),
        0.02,
    )
    assert course.until(1.5).high == pytest.approx(1 / (1 + np.exp(-2)))
    assert course.until(99.0).range == pytest.approx(0.5)
    assert course.rest(2.0) is None
    assert course.rest(60.0) == pytest.approx(1)


def test_swings_within_the_range_are_told_where_they_stay():
    # x' = x (1 - x): steps above 2 go to and fro about the fixed point 1 without ever leaving (0, 2)
    assert np.ptp(simulate(logistic(), 1.9, np.arange(101) * 1.9)[-10:]) < 0.01  # swings that decline
    for size in (2.1, 2.3, 2.5):
        values = logistic().start[0]
        for _ in range(500):
            values = values + size * values * (1 - values)
        assert 0 < values < 2
        with pytest.raises(DivergenceError):
            simulate(logistic(), size, np.arange(0, 101, 2) * size)


def test_swings_that_cancel_in_what_is_watched_are_told():
    # two modes of opposite phase: sorted, they look at rest
    def step(state, size, index):
        return (state[0] + size * state[0] * (1 - state[0]),)

    system = Dynamics(
        "sorted",
        (np.array([0.746, 1.18, 0.1]),),  # the first two on the cycle of steps of 2.3
        step,
        lambda state: np.sort(state[0]),
        lambda times: np.sort(
            1 / (1 + (1 / np.array([0.746, 1.18, 0.1]) - 1) * np.exp(-np.asarray(times)[:, None])), axis=1
        ),
    )
    with pytest.raises(DivergenceError, match=r"at step size 2\.3"):
        simulate(system, 2.3, np.arange(0, 41, 2) * 2.3)


def test_growth_that_theory_shares_is_no_divergence():
    growth = Dynamics(
        "growth",
        (np.ones(1),),
        lambda state, size, index: (state[0] * (1 + size),),
        lambda state: state[0],
        lambda times: np.exp(np.asarray(times))[:, None],
    )
    np.testing.assert_allclose(simulate(growth, 0.01, [0.0, 5.0])[1], 1.01**500)


def test_rounding_about_a_theory_at_rest_is_no_divergence():
    still = Dynamics(
        "still",
        (np.ones(3),),
        lambda state, size, index: (state[0] + 1e-13 * (-1) ** index,),
        lambda state: state[0],
        lambda times: np.ones((len(times), 3)),
    )
    np.testing.assert_allclose(simulate(still, 0.1, [0.0, 10.0]), 1)


def test_noise_about_a_theory_at_rest_is_no_divergence_but_running_away_is():
    def noisy(growth):
        return Dynamics(
            "noisy",
            (np.ones(3),),
            lambda s, h, i: (s[0] * (1 + growth * h) + 0.03 * h * np.random.default_rng(i).standard_normal(3),),
            lambda state: state[0],
            lambda times: np.ones((len(times), 3)),
        )

    found = simulate(noisy(0.0), 0.5, np.arange(101) * 0.5)
    assert 0.02 < np.abs(found - 1).max() < 0.5
    with pytest.raises(DivergenceError):
        simulate(noisy(0.1), 0.5, np.arange(101) * 0.5)


def test_bounds():
    bounds = Bounds(0.0, 1.0, 0.5)
    assert bounds.left_by(np.array([np.nan]))
    assert bounds.left_by(np.array([0.5, 1.6]))
    assert bounds.left_by(np.array([-0.6, 0.5]))
    assert not bounds.left_by(np.array([-0.4, 1.4]))


def test_a_run_in_another_basin_is_told_and_one_that_lags_is_not():
    # x' = x - x^3 from 0.5 goes to 1; a step of 4 throws it over to the negative side or beyond
    def at(times):
        return (1 / np.sqrt(1 + 3 * np.exp(-2 * np.asarray(times))))[:, None]

    def cubic(rate=1.0):
        return Dynamics(
            "cubic",
            (np.array([0.5]),),
            lambda s, h, i: (s[0] + rate * (h if i else 2.5) * (s[0] - s[0] ** 3) * (1 if i else -1),),
            lambda state: state[0],
            at,
        )

    assert cubic().step((np.array([0.5]),), 0.1, 0)[0] < 0  # the first step of this one goes wrong
    with pytest.raises(DivergenceError):
        simulate(cubic(), 0.1, np.arange(0, 101, 10) * 0.1)
    slow = Dynamics(
        "slow",
        (np.array([1e-6]),),
        lambda s, h, i: (s[0] + 0.5 * h * s[0] * (1 - s[0]),),  # half as fast as what is said of it
        lambda state: state[0],
        lambda times: (1 / (1 + (1e6 - 1) * np.exp(-np.asarray(times))))[:, None],
    )
    found = simulate(slow, 0.001, np.arange(0, 20_001, 1000) * 0.001)
    assert found[-1, 0] < 0.05
