"""Input that every theory shares: what passes, and one clear line for what does not."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.engine.inputs import number, real_array, rising, symmetric, two_steps


def test_what_passes():
    np.testing.assert_array_equal(real_array(np.float32([1, 2]), "x", (1, 2)), [1, 2])
    assert real_array([[1]], "x", 2).dtype == np.float64
    assert number(np.int64(3), "x", above=0) == 3
    np.testing.assert_array_equal(rising([0, 0.5]), [0, 0.5])
    assert two_steps(np.array([0.1, 0.2, 0.1])) == (0.2, 0.1)
    np.testing.assert_array_equal(symmetric([[1, 2 + 1e-12], [2, -1]]), symmetric([[1, 2], [2 + 1e-12, -1]]))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([True], "x is booleans"),
        ([1j], "x is complex numbers"),
        ("ab", "x is text"),
        (None, "x is a NoneType"),
        ([[1], [1, 2]], "rows of different lengths"),
        ([], r"shape \(0,\)"),
        (1.5, r"shape \(\).* as \[1.5\]"),
        ([1, np.nan], "holds 1 NaN or infinite value;"),
        ([np.inf, np.nan], "holds 2 NaN or infinite values;"),
    ],
)
def test_no_numbers(values, text):
    with pytest.raises(na.InputError, match=text):
        real_array(values, "x", 1)


@pytest.mark.parametrize("value", [True, 1j, "1", None, np.nan, np.inf, 0, -1])
def test_no_positive_number(value):
    with pytest.raises(na.InputError, match=r"x is .*; expected a finite number above 0"):
        number(value, "x", above=0)


@pytest.mark.parametrize(
    ("times", "text"),
    [([-1, 1], "begin at -1"), ([0, 2, 2], "2 is followed by 2"), ([0, 3, 1], "3 is followed by 1"), ("ab", "is text")],
)
def test_times_that_do_not_rise(times, text):
    with pytest.raises(na.InputError, match=text):
        rising(times)


@pytest.mark.parametrize("sizes", [0.1, "ab", None, (), (0.1,), (0.1, 0.1), (0.1, 0), (0.1, True), ("a", "b")])
def test_step_sizes_that_are_not_two(sizes):
    with pytest.raises(na.InputError, match="expected"):
        two_steps(sizes)


@pytest.mark.parametrize(
    ("matrix", "definite", "text"),
    [
        ([[1, 2], [0, 1]], False, "not symmetric: .* up to 2; .*\\(C \\+ C.T\\) / 2"),
        ([[1, 2, 3], [2, 1, 3]], False, "expected a square"),
        ([[1, 2], [2, 1]], True, "negative eigenvalue -1"),
        ([[1, np.nan], [np.nan, 1]], False, "NaN"),
        ([[1, 1j], [-1j, 1]], False, "complex"),
    ],
)
def test_matrices(matrix, definite, text):
    with pytest.raises(na.InputError, match=text):
        symmetric(matrix, "C", definite=definite)


def test_an_indefinite_matrix_passes_where_it_may():
    assert symmetric([[1, 2], [2, 1]]).shape == (2, 2)
    assert symmetric([[0, 0], [0, 0]], definite=True).shape == (2, 2)
