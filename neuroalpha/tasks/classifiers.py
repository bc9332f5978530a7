"""The three readouts behind one face: fitted on the components of one decomposition, asked for probabilities."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum.gram import multiply
from neuroalpha.tasks.decomposition import Decomposition
from neuroalpha.tasks.knn import Neighbours, fit_neighbours
from neuroalpha.tasks.logistic import MAX_ITERATIONS, fit_logistic
from neuroalpha.tasks.ridge import RidgeReadouts, Select, check_penalties, default_penalties
from neuroalpha.tasks.scores import fit_temperature, softmax

Kind = Literal["ridge", "logistic", "knn"]
N_NEIGHBOURS = 20


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """Ridge or logistic: decisions are linear, probabilities softmax(decisions / temperature)."""

    coefficients: np.ndarray
    """(r, C)."""
    intercept: np.ndarray
    """(C,)."""
    temperature: float
    penalties: np.ndarray
    """(l,) compared."""
    criterion: np.ndarray
    """(l,) by which they were."""
    how: dict[str, str | int | float]
    """How it was made, as attributes."""

    def decisions(self, projected: np.ndarray) -> np.ndarray:
        """Decision values (m, C) of projected features (m, r)."""
        return multiply(projected, self.coefficients) + self.intercept

    def to_probabilities(self, decisions: np.ndarray) -> np.ndarray:
        """Probabilities (m, k) from the decision values of k of the classes, which are taken for all there are."""
        return softmax(decisions / self.temperature)


@dataclass(frozen=True, eq=False)
class NeighbourClassifier:
    """Decisions are votes, probabilities their shares, one more vote shared out so that no class has none."""

    neighbours: Neighbours
    how: dict[str, str | int | float]
    """How it was made, as attributes."""
    penalties: np.ndarray = field(default_factory=lambda: np.empty(0))
    """None."""
    criterion: np.ndarray = field(default_factory=lambda: np.empty(0))
    """None."""

    def decisions(self, projected: np.ndarray) -> np.ndarray:
        """Votes (m, C) for each class."""
        return self.neighbours.votes(projected).astype(np.float64)

    def to_probabilities(self, decisions: np.ndarray) -> np.ndarray:
        """Probabilities (m, k) from the votes for k of the classes, which are taken for all there are."""
        shares = decisions + 1 / decisions.shape[1]
        return shares / shares.sum(axis=1, keepdims=True)


Classifier = LinearClassifier | NeighbourClassifier


def fit_classifier(
    kind: Kind,
    decomposition: Decomposition,
    projected: np.ndarray,
    codes: np.ndarray,
    n_classes: int,
    *,
    penalties: Any = None,
    select: Select = "gcv",
    n_neighbours: int = N_NEIGHBOURS,
    seed: int = 0,
) -> Classifier:
    """Fit one label set (n,) on projected features (n, r); arguments as of :func:`neuroalpha.readout`.

    Warns
    -----
    UserWarning
        When the logistic readout has not converged.

    Examples
    --------
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> codes = np.repeat([0, 1], 30)
    >>> x = codes[:, None] + 0.1 * np.random.default_rng(0).normal(size=(60, 4))
    >>> decomposition = decompose(x)
    >>> projected = decomposition.project(x)
    >>> for kind in ("ridge", "logistic", "knn"):
    ...     classifier = fit_classifier(kind, decomposition, projected, codes, 2)
    ...     print(kind, (classifier.decisions(projected).argmax(axis=1) == codes).mean())
    ridge 1.0
    logistic 1.0
    knn 1.0
    """
    check_options(kind, penalties, select, n_neighbours, seed)
    if kind == "ridge":
        return _ridge(decomposition, projected, codes, n_classes, penalties, select)
    if kind == "logistic":
        return _logistic(decomposition, projected, codes, penalties, seed)
    taken = min(n_neighbours, codes.size)
    index = fit_neighbours(projected, codes, n_classes, taken)
    return NeighbourClassifier(index, {"n_neighbours": taken, "metric": "cosine, centred"})


def check_options(kind: Any, penalties: Any, select: Any, n_neighbours: Any, seed: Any) -> None:
    """Refuse options that no readout takes, before any work."""
    if kind not in get_args(Kind):
        raise InputError(f"classifier is {kind!r}; expected one of {get_args(Kind)}")
    if select not in get_args(Select):
        raise InputError(f"select is {select!r}; expected one of {get_args(Select)}")
    whole(n_neighbours, "n_neighbours", least=1)
    check_seed(seed)
    if penalties is not None:
        check_penalties(penalties)
        if kind == "knn":
            raise InputError(
                "penalties= is given, but nearest neighbours have none; leave it out, or use n_neighbours="
            )


def _ridge(
    decomposition: Decomposition,
    projected: np.ndarray,
    codes: np.ndarray,
    n_classes: int,
    penalties: Any,
    select: Select,
) -> LinearClassifier:
    readouts = RidgeReadouts(decomposition, projected)
    compared = default_penalties(decomposition) if penalties is None else check_penalties(penalties)
    fit = readouts.fit(codes, n_classes, compared, select)
    penalty = float(fit.penalty[0])
    temperature = fit_temperature(readouts.loo_decisions(codes, n_classes, penalty), codes)
    how: dict[str, str | int | float] = {
        "penalty": penalty,
        "penalty_at_edge": _at_edge(penalty, compared),
        "select": select,
        "temperature": temperature,
        "calibration": "temperature on leave-one-out decisions",
    }
    return LinearClassifier(fit.coefficients[0], fit.intercept[0], temperature, compared, fit.criterion[0], how)


def _logistic(
    decomposition: Decomposition, projected: np.ndarray, codes: np.ndarray, penalties: Any, seed: int
) -> LinearClassifier:
    fit = fit_logistic(decomposition, projected, codes, None if penalties is None else check_penalties(penalties), seed)
    if not fit.converged:
        warnings.warn(
            f"the logistic readout had not converged after {MAX_ITERATIONS} iterations at penalty {fit.penalty:.3g}: "
            "its scores may still move; a larger penalty converges sooner",
            stacklevel=4,
        )
    how: dict[str, str | int | float] = {
        "penalty": fit.penalty,
        "penalty_at_edge": _at_edge(fit.penalty, fit.penalties),
        "select": "likelihood of 3 folds",
        "temperature": 1.0,
        "calibration": "none",
        "converged": int(fit.converged),
        "n_iterations": fit.n_iterations,
    }
    return LinearClassifier(fit.coefficients, fit.intercept, 1.0, fit.penalties, fit.criterion, how)


def _at_edge(penalty: float, compared: np.ndarray) -> int:
    """1 where the best of several penalties is the smallest or largest of them: a better one may lie beyond."""
    return int(compared.size > 1 and penalty in (compared.min(), compared.max()))
