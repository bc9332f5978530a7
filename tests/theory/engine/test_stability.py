"""The largest stable step against linear stability: 2 over the largest curvature."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.engine.dynamics import Dynamics, simulate
from neuroalpha.theory.engine.stability import DivergenceError, departs, is_stable, largest_stable_step


def valley(curvatures) -> Dynamics:
    curvatures = np.asarray(curvatures, dtype=float)
    return Dynamics(
        "valley",
        (np.ones(curvatures.size),),
        lambda state, size, index: (state[0] * (1 - size * curvatures),),
        lambda state: state[0],
        lambda times: np.exp(-np.asarray(times)[:, None] * curvatures),
    )


@pytest.mark.parametrize("curvatures", [(1.0,), (4.0, 1.0), (0.3, 25.0)])
def test_largest_step_of_a_quadratic(curvatures):
    found = largest_stable_step(valley(curvatures), 100.0, 20.0)
    assert found == pytest.approx(2 / max(curvatures), rel=0.05)


def test_oscillation_within_the_range_is_not_stable_either():
    # x' = x (1 - x): steps above 2 go to and fro about the fixed point 1 without ever leaving (0, 2)
    logistic = Dynamics(
        "logistic",
        (np.array([0.1]),),
        lambda state, size, index: (state[0] + size * state[0] * (1 - state[0]),),
        lambda state: state[0],
        lambda times: (1 / (1 + 9 * np.exp(-np.asarray(times))))[:, None],
    )
    assert is_stable(logistic, 1.5, 300.0)
    assert not is_stable(logistic, 2.3, 300.0)
    with pytest.raises(DivergenceError):
        simulate(logistic, 2.4, [240.0])


def test_growth_that_theory_shares_is_no_divergence():
    growth = Dynamics(
        "growth",
        (np.ones(1),),
        lambda state, size, index: (state[0] * (1 + size),),
        lambda state: state[0],
        lambda times: np.exp(np.asarray(times))[:, None],
    )
    assert np.isfinite(simulate(growth, 0.01, [0.0, 5.0])).all()


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


def test_nan_departs():
    assert departs(np.array([np.nan]), np.zeros(1), np.ones(1))
    assert not departs(np.array([0.5]), np.zeros(1), np.ones(1))
