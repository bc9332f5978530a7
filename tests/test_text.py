"""Text labels: conversion, duplicates, what files can hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha._text import check_encodable, duplicates, first_few, to_text, valid
from neuroalpha.errors import InputError


@given(st.lists(st.text(max_size=3), max_size=30))
def test_duplicates_matches_brute_force(labels):
    array = np.array(labels, dtype=str)
    plain = [str(label) for label in array]
    assert list(duplicates(array)) == sorted({label for label in plain if plain.count(label) > 1})


@given(st.lists(st.text(st.characters(), max_size=4), min_size=1, max_size=8))
def test_check_encodable_matches_python(labels):
    array = np.array(labels, dtype=str)
    writable = all("\0" not in str(a) and not any(0xD800 <= ord(c) <= 0xDFFF for c in str(a)) for a in array)
    if writable:
        check_encodable(array, "label")
    else:
        with pytest.raises(InputError, match="label holds text"):
            check_encodable(array, "label")


def test_to_text():
    assert to_text([1, 20], "id").tolist() == ["1", "20"]
    assert to_text(np.array([b"a", b"\xc3\xa9"]), "id").tolist() == ["a", "é"]
    assert to_text(np.array(["a", "b"], dtype=object), "id").dtype.kind == "U"
    assert to_text([], "id").size == 0
    for wrong in ([1.5], [None], [True]):
        with pytest.raises(InputError, match="'id'"):
            to_text(wrong, "id")


def test_short_forms():
    assert first_few(["a", "b"]) == "'a', 'b'"
    assert first_few(range(9), 2) == "'0', '1', ... (9 in all)"
    assert valid("caf\udce9") == "caf?"
    assert valid("café") == "café"
