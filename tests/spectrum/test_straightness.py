"""Straightness: exact laws give exact halves; draws decide what is certain."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.spectrum.straightness import NOTICEABLE, straightness

RANK = np.arange(1, 301)


def spectrum(values, draws=None):
    found = xr.Dataset({"eigenvalue": ("component", values)}, {"rank": ("component", np.arange(1, values.size + 1))})
    if draws is not None:
        found["eigenvalue_draw"] = (("draw", "component"), draws)
        found.attrs["draw_fraction"] = 0.9
    return found


def broken(first, second, at=30):
    return np.where(RANK <= at, RANK**-first, at ** (second - first) * RANK ** (-second))


@given(alpha=st.floats(0.2, 3), scale=st.floats(1e-8, 1e8))
def test_a_power_law_is_straight(alpha, scale):
    found = straightness(spectrum(scale * RANK**-alpha), (3, 300))
    assert found.verdict == "straight"
    assert found.first == pytest.approx(alpha, abs=1e-9)
    assert found.second == pytest.approx(alpha, abs=1e-9)
    assert np.isnan(found.low)


@given(first=st.floats(0.3, 2.5), change=st.floats(-1, 1))
def test_both_halves_of_a_broken_law(first, change):
    found = straightness(spectrum(broken(first, first + change)), (3, 300))  # the middle of 3 and 300 is 30
    assert found.first == pytest.approx(first, abs=1e-9)
    assert found.second == pytest.approx(first + change, abs=1e-9)
    if abs(abs(change) - NOTICEABLE) > 1e-6:
        expected = "straight" if abs(change) < NOTICEABLE else "bends down" if change > 0 else "bends up"
        assert found.verdict == expected


def jackknife(values, spread, n=10, seed=0):
    """Draws whose upper halves have other exponents."""
    tilt = np.random.default_rng(seed).normal(size=n) * spread
    return values * np.where(RANK <= 30, 1.0, (RANK / 30.0)) ** -tilt[:, None]


@pytest.mark.parametrize(
    ("change", "spread", "verdict"),
    [
        (0.5, 0.001, "bends down"),
        (-0.5, 0.001, "bends up"),
        (0.5, 1.0, "uncertain"),
        (0.0, 0.001, "straight"),
        (0.0, 1.0, "uncertain"),
        (0.05, 0.001, "straight"),  # certain, but small
    ],
)
def test_the_interval_decides(change, spread, verdict):
    values = broken(1.0, 1.0 + change)
    found = straightness(spectrum(values, jackknife(values, spread)), (3, 300))
    assert found.verdict == verdict
    assert found.low < found.second - found.first < found.high
    assert f"[{found.low:+.2f}, {found.high:+.2f}]" in found.detail


def test_too_little_to_say():
    found = straightness(spectrum(RANK**-1.0), (100, 115))
    assert (found.verdict, found.detail) == ("uncertain", "ranks 100 to 115 are too few to halve")
    values = RANK**-1.0
    values[50] = -1e-9
    found = straightness(spectrum(values), (3, 300))
    assert found.verdict == "uncertain"
    assert "not above zero" in found.detail


def test_refused():
    with pytest.raises(na.InputError):
        straightness(spectrum(RANK**-1.0), (3, 400))
    with pytest.raises(na.InputError, match="expected a spectrum"):
        straightness(xr.Dataset(), (3, 300))
