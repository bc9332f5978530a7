"""Windows: the rule, the grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.spectrum.powerlaw import rank_weights, wls
from neuroalpha.spectrum.window import auto_window, sensitivity, window_grid


@given(n=st.integers(16, 10_000), d=st.integers(16, 10_000))
def test_auto_window_is_always_legal(n, d):
    first, last = auto_window(n, d, min(n, d))
    assert 1 <= first < last <= min(500, min(n, d) // 2)


@given(first=st.integers(1, 100), length=st.integers(5, 500), rank=st.integers(700, 2000))
def test_grid_holds_the_window_and_stays_inside(first, length, rank):
    grid = window_grid(first, first + length, rank)
    assert (first, first + length) in grid
    assert all(1 <= a < b <= rank for a, b in grid)
    assert len(grid) >= 3


def test_sensitivity_matches_single_fits():
    values = np.random.default_rng(0).random(300) + 0.1
    values[250] = -1
    table = sensitivity(values, [(3, 100), (10, 240), (10, 300)], "1/n")
    for row in table.itertuples():
        rank = np.arange(row.first, row.last + 1)
        if row.last > 250:
            assert np.isnan(row.alpha)
            assert row.n_negative == 1
        else:
            assert row.alpha == pytest.approx(wls(rank, values[rank - 1], rank_weights(rank, "1/n")).alpha)
