"""Cross-validation of ridge readouts: leave-one-out by refitting, scikit-learn's choice, the hat matrix written out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier, RidgeClassifierCV

from neuroalpha.spectrum import blocks
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.ridge import RidgeReadouts, default_penalties

KINDS = ["tall", "wide", "square", "low rank"]


def problem(kind, n_classes=3, n=24, seed=0):
    rng = np.random.default_rng(seed)
    p = {"tall": 6, "wide": 50, "square": n - 1, "low rank": 40}[kind]
    codes = np.tile(np.arange(n_classes), n)[:n]
    x = rng.normal(size=(n, p)) + rng.normal(size=(n_classes, p))[codes] + 3
    return (x[:, :5] @ rng.normal(size=(5, p)) if kind == "low rank" else x), codes


def readouts_of(x, center=True):
    return RidgeReadouts(*decompose_and_project(x, center))


def refitted(x, codes, penalty, n_classes):
    """Decision values (n, C) of each row by scikit-learn fitted to all others."""
    found = []
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        decision = RidgeClassifier(alpha=penalty).fit(x[others], codes[others]).decision_function(x[row : row + 1])
        found.append(np.r_[-decision, decision] if n_classes == 2 else decision[0])
    return np.array(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_leave_one_out_is_refitting(kind, n_classes):
    x, codes = problem(kind, n_classes)
    readouts = readouts_of(x)
    penalties = np.array([0.01, 1.0, 100.0])
    fit = readouts.fit(codes, n_classes, penalties, "loo")
    targets = 2.0 * (codes[:, None] == np.arange(n_classes)) - 1
    for which, penalty in enumerate(penalties):
        expected = refitted(x, codes, penalty, n_classes)
        np.testing.assert_allclose(readouts.loo_decisions(codes, n_classes, penalty), expected, atol=1e-7)
        np.testing.assert_allclose(fit.criterion[0, which], ((targets - expected) ** 2).mean(), rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_picks_the_penalty_that_scikit_learn_picks(kind, n_classes):
    for seed in range(3):
        x, codes = problem(kind, n_classes, 40, seed)
        rng = np.random.default_rng(seed)
        codes = np.where(rng.random(codes.size) < 0.3, rng.integers(n_classes, size=codes.size), codes)
        readouts = readouts_of(x)
        penalties = default_penalties(readouts.decomposition)
        expected = RidgeClassifierCV(alphas=penalties, store_cv_results=True).fit(x, codes)
        fit = readouts.fit(codes, n_classes, penalties, "loo")
        squared = expected.cv_results_.reshape(-1, penalties.size).mean(axis=0)
        np.testing.assert_allclose(fit.criterion[0], squared, rtol=1e-6)
        assert fit.penalty[0] == expected.alpha_


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("center", [True, False])
def test_generalised_cross_validation_by_the_hat_matrix(kind, center):
    x, codes = problem(kind)
    n = len(x)
    targets = 2.0 * (codes[:, None] == np.arange(3)) - 1
    penalties = np.array([0.01, 1.0, 100.0])
    found = readouts_of(x, center).fit(codes, 3, penalties).criterion[0]
    middle = np.full((n, n), 1 / n) if center else np.zeros((n, n))
    centred = x - middle @ x
    for which, penalty in enumerate(penalties):
        hat = middle + centred @ np.linalg.solve(centred.T @ centred + penalty * np.eye(x.shape[1]), centred.T)
        residual = targets - hat @ targets
        expected = (residual**2).mean() / (1 - np.trace(hat) / n) ** 2
        np.testing.assert_allclose(found[which], expected, rtol=1e-7)


@pytest.mark.parametrize("kind", ["wide", "square"])
def test_tiny_penalties_where_every_row_is_fitted_exactly(kind):
    """Residual and degrees of freedom both vanish; their ratio is that of the smallest-norm interpolation."""
    x, codes = problem(kind)
    readouts = readouts_of(x)
    for select in ("gcv", "loo"):
        small, tiny = readouts.fit(codes, 3, [1e-8, 1e-13], select).criterion[0]
        np.testing.assert_allclose(tiny, small, rtol=1e-3)


def test_in_blocks_of_rows(monkeypatch):
    x, codes = problem("tall")
    readouts = readouts_of(x)
    whole, decisions = readouts.fit(codes, 3, [1.0, 2.0], "loo").criterion, readouts.loo_decisions(codes, 3, 1.0)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8 * 9 * 5)
    np.testing.assert_allclose(readouts.fit(codes, 3, [1.0, 2.0], "loo").criterion, whole, rtol=1e-12)
    np.testing.assert_allclose(readouts.loo_decisions(codes, 3, 1.0), decisions, atol=1e-12)


def test_noise_alone_is_told_from_signal():
    """With shuffled labels the largest penalty wins, with clean ones it does not: by either criterion."""
    x, codes = problem("tall", n=200)
    readouts = readouts_of(x)
    shuffled = np.random.default_rng(0).permutation(codes)
    for select in ("gcv", "loo"):
        fit = readouts.fit(np.stack([codes, shuffled]), 3, default_penalties(readouts.decomposition), select)
        assert fit.penalty[0] < fit.penalty[1]
        assert fit.criterion[0].min() < 0.5 < fit.criterion[1].min()
