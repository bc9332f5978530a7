"""Comparison of the related systems with gradient descent: what was agreed on, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.engine.dataset import error_table
from neuroalpha.theory.related import RELATED, compare_related
from neuroalpha.theory.related_flows.systems import DIRECTPRED


@pytest.mark.parametrize("name", [*DIRECTPRED, "supervised", "stepwise aligned"])
def test_error_falls_tenfold_with_the_step(name):
    found = compare_related([name], n_modes=3, n_inputs=8, n_outputs=3)
    assert 9.5 < float(found["ratio"][0]) < 10.5
    assert float(found["max_error"][0, 0]) < 0.045


@pytest.mark.parametrize("name", ["stepwise 1e-2", "stepwise 1e-4", "stepwise 1e-7"])
def test_step_times_of_random_starts_are_within_two_per_cent(name):
    found = compare_related([name], n_inputs=20, n_outputs=8, seed=3)
    error = found["step_time_error"].isel(setting=0).values
    assert (error < 0.02).all()
    steps = found["step_time_simulated"].isel(setting=0, step=1).values
    expected = np.abs(steps / found["step_time_predicted"].isel(setting=0).values - 1).mean()
    assert error[1] == pytest.approx(expected)


def test_smaller_starts_step_more_exactly():
    found = compare_related(["stepwise 1e-2", "stepwise 1e-4", "stepwise 1e-7"], n_inputs=20, n_outputs=8, seed=3)
    assert (np.diff(found["step_time_error"].isel(step=1)) < 0).all()


def test_table_and_attributes():
    found = compare_related(["DirectPred", "supervised"], n_modes=2, n_inputs=4)
    table = error_table(found)
    assert list(table["setting"]) == ["DirectPred", "supervised"]
    assert (table["step_size"] == 0.01).all()
    assert found.sizes["mode"] == 6  # p, s and tau of two modes; NaN beyond the task's two
    assert np.isnan(found["predicted"].sel(setting="supervised").values[:, 2:]).all()
    assert (found.attrs["seed"], found.attrs["expectation"]) == (2, "population")
    assert "step_time_error" not in found
    assert len(set(RELATED)) == len(RELATED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"settings": ["DirectPerd"]}, "no setting 'DirectPerd'; did you mean 'DirectPred'"),
        ({"settings": []}, "no settings were given"),
        ({"gamma": np.triu(np.ones((4, 4)))}, "gamma is not symmetric"),
        ({"settings": "stepwise aligned", "gamma": np.diag([1.0, -1.0])}, "gamma has 1 positive eigenvalues"),
        ({"n_modes": 8, "n_inputs": 5}, "n_inputs is 5 for 8 modes"),
        ({"n_outputs": 0}, "n_outputs is 0"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(na.InputError, match=message) as told:
        compare_related(**options)
    assert "\n" not in str(told.value)
