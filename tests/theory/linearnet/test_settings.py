"""Settings by name, times, weights and covariances: what passes, and one clear line for what does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.linearnet.settings import (
    EXTRA,
    TOY,
    as_named,
    checked_covariance,
    checked_weights,
    defaults,
    even_times,
    named_settings,
    start_weights,
)


def test_the_eight_settings_have_the_notebooks_views():
    assert len(TOY) == 8
    assert {(each.noise1, each.noise2) for each in TOY.values()} == {(0.0, 0.01)}  # first clean, sd 0.1 in the second
    assert {(each.loss, each.variant) for each in TOY.values()} == {
        (loss, variant)
        for loss in ("euclidean", "cosine")
        for variant in ("predictor", "iso", "no predictor", "no stop-gradient")
    }
    assert not set(TOY) & set(EXTRA)


def test_settings_in_every_form():
    mine = FlowSetting(power=0.5)
    assert named_settings(None) == dict(TOY)
    assert named_settings("extra") == dict(EXTRA)
    assert list(named_settings("all")) == [*TOY, *EXTRA]
    assert named_settings("cosine") == {"cosine": TOY["cosine"]}
    assert named_settings(mine) == {mine.name: mine}
    assert named_settings({"a": "cosine", "b": mine}) == {"a": TOY["cosine"], "b": mine}
    assert named_settings(("cosine", mine)) == {"cosine": TOY["cosine"], mine.name: mine}
    assert as_named("euclidean iso") == ("euclidean iso", TOY["euclidean iso"])


@pytest.mark.parametrize(
    ("given_settings", "text"),
    [
        (3, "settings is 3; expected names"),
        ([], "no settings were given"),
        ({}, "no settings were given"),
        (["cosine", "cosine"], "listed twice"),
        ("cosin", "did you mean 'cosine'"),
        ([None], "no setting None"),
        ({"a": 1}, "no setting 1"),
    ],
)
def test_bad_settings(given_settings, text):
    with pytest.raises(na.InputError, match=text):
        named_settings(given_settings)


def test_steps_are_the_notebooks():
    assert defaults(TOY["euclidean"]) == (0.01, 15.0)  # 1,500 steps
    assert defaults(TOY["euclidean no predictor"]) == defaults(TOY["cosine"]) == (0.1, 150.0)


@given(st.floats(0.001, 10), st.integers(1, 5000), st.integers(2, 200))
def test_times_are_even_multiples_of_the_step(size, n_steps, n_times):
    times = even_times(n_steps * size, size, n_times)
    counts = times / size
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)
    assert times[0] == 0
    assert times[-1] <= n_steps * size * (1 + 1e-9)
    assert np.ptp(np.diff(times)) < 1e-6 * times[-1] if times.size > 2 else times.size == 2
    assert times.size <= 2 * n_times + 1


@pytest.mark.parametrize(
    ("until", "size", "n_times", "text"),
    [
        (0, 0.1, 5, "until is 0; expected a finite number above 0"),
        ("x", 0.1, 5, "until is 'x'"),
        (1.0, True, 5, "step size is True"),
        (1.0, np.nan, 5, "step size is nan"),
        (1.0, 2.0, 5, "until is 1, less than one step of 2"),
        (1.0, 0.1, 1, "n_times is 1"),
    ],
)
def test_bad_times(until, size, n_times, text):
    with pytest.raises(na.InputError, match=text):
        even_times(until, size, n_times)


def test_weights_are_normal_over_four_and_repeat():
    weights = start_weights(100, 400, 3)
    assert weights.std() == pytest.approx(0.25, rel=0.02)
    np.testing.assert_array_equal(weights, start_weights(100, 400, 3))
    assert np.abs(weights - start_weights(100, 400, 4)).max() > 0.1


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("a", "start is text"),
        (1j * np.ones((2, 3)), "start is complex numbers"),
        (np.ones((2, 3), dtype=bool), "start is booleans"),
        ([[1, 2], [3]], "rows of different lengths"),
        (np.ones(3), r"start has shape \(3,\)"),
        (np.ones((3, 2)), "no more modes than inputs"),
        ([[np.nan, 1.0]], "start holds 1 NaN"),
        (np.zeros((2, 3)), "start is 0 everywhere"),
    ],
)
def test_bad_weights(start, text):
    with pytest.raises(na.InputError, match=text):
        checked_weights(start)


def test_covariances():
    assert checked_covariance(None, 3) is None
    np.testing.assert_array_equal(checked_covariance([1, 2], 2), np.diag([1.0, 2.0]))
    np.testing.assert_array_equal(checked_covariance([[2, 1], [1, 2]], 2), [[2, 1], [1, 2]])


@pytest.mark.parametrize(
    ("covariance", "text"),
    [
        ("a", "covariance is text"),
        (1j * np.ones(2), "covariance is complex numbers"),
        ([[1, 2], [0, 1]], "covariance is not symmetric"),
        ([-1, 1], "covariance has the negative eigenvalue -1"),
        ([1, 1, 1], "covariance is of 3 inputs and the weights of 2"),
        (np.zeros((2, 2)), "covariance is 0 everywhere"),
        (np.ones((2, 3)), r"covariance has shape \(2, 3\)"),
    ],
)
def test_bad_covariances(covariance, text):
    with pytest.raises(na.InputError, match=text):
        checked_covariance(covariance, 2)
