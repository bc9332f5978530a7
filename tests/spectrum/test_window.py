"""Windows: the rule, the grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.spectrum.window import auto_window, check_window, window_grid


@given(n=st.integers(16, 10_000), d=st.integers(16, 10_000))
def test_auto_window_is_always_legal(n, d):
    first, last = auto_window(n, d, min(n, d))
    assert 1 <= first < last <= min(500, min(n, d) // 2)


@given(first=st.integers(1, 100), length=st.integers(5, 500), rank=st.integers(700, 2000))
def test_grid_holds_the_window_and_stays_inside(first, length, rank):
    grid = window_grid(first, first + length, rank)
    assert (first, first + length) in grid
    assert all(1 <= a < b <= max(rank // 2, first + length) for a, b in grid)
    assert len(grid) >= 3


@pytest.mark.parametrize("ranks", [(4.7, 20.2), ("4", "20"), (4, True), "abc", None, 5, (4,), (1, 2, 3)])
def test_ranks_are_two_whole_numbers(ranks):
    with pytest.raises(na.InputError, match=r"ranks is .*; expected \(first, last\)"):
        check_window(ranks, 50, 50)
    assert check_window((np.int64(4), 20), 50, 50) == (4, 20)
