"""Readouts of label distributions: a loop's gradient at the optimum, scikit-learn where labels are one-hot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.logistic import fit_logistic
from neuroalpha.tasks.scores import image_scores, softmax
from neuroalpha.tasks.soft_logistic import fit_soft_logistic, soft_image_scores


def problem(n=80, p=6, k=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.5
    labels = softmax(x @ rng.normal(size=(p, k)) + rng.normal(size=(n, k)))
    return x + 3, labels


def fitted(x, labels, penalties=(0.7,), seed=0):
    decomposition, projected = decompose_and_project(x)
    fit = fit_soft_logistic(decomposition, projected, labels, np.array(penalties), seed)
    return fit, decomposition.vectors @ fit.coefficients, decomposition


def gradient(x, labels, weights, intercept, penalty):
    """Of sum_i cross-entropy_i + penalty / 2 |weights|^2, image by image and class by class."""
    of_weights, of_intercept = penalty * weights, np.zeros(len(intercept))
    for row, label in zip(x, labels, strict=True):
        decision = row @ weights + intercept
        probability = np.exp(decision) / np.exp(decision).sum()
        for c in range(len(label)):
            of_weights[:, c] = of_weights[:, c] + (probability[c] - label[c]) * row
            of_intercept[c] += probability[c] - label[c]
    return of_weights, of_intercept


@pytest.mark.parametrize("shape", [(80, 6), (30, 50)])
def test_gradient_vanishes_at_the_optimum(shape):
    x, labels = problem(*shape)
    labels[::3] = np.eye(4)[labels[::3].argmax(axis=1)]  # some one-hot, with zeros
    fit, weights, decomposition = fitted(x, labels)
    of_weights, of_intercept = gradient(x - decomposition.mean, labels, weights, fit.intercept, 0.7)
    size = np.abs(gradient(x - decomposition.mean, labels, 0 * weights, 0 * fit.intercept, 0.7)[0]).max()
    assert np.abs(of_weights).max() < 1e-4 * size
    assert np.abs(of_intercept).max() < 1e-4 * size
    assert fit.converged


def test_loss_is_that_of_a_general_optimiser():
    x, labels = problem(40, 3, 3)
    fit, weights, decomposition = fitted(x, labels, (0.3,))
    centred = x - decomposition.mean

    def loss(flat):
        w, b = flat[:9].reshape(3, 3), flat[9:]
        decision = centred @ w + b
        top = decision.max(axis=1, keepdims=True)
        log = decision - top - np.log(np.exp(decision - top).sum(axis=1, keepdims=True))
        return -(labels * log).sum() + 0.15 * (w**2).sum()

    found = optimize.minimize(loss, np.zeros(12), method="BFGS", options={"gtol": 1e-8})
    assert loss(np.r_[weights.ravel(), fit.intercept]) == pytest.approx(found.fun, rel=1e-8)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_one_hot_labels_give_the_logistic_readout(k):
    x, labels = problem(120, 8, k)
    codes = labels.argmax(axis=1)
    decomposition, projected = decompose_and_project(x)
    penalties = np.array([0.1, 1.0, 10.0])
    ours = fit_soft_logistic(decomposition, projected, np.eye(k)[codes], penalties, 1)
    theirs = fit_logistic(decomposition, projected, codes, penalties, 1)
    assert ours.penalty == theirs.penalty
    np.testing.assert_allclose(ours.criterion, theirs.criterion, rtol=1e-3)
    found, expected = (softmax(projected @ fit.coefficients + fit.intercept) for fit in (ours, theirs))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_penalty_of_the_smallest_held_out_cross_entropy():
    x, labels = problem(90, 30)
    fit, _, _ = fitted(x, labels, (0.1, 10.0, 1e4))
    assert fit.penalty == fit.penalties[np.argmin(fit.criterion)]
    assert np.isfinite(fit.criterion).all()
    few = labels.copy()
    few[:, 0] = 1e-3  # never the largest class: no folds to stratify by
    fit, _, _ = fitted(x, few / few.sum(axis=1, keepdims=True), (0.1, 10.0, 1e4))
    assert np.isnan(fit.criterion).all()
    assert fit.penalty == 10.0


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_rotation_order_and_classes_do_not_matter(seed):
    x, labels = problem(40, 5, 3, seed)
    rng = np.random.default_rng(seed)
    turn, order, columns = np.linalg.qr(rng.normal(size=(5, 5)))[0], rng.permutation(40), rng.permutation(3)
    fit, weights, decomposition = fitted(x, labels)
    other, theirs, moved = fitted((x @ turn)[order], labels[order][:, columns])
    found = softmax((x @ turn - moved.mean) @ theirs + other.intercept)
    expected = softmax((x - decomposition.mean) @ weights + fit.intercept)
    np.testing.assert_allclose(found, expected[:, columns], atol=1e-4)


def test_scores_are_means_over_drawn_labels():
    rng = np.random.default_rng(0)
    probability, counts = softmax(rng.normal(size=(20, 4))), rng.integers(1, 6, (20, 4))
    found = soft_image_scores(probability, counts / counts.sum(axis=1, keepdims=True))
    for row in range(20):
        codes = np.repeat(np.arange(4), counts[row])  # each rater's label
        each = image_scores(np.repeat(probability[row : row + 1], codes.size, axis=0), codes)
        for name in ("correct", "confidence", "brier", "nll"):
            assert getattr(found, name)[row] == pytest.approx(getattr(each, name).mean(), abs=1e-12), name
    codes = rng.integers(4, size=20)
    for one, other in zip(
        soft_image_scores(probability, np.eye(4)[codes]), image_scores(probability, codes), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-12)
