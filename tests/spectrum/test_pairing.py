"""Matching two populations by stimulus: order, repeats, blanks, what is left out and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.spectrum import pairing

QUICK = {"n_draws": 0, "n_permutations": 0}


def assembly(values, ids=None, **more):
    return na.make_assembly(values, stimulus_id=np.arange(len(values)) if ids is None else ids, **more)


def centred(values):
    return values - values.mean(axis=0)


def test_stimuli_are_sorted_and_repeats_kept_apart_or_averaged():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 6, 3)), rng.normal(size=(6, 4))
    names = np.array(list("fbdace"))
    a, b = assembly(x.reshape(12, 3), np.tile(names, 2)), assembly(y[::-1], names[::-1])
    order = np.argsort(names)
    kept, single = pairing.two_populations(a, b, 2)
    np.testing.assert_allclose(kept.repeats, [centred(one[order]) for one in x], atol=1e-12)
    np.testing.assert_allclose(single.repeats, [centred(y[order])], atol=1e-12)
    averaged, _ = pairing.two_populations(a, b, 1)
    np.testing.assert_allclose(averaged.repeats, [centred(x.mean(axis=0)[order])], atol=1e-12)
    np.testing.assert_allclose(pairing.one_recording(a).repeats, kept.repeats, atol=1e-12)


def test_repeats_and_one_repeat_may_be_given():
    rng = np.random.default_rng(0)
    halves = na.repeats(na.read_array(rng.normal(size=(2, 8, 3))))
    whole, one = pairing.two_populations(halves, halves[1], 1)
    np.testing.assert_allclose(whole.repeats[0], centred(halves.values.mean(axis=0)), atol=1e-12)
    np.testing.assert_allclose(one.repeats[0], centred(halves.values[1]), atol=1e-12)


def test_a_value_missing_in_one_repeat_is_the_other():
    values = np.random.default_rng(0).normal(size=(2, 8, 3))
    values[0, 2, 1] = np.nan
    values[:, 5, 0] = np.nan
    halves = na.repeats(na.read_array(values))
    with pytest.warns(UserWarning, match="4% of the entries are missing"):
        one, _ = pairing.two_populations(halves, halves, 1)
    mean = values.mean(axis=0)
    mean[2, 1], mean[5, 0] = values[1, 2, 1], np.delete(values[:, :, 0].mean(axis=0), 5).mean()
    np.testing.assert_allclose(one.repeats[0], centred(mean), atol=1e-12)
    assert one.n_missing == 1


def test_blanks_are_no_stimulus():
    recording, _ = na.simulate_recording(1.0, 20, 10, spontaneous=False, seed=0)
    one, two = pairing.two_populations(recording["responses"], recording["responses"], 2)
    assert (one.n_stimuli, one.n_neuroids, len(two.repeats)) == (20, 10, 2)


def test_partly_matching_stimuli_are_told_with_counts():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 5))
    with pytest.warns(UserWarning, match="20 stimuli are in both and used; 5 are in a only and 10 in b only"):
        made = na.heldout_spectrum(assembly(x[:25]), assembly(x, np.arange(5, 35)), **QUICK)
    assert made.attrs["n_stimuli"] == 20


def test_subsamples_draw_the_neuroids_of_each_population():
    x = np.random.default_rng(0).normal(size=(20, 30))
    populations = list(pairing.two_populations(assembly(x), assembly(x[:, :10]), 1))
    drawn = list(pairing.subsamples(populations, 4, 0.5, ("stimulus", "neuroid"), np.random.default_rng(0)))
    assert [stimuli.size for stimuli, _ in drawn] == [10] * 4
    assert [[kept.size for kept in neuroids] for _, neuroids in drawn] == [[15, 5]] * 4
    chosen = pairing.part(x, drawn[0][0], drawn[0][1][0])
    np.testing.assert_allclose(chosen, centred(x[drawn[0][0]][:, drawn[0][1][0]]), atol=1e-12)


def test_bad_input():
    rng = np.random.default_rng(0)
    once, three = assembly(rng.normal(size=(8, 3))), na.repeats(na.read_array(rng.normal(size=(3, 8, 3))), 3)
    with pytest.raises(na.InputError, match="expected at most 2 repeats, got 3"):
        pairing.two_populations(three, once, 2)
    with pytest.raises(na.InputError, match=r"a holds stimulus_id '1' more than once"):
        pairing.two_populations(three.isel(stimulus=[0, 1, 1]), once, 1)
    with pytest.raises(na.InputError, match="b lacks the coordinate 'stimulus_id' along 'stimulus'"):
        pairing.two_populations(once, three.drop_vars("stimulus_id"), 1)
    with pytest.raises(na.InputError, match=r"expected an assembly .* got Dataset"):
        pairing.two_populations(once.to_dataset(name="responses"), once, 1)


def test_presentations_that_are_nan_throughout_are_none():
    values = np.random.default_rng(0).normal(size=(2, 8, 3))
    values[1] = np.nan
    gone = na.read_array(values)
    once, _ = pairing.two_populations(gone, gone, 2)
    np.testing.assert_allclose(once.repeats, [centred(values[0])], atol=1e-12)
    assert once.n_missing == 0
    assert not pairing.shown_repeatedly(gone)


def test_stimuli_that_are_nan_throughout_in_a_repeat_are_left_out():
    values = np.random.default_rng(0).normal(size=(2, 8, 3))
    halves = na.repeats(na.read_array(values))
    halves[0, 3] = np.nan
    with pytest.warns(UserWarning, match="1 of 8 stimuli are NaN throughout in a repeat"):
        one = pairing.one_recording(halves)
    np.testing.assert_allclose(one.repeats, [centred(np.delete(half, 3, axis=0)) for half in values], atol=1e-12)
    assert one.n_missing == 0
    averaged, _ = pairing.two_populations(halves, halves, 1)  # one value is left of the stimulus
    assert averaged.n_stimuli == 8
    with pytest.raises(na.InputError, match="no stimulus holds a value in every repeat"):
        pairing.one_recording(halves * np.nan)


def test_nothing_and_unnamed_neuroids_are_refused():
    x = assembly(np.random.default_rng(0).normal(size=(16, 3)), [*range(8)] * 2)
    halves = na.repeats(x)
    blank = x.assign_coords(blank=("presentation", np.ones(16, dtype=bool)))
    for run in (pairing.one_recording, lambda given: pairing.two_populations(given, x, 2)):
        for empty in (blank, x.isel(presentation=[]), x * np.nan):
            with pytest.raises(na.InputError, match=r"none of the \d+ presentations"):
                run(empty)
        with pytest.raises(na.InputError, match="lacks the coordinate 'neuroid_id' along 'neuroid'"):
            run(halves.drop_vars("neuroid_id"))
    with pytest.raises(na.InputError, match="the responses are empty"):
        pairing.two_populations(halves.isel(stimulus=[]), x, 2)
    with pytest.raises(na.InputError, match="must be real numbers"):
        pairing.recorded(halves.astype(object))
