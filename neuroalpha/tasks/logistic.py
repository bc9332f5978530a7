"""Kernel: multinomial logistic readouts by scikit-learn on the components of a decomposition: slower, a likelihood.

The penalty is that of a ridge: half of ``penalty`` times the squared weights on the centred features, beside the summed
negative log likelihood, as scikit-learn's ``LogisticRegression(C=1 / penalty)``. Rotating features changes neither, so
the components are used, divided by one number, which leaves the same problem to a solver that converges sooner.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from neuroalpha.tasks.decomposition import Decomposition
from neuroalpha.tasks.scores import image_scores, softmax

N_FOLDS = 3
MAX_ITERATIONS = 2000
PENALTIES = 10.0 ** np.arange(-5, 1)  # times the mean eigenvalue of the scatter matrix


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """One logistic readout."""

    coefficients: np.ndarray
    """(r, C), on the projected features."""
    intercept: np.ndarray
    """(C,)."""
    penalty: float
    criterion: np.ndarray
    """(l,) mean negative log likelihood of held-out folds for each penalty; NaN where none was compared."""
    penalties: np.ndarray
    """(l,) compared."""
    converged: bool
    """Whether the solver stopped by itself for the final fit."""
    n_iterations: int


def fit_logistic(
    decomposition: Decomposition, projected: np.ndarray, codes: np.ndarray, penalties: np.ndarray | None, seed: int
) -> LogisticFit:
    """Fit codes (n,), every class of which occurs, on projected features (n, r).

    Several penalties are compared by the likelihood of 3 stratified folds, dealt by ``seed``; where a class has a
    single image there are no folds, and the middle one is taken.

    Examples
    --------
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(3, size=90)
    >>> x = np.eye(3)[codes] + 0.1 * rng.normal(size=(90, 3))
    >>> decomposition = decompose(x)
    >>> fit = fit_logistic(decomposition, decomposition.project(x), codes, None, 0)
    >>> float(((decomposition.project(x) @ fit.coefficients + fit.intercept).argmax(axis=1) == codes).mean())
    1.0
    """
    if penalties is None:
        penalties = PENALTIES * decomposition.values.mean()
    scale = float(np.sqrt(decomposition.values.mean() / decomposition.n))
    scaled = projected / scale
    criterion = np.full(penalties.size, np.nan)
    folds = min(N_FOLDS, int(np.bincount(codes).min()))
    chosen = penalties[penalties.size // 2]
    if penalties.size > 1 and folds > 1:
        criterion = _held_out(scaled, codes, penalties / scale**2, folds, seed)
        chosen = penalties[np.argmin(criterion)]
    model = _model(chosen / scale**2)
    converged = _fit(model, scaled, codes)
    coefficients, intercept = model.coef_.T / scale, model.intercept_
    if intercept.size == 1:  # two classes: one decision value, for the second
        coefficients, intercept = np.hstack([-coefficients, coefficients]) / 2, np.r_[-intercept, intercept] / 2
    return LogisticFit(
        coefficients, intercept, float(chosen), criterion, penalties, converged, int(np.max(model.n_iter_))
    )


def _held_out(scaled: np.ndarray, codes: np.ndarray, penalties: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Mean negative log likelihood (l,) of held-out images; from the largest penalty down, each fit starts at the last.

    Whether these fits converge to the last digit does not matter; that of the final one is told.
    """
    total = np.zeros(penalties.size)
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(scaled, codes):
        model = _model(1.0).set_params(warm_start=True)
        for which in np.argsort(-penalties):
            _fit(model.set_params(C=1 / penalties[which]), scaled[train], codes[train])
            decisions = model.decision_function(scaled[test])
            if decisions.ndim == 1:
                decisions = np.stack([-decisions, decisions], axis=1) / 2
            total[which] += image_scores(softmax(decisions), codes[test]).nll.sum()
    return total / codes.size


def _model(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=1 / penalty, solver="lbfgs", max_iter=MAX_ITERATIONS)


def _fit(model: LogisticRegression, scaled: np.ndarray, codes: np.ndarray) -> bool:
    """Fit in place; whether the solver converged."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(scaled, codes)
    # Nothing else is passed on: what versions of scikit-learn and SciPy want of each other, no caller can mend.
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in told)
