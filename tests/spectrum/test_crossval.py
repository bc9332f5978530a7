"""The cvPCA kernels: Gram space equals explicit projection, the published notebook's variant equals scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

from neuroalpha.spectrum.crossgram import SINGLE, cross_grams
from neuroalpha.spectrum.crossval import cv_scatter, from_covariance, from_gram, python2019, swaps


def population(n_stimuli=60, n_neuroids=90, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n_stimuli, n_neuroids)) * np.arange(1, n_neuroids + 1) ** -0.5
    x = signal + noise * rng.normal(size=(2, n_stimuli, n_neuroids)) * 0.1
    return x - x.mean(axis=(0, 1))


def explicit(x, mask):
    """Project both repeats on the principal axes of the first, written out neuron by neuron."""
    one, two = np.where(mask[:, None], x[1], x[0]), np.where(mask[:, None], x[0], x[1])
    axes = np.linalg.svd(one, full_matrices=False)[2]
    return np.array([sum((one[s] @ v) * (two[s] @ v) for s in range(len(one))) for v in axes])


@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (50, 50)])
def test_gram_space_equals_explicit_projection(shape):
    x = population(*shape)
    for mask in swaps(shape[0], 3, np.random.default_rng(1)):
        size = min(shape)
        np.testing.assert_allclose(
            from_gram(cross_grams(x), mask)[:size], explicit(x, mask)[:size], rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(cv_scatter(x, mask[None]), explicit(x, mask), rtol=1e-6, atol=1e-9)


def test_both_sides_agree():
    x = population(40, 40)
    mask = np.random.default_rng(0).random(40) < 0.5
    np.testing.assert_allclose(from_gram(cross_grams(x), mask), from_covariance(x, mask), rtol=1e-6, atol=1e-9)


def test_identical_repeats_give_pca():
    one = population(noise=0)[0]
    expected = np.linalg.svd(one, compute_uv=False) ** 2
    np.testing.assert_allclose(
        cv_scatter(np.stack([one, one]), swaps(60, 4, np.random.default_rng(0))), expected, atol=1e-9
    )


def test_opposite_repeats_are_negative():
    one = population()[0]
    # After pooled centring the opposite repeat is -one up to nothing: its covariance with one is minus the variance.
    result = cv_scatter(np.stack([one, -one]), np.zeros((1, 60), bool))
    np.testing.assert_allclose(result, -(np.linalg.svd(one, compute_uv=False) ** 2), atol=1e-9)


def test_swapping_all_is_swapping_the_labels():
    x = population()
    mask = np.random.default_rng(0).random(60) < 0.5
    np.testing.assert_allclose(cv_scatter(x, mask[None]), cv_scatter(x[::-1], ~mask[None]), rtol=1e-7, atol=1e-10)


def test_rotating_neuroids_changes_nothing():
    x = population(50, 70)
    masks = swaps(50, 2, np.random.default_rng(0))
    rotated = x @ ortho_group.rvs(70, random_state=0)
    np.testing.assert_allclose(cv_scatter(rotated, masks), cv_scatter(x, masks), rtol=1e-6, atol=1e-9)


def test_noise_alone_averages_to_zero():
    rng = np.random.default_rng(0)
    runs = np.array([cv_scatter(rng.normal(size=(2, 30, 40)), np.zeros((1, 30), bool)) for _ in range(300)])
    z = runs.mean(0) / (runs.std(0, ddof=1) / np.sqrt(300))
    assert np.abs(z).max() < 4.5  # 30 components, each a mean of 300
    assert runs.std() > 1  # and it was not zero to begin with


def notebook(x, mask):
    """The published notebook's estimator as its facts describe it: scikit-learn PCA fitted on the transposed matrix."""
    one, two = np.where(mask[:, None], x[1], x[0]), np.where(mask[:, None], x[0], x[1])
    size = min(1024, *one.shape)
    pca = PCA(n_components=size, svd_solver="full").fit(one.T)
    axes = one.T @ (pca.components_.T / pca.singular_values_)
    return ((one @ axes) * (two @ axes)).sum(axis=0)


def test_python2019_equals_the_notebook():
    x = population(40, 80) + np.random.default_rng(3).normal(
        size=(2, 40, 1)
    )  # with a common offset in each presentation
    for mask in swaps(40, 2, np.random.default_rng(1)):
        ours = python2019(cross_grams(x, center=False), mask)
        np.testing.assert_allclose(ours, notebook(x, mask), rtol=1e-6, atol=1e-8)


def test_swaps():
    rng = np.random.default_rng(0)
    assert not swaps(50, 1, rng).any()  # one shuffle means none
    assert swaps(1000, 20, rng).mean() == pytest.approx(0.5, abs=0.02)


def test_directions_without_variance_are_exactly_zero():
    rng = np.random.default_rng(0)
    low = rng.normal(size=(2, 60, 10)) @ rng.normal(size=(10, 80))
    for shape in (low, low.transpose(0, 2, 1)):
        result = cv_scatter(shape, swaps(shape.shape[1], 3, rng))
        assert (result[22:] == 0).all()  # swaps mix two rank-10 repeats
        assert (result[:10] != 0).all()


def test_leading_components_are_the_first_of_all():
    for shape in ((60, 90), (90, 60)):
        x = population(*shape)
        masks = swaps(shape[0], 2, np.random.default_rng(0))
        np.testing.assert_allclose(cv_scatter(x, masks, 20), cv_scatter(x, masks)[:20], rtol=1e-9, atol=1e-12)


def test_float32_is_near_and_gives_way_to_float64_where_it_would_not_do():
    for alpha, tolerance in ((1.0, 1e-4), (6.0, 1e-10)):
        rng = np.random.default_rng(0)
        scale = np.arange(1, 801) ** (-alpha / 2)
        x = ((rng.normal(size=(600, 800)) + 0.3 * rng.normal(size=(2, 600, 800))) * scale).astype(np.float32)
        grams = cross_grams(x)
        mask = rng.random(600) < 0.5
        exact = from_gram(grams, mask, 300)
        np.testing.assert_allclose(from_gram(grams, mask, 300, single=True), exact, rtol=tolerance)
        if alpha == 1.0:
            np.testing.assert_allclose(from_gram(cross_grams(x, engine=SINGLE), mask, 300), exact, rtol=1e-4)
