"""Moments of the signal covariance: no bias by noise, centring, splits or unequal repeats, and honest errors."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalpha.spectrum.cycles import MAX_ORDER
from neuroalpha.spectrum.signal_moments import centre_repetitions, deal_halves, presentation_gram, signal_moments

POWERS = np.arange(1, MAX_ORDER + 1)


def make(seed, n_stimuli=60, n_neuroids=12, counts=2, noise=1.0, mean=5.0):
    """Responses (presentation, neuroid) with signal eigenvalues 4 / n and noise shared between neuroids."""
    rng = np.random.default_rng(seed)
    stimulus = np.repeat(np.arange(n_stimuli), counts)
    eigenvalue = 4.0 / np.arange(1, n_neuroids + 1)
    signal = rng.normal(size=(n_stimuli, n_neuroids)) * np.sqrt(eigenvalue)
    error = rng.normal(size=(stimulus.size, n_neuroids)) + 2 * rng.normal(size=(stimulus.size, 1))
    return signal[stimulus] + noise * error + mean, stimulus, eigenvalue


def count(stimulus):
    """0, 1, .. for the presentations of each stimulus, in order."""
    return np.array([np.sum(stimulus[:i] == s) for i, s in enumerate(stimulus)])


def moments(values, stimulus, n_splits=4, seed=0):
    gram = presentation_gram(values, values.mean(axis=0))
    return signal_moments(gram, stimulus, count(stimulus), values.shape[1], n_splits, np.random.default_rng(seed))


@pytest.mark.parametrize("counts", [2, 3, np.r_[np.full(30, 2), np.full(30, 5)]])
def test_unbiased_under_noise_that_neuroids_share(counts):
    found = []
    for seed in range(300):
        values, stimulus, eigenvalue = make(seed, counts=counts)
        found.append(moments(values, stimulus, n_splits=1, seed=seed).in_units[0])
    expected = (eigenvalue ** POWERS[:, None]).mean(axis=1)
    error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - expected) < 3.5 * error).all()


def test_repeats_without_noise_give_the_sample_moments():
    values, stimulus, _ = make(0, noise=0.0)
    sample = np.cov(values[::2].T)
    result = moments(values, stimulus)
    assert result.in_units[0][0] == pytest.approx(np.trace(sample) / 12, rel=1e-12)
    # tr S^2 of a sample is high by (tr S)^2 / S, which distinct stimuli leave out.
    debiased = (np.trace(sample @ sample) - np.trace(sample) ** 2 / 59) / 12
    assert result.in_units[0][1] == pytest.approx(debiased, rel=0.03)


@given(seed=st.integers(0, 50))
def test_invariances(seed):
    rng = np.random.default_rng(seed)
    values, stimulus, _ = make(seed, n_stimuli=25)
    rotation = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    whole = moments(values, stimulus)
    np.testing.assert_allclose(
        moments(values @ rotation + 7, stimulus).in_units[0], whole.in_units[0], rtol=1e-8, atol=1e-9
    )
    np.testing.assert_allclose(moments(values[::-1], stimulus[::-1]).value[0], whole.value[0], rtol=1e-9)
    np.testing.assert_allclose(moments(3 * values, stimulus).in_units[0], whole.in_units[0] * 9.0**POWERS, rtol=1e-9)


def white(seed, counts, n_neuroids=60):
    """Noise of equal variance in all neuroids, ten times the signal."""
    rng = np.random.default_rng(seed)
    stimulus = np.repeat(np.arange(60), counts)
    signal = rng.normal(size=(60, n_neuroids)) * np.arange(1, n_neuroids + 1) ** -0.5
    return signal[stimulus] + rng.normal(size=(stimulus.size, n_neuroids)), stimulus


def test_more_splits_and_more_repeats_are_less_noisy():
    def spread(counts, n_splits):
        return np.std([moments(*white(s, counts), n_splits, s).in_units[0][1] for s in range(150)], ddof=1)

    once, often, four = spread(2, 1), spread(2, 8), spread(4, 8)
    assert often < 0.85 * once
    assert four < 0.7 * often


def test_the_jackknife_tells_the_spread_and_errs_upwards_under_noise():
    for noise, most in ((0.1, 1.15 * np.ones(MAX_ORDER)), (1.0, 1.6 * np.sqrt(POWERS))):
        runs = [moments(*make(s, n_stimuli=150, noise=noise)[:2], seed=s) for s in range(200)]
        true = np.std([run.in_units[0] for run in runs], axis=0, ddof=1)
        claimed = np.sqrt(np.mean([run.in_units[1] ** 2 for run in runs], axis=0))
        assert (claimed > 0.85 * true).all()
        assert (claimed < most * true).all()


def test_leaving_stimuli_out_to_first_order():
    values, stimulus, _ = make(3, n_stimuli=80, noise=0.0)
    whole, group = moments(values, stimulus, 1), np.array([3, 30])
    kept = ~np.isin(stimulus, group)
    exact = moments(values[kept], np.unique(stimulus[kept], return_inverse=True)[1].reshape(-1), 1)
    linear = whole.without(group)
    assert linear.influence.shape == (MAX_ORDER, 78)
    before = whole.in_units[0]
    change = (linear.in_units[0] - before) / before
    np.testing.assert_allclose(change, (exact.in_units[0] - before) / before, rtol=0.2, atol=0.005)


def test_leaving_stimuli_out_of_the_first_moment_is_exact():
    """The first moment is a mean over stimuli: without some it is the mean over the others."""
    values, stimulus, _ = make(3, n_stimuli=80)
    whole, group = moments(values, stimulus), np.array([3, 30, 31])
    started = whole.influence[0] + whole.value[0]
    assert whole.without(group).value[0] == pytest.approx(np.delete(started, group).mean(), rel=1e-12)


def test_unbiased_with_many_more_dimensions_than_stimuli():
    """Centring lends every pair of stimuli a share of the variance, which counts where dimensions are many."""
    power = np.arange(1, 1501) ** -0.5
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        signal = rng.normal(size=(60, 1500)) * np.sqrt(power)
        values = np.repeat(signal, 2, axis=0) + 0.1 * rng.normal(size=(120, 1500))
        found.append(moments(values, np.repeat(np.arange(60), 2), 1, seed).in_units[0])
    expected = (power ** POWERS[:, None]).mean(axis=1)
    error = np.std(found, axis=0, ddof=1) / np.sqrt(12)
    assert abs(np.mean(found, axis=0)[1] / expected[1] - 1) < 0.05
    assert (np.abs(np.mean(found, axis=0) - expected) < 3.5 * error)[:3].all()


@pytest.mark.parametrize("offset", [1.0, 10.0])
def test_a_drift_between_repetitions_is_taken_out(offset):
    values, stimulus, _ = make(2, n_stimuli=50)
    repetition = np.tile([0, 1], 50)
    drift = offset * np.random.default_rng(0).normal(size=12) * repetition[:, None]

    def centred(x):
        gram = centre_repetitions(presentation_gram(x, x.mean(axis=0)), repetition, 50)
        return signal_moments(gram, stimulus, repetition, 12, 4, np.random.default_rng(0)).in_units[0]

    np.testing.assert_allclose(centred(values + drift), centred(values), rtol=1e-8)


def test_few_stimuli_that_carry_the_error_are_counted():
    rng = np.random.default_rng(0)
    stimulus = np.repeat(np.arange(300), 2)
    scale = np.arange(1, 101) ** -0.5
    gaussian = moments(rng.normal(size=(300, 100))[stimulus] * scale, stimulus).n_effective
    heavy = moments(np.exp(1.5 * rng.normal(size=(300, 100)))[stimulus] * scale, stimulus).n_effective
    assert gaussian > 10
    assert heavy < 5


@given(seed=st.integers(0, 99), counts=st.lists(st.integers(2, 7), min_size=1, max_size=12))
def test_every_presentation_is_dealt_once(seed, counts):
    stimulus = np.repeat(np.arange(len(counts)), counts)
    stimulus = np.random.default_rng(seed).permutation(stimulus)
    first, second = deal_halves(stimulus, count(stimulus), np.random.default_rng(seed))
    for s, n_shown in enumerate(counts):
        dealt = np.r_[first[s], second[s]]
        dealt = dealt[dealt >= 0]
        assert sorted(dealt) == list(np.flatnonzero(stimulus == s))
        assert abs((first[s] >= 0).sum() - (second[s] >= 0).sum()) == n_shown % 2


def test_gram_of_dask_and_nan_and_torch():
    values, stimulus, _ = make(1)
    values[3, 4] = np.nan
    means = np.nanmean(values, axis=0)
    filled = np.where(np.isnan(values), means, values) - means
    np.testing.assert_allclose(presentation_gram(values, means), filled @ filled.T, rtol=1e-12, atol=1e-10)
    lazy = presentation_gram(dask.array.from_array(values, chunks=(-1, 5)), means)
    np.testing.assert_allclose(lazy, filled @ filled.T, rtol=1e-12, atol=1e-10)
    from neuroalpha.spectrum.twin import engine

    twin = presentation_gram(values, means, engine("cpu"))
    found = signal_moments(twin, stimulus, count(stimulus), 12, 3, np.random.default_rng(0))
    expected = signal_moments(np.array(lazy), stimulus, count(stimulus), 12, 3, np.random.default_rng(0))
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-10)
    np.testing.assert_allclose(found.influence, expected.influence, rtol=1e-9, atol=1e-12)
