"""Fitting kernels: exact on exact laws, equal to statsmodels on others, binning that does not bend."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum.powerlaw import binned, geometric_bins, make_bins, rank_weights, wls


@settings(deadline=None)
@given(
    alpha=st.floats(0.1, 4),
    first=st.integers(1, 200),
    length=st.integers(3, 800),
    scale=st.floats(1e-6, 1e6),
    weights=st.sampled_from(["1/n", "uniform"]),
)
def test_exact_law_is_recovered_exactly(alpha, first, length, scale, weights):
    rank = np.arange(first, first + length)
    line = wls(rank, scale * rank**-alpha, rank_weights(rank, weights))
    assert (
        abs(line.alpha - alpha) < 1e-9 * max(1, alpha) * first
    )  # three ranks from 200 on span little; conditioning grows
    assert line.r2 > 1 - 1e-9


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("window", [(1, 1000), (11, 500), (4, 100), (25, 50)])
def test_exact_to_1e12(alpha, window):
    rank = np.arange(window[0], window[1] + 1)
    for weights in ("1/n", "uniform"):
        assert abs(wls(rank, rank**-alpha, rank_weights(rank, weights)).alpha - alpha) < 1e-12


@pytest.mark.parametrize("weights", ["1/n", "uniform"])
def test_against_statsmodels(weights):
    rank = np.arange(5, 205)
    values = rank**-1.2 * np.exp(np.random.default_rng(0).normal(size=200) * 0.2)
    ours = wls(rank, values, rank_weights(rank, weights))
    theirs = sm.WLS(np.log(values), sm.add_constant(np.log(rank)), weights=rank_weights(rank, weights)).fit()
    np.testing.assert_allclose([ours.intercept, -ours.alpha, ours.r2], [*theirs.params, theirs.rsquared], rtol=1e-10)


@given(first=st.integers(1, 60), length=st.integers(3, 900))
def test_bins_cover_the_window_once(first, length):
    bins = geometric_bins(first, first + length - 1)
    np.testing.assert_array_equal(np.concatenate(bins), np.arange(first, first + length))


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.2])
def test_binned_is_exact_on_exact_laws(alpha):
    values = np.arange(1, 501) ** -alpha
    assert abs(binned(make_bins(values, 11, 500)).alpha - alpha) < 1e-9


def test_bins_resist_noise_around_zero_where_absolute_values_do_not():
    rank = np.arange(1, 1001)
    truth = rank**-1.0
    rng = np.random.default_rng(0)
    by_bins, folded = [], []
    for _ in range(40):
        values = truth + rng.normal(size=1000) * 0.004
        assert (values[10:500] < 0).any()
        by_bins.append(binned(make_bins(values, 11, 500)).alpha)
        folded.append(wls(rank[10:500], np.abs(values[10:500]), 1 / rank[10:500]).alpha)
    assert abs(np.mean(by_bins) - 1) < 0.03
    assert abs(np.mean(folded) - 1) > 2 * abs(np.mean(by_bins) - 1)


def test_bins_below_two_standard_errors_are_not_used():
    values = np.r_[np.arange(1, 101) ** -1.0, np.random.default_rng(0).normal(size=400)]
    bins = make_bins(values, 1, 500)
    beyond = np.array([b[0] > 100 for b in bins.ranks])
    assert not bins.used[beyond].all()
    assert bins.used[~beyond][:-1].all()
