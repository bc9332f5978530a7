"""What calibrate refuses before long work, and that a warning is told once."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.spectrum import calibration_checks as checks

GOOD = {"alphas": (0.5, 1.0, 1.5), "n_simulations": 5, "level": 0.95, "n_jobs": None, "signal_fraction": 0.5, "seed": 0}


@pytest.fixture(scope="module")
def fit(recording):
    return na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24))


def test_sound_numbers_give_the_grid():
    assert checks.check_numbers(**{**GOOD, "alphas": np.array([0, 1, 2])}) == [0.0, 1.0, 2.0]
    assert checks.check_numbers(**{**GOOD, "n_jobs": 2, "signal_fraction": None, "level": 0.5}) == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alphas": (-0.5, 1.0, 1.5)}, "none below zero"),
        ({"alphas": (0.5, 0.5, 1.5)}, "in increasing order"),
        ({"alphas": [[0.5, 1.0], [1.5]]}, "at least 3 exponents"),
        ({"n_simulations": 4}, "n_simulations is 4"),
        ({"level": 0.4}, "level is 0.4"),
        ({"level": 0.99999}, "level is 0.99999"),
        ({"n_jobs": True}, "n_jobs is True"),
        ({"signal_fraction": 0.0}, "signal_fraction is 0.0; expected a share above 0"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_bad_numbers(changes, message):
    with pytest.raises(na.InputError, match=message) as error:
        checks.check_numbers(**{**GOOD, **changes})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("observed", [None, 1, 0.9, np.float32(1.1), np.int64(1)])
def test_observed_numbers_pass(observed):
    checks.check_observed(observed, "cvpca", {"method": "theil-sen"})
    checks.check_sizes(observed, 3, 4)


@pytest.mark.parametrize(
    ("observed", "message"), [(True, "observed is True"), ("1", "observed is '1'"), (-np.inf, "observed is -inf")]
)
def test_bad_observed_numbers(observed, message):
    with pytest.raises(na.InputError, match=message):
        checks.check_observed(observed, "cvpca", {})


def test_fit_to_a_spectrum_of_unknown_origin_is_taken(fit):
    """Its estimator is no name of ours: whether it fits is for its owner to know."""
    other = dataclasses.replace(fit, estimator="by hand", n_stimuli=7)
    checks.check_observed(other, "pca", {})
    checks.check_sizes(other, 120, 90)
    with pytest.raises(na.InputError, match="made by 'cvpca', but estimator is 'pca'"):
        checks.check_observed(fit, "pca", {})
    with pytest.raises(na.InputError, match="120 stimuli and 90 neuroids, but 7 and 90"):
        checks.check_sizes(fit, 7, 90)


@pytest.mark.parametrize("method", ["wls", "binned"])
def test_methods_that_are_least_squares_are_not_warned_of(fit, method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checks.check_observed(dataclasses.replace(fit, method=method, weights="1/n"), "cvpca", {})


def test_a_warning_is_passed_on_once():
    told = {"old"}

    def compute():
        for text in ("old", "new", "new"):
            warnings.warn(text, RuntimeWarning, stacklevel=1)
        return 3

    with pytest.warns(RuntimeWarning) as caught:
        values = [checks.tell_new(compute, told) for _ in range(2)]
    assert values == [3, 3]
    assert [str(each.message) for each in caught] == ["new"]
    assert told == {"old", "new"}


def test_recording_is_checked_as_the_estimator_will(recording):
    once = na.repeats(recording, 1)[0]
    checks.check_recording(once, "pca", set())
    with pytest.raises(na.InputError, match="averaged"):
        checks.check_recording(once, "cvpca", set())


def test_observed_fit_has_to_be_of_these_sizes_and_made_alike(recording):
    options = {"alphas": (0.5, 1.0, 1.5), "noise": "aligned", "n_simulations": 5, "progress": False}
    fit = na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24))
    with pytest.raises(na.InputError, match="read from 120 stimuli and 90 neuroids, but 120 and 80"):
        na.calibrate(recording.isel(neuroid=slice(80)), observed=fit, **options)
    with pytest.raises(na.InputError, match="read from 120 stimuli and 90 neuroids, but 60 and 90"):
        na.calibrate((60, 90), observed=fit, signal_fraction=0.5, **options)
    with pytest.raises(na.InputError, match="observed is nan"):
        na.calibrate(recording, observed=dataclasses.replace(fit, alpha=np.nan), **options)
    with pytest.warns(UserWarning, match="fitted with method 'least squares', but .* 'theil-sen'"):
        na.calibrate(recording, observed=fit, fit_options={"method": "theil-sen"}, **options)
    even = na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24), "uniform")
    with pytest.warns(UserWarning, match="weights 'uniform', but the simulations are fitted with '1/n'"):
        na.calibrate(recording, observed=even, **options)


def test_names_are_checked_before_the_estimator_runs(recording, monkeypatch):
    def fail(name):
        raise AssertionError("the estimator was run")

    monkeypatch.setattr("neuroalpha.spectrum.calibrate.get_estimator", fail)
    for changes, message in (
        ({"noise": "pink"}, "noise holds 'pink'"),
        ({"ranks": (3, 500)}, "reach outside"),
        ({"ranks": (0, 5)}, "not a window"),
        ({"estimator_options": {"shuffles": 1}}, "does not take"),
        ({"fit_options": {"methods": 1}}, "does not take"),
    ):
        with pytest.raises(na.InputError, match=message):
            na.calibrate(recording, progress=False, **changes)


def test_faults_of_the_recording_are_told_once():
    made = na.simulate_recording(1.0, 60, 40, 2, 0.6, "aligned", False, 3)[0]
    made = na.preprocess(made, zscore=None)
    made = made.copy(data=np.where(np.arange(40) == 7, 1.0, made.values).astype(made.dtype))
    with pytest.warns(UserWarning, match="constant") as caught:
        na.calibrate(made, ranks=(2, 12), alphas=(0.5, 1.0, 1.5), noise="white", n_simulations=5, progress=False)
    assert sum("1 of 40 neuroids are constant" in str(each.message) for each in caught) == 1
