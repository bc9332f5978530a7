"""Unbiased moments: against loops over distinct indices, known ground truth, and what must not change them."""

from __future__ import annotations

import itertools

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from neuroalpha.spectrum.unbiased import moments, participation_ratio, sums_of_repeats, sums_of_responses


def loops(a, b, neuroids_distinct):
    """The definition, with raw responses: averages over distinct (i, j, k, l) and distinct or all (n, m)."""
    numerator, denominator = [], []
    pairs = list(itertools.product(range(a.shape[1]), repeat=2))
    if neuroids_distinct:
        pairs = [(n, m) for n, m in pairs if n != m]
    for i, j, k, l in itertools.permutations(range(a.shape[0]), 4):  # noqa: E741
        one = np.outer(a[i] - a[j], b[i] - b[j]) / 2
        two = np.outer(a[k] - a[l], b[k] - b[l]) / 2
        for n, m in pairs:
            numerator.append(one[n, n] * two[m, m])
            denominator.append((one[n, m] * two[n, m] + one[n, m] * two[m, n]) / 2)
    return np.mean(numerator), np.mean(denominator)


def loops_uncentred(a, b):
    numerator, denominator = [], []
    for i, k in itertools.permutations(range(a.shape[0]), 2):
        for n, m in itertools.permutations(range(a.shape[1]), 2):
            numerator.append(a[i, n] * b[i, n] * a[k, m] * b[k, m])
            across = a[i, n] * b[i, m] * a[k, m] * b[k, n]
            denominator.append((a[i, n] * b[i, m] * a[k, n] * b[k, m] + across) / 2)
    return np.mean(numerator), np.mean(denominator)


@pytest.mark.parametrize("shape", [(5, 3), (4, 6), (6, 2)])
def test_against_loops_over_distinct_indices(shape):
    a, b = np.random.default_rng(0).normal(size=(2, *shape)) + 2
    sums = sums_of_repeats(a, b)
    np.testing.assert_allclose(moments(sums), loops(a, b, True), rtol=1e-10)
    np.testing.assert_allclose(moments(sums, ("stimulus", "noise")), loops(a, b, False), rtol=1e-10)
    uncentred = moments(sums_of_repeats(a, b, center=False), center=False)
    np.testing.assert_allclose(uncentred, loops_uncentred(a, b), rtol=1e-10)
    single = sums_of_responses(a)
    np.testing.assert_allclose(moments(single, ("stimulus", "neuroid")), loops(a, a, True), rtol=1e-10)
    np.testing.assert_allclose(moments(single, ("stimulus",)), loops(a, a, False), rtol=1e-10)


@pytest.mark.parametrize("center", [True, False])
def test_without_corrections_it_is_the_ratio_of_the_sample_covariance(center):
    x = np.random.default_rng(0).normal(size=(30, 12)) + 1
    covariance = np.cov(x.T) if center else x.T @ x
    expected = np.trace(covariance) ** 2 / (covariance**2).sum()
    assert participation_ratio(sums_of_responses(x, center), (), center) == pytest.approx(expected, rel=1e-12)
    n_only = moments(sums_of_responses(x, center), ("neuroid",), center)
    off = ~np.eye(12, dtype=bool)
    products = np.outer(np.diag(covariance), np.diag(covariance))
    assert n_only[0] / n_only[1] == pytest.approx(products[off].mean() / (covariance**2)[off].mean(), rel=1e-12)


@pytest.mark.parametrize("shape", [(40, 25), (25, 40)])
def test_one_matrix_is_two_equal_repeats_in_memory_or_lazy(shape):
    x = np.random.default_rng(0).normal(size=shape) + 3
    for center in (True, False):
        twice = moments(sums_of_repeats(x, x, center), center=center)
        np.testing.assert_allclose(moments(sums_of_responses(x, center), center=center), twice, rtol=1e-9)
        lazy = sums_of_responses(da.from_array(x, chunks=(7, 9)), center)
        np.testing.assert_allclose(moments(lazy, center=center), twice, rtol=1e-9)


def latent(n_stimuli, n_neuroids, dimensions, rng, noise_rank=3, noise=0.2):
    """Phi = X W / d, both Gaussian: participation ratio d. Two repeats with noise that neuroids share in a trial."""
    x, w = rng.normal(size=(n_stimuli, dimensions)), rng.normal(size=(dimensions, n_neuroids))
    signal = x @ w / dimensions**0.5
    shared = (
        rng.normal(size=(2, n_stimuli, noise_rank)) @ rng.normal(size=(2, noise_rank, n_neuroids)) / noise_rank**0.5
    )
    private = rng.normal(size=(2, n_stimuli, n_neuroids))
    return signal + noise**0.5 * (shared + private) + rng.normal(size=(2, 1, n_neuroids))


@pytest.mark.parametrize(("n_stimuli", "n_neuroids"), [(12, 30), (30, 12)])
def test_moments_of_a_known_population_without_bias(n_stimuli, n_neuroids):
    """(E Sigma_nn)^2 = 1 and E Sigma_nm^2 = 1 / d, mean over many small noisy recordings within 3.5 standard errors."""
    rng, d = np.random.default_rng(1), 10
    found = np.array([moments(sums_of_repeats(*latent(n_stimuli, n_neuroids, d, rng))) for _ in range(3000)])
    error = found.std(axis=0) / len(found) ** 0.5
    assert (np.abs(found.mean(axis=0) - [1, 1 / d]) < 3.5 * error).all()
    assert (error < [0.02, 0.003]).all()


def test_every_correction_is_needed():
    """Leaving out any one of them misses the truth by far more than its spread; with all, it is met."""
    rng, d = np.random.default_rng(2), 20
    rows = []
    for _ in range(200):
        a, b = latent(60, 80, d, rng, noise=0.5)
        both, mean = sums_of_repeats(a, b), sums_of_responses((a + b) / 2)
        rows.append([*moments(both), *moments(both, ("stimulus",)), *moments(mean), *moments(mean, ("neuroid",))])
    numerator, denominator = np.mean(rows, axis=0).reshape(-1, 2).T
    ratio = numerator / denominator
    assert abs(ratio[0] - d) < 0.5
    assert (np.abs(ratio[1:] - d) > 2).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 12), st.integers(2, 12), st.floats(0.01, 100))
def test_invariances(seed, n_stimuli, n_neuroids, scale):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n_stimuli, n_neuroids))
    plain = np.array(moments(sums_of_repeats(a, b)))
    size = np.abs(moments(sums_of_repeats(a, b), ("stimulus",))).max() + np.abs(plain).max()

    def same(x, y, expected, correct=("stimulus", "neuroid", "noise")):
        np.testing.assert_allclose(moments(sums_of_repeats(x, y), correct), expected, rtol=1e-7, atol=1e-9 * size)

    stimuli, neuroids = rng.permutation(n_stimuli), rng.permutation(n_neuroids)
    same(a[stimuli][:, neuroids], b[stimuli][:, neuroids], plain)
    same(b, a, plain)
    same(a + rng.normal(size=n_neuroids), b + rng.normal(size=n_neuroids), plain)  # a drift between the repeats
    scaled = np.array(moments(sums_of_repeats(scale * a, scale * b)))
    np.testing.assert_allclose(scaled / scale**4, plain, rtol=1e-7, atol=1e-9 * size)
    # The sum over all pairs of neuroids is one of traces: any rotation keeps it.
    rotate = ortho_group.rvs(n_neuroids, random_state=seed)
    same(a @ rotate, b @ rotate, moments(sums_of_repeats(a, b), ("stimulus",)), ("stimulus",))


def test_missing_values_count_as_the_mean_or_zero():
    x = np.random.default_rng(0).normal(size=(20, 6)) + 5
    holes = x.copy()
    holes[3, 2] = np.nan
    for center, value in ((True, np.nanmean(holes[:, 2])), (False, 0.0)):
        filled = np.where(np.isnan(holes), value, holes)
        np.testing.assert_allclose(
            moments(sums_of_repeats(filled, x, center), center=center),
            moments(sums_of_repeats(holes, x, center), center=center),
            rtol=1e-9,
        )
        np.testing.assert_allclose(
            moments(sums_of_responses(filled, center), center=center),
            moments(sums_of_responses(holes, center), center=center),
            rtol=1e-9,
        )


def test_no_signal_gives_nan_and_no_number():
    a = np.array([[1.0, 2], [2, 1], [3, 5], [0, 1], [4, 4]])
    assert np.isnan(participation_ratio(sums_of_repeats(a, np.zeros_like(a))))
