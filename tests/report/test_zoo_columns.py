"""Columns as the page holds them: what is unknown stays unknown, and everything comes back from JSON."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from neuroalpha.report.zoo_columns import is_numbers, numbers, pack, short, texts


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None], True),
        ([np.float32(1), np.int64(2)], True),
        ([None, np.nan], False),
        ([True, False], False),
        ([1, True], False),
        (["1", 2], False),
    ],
)
def test_which_columns_are_numbers(values, expected):
    assert is_numbers(pd.Series(values, dtype=object)) is expected
    assert not is_numbers(pd.Series([True, False]))


def test_numbers_and_texts():
    np.testing.assert_array_equal(
        numbers(pd.Series([1, "2.5", "x", None, np.inf], dtype=object)), [1, 2.5, np.nan, np.nan, np.nan]
    )
    assert texts(pd.Series(["a", None, 3, np.nan], dtype=object)) == ["a", "", "3", ""]


def test_packed_columns_come_back_from_json():
    frame = pd.DataFrame({"model": ["b", "a", "b"], "alpha": [1.0, np.nan, 0.25]})
    held = json.loads(json.dumps(pack(frame), allow_nan=False))
    assert [held["model"]["values"][at] for at in held["model"]["at"]] == ["b", "a", "b"]
    assert held["alpha"]["numbers"] == [1, None, 0.25]


def test_whole_numbers_lose_their_point_only_where_they_are_exact():
    found = short(np.array([3.0, -2.0, 2.0**60, 0.5, np.nan]))
    assert found == [3, -2, 2.0**60, 0.5, None]
    assert [type(each) for each in found[:3]] == [int, int, float]
