"""The integrator against matrix exponentials and the logistic function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

import neuroalpha as na
from neuroalpha.theory.engine.integrate import integrate


@given(st.integers(0, 1000))
def test_linear_flow_is_the_matrix_exponential(seed):
    rng = np.random.default_rng(seed)
    matrix, start = rng.normal(size=(3, 3)), rng.normal(size=(3, 2))
    times = np.array([0.0, 0.3, 1.0])
    found = integrate(lambda y: matrix @ y, start, times)
    for row, time in enumerate(times):
        np.testing.assert_allclose(found[row], expm(matrix * time) @ start, atol=1e-8)


def test_logistic():
    times = np.linspace(0, 5, 11)
    found = integrate(lambda y: y * (1 - y), np.array([0.1, 0.9]), times)
    expected = 1 / (1 + (1 / np.array([0.1, 0.9]) - 1) * np.exp(-times[:, None]))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_only_time_zero():
    np.testing.assert_array_equal(integrate(lambda y: y, np.array([2.0]), np.array([0.0])), [[2.0]])


def test_blow_up_is_told_with_the_time_reached():
    with pytest.raises(na.InputError, match="runs away: it could be followed to time"):
        integrate(lambda y: y**2, np.array([1.0]), np.array([0.0, 0.5, 2.0]))  # infinite at time 1
