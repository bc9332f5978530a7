"""Saxe's sigmoid against the integrated matrices and its own limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.engine.integrate import integrate
from neuroalpha.theory.related_flows import supervised


def test_strengths_are_those_of_the_balanced_matrices():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(n, 3)))[0] for n in (4, 6))
    singular, start = np.array([2.0, 1.0, 0.0]), np.array([0.05, 0.3, 0.2])
    task = (left * singular) @ right.T
    first, second = supervised.balanced_start(start, left, right, 5, seed=1)
    np.testing.assert_allclose(first @ first.T, second.T @ second, atol=1e-12)
    times = np.linspace(0, 6, 13)

    def field(flat):
        return np.concatenate(
            [part.ravel() for part in supervised.update(flat[:30].reshape(5, 6), flat[30:].reshape(4, 5), task)]
        )

    full = integrate(field, np.r_[first.ravel(), second.ravel()], times)
    found = [np.diag(left.T @ flat[30:].reshape(4, 5) @ flat[:30].reshape(5, 6) @ right) for flat in full]
    np.testing.assert_allclose(found, supervised.strengths(start, singular, times), atol=1e-8)


@given(st.floats(1e-6, 5), st.floats(0.01, 5), st.floats(0, 20), st.floats(0.1, 10))
def test_strength_is_the_printed_formula(start, singular, time, constant):
    with np.errstate(over="ignore"):
        growth = np.exp(2 * singular * time / constant)
    found = supervised.strengths(np.array([start]), np.array([singular]), np.array([time]), constant)[0, 0]
    if np.isfinite(growth):
        assert found == pytest.approx(singular * growth / (growth - 1 + singular / start), rel=1e-9)
    assert min(start, singular) * (1 - 1e-9) <= found <= max(start, singular) * (1 + 1e-9)


def test_flow_of_a_matrix_and_bad_input():
    task = np.random.default_rng(0).normal(size=(4, 6))
    flow = na.theory.supervised_flow(task, [0.0, 100.0])
    np.testing.assert_allclose(flow["strength"].isel(time=-1), np.linalg.svd(task, compute_uv=False))
    with pytest.raises(na.InputError, match="expected singular values of at least 0"):
        na.theory.supervised_flow([-1.0], [0.0])
    with pytest.raises(na.InputError, match="expected one strength above 0, or 1 of them"):
        na.theory.supervised_flow([1.0], [0.0], start=0)
    with pytest.raises(na.InputError, match="time_constant is 0"):
        na.theory.supervised_flow([1.0], [0.0], time_constant=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"singular": [1j]}, "singular is complex numbers; expected singular values"),
        ({"singular": "a"}, "singular is text"),
        ({"singular": [np.nan]}, "singular holds 1 NaN"),
        ({"singular": [[1.0], [1.0, 2.0]]}, "singular has rows of different lengths"),
        ({"start": "a"}, "start is text"),
        ({"start": [0.1, 0.1]}, r"start has shape \(2,\); expected one strength above 0, or 1 of them"),
        ({"start": -0.1}, "start holds -0.1"),
        ({"time_constant": "a"}, "time_constant is 'a'; expected a finite number above 0"),
        ({"time_constant": np.nan}, "time_constant is nan"),
        ({"times": [0.0, 0.0]}, "times do not rise"),
        ({"times": [1j]}, "times is complex"),
    ],
)
def test_bad_numbers(options, message):
    with pytest.raises(na.InputError, match=message) as told:
        na.theory.supervised_flow(**{"singular": [1.0], "times": [0.0, 1.0], **options})
    assert "\n" not in str(told.value)
