"""Kernel: ridge readouts of many label sets and penalties from one decomposition.

With Z = (X - mean) V and eigenvalues l of the scatter matrix, the readout of targets Y with penalty k is
(X - mean) V (Z'Y) / (l + k): a new label set costs its class sums Z'Y, a new penalty a division. Targets are +1 for a
row's class and -1 for the others, the intercept is not penalised: the numbers are those of scikit-learn's
``RidgeClassifier`` on the same features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.spectrum.blocks import BLOCK_BYTES, slices
from neuroalpha.spectrum.gram import multiply
from neuroalpha.tasks.decomposition import Decomposition
from neuroalpha.tasks.ridge_rows import TrainingRows

Select = Literal["gcv", "loo"]
N_PENALTIES = 13
PENALTY_RANGE = (1e-6, 1e3)  # times the mean eigenvalue of the scatter matrix
CACHE_BYTES = 2**20  # of decision values that are made and compared at once
SETS_AT_ONCE = 10  # label sets, at most, whose class sums are made in one pass over Z: of more they leave the cache


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Readouts of s label sets with C classes on r components."""

    coefficients: np.ndarray
    """(s, r, C), on the projected features."""
    intercept: np.ndarray
    """(s, C)."""
    penalty: np.ndarray
    """(s,) of each readout."""
    criterion: np.ndarray
    """(label set, l): mean squared error by generalised cross-validation or leave-one-out, for each penalty."""
    penalties: np.ndarray
    """(l,) compared."""
    select: str
    """"gcv" or "loo"; "all" where every penalty was kept."""


class RidgeReadouts:
    """Fits label sets over the training rows of one decomposition.

    Parameters
    ----------
    decomposition
        Of the training features.
    projected
        The same features projected on it (n, r), in the order of the labels.

    Examples
    --------
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(3, size=(2, 60))  # two label sets
    >>> x = np.eye(3)[codes[0]] + 0.1 * rng.normal(size=(60, 3))
    >>> decomposition = decompose(x)
    >>> readouts = RidgeReadouts(decomposition, decomposition.project(x))
    >>> fit = readouts.fit(codes, 3, default_penalties(decomposition))
    >>> readouts.accuracy(fit, decomposition.project(x), codes[0]).round(1)
    array([1. , 0.3])
    """

    def __init__(self, decomposition: Decomposition, projected: np.ndarray):
        if projected.shape != (decomposition.n, decomposition.values.size):
            raise InputError(
                f"projected features have shape {projected.shape}, the decomposition is of {decomposition.n} rows and "
                f"{decomposition.values.size} components; give decomposition.project(training features)"
            )
        self.decomposition = decomposition
        self.projected = np.ascontiguousarray(projected, dtype=np.float64)
        self._rows = TrainingRows(decomposition, self.projected)

    def fit(self, codes: Any, n_classes: int, penalties: Any, select: Select | None = "gcv") -> RidgeFit:
        """Fit each label set with the penalty of the smallest criterion; equal ones: the first given.

        Parameters
        ----------
        codes : int (s, n) or (n,)
            Class 0 to n_classes - 1 of each training row, for s label sets. A class without rows gets decision -1.
        n_classes : int
        penalties : float (l,)
            Added to the eigenvalues of the scatter matrix: ``alpha`` of scikit-learn.
        select : {"gcv", "loo", None}
            None keeps a readout for every penalty: s * l of them, all penalties of the first label set first. Their
            criterion is then that of "gcv".

        Notes
        -----
        "gcv": n r operations a label set, C r more for each penalty. "loo": 2 n r C for each label set and penalty.
        Memory: the coefficients, and blocks.
        """
        codes = check_codes(codes, n_classes, self.decomposition.n)
        penalties = check_penalties(penalties)
        if select is not None and select not in get_args(Select):
            raise InputError(f"select is {select!r}; expected one of {get_args(Select)}, or None for every penalty")
        n_sets, n_values = codes.shape[0], self.decomposition.values.size
        kept = penalties.size if select is None else 1
        # (..., class, component) in memory, so that many readouts are one matrix without copying.
        coefficients = np.empty((n_sets, kept, n_classes, n_values))
        target_mean = np.empty((n_sets, n_classes))
        criterion = np.empty((n_sets, penalties.size))
        chosen = np.empty((n_sets, kept))
        for sets in _batches(n_sets, n_classes * n_values):
            products, target_mean[sets] = self._rows.products(codes[sets], n_classes)
            score = self._rows.leave_one_out if select == "loo" else self._rows.generalised
            criterion[sets] = score(products, target_mean[sets], codes[sets], penalties)
            best = penalties[np.argmin(criterion[sets], axis=1)]
            chosen[sets] = penalties if select is None else best[:, None]
            damped = self.decomposition.values + chosen[sets][..., None]  # (set, kept, component)
            np.divide(products[:, None], damped[:, :, None], out=coefficients[sets])
        return RidgeFit(
            coefficients.reshape(n_sets * kept, n_classes, n_values).transpose(0, 2, 1),
            np.repeat(target_mean, kept, axis=0),
            chosen.reshape(-1),
            criterion,
            penalties,
            select or "all",
        )

    def decisions(self, fit: RidgeFit, projected: np.ndarray, which: Any = slice(None)) -> np.ndarray:
        """Decision values (s, m, C) of projected features (m, r), for all readouts or those of an index."""
        which = which if isinstance(which, slice) else np.atleast_1d(which)
        return _decisions(fit, projected, which).transpose(0, 2, 1)

    def predict(self, fit: RidgeFit, projected: np.ndarray) -> np.ndarray:
        """Class (s, m) of largest decision value, of equal ones the first; decision values are never all in memory."""
        (n_sets, n_classes), n_rows = fit.intercept.shape, projected.shape[0]
        small = np.int8 if n_classes <= np.iinfo(np.int8).max else np.int32
        predicted = np.empty((n_sets, n_rows), dtype=np.int32)
        step = max(1, CACHE_BYTES // (8 * max(n_rows, 1) * n_classes))
        for start in range(0, n_sets, step):
            values = _decisions(fit, projected, slice(start, start + step))
            best, code = values[:, 0], np.zeros((values.shape[0], n_rows), dtype=small)
            for each in range(1, n_classes):  # argmax over the middle axis at the speed of the product
                np.maximum(code, (values[:, each] > best) * small(each), out=code)
                best = np.maximum(best, values[:, each])
            predicted[start : start + step] = code
        return predicted

    def accuracy(self, fit: RidgeFit, projected: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Share (s,) of rows (m, r) that are predicted as ``codes`` (m,) say, or (s, m) for each readout its own."""
        return (self.predict(fit, projected) == codes).mean(axis=1)

    def loo_decisions(self, codes: Any, n_classes: int, penalty: float) -> np.ndarray:
        """Decision value (n, C) of each training row by the readout of all others, exactly, for one label set (n,)."""
        codes = check_codes(codes, n_classes, self.decomposition.n)
        penalties = check_penalties(penalty)
        products, target_mean = self._rows.products(codes[:1], n_classes)
        found = np.empty((self.decomposition.n, n_classes))
        for rows in slices(*self.projected.shape):
            residuals = self._rows.residuals(rows, products, target_mean, codes[:1], penalties[0])[:, 0]
            targets = 2.0 * (codes[0, rows, None] == np.arange(n_classes)) - 1
            found[rows] = targets - residuals / self._rows.one_minus_leverage(rows, penalties)
        return found


def default_penalties(decomposition: Decomposition) -> np.ndarray:
    """Thirteen penalties (13,), equally spaced in their logarithm from 1e-6 to 1e3 mean eigenvalues of the scatter.

    Examples
    --------
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> penalties = default_penalties(decompose(np.eye(4)))
    >>> penalties.size, float(round(penalties[-1] / penalties[0]))
    (13, 1000000000.0)
    """
    middle = float(decomposition.values.mean()) if decomposition.values.size else 1.0
    return middle * np.geomspace(*PENALTY_RANGE, N_PENALTIES)


def check_codes(codes: Any, n_classes: int, n_rows: int) -> np.ndarray:
    """Return label sets as (s, n) of int32, or say what is wrong with them."""
    array = np.atleast_2d(np.asarray(codes))
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise InputError(
            f"codes have shape {array.shape} and dtype {array.dtype}; expected whole numbers (label set, row)"
        )
    if array.shape[1] != n_rows:
        raise InputError(f"there are {array.shape[1]} labels for {n_rows} training rows; give one for each")
    if n_classes < 2:
        raise InputError(f"n_classes is {n_classes}; a readout tells at least 2 classes apart")
    if array.size and (array.min() < 0 or array.max() >= n_classes):
        raise InputError(
            f"codes run from {array.min()} to {array.max()}; expected 0 to {n_classes - 1}, one for each class"
        )
    return array.astype(np.int32, copy=False)


def check_penalties(penalties: Any) -> np.ndarray:
    """Return penalties as (l,) of float64, all positive, or say what was given."""
    try:
        array = np.atleast_1d(np.asarray(penalties, dtype=np.float64))
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 1 or not array.size or not (np.isfinite(array) & (array > 0)).all():
        raise InputError(f"penalties are {penalties!r}; expected one or more positive numbers")
    return array


def _decisions(fit: RidgeFit, projected: np.ndarray, which: Any) -> np.ndarray:
    """Decision values (s, C, m) of the readouts of a slice or an index array."""
    weights = fit.coefficients[which].transpose(0, 2, 1)  # (s, C, r), as it lies in memory
    n_sets, n_classes, n_values = weights.shape
    product = multiply(projected, weights.reshape(n_sets * n_classes, n_values).T).T  # (s * C, m), C order
    values = product.reshape(n_sets, n_classes, projected.shape[0])
    values += fit.intercept[which][..., None]
    return values


def _batches(n_sets: int, size: int) -> Iterator[slice]:
    """Cut label sets with ``size`` class sums each into batches."""
    step = max(1, min(SETS_AT_ONCE, BLOCK_BYTES // (8 * max(size, 1))))
    return (slice(start, min(start + step, n_sets)) for start in range(0, n_sets, step))
