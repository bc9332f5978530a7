"""Inverting a calibration curve: exact on curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neuroalpha.spectrum.calibration_curve import Curve, Inverse, combine, half_widths, invert, summarise

TRUE = np.linspace(0.5, 1.5, 9)


@given(st.floats(0.3, 1.5), st.floats(-0.5, 0.5), st.floats(0.55, 1.45), st.floats(0.01, 0.2))
def test_straight_curve_is_inverted_exactly(slope, offset, truth, half):
    found = invert(Curve(TRUE, offset + slope * TRUE, np.full(9, half)), offset + slope * truth)
    assert found.alpha == pytest.approx(truth, abs=1e-9)
    for end, expected in ((found.low, truth - half / slope), (found.high, truth + half / slope)):
        if 0.5 < expected < 1.5:
            assert end == pytest.approx(expected, abs=1e-6)
        else:
            assert np.isinf(end)


def test_widening_band():
    half = 0.1 * TRUE  # accepted: |observed - a| <= a / 10
    found = invert(Curve(TRUE, TRUE, half), 1.0)
    assert (found.low, found.high) == (pytest.approx(1 / 1.1, abs=1e-6), pytest.approx(1 / 0.9, abs=1e-6))


def test_outside_the_curve_is_said():
    curve = Curve(TRUE, TRUE - 0.2, np.full(9, 0.05))
    below, above = invert(curve, 0.28), invert(curve, 1.32)
    assert np.isnan(below.alpha)
    assert "0.280 is below what any alpha on the grid gives (0.300 at alpha 0.5)" in below.note
    assert below.low == -np.inf
    assert below.high == pytest.approx(0.53, abs=1e-6)
    assert np.isnan(above.alpha)
    assert "above what any alpha" in above.note
    assert (above.low, above.high) == (pytest.approx(1.47, abs=1e-6), np.inf)
    far = invert(curve, -3.0)
    assert np.isnan([far.alpha, far.low, far.high]).all()


def test_what_is_not_monotone_is_pooled():
    mean = np.array([0.5, 0.6, 0.9, 0.8, 1.0])
    found = invert(Curve(np.arange(5.0), mean, np.full(5, 0.01)), 0.85)
    assert found.alpha == pytest.approx(2.5)  # 2 and 3 are pooled at .85: the middle of the flat part


def test_gaps_and_too_few_points():
    mean = np.where(TRUE < 0.7, np.nan, TRUE)
    assert invert(Curve(TRUE, mean, np.full(9, 0.1)), 1.0).alpha == pytest.approx(1.0)
    few = invert(Curve(TRUE, np.where(TRUE < 1.3, np.nan, TRUE), np.full(9, 0.1)), 1.4)
    assert np.isnan(few.alpha)
    assert "too few" in few.note
    nothing = invert(Curve(TRUE, TRUE, np.full(9, 0.1)), np.nan)
    assert np.isnan(nothing.alpha)
    assert nothing.note == ""


def test_summary():
    values = np.random.default_rng(0).normal(size=12)
    assert summarise(np.r_[values, np.nan]) == (pytest.approx(values.mean()), pytest.approx(values.std(ddof=1)), 12)
    assert np.isnan(summarise(np.r_[values[:4], np.nan])[:2]).all()
    assert np.isnan(summarise(np.r_[values[:6], [np.nan] * 7])[:2]).all()


def test_half_width_of_many_simulations_is_the_normal_one():
    sd = np.exp(1 - TRUE + 0.3 * TRUE**2)
    half = half_widths(TRUE, sd, np.full(9, 1_000_000), 0.9)
    np.testing.assert_allclose(half, stats.norm.ppf(0.95) * sd, rtol=1e-5)
    assert np.isnan(half_widths(TRUE, np.where(TRUE > 0.6, np.nan, sd), np.full(9, 9), 0.9)).all()
    assert np.isnan(half_widths(TRUE, np.where(TRUE < 0.6, np.nan, sd), np.full(9, 9), 0.9)[0])


def test_half_width_holds_the_next_reading():
    rng = np.random.default_rng(1)
    sd, held = 0.1 * np.exp(-TRUE), []
    for _ in range(600):
        draws = sd[:, None] * rng.normal(size=(9, 6))
        half = half_widths(TRUE, draws.std(axis=1, ddof=1), np.full(9, 6), 0.95)
        held.append(np.abs(sd * rng.normal(size=9) - draws.mean(axis=1)) <= half)
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_combination():
    whole = combine([Inverse(1.0, 0.9, 1.1, ""), Inverse(1.2, 1.0, np.inf, ""), Inverse(np.nan, np.nan, np.nan, "no")])
    assert whole == (pytest.approx(1.1), 0.9, np.inf, "no")
    assert np.isnan(combine([Inverse(np.nan, np.nan, np.nan, "a")] * 2).alpha)
    assert combine([Inverse(np.nan, np.nan, np.nan, "a")] * 2).note == "a"
