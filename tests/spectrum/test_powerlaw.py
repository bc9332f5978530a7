"""Fitting kernels: exact on exact laws, equal to statsmodels on others, binning that does not bend."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.spectrum.powerlaw import (
    binned,
    draw_alphas,
    geometric_bins,
    make_bins,
    rank_weights,
    with_draw_errors,
    wls,
)


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
    beyond = np.array([b[0] > 110 for b in bins.ranks])
    z = np.array([values[b - 1].mean() / (values[b - 1].std() / np.sqrt(b.size) + 1e-12) for b in bins.ranks])
    assert not bins.used[beyond & (z < 1.8)].any()
    assert (beyond & (z < 1.8)).sum() >= 1
    assert bins.used[: np.argmax(beyond) - 1].all()


def test_a_bin_is_used_from_two_standard_errors_on():
    noise = np.tile([1.0, -1.0], 200)  # sd about 1, no trend
    for mean, expected in ((0.10, False), (0.45, True)):
        bins = make_bins(mean + noise, 100, 400)
        z = bins.mean / (1.0 / np.sqrt([b.size for b in bins.ranks]))
        assert (bins.used == (z > 2)).mean() > 0.99 or np.abs(z - 2).min() < 0.1
        assert bins.used.all() == expected


def test_one_negative_value_hardly_changes_alpha():
    """Binning must change how noise is treated, not which part of a curved spectrum counts."""
    rank = np.arange(1, 1001)
    curved = np.where(rank <= 60, rank**-0.5, 60.0 * rank**-1.5)
    curved *= 1 + 0.05 * np.random.default_rng(0).normal(size=1000)
    whole = wls(rank[10:500], curved[10:500], 1 / rank[10:500]).alpha
    spoiled = curved.copy()
    spoiled[480] = -1e-6
    assert binned(make_bins(spoiled, 11, 500)).alpha == pytest.approx(whole, abs=0.03)
    by_precision = binned(make_bins(spoiled, 11, 500), "inverse variance").alpha
    assert by_precision > whole + 0.1  # what the bins' own precision would make of it


@pytest.mark.parametrize("method", ["wls", "binned"])
def test_draws_follow_the_fit_that_they_are_draws_of(method):
    rank = np.arange(1, 301)
    rng = np.random.default_rng(0)
    values = rank**-1.0
    exponents = rng.normal(1, 0.05, size=40)
    draws = 0.5 * rank ** -exponents[:, None]  # half the scale: only the slope may matter
    if method == "wls":
        line = wls(rank[10:200], values[10:200], 1 / rank[10:200])
        np.testing.assert_allclose(draw_alphas(line, values, draws), exponents, atol=1e-10)
    else:
        line = binned(make_bins(values, 11, 200))
        np.testing.assert_allclose(draw_alphas(line, values, draws), exponents, atol=0.002)
    # One value of one draw at or near zero neither raises nor blows up, and hardly moves the others.
    for touched in (-1e-9, 1e-9):
        near = draws.copy()
        near[3, 50] = touched
        alphas = draw_alphas(line, values, near)
        assert np.isfinite(alphas).all()
        if touched < 0 and method == "wls":
            assert np.abs(np.delete(alphas - exponents, 3)).max() < 0.03
    sunk = draws.copy()
    sunk[3] *= -1
    assert np.flatnonzero(np.isnan(draw_alphas(line, values, sunk))).tolist() == [3]
    short = draws.copy()
    short[:, 150:] = np.nan
    assert np.isnan(draw_alphas(line, values, short)).all()


def test_errors_of_bins_from_draws():
    """Half-samples that differ by a common factor a bin, known exactly: the relative error is its spread."""
    rank = np.arange(1, 301)
    rng = np.random.default_rng(0)
    values = rank**-1.0
    bins = make_bins(values, 11, 300)
    factors = 1 + 0.1 * rng.normal(size=(400, len(bins.ranks)))
    draws = np.tile(values, (400, 1))
    for k, ranks in enumerate(bins.ranks):
        draws[:, ranks - 1] *= factors[:, [k]]
    for fraction, factor in ((0.5, 1.0), (0.8, 2.0)):
        known = with_draw_errors(bins, draws, fraction)
        np.testing.assert_allclose(known.relative_error, factor * factors.std(axis=0, ddof=1), rtol=1e-9)
        np.testing.assert_array_equal(known.used, bins.used)
    assert with_draw_errors(bins, draws[:4], 0.5) is bins
    draws[:, 250:] = np.nan
    assert with_draw_errors(bins, draws, 0.5) is bins


def test_draw_errors_see_what_scatter_cannot():
    """Noise-free spectra of new stimuli: scatter within a bin misses the error that the bin's ranks share."""
    rng = np.random.default_rng(0)
    sd = np.arange(1, 121) ** -0.5

    def spectrum(n):
        return np.linalg.svd(rng.normal(size=(n, 120)) * sd, compute_uv=False) ** 2 / n

    true = np.std([[np.log(spectrum(400)[b - 1].mean()) for b in geometric_bins(4, 60)] for _ in range(60)], axis=0)
    whole = rng.normal(size=(400, 120)) * sd
    halves = np.array(
        [np.linalg.svd(whole[rng.permutation(400)[:200]], compute_uv=False) ** 2 / 200 for _ in range(60)]
    )
    bins = make_bins(np.linalg.svd(whole, compute_uv=False) ** 2 / 400, 4, 60)
    known = with_draw_errors(bins, halves, 0.5).relative_error
    assert 0.7 < np.median(known / true) < 1.5
    assert abs(np.log(np.median(bins.relative_error / true))) > 2 * abs(np.log(np.median(known / true)))
