"""The published preprocessing against the same steps written out plainly, and every switch."""

from __future__ import annotations

import json

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.recordings.preprocess import spontaneous_components


@pytest.fixture
def recording():
    made, _ = na.simulate_recording(1.0, 30, 80, seed=0)
    responses = made["responses"].copy()
    responses[5, 7] = np.nan
    made["responses"] = responses.assign_coords(redcell=("neuroid", np.arange(80) % 10 == 0))
    return made


def plain(recording, n_components):
    """Facts of the pipeline, line by line."""
    resp, spont = recording.responses.values.astype(float), recording.spontaneous.values.astype(float)
    white = ~recording.responses.redcell.values
    resp, spont = resp[:, white], spont[:, white]
    istim = recording.responses.istim.values
    resp = resp[istim <= istim.max() - 1]
    resp[np.isnan(resp)] = 0
    mu, sd = spont.mean(0), spont.std(0) + 1e-6
    resp = (resp - mu) / sd
    v = np.linalg.svd((spont - mu) / sd, full_matrices=False)[2][:n_components].T
    resp = resp - (resp @ v) @ v.T
    return resp - resp.mean(0)


@pytest.mark.parametrize("n_components", [32, 60, 3])
def test_against_plain_steps(recording, n_components):
    ours = na.preprocess(recording, n_spontaneous=n_components)
    np.testing.assert_allclose(ours.values, plain(recording, n_components), atol=1e-6)
    assert ours.sizes["neuroid"] == 72
    assert not ours.blank.any()


def test_every_step_is_recorded(recording):
    steps = json.loads(na.preprocess(recording).attrs["preprocessing"])
    assert [s["step"] for s in steps] == [
        "drop_red",
        "drop_blank",
        "nan_to_zero",
        "zscore",
        "remove_spontaneous",
        "center",
    ]
    assert steps[0]["n_dropped"] == 8
    assert steps[2]["n_missing"] == 1
    assert steps[4]["n_components"] == 32


def test_every_step_switches_off(recording):
    untouched = na.preprocess(
        recording, drop_red=False, drop_blank=False, nan_to_zero=False, zscore=None, n_spontaneous=0, center=False
    )
    np.testing.assert_array_equal(untouched.values, recording.responses.values)
    assert json.loads(untouched.attrs["preprocessing"]) == []


def test_input_is_not_changed(recording):
    before = recording.copy(deep=True)
    na.preprocess(recording)
    assert recording.identical(before)


def test_without_spontaneous_activity_the_responses_scale_themselves(recording):
    ours = na.preprocess(recording.drop_vars("spontaneous"))
    np.testing.assert_allclose(ours.values.std(0), 1, rtol=1e-4)
    steps = json.loads(ours.attrs["preprocessing"])
    assert next(s for s in steps if s["step"] == "zscore")["by"] == "responses"
    assert "remove_spontaneous" not in [s["step"] for s in steps]


def test_missing_trials_can_stay(recording):
    ours = na.preprocess(recording["responses"], nan_to_zero=False)
    assert int(np.isnan(ours).sum()) == 1
    np.testing.assert_allclose(np.nanmean(ours, axis=0), 0, atol=1e-6)


def test_components_are_the_leading_ones_and_the_same_each_time():
    rest = np.random.default_rng(0).normal(size=(200, 90)) * np.arange(1, 91) ** -0.3
    ours = spontaneous_components(rest, 10)
    exact = np.linalg.svd(rest - rest.mean(0), full_matrices=False)[2][:10]
    np.testing.assert_allclose(np.abs(np.sum(ours * exact, axis=1)), 1, atol=1e-9)
    np.testing.assert_array_equal(ours, spontaneous_components(rest, 10))


def test_bad_input(recording):
    with pytest.raises(na.InputError, match="set n_spontaneous to 72 or fewer"):
        na.preprocess(recording, n_spontaneous=100)
    with pytest.raises(na.InputError, match="complete trials"):
        na.preprocess(recording, nan_to_zero=False)
    with pytest.raises(na.InputError, match="zscore is 'blank'"):
        na.preprocess(recording, zscore="blank")
    with pytest.raises(na.InputError, match="leaves no neuron"):
        na.preprocess(recording["responses"].assign_coords(redcell=("neuroid", np.ones(80, bool))))
    with pytest.raises(na.InputError, match="expected a recording"):
        na.preprocess(recording[["spontaneous"]])


def test_neurons_that_say_nothing_are_named(recording):
    dead = recording.copy(deep=True)
    dead["responses"][:, 3] = np.nan
    with pytest.raises(na.InputError, match="1 of 72 neurons are NaN throughout in the responses: neuroid_id '03'"):
        na.preprocess(dead)
    infinite = recording.copy(deep=True)
    infinite["responses"][2, 3] = np.inf
    with pytest.raises(na.InputError, match="infinite somewhere in the responses: neuroid_id '03'"):
        na.preprocess(infinite)
    quiet = recording.copy(deep=True)
    quiet["spontaneous"][:, 3] = np.nan
    with pytest.raises(na.InputError, match="NaN throughout in the spontaneous activity"):
        na.preprocess(quiet)


def test_constant_spontaneous_activity_is_told(recording):
    recording["spontaneous"][:, 3] = 1.0
    with pytest.warns(UserWarning, match="1 of 72 neurons have constant spontaneous activity"):
        ours = na.preprocess(recording, n_spontaneous=0)
    assert json.loads(ours.attrs["preprocessing"])[3]["n_constant"] == 1


@pytest.mark.parametrize("zscore", ["responses", None])
def test_spontaneous_components_are_of_fluctuations_not_of_the_mean(recording, zscore):
    clean = recording.isel(presentation=~recording.responses.blank.values)
    ours = na.preprocess(clean, zscore=zscore, n_spontaneous=5, drop_red=False)
    x = np.nan_to_num(clean.responses.values.astype(float))
    rest = clean.spontaneous.values.astype(float)
    if zscore:
        mean, sd = x.mean(0), x.std(0) + 1e-6
        x, rest = (x - mean) / sd, (rest - mean) / sd
    axes = np.linalg.svd(rest - rest.mean(0), full_matrices=False)[2][:5]
    x = x - x @ axes.T @ axes
    np.testing.assert_allclose(ours.values, x - x.mean(0), atol=1e-5 * np.abs(x).max())
