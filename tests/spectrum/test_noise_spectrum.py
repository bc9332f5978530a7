"""Noise measured on repeats: against loops, known covariances, and what must not change it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from neuroalpha.spectrum.noise_spectrum import (
    aligned_overlap,
    measure_noise,
    population_spectrum,
    redraw,
    trace_product,
)


def responses(n_repeats=2, n_stimuli=60, n_neuroids=20, seed=0):
    rng = np.random.default_rng(seed)
    spread = np.arange(1, n_neuroids + 1) ** -0.5
    x = rng.normal(size=(n_stimuli, n_neuroids)) * spread
    x = x + rng.normal(size=(n_repeats, n_stimuli, n_neuroids)) * spread[::-1]
    return x - x.mean(axis=(0, 1))


@pytest.mark.parametrize("n_repeats", [2, 3, 4])
def test_trace_product_against_a_loop(n_repeats):
    x = responses(n_repeats, 7, 5)
    products = []
    for pair in range(n_repeats // 2):
        d = (x[2 * pair] - x[2 * pair + 1]) / np.sqrt(2)
        d = d - d.mean(axis=0)
        for i, j in itertools.permutations(range(7), 2):
            for one, two in itertools.permutations(range(n_repeats), 2):
                products.append((x[one, i] @ d[j]) * (x[two, i] @ d[j]))
    assert trace_product(x) == pytest.approx(np.mean(products), rel=1e-12)


@pytest.mark.parametrize("n_repeats", [2, 5])
def test_known_covariances_come_back_on_average(n_repeats):
    signal, noise = np.arange(1, 21) ** -1.0, np.arange(1, 21)[::-1] ** -1.0
    found = [measure_noise(responses(n_repeats, 300, 20, seed), np.random.default_rng(0)) for seed in range(20)]
    share = signal.sum() / (signal.sum() + noise.sum())
    overlap = 20 * (signal @ noise) / (signal.sum() * noise.sum())
    assert np.mean([each.signal_fraction for each in found]) == pytest.approx(share, abs=0.01)
    assert np.mean([each.overlap for each in found]) == pytest.approx(overlap, rel=0.05)
    power = np.mean([each.power for each in found], axis=0)
    np.testing.assert_allclose(power, np.sort(noise)[::-1] / noise.sum(), rtol=0.2)


@pytest.mark.parametrize(("n_rows", "n_axes"), [(200, 300), (300, 80)])
@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_population_spectrum_undoes_sampling(n_rows, n_axes, exponent):
    truth = np.arange(1, n_axes + 1) ** -exponent
    truth /= truth.sum()
    error, raw = [], []
    for seed in range(4):
        draw = np.random.default_rng(seed).normal(size=(n_rows, n_axes)) * np.sqrt(truth)
        sample = np.linalg.svd(draw, compute_uv=False) ** 2 / n_rows
        found = population_spectrum(sample, n_rows, n_axes, np.random.default_rng(9))
        assert found.shape == (n_axes,)
        assert found.sum() == pytest.approx(1)
        k = sample.size // 2
        error.append(np.log(found[:k] / truth[:k]))
        raw.append(np.log(sample[:k] / sample.sum() / truth[:k]))
    assert np.abs(np.mean(error, axis=0)).mean() < 0.15
    assert np.abs(np.mean(error, axis=0)).mean() < 0.5 * np.abs(np.mean(raw, axis=0)).mean()


def test_many_rows_are_taken_as_they_are():
    sample = np.array([3.0, 1.0])
    np.testing.assert_allclose(population_spectrum(sample, 1000, 2, np.random.default_rng(0)), [0.75, 0.25])


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_invariances(seed, scale):
    x = responses(seed=seed)
    rng = np.random.default_rng(seed)
    base = measure_noise(x, np.random.default_rng(0))
    other = scale * x[:, rng.permutation(60)] @ ortho_group.rvs(20, random_state=seed)
    same = measure_noise(other, np.random.default_rng(0))
    assert same.signal_fraction == pytest.approx(base.signal_fraction, rel=1e-9)
    assert same.overlap == pytest.approx(base.overlap, rel=1e-6)
    np.testing.assert_allclose(same.power, base.power, rtol=1e-6)


def test_copies_have_no_noise():
    x = responses()
    found = measure_noise(np.stack([x[0], x[0]]), np.random.default_rng(0))
    assert found.signal_fraction == 1
    assert not found.power.any()
    assert np.isnan(found.overlap)


def test_aligned_overlap_in_closed_form():
    assert aligned_overlap(0.0, np.ones(7)) == pytest.approx(1)
    assert aligned_overlap(2.0, np.ones(7)) == pytest.approx(1)
    assert aligned_overlap(1.0, np.eye(1, 2)[0]) == pytest.approx(2 / 1.5)


def test_redrawing_moves_the_spectrum_as_sampling_does():
    """One strong axis of n rows has a sample variance that scatters by sqrt(2 / n)."""
    power = np.r_[10.0, np.full(9, 0.01)]
    power /= power.sum()
    rng = np.random.default_rng(0)
    strong = np.array([redraw(power, power[:1], 400, rng) for _ in range(400)])
    ratio = strong[:, 0] / strong[:, 1] / (power[0] / power[1])
    assert ratio.std() == pytest.approx(np.sqrt(2 / 400), rel=0.15)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(strong.sum(axis=1), 1)


@pytest.mark.parametrize("n_repeats", [2, 4])
def test_small_signal_share_is_not_biased_by_centring(n_repeats):
    """Sixty stimuli, a tenth of the variance signal: without the correction it reads about .007 (.004) less."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        signal, noise = rng.normal(size=(60, 30)), 3 * rng.normal(size=(n_repeats, 60, 30))
        x = signal + noise
        found.append(measure_noise(x - x.mean(axis=(0, 1)), np.random.default_rng(0)).signal_fraction)
    assert np.mean(found) == pytest.approx(0.1, abs=0.002)
