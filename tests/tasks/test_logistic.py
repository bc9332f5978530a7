"""Logistic readouts: scikit-learn on the features themselves, penalties by held-out likelihood, no convergence."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from neuroalpha.tasks import logistic
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.logistic import fit_logistic


def problem(shape=(120, 8), n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.r_[np.tile(np.arange(n_classes), 3), rng.integers(n_classes, size=shape[0] - 3 * n_classes)]
    x = rng.normal(size=shape) * np.arange(1, shape[1] + 1) ** -0.5 + rng.normal(size=(n_classes, shape[1]))[codes]
    return 3 * x + 20, codes


def decisions_of(fit, decomposition, x):
    return decomposition.project(x) @ fit.coefficients + fit.intercept


@pytest.mark.parametrize("shape", [(120, 8), (40, 90)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_against_scikit_learn_on_the_features(shape, n_classes):
    x, codes = problem(shape, n_classes)
    decomposition, projected = decompose_and_project(x)
    fit = fit_logistic(decomposition, projected, codes, np.array([5.0]), 0)
    expected = LogisticRegression(C=1 / 5.0, tol=1e-8, max_iter=20_000).fit(x - x.mean(axis=0), codes)
    found = decisions_of(fit, decomposition, x)
    theirs = expected.decision_function(x - x.mean(axis=0))
    if n_classes == 2:
        np.testing.assert_allclose(found[:, 1] - found[:, 0], theirs, atol=5e-3 * np.abs(theirs).max())
    else:
        np.testing.assert_allclose(found, theirs, atol=5e-3 * np.abs(theirs).max())
    assert fit.converged
    assert (fit.penalty, fit.n_iterations > 0) == (5.0, True)
    assert np.isnan(fit.criterion).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_penalty_of_the_largest_held_out_likelihood(n_classes):
    x, codes = problem((90, 30), n_classes)
    rng = np.random.default_rng(0)
    codes = np.where(rng.random(90) < 0.3, rng.integers(n_classes, size=90), codes)
    decomposition, projected = decompose_and_project(x)
    penalties = np.array([1.0, 100.0, 1e4])
    fit = fit_logistic(decomposition, projected, codes, penalties, 4)
    expected = []
    for penalty in penalties:
        total = 0.0
        for train, test in StratifiedKFold(3, shuffle=True, random_state=4).split(x, codes):
            model = LogisticRegression(C=1 / penalty, max_iter=20_000).fit((x - x.mean(axis=0))[train], codes[train])
            shown = model.predict_proba((x - x.mean(axis=0))[test])
            total += log_loss(codes[test], shown, labels=range(n_classes)) * test.size
        expected.append(total / codes.size)
    np.testing.assert_allclose(fit.criterion, expected, rtol=0.03)
    assert fit.penalty == penalties[np.argmin(expected)]


def test_rotation_shift_and_scale_change_nothing():
    x, codes = problem((60, 10))
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 10)))[0]
    found = []
    for given, factor in ((x, 1.0), (4 * (x @ rotation - 11), 16.0)):
        decomposition, projected = decompose_and_project(given)
        fit = fit_logistic(decomposition, projected, codes, np.array([2.0]) * factor, 0)
        found.append(decisions_of(fit, decomposition, given))
    np.testing.assert_allclose(found[1], found[0], atol=1e-2 * np.abs(found[0]).max())


def test_default_penalties_and_a_class_with_one_image():
    x, codes = problem((60, 5))
    decomposition, projected = decompose_and_project(x)
    fit = fit_logistic(decomposition, projected, codes, None, 0)
    np.testing.assert_allclose(fit.penalties, logistic.PENALTIES * decomposition.values.mean())
    assert np.isfinite(fit.criterion).all()
    lonely = np.r_[codes[:-1], 3]
    fit = fit_logistic(decomposition, projected, lonely, None, 0)
    assert np.isnan(fit.criterion).all()
    assert fit.penalty == fit.penalties[fit.penalties.size // 2]
    assert fit.coefficients.shape == (5, 4)


@pytest.mark.filterwarnings("error")
def test_tells_that_it_did_not_converge(monkeypatch):
    x, codes = problem()
    decomposition, projected = decompose_and_project(x)
    monkeypatch.setattr(logistic, "MAX_ITERATIONS", 2)
    assert not fit_logistic(decomposition, projected, codes, np.array([1e-6]), 0).converged
