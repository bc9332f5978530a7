"""Checks before label noise; what they refuse is tested with noise_robustness, which calls them."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.tasks.noise_inputs import PLACE, all_levels, check_noises, filled, human_codes, numbered


def test_levels_are_sorted_once_each_and_begin_at_zero():
    np.testing.assert_array_equal(all_levels([0.4, 0.1, 0.4]), [0, 0.1, 0.4])
    np.testing.assert_array_equal(all_levels(0.2), [0, 0.2])
    np.testing.assert_array_equal(all_levels([0.0]), [0])


def test_human_labels_are_matched_by_name():
    names = np.array(["9", "10"])
    codes = human_codes({"a": [10, 9, 9], "b": ["9", "9", "10"], 3: [9.0, 9.0, 9.0]}, names, 3)
    assert {name: each.tolist() for name, each in codes.items()} == {"a": [1, 0, 0], "b": [0, 0, 1], "3": [0, 0, 0]}
    assert human_codes(None, names, 3) == {}
    with pytest.raises(na.InputError, match="human \\(c\\) labels are missing"):
        human_codes({"c": [9, np.nan, 9]}, names, 3)


def test_one_kind_may_be_given_as_text():
    assert check_noises("symmetric", False) == ["symmetric"]
    assert check_noises([], True) == []


def test_filled_leaves_the_assembly_alone():
    values = np.array([[1.0, np.nan], [3.0, 4.0]], dtype=np.float32)
    assembly = na.make_assembly(values, stimulus_id=["a", "b"])
    np.testing.assert_array_equal(filled(assembly), [[1, 4], [3, 4]])
    assert np.isnan(assembly.values[0, 1])


def test_a_neuroid_of_which_nothing_was_recorded_is_zero(recwarn):
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    np.testing.assert_array_equal(filled(na.make_assembly(values, stimulus_id=["a", "b"])), [[1, 0], [3, 0]])
    assert not recwarn.list


def test_places_are_those_before_images_were_left_out():
    assembly = numbered(na.make_assembly(np.eye(4), stimulus_id=list("abcd")))
    assert assembly[[3, 1]][PLACE].values.tolist() == [3, 1]
    with pytest.raises(na.InputError, match="expected an assembly"):
        numbered(np.eye(4))
