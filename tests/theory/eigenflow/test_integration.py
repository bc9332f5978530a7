from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import diags

import neuroalpha as na
from neuroalpha.theory.eigenflow import integration
from neuroalpha.theory.eigenflow.integration import Flow, integrate

RATES = np.array([1.0, 5000.0])
STIFF = Flow(lambda state: -RATES * (state - 1), 5000.0)


def test_decay():
    times = np.array([0.0, 0.5, 2.0])
    found = integrate(Flow(lambda state: -state, 1.0), np.array([1.0, 3.0]), times)
    np.testing.assert_allclose(found, np.exp(-times)[:, None] * [1, 3], rtol=1e-10)


@pytest.mark.parametrize("jacobian", [None, lambda _: diags([-RATES], [0], format="csc")])
def test_stiff_fields_by_the_implicit_method(jacobian, monkeypatch):
    monkeypatch.setattr(integration, "PATIENCE", 200)
    monkeypatch.setattr(integration, "MOST_STEPS", 2000)  # explicit steps alone: 8 x 5000 / 6
    times = np.array([0.0, 1.0, 8.0])
    found = integrate(STIFF._replace(jacobian=jacobian), np.array([0.0, 0.0]), times)
    np.testing.assert_allclose(found[:, 0], 1 - np.exp(-times), atol=1e-9)
    np.testing.assert_allclose(found[1:, 1], 1, rtol=1e-9)


def test_too_many_steps_tell_the_time_reached(monkeypatch):
    monkeypatch.setattr(integration, "FEW", 0)
    monkeypatch.setattr(integration, "MOST_STEPS", 300)
    with pytest.raises(
        na.InputError, match=r"reached time 0\.[0-9]+ of 50 after 300 steps, the last of size .*end earlier"
    ):
        integrate(STIFF, np.zeros(2), np.array([50.0]))


def test_too_much_work_tells_the_time_reached():
    spent = [0.0]

    def field(state):
        spent[0] += 1e9
        return np.cos(state)

    with pytest.raises(na.InputError, match=r"of 9 after [0-9]+ steps of .* numbers each"):
        integrate(Flow(field, 1.0, work=lambda: spent[0]), np.zeros(1), np.array([9.0]))
    assert spent[0] < 4 * integration.MOST_WORK  # a step takes twelve values of the field


def test_rest_and_what_is_known_ends_early():
    asked = []

    def finish(state, rate, later):
        asked.append(later)
        return np.full((later.size, 1), 7.0) if state[0] > 0.5 else None

    found = integrate(Flow(lambda _: np.ones(1), 1.0, finish=finish), np.zeros(1), np.array([0.0, 1e-3, 90.0]))
    assert found[-1] == 7
    assert asked[-1][-1] < 90
    still = integrate(Flow(lambda state: 0 * state, 1.0), np.array([0.3]), np.array([1.0, 1e9]))
    assert still.tolist() == [[0.3], [0.3]]


def test_a_flow_that_runs_away():
    """log lam of lam' = -1 from 1 has the rate -1 / lam: it ends at time 1."""
    falls = Flow(lambda log: -np.exp(-log), 1.0, runaway=100.0)
    before = np.array([0.0, 0.99, 0.999])
    np.testing.assert_allclose(np.exp(integrate(falls, np.zeros(1), before))[:, 0], 1 - before, rtol=1e-6)
    with pytest.raises(na.InputError, match=r"the flow ends at time 0\.99[0-9]*, where .* 3 was asked for"):
        integrate(falls, np.zeros(1), np.array([3.0]))
