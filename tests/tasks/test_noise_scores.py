"""Scores of label noise against loops, closed forms and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import integrate, stats

from neuroalpha.tasks import noise_scores
from neuroalpha.tasks.noise_scores import area, bootstrap, drop, interval, memorisation

LEVELS = np.array([0.0, 0.1, 0.2, 0.4, 0.6, 0.8])


def test_memorisation_counts_wrongly_labelled_images_only():
    predicted, noisy = np.random.default_rng(0).integers(4, size=(2, 3, 50))
    clean = np.random.default_rng(1).integers(4, size=50)
    noisy[2] = clean
    as_labelled, as_true = memorisation(predicted, noisy, clean)
    for each in range(2):
        wrong = [i for i in range(50) if noisy[each, i] != clean[i]]
        assert as_labelled[each] == pytest.approx(np.mean([predicted[each, i] == noisy[each, i] for i in wrong]))
        assert as_true[each] == pytest.approx(np.mean([predicted[each, i] == clean[i] for i in wrong]))
    assert np.isnan([as_labelled[2], as_true[2]]).all()


@given(arrays.arrays(float, (2, 3, 6), elements=st.floats(0, 1)))
def test_area_is_the_trapezoid_rule(accuracy):
    expected = integrate.trapezoid(accuracy, LEVELS, axis=-1) / 0.8
    np.testing.assert_allclose(area(accuracy, LEVELS), expected, atol=1e-12)
    np.testing.assert_allclose(
        area(np.broadcast_to(accuracy[..., :1], accuracy.shape), LEVELS), accuracy[..., 0], atol=1e-12
    )
    # a point on the line between its neighbours changes nothing
    between = np.insert(accuracy, 1, accuracy[..., :2].mean(axis=-1), axis=-1)
    np.testing.assert_allclose(area(between, np.insert(LEVELS, 1, 0.05)), expected, atol=1e-12)
    np.testing.assert_array_equal(drop(accuracy)[..., 0], 0)
    np.testing.assert_allclose(drop(accuracy)[..., 3], accuracy[..., 0] - accuracy[..., 3])


def test_area_of_one_level_is_unknown():
    assert np.isnan(area(np.ones((2, 1)), np.array([0.0]))).all()


def test_interval_over_images_is_the_binomial_one(monkeypatch):
    right = np.zeros((1, 2, 1, 400), dtype=bool)
    right[..., :300] = True
    monkeypatch.setattr(noise_scores, "BOOT_BLOCK", 400 * 7)  # blocks that do not divide the number of samples
    draws = bootstrap(right, right[0, 0], 4000, np.random.default_rng(0))
    assert draws.curves.shape == (4000, 1, 2)
    assert draws.others.shape == (4000, 1)
    assert draws.curves[:, 0, 0].std() == pytest.approx(np.sqrt(0.75 * 0.25 / 400), rel=0.05)
    assert draws.curves.mean() == pytest.approx(0.75, abs=2e-3)
    # The same images for every set: what does not differ has no interval.
    np.testing.assert_array_equal(draws.curves[:, 0, 0], draws.curves[:, 0, 1])
    np.testing.assert_array_equal(draws.curves[:, 0, 0], draws.others[:, 0])
    low, high = interval(draws.curves)
    np.testing.assert_allclose((low, high), np.array([[[0.7075, 0.7075]], [[0.7925, 0.7925]]]), atol=0.005)


def test_interval_over_draws_is_that_of_a_mean_of_draws():
    right = np.zeros((1, 1, 5, 30), dtype=bool)
    right[0, 0, :2] = True  # two draws right everywhere, three nowhere: images tell nothing
    draws = bootstrap(right, np.zeros((0, 30), dtype=bool), 5000, np.random.default_rng(0)).curves[:, 0, 0]
    assert draws.std() == pytest.approx(np.sqrt(0.4 * 0.6 / 5), rel=0.05)
    counts = np.bincount(np.rint(draws * 5).astype(int), minlength=6) / 5000
    np.testing.assert_allclose(counts, stats.binom(5, 0.4).pmf(np.arange(6)), atol=0.02)


def test_no_samples_no_interval():
    draws = bootstrap(np.ones((2, 3, 1, 9), dtype=bool), np.ones((1, 9), dtype=bool), 0, np.random.default_rng(0))
    low, high = interval(draws.curves)
    assert low.shape == (2, 3)
    assert np.isnan([low, high]).all()
