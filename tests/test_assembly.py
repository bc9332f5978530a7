"""The data model: what it accepts, what it refuses, and that labels stay cheap."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.assembly import count_repetitions, drop_blanks, numbered


def small(**kwargs):
    return na.make_assembly(np.arange(6.0).reshape(3, 2), **{"stimulus_id": ["a", "b", "a"], **kwargs})


def test_defaults():
    assembly = small()
    assert assembly.dims == ("presentation", "neuroid")
    assert type(assembly) is xr.DataArray
    assert not assembly.indexes  # no MultiIndex, no index at all: nothing to pay for
    np.testing.assert_array_equal(assembly.repetition, [0, 0, 1])
    assert na.check_assembly(assembly) is assembly


def test_integers_become_float64_and_float32_stays():
    assert na.make_assembly(np.ones((1, 1), int), stimulus_id=[7]).dtype == np.float64
    assert na.make_assembly(np.ones((1, 1), np.float32), stimulus_id=[7]).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stimulus_id": ["a", "b"]}, "'stimulus_id' has shape"),
        ({"stimulus_id": [1.5, 2.5, 3.5]}, "must be text or whole numbers"),
        ({"stimulus_id": ["a", None, "b"]}, "holds NoneType"),
        ({"neuroid_id": ["n", "n"]}, "'n' occur more than once"),
        ({"repetition": [0, 0, 0]}, "'a' has repetition 0 more than once"),
        ({"repetition": [0, 0, -1]}, "non-negative"),
        ({"neuroid": {"x": [1.0]}}, "'x' has shape"),
        ({"attrs": {"steps": ["a"]}}, "attribute 'steps' is list"),
        ({"attrs": {"flag": True}}, "attribute 'flag' is bool"),
    ],
)
def test_refuses(change, message):
    with pytest.raises(na.InputError, match=message) as caught:
        small(**change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a.T, "transpose it"),
        (lambda a: a.drop_vars("repetition"), "lacks the coordinate 'repetition'"),
        (lambda a: a.astype(int), "dtype int"),
        (lambda a: a.to_dataset(name="responses"), "take its variable"),
        (lambda a: a.assign_coords(neuroid_id=("neuroid", [1, 2])), "must be text"),
        (lambda a: a.set_index(neuroid=["neuroid_id"]), "lacks the coordinate 'neuroid_id'"),
    ],
)
def test_check_refuses(spoil, message):
    with pytest.raises(na.InputError, match=message):
        na.check_assembly(spoil(small()))


def test_three_dimensions_point_to_read_array():
    with pytest.raises(na.InputError, match="read_array"):
        na.make_assembly(np.ones((2, 2, 2)), stimulus_id=["a", "b"])


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_count_repetitions_matches_a_loop(stimuli):
    seen: dict[str, int] = {}
    expected = []
    for stimulus in stimuli:
        expected.append(seen.get(stimulus, 0))
        seen[stimulus] = expected[-1] + 1
    assert list(count_repetitions(np.array(stimuli, dtype=str))) == expected


@given(st.integers(0, 300), st.integers(0, 120), st.text("aé/1", max_size=3))
def test_numbered_matches_formatting(n, start, prefix):
    width = max(1, len(str(max(start + n - 1, 0))))
    assert list(numbered(prefix, n, start)) == [f"{prefix}{i:0{width}d}" for i in range(start, start + n)]


def test_subset_is_a_view_of_a_contiguous_block():
    net = na.make_assembly(np.zeros((2, 6)), stimulus_id=["a", "b"], neuroid={"layer": list("aabbba")})
    block = na.subset(net, layer="b")
    assert np.shares_memory(block.values, net.values)
    assert block.sizes["neuroid"] == 3
    xr.testing.assert_identical(na.subset(net, layer="a"), net.isel(neuroid=(net.layer == "a").values))
    assert na.subset(net, layer=["a", "b"], stimulus_id="b").shape == (1, 6)
    with pytest.raises(na.InputError, match="no neuroid has layer 'c'"):
        na.subset(net, layer="c")
    with pytest.raises(na.InputError, match="did you mean 'layer'"):
        na.subset(net, layr="a")


@pytest.mark.parametrize("flags", [["False"] * 3, [0, 0, 1], [0.0, np.nan, 1.0]])
def test_blank_is_boolean(flags):
    made = na.make_assembly(np.eye(3), stimulus_id=[*"abc"], presentation={"blank": flags})
    with pytest.raises(na.InputError, match="'blank' has dtype"):
        drop_blanks(made)
    with pytest.raises(na.InputError, match="'blank' has dtype"):
        drop_blanks(made.drop_vars("blank").assign_coords(blank=True))
    sound = made.assign_coords(blank=("presentation", [True, False, False]))
    assert drop_blanks(sound).stimulus_id.values.tolist() == ["b", "c"]
