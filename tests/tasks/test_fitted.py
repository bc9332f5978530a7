"""Fitted readouts: names, probabilities, restricted answers, against scikit-learn; bad input."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

import neuroalpha as na
from neuroalpha.tasks.fitted import fit_readout

KINDS = ("ridge", "logistic", "knn")


def problem(n=90, p=8, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array(["cat", "dog", "fox"])[np.arange(n) % 3]
    centres = np.random.default_rng(5).normal(size=(3, p))
    return rng.normal(size=(n, p)) + centres[np.arange(n) % 3], labels


@pytest.mark.parametrize("p", [8, 150])
def test_against_scikit_learn(p):
    (x, labels), (new, true) = problem(p=p), problem(50, p, seed=1)
    fitted = fit_readout(x, labels, penalties=4.0)
    expected = RidgeClassifier(alpha=4.0).fit(x, labels)
    np.testing.assert_allclose(fitted.decisions(new), expected.decision_function(new), atol=1e-9)
    np.testing.assert_array_equal(fitted.predict(new), expected.predict(new))
    np.testing.assert_array_equal(fitted.correct(new, true), expected.predict(new) == true)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_go_with_answers(kind):
    (x, labels), (new, _) = problem(), problem(50, seed=1)
    fitted = fit_readout(x, labels, classifier=kind)
    probabilities = fitted.probabilities(new)
    assert probabilities.shape == (50, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes[probabilities.argmax(axis=1)], fitted.predict(new))


@pytest.mark.parametrize("kind", KINDS)
def test_among_some_classes(kind):
    (x, labels), (new, true) = problem(), problem(60, seed=1)
    fitted = fit_readout(x, labels, classifier=kind)
    inside = true != "dog"
    answers = fitted.predict(new[inside], among=["fox", "cat"])
    decisions = fitted.decisions(new[inside])[:, [0, 2]]
    np.testing.assert_array_equal(answers, np.array(["cat", "fox"])[decisions.argmax(axis=1)])
    assert fitted.probabilities(new, among=["fox", "cat"]).shape == (60, 2)
    restricted = fitted.correct(new[inside], true[inside], among=["cat", "fox"])
    assert restricted.mean() >= fitted.correct(new[inside], true[inside]).mean()


def test_numbers_as_labels():
    x, labels = problem()
    codes = np.searchsorted(["cat", "dog", "fox"], labels) + 9
    fitted = fit_readout(x, codes)
    assert fitted.classes.tolist() == ["9", "10", "11"]
    assert fitted.correct(x, codes.astype(float)).mean() > 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["cat"] * 90}, "one class only"),
        ({"labels": ["cat", "dog"]}, "2 training labels for 90 training images"),
        ({"features": np.zeros((90, 3))}, "the training responses never vary"),
        ({"features": np.zeros(90)}, r"features have shape \(90,\)"),
        ({"features": np.where(np.arange(90)[:, None] == 4, np.nan, np.eye(90))}, r"1 of 90 .* \(the first is image 4"),
        ({"features": np.where(np.arange(90)[:, None] == 4, -np.inf, np.eye(90))}, "training image 4 .* infinite"),
        ({"classifier": "svm"}, "classifier is 'svm'"),
    ],
)
def test_bad_training_input(changes, message):
    x, labels = problem()
    given = {"features": x, "labels": labels, **changes}
    with pytest.raises(na.InputError, match=message):
        fit_readout(given.pop("features"), given.pop("labels"), **given)


def test_bad_test_input():
    x, labels = problem()
    fitted = fit_readout(x, labels)
    with pytest.raises(na.InputError, match=r"features have shape \(90, 3\); expected \(image, 8\)"):
        fitted.predict(x[:, :3])
    with pytest.raises(na.InputError, match="1 of 90 images are of classes that were not trained: 'owl'"):
        fitted.correct(x, np.append(labels[:-1], "owl"))
    with pytest.raises(na.InputError, match="89 test labels for 90 test images"):
        fitted.correct(x, labels[:-1])
    with pytest.raises(na.InputError, match="among= names classes that were not trained: 'owl'"):
        fitted.predict(x, among=["cat", "owl"])
