"""Scores of probabilities: against scikit-learn and loops; temperature against a grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, log_loss, recall_score

from neuroalpha.tasks.scores import class_accuracy, fit_temperature, image_scores, scores, softmax


def answers(n=300, n_classes=4, seed=0, sure=2.0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n)
    decisions = sure * ((codes[:, None] == np.arange(n_classes)) + rng.normal(size=(n, n_classes)))
    return softmax(decisions), codes


def calibration_by_a_loop(probabilities, codes, n_bins=15):
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == codes
    total = 0.0
    for one in range(n_bins):
        inside = (confidence > one / n_bins) & (confidence <= (one + 1) / n_bins)
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    return total


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn(n_classes, seed):
    probabilities, codes = answers(n_classes=n_classes, seed=seed)
    predicted = probabilities.argmax(axis=1)
    images = image_scores(probabilities, codes)
    found = {name: value[0] for name, value in scores(images).items()}
    assert found["accuracy"] == (predicted == codes).mean()
    np.testing.assert_allclose(found["balanced_accuracy"], balanced_accuracy_score(codes, predicted))
    np.testing.assert_allclose(found["nll"], log_loss(codes, probabilities))
    np.testing.assert_allclose(found["calibration_error"], calibration_by_a_loop(probabilities, codes))
    np.testing.assert_allclose(found["brier"], ((probabilities - np.eye(n_classes)[codes]) ** 2).sum(axis=1).mean())
    if n_classes == 2:  # where scikit-learn of every version counts one of the two classes
        np.testing.assert_allclose(found["brier"], 2 * brier_score_loss(codes, probabilities[:, 1]))
    np.testing.assert_allclose(class_accuracy(images)[0], recall_score(codes, predicted, average=None))


def test_counted_images_are_repeated_images():
    probabilities, codes = answers(40, 3)
    counts = np.random.default_rng(1).integers(4, size=(5, 40)).astype(float)
    found = scores(image_scores(probabilities, codes), counts)
    per_class = class_accuracy(image_scores(probabilities, codes), counts)
    for which, each in enumerate(counts.astype(int)):
        repeated = image_scores(np.repeat(probabilities, each, axis=0), np.repeat(codes, each))
        for name, expected in scores(repeated).items():
            np.testing.assert_allclose(found[name][which], expected[0])
        np.testing.assert_allclose(per_class[which], class_accuracy(repeated)[0])


def test_classes_that_do_not_occur():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    images = image_scores(probabilities, np.array([0, 0]))
    np.testing.assert_array_equal(class_accuracy(images, n_classes=3), [[0.5, np.nan, np.nan]])
    assert scores(images)["balanced_accuracy"][0] == 0.5


def test_a_true_class_given_no_chance_stays_finite():
    images = image_scores(np.array([[1.0, 0.0]]), np.array([1]))
    assert 700 < images.nll[0] < 710
    assert images.brier[0] == 2


def test_perfectly_calibrated_answers():
    """Of those answered with 3/4, three of four are right: no calibration error."""
    probabilities = np.tile([[0.75, 0.25]], (400, 1))
    codes = np.tile([0, 0, 0, 1], 100)
    assert scores(image_scores(probabilities, codes))["calibration_error"][0] < 1e-12


@pytest.mark.parametrize("sure", [0.5, 2.0, 8.0])
def test_temperature_is_the_likeliest_of_a_grid(sure):
    rng = np.random.default_rng(0)
    codes = rng.integers(4, size=500)
    decisions = sure * ((codes[:, None] == np.arange(4)) + 0.5 * rng.normal(size=(500, 4)))
    grid = np.geomspace(0.02, 50, 400)
    losses = [log_loss(codes, softmax(decisions / each)) for each in grid]
    found = fit_temperature(decisions, codes)
    assert grid[np.argmin(losses) - 1] <= found <= grid[np.argmin(losses) + 1]
    assert log_loss(codes, softmax(decisions / found)) <= min(losses)


def test_temperature_stays_in_its_range():
    codes = np.array([0, 1] * 10)
    right = 2.0 * (codes[:, None] == np.arange(2)) - 1
    assert 1e-3 <= fit_temperature(right, codes) < 0.1  # always right: as sure as can be
    assert 100 < fit_temperature(-right, codes) <= 1e3  # always wrong: never sure


@given(seed=st.integers(0, 500), factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_what_changes_nothing(seed, factor, shift):
    """Images in another order, classes renamed; decisions scaled with their temperature, or shifted image by image."""
    probabilities, codes = answers(60, 3, seed)
    rng = np.random.default_rng(seed)
    order, renamed = rng.permutation(60), rng.permutation(3)
    other = np.empty_like(probabilities)
    other[:, renamed] = probabilities[order]
    one, two = scores(image_scores(probabilities, codes)), scores(image_scores(other, renamed[codes[order]]))
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-12)
    decisions = np.log(probabilities)
    np.testing.assert_allclose(softmax(decisions + shift * rng.normal(size=(60, 1))), probabilities, atol=1e-12)
    temperature = fit_temperature(decisions, codes)
    np.testing.assert_allclose(fit_temperature(factor * decisions, codes), factor * temperature, rtol=1e-4)
