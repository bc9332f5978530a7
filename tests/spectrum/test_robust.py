"""Robust exponents: equal to scipy and to loops, exact on exact laws, unmoved by what moves least squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroalpha.spectrum.powerlaw import rank_weights, wls
from neuroalpha.spectrum.robust import (
    ROBUST,
    medians,
    middle,
    robust_bins,
    robust_draws,
    robust_line,
    theil_sen,
    windowed_median,
)


def line(values, first, last, method):
    return robust_line(robust_bins(values, first, last), method)


@pytest.mark.parametrize("method", ROBUST)
@settings(deadline=None, max_examples=40)
@given(
    alpha=st.floats(0.1, 4),
    first=st.integers(1, 60),
    times=st.floats(2, 60),
    scale=st.floats(1e-6, 1e6),
)
def test_exact_law(method, alpha, first, times, scale):
    last = max(int(first * times), first + 4)
    found = line(scale * np.arange(1, last + 1) ** -alpha, first, last, method)
    assert found.alpha == pytest.approx(alpha, abs=1e-8)
    assert found.intercept == pytest.approx(np.log(scale), abs=1e-6)
    assert found.r2 == pytest.approx(1)


def test_theil_sen_is_scipys():
    rng = np.random.default_rng(0)
    x = np.sort(rng.normal(size=30))
    y = -1.3 * x + rng.standard_t(2, size=30)
    assert theil_sen(x, y) == pytest.approx(stats.theilslopes(y, x).slope, rel=1e-12)
    values = np.arange(1, 301) ** -1.1 * np.exp(0.2 * rng.normal(size=300))
    bins = robust_bins(values, 11, 300)
    expected = stats.theilslopes(np.log(bins.mean), middle(bins.ranks)).slope
    assert robust_line(bins, "theil-sen").alpha == pytest.approx(-expected, rel=1e-12)


@pytest.mark.parametrize("size", [3, 6, 17])
def test_windowed_median_is_the_median_of_polyfits(size):
    rng = np.random.default_rng(1)
    x, y = np.sort(rng.normal(size=size)), rng.normal(size=size)
    width = min(5, max(3, size // 2))
    slopes = [np.polyfit(x[k : k + width], y[k : k + width], 1)[0] for k in range(size - width + 1)]
    assert windowed_median(x, y) == pytest.approx(np.median(slopes), rel=1e-9)


def test_medians_are_numpys_in_log_units():
    values = np.random.default_rng(0).exponential(size=(4, 60)) + 0.01
    groups = [np.arange(1, 2), np.arange(2, 6), np.arange(6, 13), np.arange(20, 60)]
    expected = np.stack([np.exp(np.median(np.log(values[:, g - 1]), axis=1)) for g in groups], axis=1)
    np.testing.assert_allclose(medians(values, groups), expected, rtol=1e-12)
    signed = np.array([3.0, -1.0, 5.0, -2.0])
    assert medians(signed, [np.arange(1, 5)])[0] == 1.0  # of -1 and 3


@pytest.mark.parametrize("method", ROBUST)
def test_spikes_move_least_squares_and_not_the_median(method):
    rank = np.arange(1, 601)
    spoiled = rank**-1.0
    spoiled[[11, 12, 13]] *= 8  # a few dominant ranks
    spoiled[np.random.default_rng(0).choice(np.arange(100, 500), 60, replace=False)] /= 30
    squares = wls(rank[10:500], spoiled[10:500], rank_weights(rank[10:500], "1/n")).alpha
    assert abs(squares - 1) > 0.1
    assert abs(line(spoiled, 11, 500, method).alpha - 1) < 0.03


@pytest.mark.parametrize("method", ROBUST)
def test_a_bent_end_of_the_window_is_outvoted(method):
    """The last quarter of the window (log rank) falls off, as where eigenvalues meet the end of the sample."""
    rank = np.arange(1, 601)
    bent = np.where(rank < 200, rank**-1.0, 200**2.0 * rank**-3.0)
    squares = wls(rank[10:500], bent[10:500], rank_weights(rank[10:500], "1/n")).alpha
    assert squares > 1.25
    assert line(bent, 11, 500, method).alpha == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("method", ROBUST)
def test_ranks_being_dense_at_the_top_gives_the_tail_no_more_votes(method):
    """Two thirds of the window's octaves have exponent 1, but two thirds of its ranks have exponent 2."""
    rank = np.arange(1, 601)
    two = np.where(rank < 160, rank**-1.0, 160.0 * rank**-2.0)
    all_pairs = -stats.theilslopes(np.log(two[10:500]), np.log(rank[10:500])).slope
    assert all_pairs > 1.5
    assert line(two, 11, 500, method).alpha < 1.35


@pytest.mark.parametrize("method", ROBUST)
def test_negative_values_are_binned_and_noise_does_not_bend_the_line(method):
    rank = np.arange(1, 601)
    found, dropped = [], []
    for seed in range(30):
        values = rank**-1.0 + 0.004 * np.random.default_rng(seed).normal(size=600)
        bins = robust_bins(values, 11, 500)
        found.append(robust_line(bins, method).alpha)
        dropped.append((~bins.used).sum())
    assert np.mean(found) == pytest.approx(1, abs=0.05)
    assert max(dropped) <= 9


@pytest.mark.parametrize("method", ROBUST)
def test_draws_are_refitted(method):
    rank = np.arange(1, 301)
    rng = np.random.default_rng(0)
    exponents = rng.normal(1, 0.05, size=20)
    draws = 0.5 * rank ** -exponents[:, None]
    fitted = line(rank**-1.0, 11, 200, method)
    np.testing.assert_allclose(robust_draws(fitted, draws, method), exponents, atol=1e-9)
    noisy = draws * np.exp(0.1 * rng.normal(size=draws.shape))
    alone = [robust_line(robust_bins(draw, 11, 200), method).alpha for draw in noisy]
    np.testing.assert_allclose(robust_draws(fitted, noisy, method), alone, rtol=1e-12)
    noisy[3, 13] = -1.0  # one bin of one draw has no logarithm: left out of that draw
    noisy[4, 10:200] *= -1
    noisy[5, 150:] = np.nan
    touched = robust_draws(fitted, noisy, method)
    assert np.flatnonzero(np.isnan(touched)).tolist() == [4, 5]
    assert touched[3] == pytest.approx(alone[3], abs=0.1)
    assert robust_draws(fitted, np.empty((0, 300)), method).size == 0
