"""Kernel: multinomial logistic readouts of label distributions, by scikit-learn, and what they are worth.

The cross-entropy with a distribution is the negative log likelihood of every class, weighted by its share: each image
counts once for each class that its label holds. Penalty, scaling and folds are those of
:mod:`neuroalpha.tasks.logistic`, whose readout this is where labels are one-hot.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from neuroalpha.tasks.decomposition import Decomposition
from neuroalpha.tasks.logistic import MAX_ITERATIONS, N_FOLDS, PENALTIES, LogisticFit
from neuroalpha.tasks.scores import ImageScores, softmax

TOLERANCE = 1e-6  # of the gradient of the mean loss; penalties are compared less exactly
COMPARED = 1e-4


def fit_soft_logistic(
    decomposition: Decomposition, projected: np.ndarray, labels: np.ndarray, penalties: np.ndarray | None, seed: int
) -> LogisticFit:
    """Fit label distributions (n, C), every class of which has some weight, on projected features (n, r).

    Several penalties are compared by the cross-entropy of 3 folds, dealt by ``seed`` and stratified by the largest
    class of each image; where a class is the largest of fewer than 2 images there are no folds, and the middle penalty
    is taken. Time and memory are those of as many images as there are shares above 0.

    Examples
    --------
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 2))
    >>> labels = softmax(x @ np.array([[2.0, 0, -2], [0, 1, -1]]))
    >>> decomposition = decompose(x)
    >>> fit = fit_soft_logistic(decomposition, decomposition.project(x), labels, np.array([1e-6]), 0)
    >>> found = softmax(decomposition.project(x) @ fit.coefficients + fit.intercept)
    >>> bool(np.abs(found - labels).max() < 1e-3)
    True
    """
    if penalties is None:
        penalties = PENALTIES * decomposition.values.mean()
    scale = float(np.sqrt(decomposition.values.mean() / decomposition.n))
    scaled = projected / scale
    criterion = np.full(penalties.size, np.nan)
    largest = labels.argmax(axis=1)
    folds = min(N_FOLDS, int(np.bincount(largest, minlength=labels.shape[1]).min()))
    chosen = penalties[penalties.size // 2]
    if penalties.size > 1 and folds > 1:
        criterion = _held_out(scaled, labels, largest, penalties / scale**2, folds, seed)
        chosen = penalties[np.argmin(criterion)]
    model = _model(chosen / scale**2)
    converged = _fit(model, scaled, labels)
    coefficients, intercept = model.coef_.T / scale, model.intercept_
    if intercept.size == 1:  # two classes: one decision value, for the second
        coefficients, intercept = np.hstack([-coefficients, coefficients]) / 2, np.r_[-intercept, intercept] / 2
    return LogisticFit(
        coefficients, intercept, float(chosen), criterion, penalties, converged, int(np.max(model.n_iter_))
    )


def soft_image_scores(probabilities: np.ndarray, labels: np.ndarray) -> ImageScores:
    """Score probabilities (m, C) of label distributions (m, C): the mean over labels drawn from them, image by image.

    ``correct`` is the share of the predicted class, ``nll`` the cross-entropy; where labels are one-hot, all are those
    of :func:`neuroalpha.tasks.scores.image_scores`.

    Examples
    --------
    >>> found = soft_image_scores(np.array([[0.8, 0.2]]), np.array([[0.5, 0.5]]))
    >>> found.correct.tolist(), found.confidence.tolist(), found.nll.round(3).tolist()
    ([0.5], [0.8], [0.916])
    """
    rows = np.arange(len(labels))
    best = probabilities.argmax(axis=1)
    return ImageScores(
        labels.argmax(axis=1),
        labels[rows, best],
        probabilities[rows, best],
        np.einsum("mc,mc->m", probabilities, probabilities - 2 * labels) + 1,
        -np.einsum("mc,mc->m", labels, np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))),
    )


def _held_out(
    scaled: np.ndarray, labels: np.ndarray, largest: np.ndarray, penalties: np.ndarray, folds: int, seed: int
) -> np.ndarray:
    """Mean cross-entropy (l,) of held-out images; from the largest penalty down, each fit starts at the last."""
    total = np.zeros(penalties.size)
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(scaled, largest):
        model = _model(1.0).set_params(warm_start=True, tol=COMPARED)
        for which in np.argsort(-penalties):
            _fit(model.set_params(C=1 / penalties[which]), scaled[train], labels[train])
            decisions = model.decision_function(scaled[test])
            if decisions.ndim == 1:
                decisions = np.stack([-decisions, decisions], axis=1) / 2
            total[which] += soft_image_scores(softmax(decisions), labels[test]).nll.sum()
    return total / len(labels)


def _model(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=1 / penalty, solver="lbfgs", max_iter=MAX_ITERATIONS, tol=TOLERANCE)


def _fit(model: LogisticRegression, scaled: np.ndarray, labels: np.ndarray) -> bool:
    """Fit in place, each image once for each class of its label; whether the solver converged."""
    image, code = np.nonzero(labels)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(scaled[image], code, sample_weight=labels[image, code])
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in told)
