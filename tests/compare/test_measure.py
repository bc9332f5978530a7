"""Measuring whole assemblies: one row a population, the estimator that fits the data."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.compare.measure import distinct, mostly_repeated, to_table


def network():
    x = np.random.default_rng(0).normal(size=(90, 120)) * np.r_[np.arange(1, 61), np.arange(1, 61)] ** -0.5
    return na.make_assembly(
        x, stimulus_id=np.arange(90), neuroid={"layer": ["b"] * 60 + ["a"] * 60}, attrs={"identifier": "net"}
    )


def test_one_measurement_a_layer_in_order():
    measured = na.measure(network())
    assert [m.name for m in measured] == ["b", "a"]
    alone = na.fit_alpha(na.eigenspectrum(network().isel(neuroid=slice(0, 60))), "auto")
    assert measured[0].fit.alpha == alone.alpha
    assert (measured[0].fit.low, measured[0].fit.high) == (alone.low, alone.high)
    assert measured[0].spectrum.attrs["layer"] == "b"
    assert [m.name for m in na.measure(network(), by=None)] == ["net"]


def test_estimator_follows_the_repeats():
    recording, _ = na.simulate_recording(1.0, 60, 80, seed=0)
    v1 = na.preprocess(recording)
    assert mostly_repeated(v1)
    assert not mostly_repeated(network())
    assert na.measure(v1)[0].fit.estimator == "cvpca"
    assert na.measure(v1, estimator="pca")[0].fit.estimator == "pca"
    assert na.measure(network())[0].fit.estimator == "pca"


def test_table():
    table = to_table(na.measure(network(), n_draws=0))
    assert table.columns[0] == "name"
    assert table.name.tolist() == ["b", "a"]
    assert {"alpha", "low", "high", "first", "last", "r2", "n_negative", "estimator", "seed", "software"} <= set(table)
    with pytest.raises(na.InputError, match="nothing was measured"):
        to_table([])


def test_bad_input():
    with pytest.raises(na.InputError, match=r"no neuroid coordinate 'layr'.*did you mean 'layer'"):
        na.measure(network(), by="layr")
    with pytest.raises(na.InputError, match=r"estimator is 'meem'.*did you mean 'meme'"):
        na.measure(network(), estimator="meem")
    with pytest.raises(na.InputError, match="every stimulus occurs once, as in a network"):
        na.measure(network(), estimator="cvpca")


def test_a_recording_shown_once_is_not_silently_pca():
    recording, _ = na.simulate_recording(1.0, 60, 80, n_repeats=1, seed=0)
    v1 = na.preprocess(recording)
    with pytest.raises(na.InputError, match="fewer than half of the stimuli were shown twice"):
        na.measure(v1)
    assert na.measure(v1, estimator="pca")[0].fit.estimator == "pca"


def test_blank_presentations_are_left_out():
    recording, _ = na.simulate_recording(1.0, 60, 80, signal_fraction=0.5, seed=0)
    measured = na.measure(recording["responses"], n_draws=0)[0]
    assert measured.spectrum.attrs["n_stimuli"] == 60
    assert na.reliability(recording["responses"]).attrs["n_stimuli"] == 60


def test_names_become_distinct():
    one = na.measure(network(), n_draws=0)[:1]
    assert [m.name for m in distinct(one + one + one)] == ["b", "b (2)", "b (3)"]


def test_one_small_layer_does_not_stop_the_others():
    net = network().assign_coords(layer=("neuroid", ["b"] * 110 + ["fc"] * 10))
    with pytest.warns(UserWarning, match="fc is left out: .*no window"):
        measured = na.measure(net, n_draws=0)
    assert [m.name for m in measured] == ["b"]
    with pytest.raises(na.InputError, match="no window"):
        na.measure(net.isel(neuroid=slice(110, None)))


def test_an_impossible_window_is_refused_before_the_work(monkeypatch):
    def never(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("neuroalpha.compare.measure.get_estimator", never)
    with pytest.raises(na.InputError, match="none of 2 populations can be fitted; of 'b': ranks 4 to 70 reach outside"):
        na.measure(network(), ranks=(4, 70))


def test_every_estimator_of_repeats_by_name():
    recording, _ = na.simulate_recording(1.0, 150, 120, signal_fraction=0.5, spontaneous=False, seed=0)
    for estimator in ("cvpca", "meme", "heldout"):
        (only,) = na.measure(recording.responses, estimator=estimator, ranks=(4, 30), n_draws=8)
        assert only.spectrum.attrs["estimator"] == estimator
        assert only.fit.estimator == estimator
        assert only.fit.low < only.fit.alpha < only.fit.high


def test_nothing_to_measure():
    made = na.make_assembly(np.random.default_rng(0).normal(size=(60, 5)), stimulus_id=np.arange(60))
    for by in (None, "neuroid_id"):
        with pytest.raises(na.InputError, match="nothing to measure: 60 presentations and 0 neuroids"):
            na.measure(made.isel(neuroid=[]), by=by, estimator="pca")


@pytest.mark.parametrize("bad", [{"seed": None}, {"n_draws": 32.0}, {"by": 5}])
def test_what_is_no_number_is_refused(bad):
    made = na.make_assembly(np.random.default_rng(0).normal(size=(60, 50)), stimulus_id=np.arange(60))
    with pytest.raises(na.InputError, match=f"{next(iter(bad))} is "):
        na.measure(made, estimator="pca", **bad)


def test_a_matched_law_may_be_read_at_every_neuroid():
    recording, _ = na.simulate_recording(
        1.0, n_stimuli=60, n_neuroids=150, signal_fraction=0.5, noise="independent", spontaneous=False, seed=0
    )
    options = {"estimator": "meme", "n_draws": 0}
    (found,) = na.measure(recording.responses, ranks=(1, 150), **options)
    assert found.fit.ranks == (1, 150)
    table = to_table([found])
    assert table["p_value"][0] == pytest.approx(found.spectrum.attrs["p_value"], nan_ok=True)
    with pytest.raises(na.InputError, match="reach outside"):
        na.measure(recording.responses, ranks=(1, 151), **options)
    with pytest.raises(na.InputError, match="reach outside"):
        na.measure(recording.responses, ranks=(1, 61), estimator="cvpca")
