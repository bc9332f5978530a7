"""The three readouts behind one face: decisions, probabilities, calibration, options."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import log_loss

import neuroalpha as na
from neuroalpha.tasks import logistic
from neuroalpha.tasks.classifiers import LinearClassifier, fit_classifier
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.scores import fit_temperature, image_scores, scores, softmax

KINDS = ("ridge", "logistic", "knn")


def problem(n=120, p=10, seed=0, n_classes=3, spread=1.5):
    rng = np.random.default_rng(seed)
    codes = np.tile(np.arange(n_classes), n)[:n]
    centres = np.random.default_rng(0).normal(size=(n_classes, p))
    return spread * rng.normal(size=(n, p)) + centres[codes], codes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_some_and_go_with_decisions(kind, n_classes):
    x, codes = problem(n_classes=n_classes)
    decomposition, projected = decompose_and_project(x)
    classifier = fit_classifier(kind, decomposition, projected, codes, n_classes)
    decisions = classifier.decisions(projected)
    probabilities = classifier.to_probabilities(decisions)
    assert decisions.shape == (120, n_classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities > 0).all()
    np.testing.assert_array_equal(probabilities.argmax(axis=1), decisions.argmax(axis=1))
    assert (decisions.argmax(axis=1) == codes).mean() > 0.6
    assert classifier.criterion.shape == classifier.penalties.shape
    two = classifier.to_probabilities(decisions[:, :2])
    np.testing.assert_allclose(two.sum(axis=1), 1)


def test_ridge_is_calibrated_on_leave_one_out_decisions():
    """Temperature of decisions by refitting without each image; better on new images than one of training decisions."""
    x, codes = problem(60, 30)
    decomposition, projected = decompose_and_project(x)
    classifier = fit_classifier("ridge", decomposition, projected, codes, 3, penalties=3.0)
    others = [np.arange(60) != row for row in range(60)]
    left_out = np.array([RidgeClassifier(alpha=3.0).fit(x[o], codes[o]).decision_function(x[~o])[0] for o in others])
    np.testing.assert_allclose(classifier.temperature, fit_temperature(left_out, codes), rtol=1e-4)
    assert classifier.how["penalty"] == 3.0
    new, true = problem(2000, 30, seed=1)
    decisions = classifier.decisions(decomposition.project(new))
    naive = softmax(decisions / fit_temperature(classifier.decisions(projected), codes))
    calibrated = classifier.to_probabilities(decisions)
    assert log_loss(true, calibrated) < log_loss(true, naive)
    ours, theirs = (scores(image_scores(one, true))["calibration_error"][0] for one in (calibrated, naive))
    assert ours < 0.5 * theirs


@pytest.mark.parametrize("kind", ["ridge", "logistic"])
def test_says_whether_a_better_penalty_may_lie_beyond(kind):
    x, codes = problem(seed=2)
    decomposition, projected = decompose_and_project(x)

    def edge(*penalties):
        return fit_classifier(kind, decomposition, projected, codes, 3, penalties=penalties).how["penalty_at_edge"]

    assert edge(1e-6, 30.0, 1e8) == 0
    assert edge(30.0, 1e9, 1e12) == edge(1e9, 1e12) == 1
    assert edge(1.0) == 0


def test_votes_become_shares():
    x, codes = problem(n_classes=2)
    decomposition, projected = decompose_and_project(x)
    classifier = fit_classifier("knn", decomposition, projected, codes, 2, n_neighbours=4)
    found = classifier.to_probabilities(np.array([[4.0, 0.0], [1.0, 3.0]]))
    np.testing.assert_allclose(found, [[0.9, 0.1], [0.3, 0.7]])
    assert classifier.how["n_neighbours"] == 4
    many = fit_classifier("knn", decomposition, projected, codes, 2, n_neighbours=1000)
    assert many.how["n_neighbours"] == 120


def test_a_logistic_readout_that_did_not_converge_is_told(monkeypatch):
    x, codes = problem()
    decomposition, projected = decompose_and_project(x)
    monkeypatch.setattr(logistic, "MAX_ITERATIONS", 2)
    with pytest.warns(UserWarning, match="logistic readout had not converged"):
        classifier = fit_classifier("logistic", decomposition, projected, codes, 3, penalties=1e-6)
    assert isinstance(classifier, LinearClassifier)
    assert classifier.how["converged"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "svm"}, "classifier is 'svm'; expected one of"),
        ({"select": "aic"}, "select is 'aic'"),
        ({"penalties": -1.0}, "penalties are -1.0"),
        ({"kind": "knn", "penalties": 1.0}, "nearest neighbours have none"),
        ({"kind": "knn", "n_neighbours": 0}, "n_neighbours is 0"),
        ({"kind": "logistic", "seed": None}, "seed is None"),
    ],
)
def test_bad_options(options, message):
    x, codes = problem(30)
    with pytest.raises(na.InputError, match=message):
        fit_classifier(options.pop("kind", "ridge"), *decompose_and_project(x), codes, 3, **options)
