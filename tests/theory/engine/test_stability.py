"""The largest stable step: against linear stability, tried again by the simulator, and what hides a divergence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neuroalpha.theory.engine import stability
from neuroalpha.theory.engine.dynamics import Dynamics, simulate
from neuroalpha.theory.engine.stability import (
    DivergenceError,
    LateError,
    largest_passing,
    largest_stable_step,
    rounded_down,
)


def valley(curvatures, start=1.0) -> Dynamics:
    curvatures = np.asarray(curvatures, dtype=float)
    return Dynamics(
        "valley",
        (np.full(curvatures.size, start),),
        lambda state, size, index: (state[0] * (1 - size * curvatures),),
        lambda state: state[0],
        lambda times: start * np.exp(-np.asarray(times)[:, None] * curvatures),
    )


def logistic(start=0.1) -> Dynamics:
    return Dynamics(
        "logistic",
        (np.array([start]),),
        lambda state, size, index: (state[0] + size * state[0] * (1 - state[0]),),
        lambda state: state[0],
        lambda times: (1 / (1 + (1 / start - 1) * np.exp(-np.asarray(times))))[:, None],
    )


def overlap(rates=(0.5, 0.2, -0.1)) -> Dynamics:
    """Growing directions, watched as shares: steps too large converge to another one, with shares still within 0, 1."""
    rates = np.asarray(rates)
    start = np.ones(rates.size)

    def shares(logs):
        grown = np.exp(2 * (logs - logs.max(axis=-1, keepdims=True)))
        return grown / grown.sum(axis=-1, keepdims=True)

    return Dynamics(
        "overlap",
        (start,),
        lambda state, size, index: (state[0] * (1 + size * rates) / np.abs(state[0] * (1 + size * rates)).max(),),
        lambda state: state[0] ** 2 / (state[0] ** 2).sum(),
        lambda times: shares(np.asarray(times)[:, None] * rates),
        largest_step=2 / 0.3,
    )


def named(system: Dynamics, step_size: float, until: float) -> float:
    """The step that the error names, after it has been told by the simulator."""
    times = np.arange(round(until / step_size) + 1) * step_size
    with pytest.raises(DivergenceError, match="largest stable step is about") as told:
        simulate(system, step_size, times)
    return float(re.search(r"step is about ([0-9.e+-]+)$", str(told.value))[1])


@pytest.mark.parametrize("curvatures", [(1.0,), (4.0, 1.0), (0.3, 25.0)])
@pytest.mark.parametrize("above", [20.0, 7.0])
def test_largest_step_of_a_quadratic(curvatures, above):
    found, limit = largest_stable_step(valley(curvatures), 100.0, above), 2 / max(curvatures)
    assert 0.9 * limit < found < limit
    assert found == float(f"{found:.1e}")  # of two digits


@pytest.mark.parametrize(("step_size", "until"), [(2.1, 21.0), (2.4, 240.0), (3.0, 30.0), (40.0, 400.0)])
@pytest.mark.parametrize("make", [lambda: logistic(0.13), lambda: valley((1.0, 0.2)), lambda: valley((0.5, 1.0), 1e-3)])
def test_the_named_step_passes_over_the_same_time_and_over_100_steps(make, step_size, until):
    step = named(make(), step_size, until)
    assert 1.7 < step <= 2
    for count in (round(until / step), 100, 37):
        found = simulate(make(), step, np.arange(max(count, 20) + 1) * step)
        assert np.isfinite(found).all()


def test_a_limit_known_in_closed_form_is_kept_to():
    system = overlap()
    values = system.start
    for index in range(200):  # ends on the third direction: no share ever leaves 0 to 1
        values = system.step(values, 40.0, index)
    assert system.observe(values)[0] == pytest.approx(1)
    with pytest.raises(DivergenceError, match=r"at step size 7 \(the limit is 6.67\); .* step is about 6.6$"):
        simulate(system, 7.0, np.arange(21) * 7.0)
    assert simulate(system, 6.6, np.arange(101) * 6.6)[-1, 0] > 0.99


def test_a_system_without_a_stable_step():
    wild = Dynamics(
        "wild",
        (np.ones(1),),
        lambda state, size, index: (state[0] * 10,),
        lambda state: state[0],
        lambda times: np.ones((len(times), 1)),
    )
    assert largest_stable_step(wild, 10.0, 1.0) == 0
    with pytest.raises(DivergenceError, match="no step down to a 1000th"):
        simulate(wild, 1.0, [10.0])


def test_theory_is_asked_for_little():
    asked: list[int] = []
    base = valley((1.0, 0.2))

    def predict(times):
        asked.append(len(times))
        return base.predict(times)

    with pytest.raises(DivergenceError):
        simulate(Dynamics("dear", base.start, base.step, base.observe, predict), 5.0, np.arange(81) * 5.0)
    assert len(asked) <= 4


def test_a_search_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(stability, "SECONDS", 0.0)
    with pytest.raises(DivergenceError, match=r"largest stable step was not found in 0 s; try 0.5$"):
        simulate(valley((1.0,)), 5.0, np.arange(81) * 5.0)


def test_bisection_that_is_misled_is_set_right():
    # passes() takes 3 to 4 for good too; confirmed() does not
    found = largest_passing(lambda x: x < 1 or 3 < x < 4, lambda x: x < 1, 7.0)
    assert 0.9 <= found < 1

    def late(x):
        raise LateError(0.0)

    with pytest.raises(LateError) as told:
        largest_passing(lambda x: x < 1, late, 7.0)
    assert 0.9 <= told.value.args[0] < 1
    assert largest_passing(lambda x: True, lambda x: False, 7.0) == 0


@pytest.mark.parametrize(
    ("value", "down"),
    [(1.1499, 1.1), (0.0999, 0.099), (2.0, 2.0), (51.9, 51), (0.0071, 0.0071), (123.0, 120), (0.3, 0.3)],
)
def test_rounding_is_downwards(value, down):
    assert rounded_down(value) == down
