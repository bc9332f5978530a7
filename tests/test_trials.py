"""Repeats: Stringer's halves, missing trials, noise kept apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na


def brute_force(assembly, n, order):
    """The rule of the published pipeline, written as a loop over stimuli, with 1-based positions."""
    out = []
    for stimulus in sorted(set(assembly.stimulus_id.values.tolist())):
        rows = assembly.values[(assembly.stimulus_id == stimulus).values]
        rows = rows[~np.isnan(rows).all(axis=1)]
        t = len(rows)
        if t < n:
            continue
        sets = []
        for k in range(1, n + 1):
            if order == "time":
                picked = [math.ceil(t * (k - 1) / n) + i for i in range(1, t // n + 1)]
            else:
                picked = [k + n * i for i in range(t // n)]
            chosen = rows[[p - 1 for p in picked]]
            mean = np.full(chosen.shape[1], np.nan)
            some = ~np.isnan(chosen).all(axis=0)
            mean[some] = np.nanmean(chosen[:, some], axis=0)
            sets.append(mean)
        out.append(sets)
    return np.array(out).transpose(1, 0, 2)


@pytest.mark.filterwarnings("ignore:.*fewer than:UserWarning")
@pytest.mark.parametrize("order", ["time", "interleaved"])
@settings(deadline=None, max_examples=40)
@given(counts=st.lists(st.integers(1, 7), min_size=1, max_size=6), n=st.integers(1, 3), seed=st.integers(0, 99))
def test_against_a_loop(order, counts, n, seed):
    rng = np.random.default_rng(seed)
    stimuli = np.repeat([f"s{i}" for i in range(len(counts))], counts)
    values = rng.normal(size=(stimuli.size, 3))
    values[rng.random(values.shape) < 0.2] = np.nan
    assembly = na.make_assembly(values, stimulus_id=stimuli)
    try:
        expected = brute_force(assembly, n, order)
    except ValueError:
        with pytest.raises(na.InputError, match="no stimulus has"):
            na.repeats(assembly, n, order)
        return
    np.testing.assert_allclose(na.repeats(assembly, n, order).values, expected, rtol=1e-12)


def test_missing_values_do_not_drop_the_stimulus():
    values = np.array([[1.0, np.nan], [3.0, 4.0], [5.0, 6.0], [7.0, np.nan]])
    halves = na.repeats(na.make_assembly(values, stimulus_id=["a"] * 4))
    np.testing.assert_array_equal(halves.values[:, 0], [[2.0, 4.0], [6.0, 6.0]])
    assert halves.attrs["n_stimuli_dropped"] == 0
    assert halves.attrs["n_missing"] == 0


def test_states_what_was_dropped_and_keeps_labels():
    assembly = na.make_assembly(
        np.arange(10.0).reshape(5, 2),
        stimulus_id=["b", "b", "a", "a", "c"],
        presentation={"label": ["dog", "dog", "cat", "cat", "cow"], "time": [0.0, 1.0, 2.0, 3.0, 4.0]},
        neuroid={"region": ["V1", "V4"]},
    )
    with pytest.warns(UserWarning, match="1 of 3 stimuli"):
        halves = na.repeats(assembly)
    assert list(halves.stimulus_id.values) == ["a", "b"]
    assert list(halves.label.values) == ["cat", "dog"]
    assert "time" not in halves.coords  # differs between the presentations of one stimulus
    assert halves.attrs["n_stimuli_dropped"] == 1
    assert halves.attrs["n_presentations_unused"] == 1


def test_row_order_does_not_matter():
    rng = np.random.default_rng(0)
    assembly = na.make_assembly(rng.normal(size=(12, 3)), stimulus_id=np.repeat(list("abc"), 4))
    shuffled = assembly.isel(presentation=rng.permutation(12))
    np.testing.assert_array_equal(na.repeats(assembly).values, na.repeats(shuffled).values)


def test_random_order_takes_a_seed():
    assembly = na.make_assembly(np.random.default_rng(0).normal(size=(40, 3)), stimulus_id=np.repeat(np.arange(5), 8))
    one, same, other = (na.repeats(assembly, order="random", seed=s).values for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    np.testing.assert_allclose(one.mean(0), na.repeats(assembly).values.mean(0))


def test_one_presentation_each_is_refused():
    assembly = na.make_assembly(np.ones((3, 2)), stimulus_id=list("abc"))
    with pytest.raises(na.InputError, match="no stimulus has 2 usable presentations"):
        na.repeats(assembly)
    with pytest.raises(na.InputError, match="order is 'alphabetic'"):
        na.repeats(assembly, order="alphabetic")


def test_a_lazy_assembly_stays_lazy_and_gives_the_same():
    dask_array = pytest.importorskip("dask.array")
    x = np.random.default_rng(0).normal(size=(30, 20))
    x[4] = np.nan
    x[7, 3] = np.nan
    made = na.make_assembly(x, stimulus_id=np.arange(30) % 6)
    lazy = made.copy(data=dask_array.from_array(x, chunks=(7, 6)))
    for n in (1, 2, 3):
        expected, found = na.repeats(made, n), na.repeats(lazy, n)
        assert hasattr(found.data, "dask")
        np.testing.assert_array_equal(found.values, expected.values)
        assert "n_missing" not in found.attrs
        assert {**found.attrs, "n_missing": expected.attrs["n_missing"]} == expected.attrs
        for name in expected.coords:
            np.testing.assert_array_equal(found.coords[name], expected.coords[name])


@pytest.mark.parametrize("bad", [{"seed": None}, {"seed": "a"}, {"n": 2.0}, {"n": True}, {"n": 0}])
def test_what_is_no_number_is_refused(bad):
    trials = na.make_assembly(np.arange(8.0)[:, None], stimulus_id=[*"aabbccdd"])
    with pytest.raises(na.InputError, match=f"{next(iter(bad))} is "):
        na.repeats(trials, **bad)
