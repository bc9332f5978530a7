"""The line in 1 / size: exact on lines, its error against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.spectrum.size_line import halvings, size_line

SIZE = np.array([100.0, 200.0, 400.0, 800.0])


@given(st.floats(-2, 2), st.floats(-50, 50))
def test_straight_line_is_exact(limit, slope):
    line = size_line(SIZE, [np.array([limit + slope / n]) for n in SIZE])
    assert line.limit == pytest.approx(limit, abs=1e-9)
    assert line.slope == pytest.approx(slope, abs=1e-6)
    assert line.error == 0
    assert line.worst < 1e-9


def test_against_numpy():
    rng = np.random.default_rng(0)
    alphas = [rng.normal(size=5) for _ in SIZE]
    line = size_line(SIZE, alphas)
    slope, limit = np.polyfit(
        1 / SIZE, [each.mean() for each in alphas], 1, w=SIZE
    )  # numpy's weights multiply residuals
    assert (line.limit, line.slope) == (pytest.approx(limit), pytest.approx(slope))


def test_error_is_the_spread_over_subsets():
    rng = np.random.default_rng(1)
    sd = 5 / np.sqrt(SIZE)
    lines = [size_line(SIZE, [s * rng.normal(size=8) for s in sd]) for _ in range(2000)]
    assert np.std([line.limit for line in lines]) == pytest.approx(
        np.sqrt(np.mean([line.error**2 for line in lines])), rel=0.06
    )


def test_halvings():
    assert halvings(82, 20) == [82, 41, 20]
    assert halvings(82, 100) == []
    assert halvings(7, 0) == [7, 3]
