"""A ridge readout as it is applied: weights on the responses themselves, so that a shift needs no decomposition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuroalpha.tasks.decomposition import Decomposition
from neuroalpha.tasks.labels import codes_of, label_text
from neuroalpha.tasks.ridge import RidgeFit


@dataclass(frozen=True, eq=False)
class LinearReadout:
    """Decision values of responses x (p,): (x - mean) weights + intercept.

    Beside :class:`neuroalpha.tasks.fitted.FittedReadout`, which keeps the eigenvectors (p, r), since its spectrum is
    asked for and neighbours are sought among components, and multiplies them with the coefficients whenever it is
    asked. Under shifts the readouts of all layers are in memory together and are asked once for each batch, so these
    hold weights (p, C) only.
    """

    decomposition: Decomposition
    """Of the training responses, without its eigenvectors, which are large."""
    weights: np.ndarray
    """(p, C)."""
    intercept: np.ndarray
    """(C,)."""
    names: np.ndarray
    """Of the classes (C,)."""
    penalty: float

    def decisions(self, responses: Any) -> np.ndarray:
        """Decision values (m, C) of responses (m, p)."""
        return self.decomposition.multiply(responses, self.weights) + self.intercept


def linear_readout(decomposition: Decomposition, fit: RidgeFit, names: np.ndarray, which: int = 0) -> LinearReadout:
    """One of the readouts of a fit, on the responses.

    Examples
    --------
    >>> from neuroalpha.tasks.decomposition import decompose
    >>> from neuroalpha.tasks.ridge import RidgeReadouts
    >>> x = np.array([[0.0, 1], [0, 2], [3, 1], [3, 2]])
    >>> found = decompose(x)
    >>> fit = RidgeReadouts(found, found.project(x)).fit(np.array([0, 0, 1, 1]), 2, [0.1])
    >>> linear_readout(found, fit, np.array(["left", "right"])).decisions(np.array([[2.9, 0]])).argmax(axis=1).tolist()
    [1]
    """
    weights = decomposition.vectors @ fit.coefficients[which]
    light = replace(decomposition, values=np.empty(0), vectors=np.empty((decomposition.vectors.shape[0], 0)))
    return LinearReadout(light, weights, fit.intercept[which], names, float(fit.penalty[which]))


@dataclass(frozen=True, eq=False)
class Answers:
    """Which images of a set a readout can be asked about: those of classes that it knows."""

    rows: np.ndarray
    """(k,) of the set."""
    codes: np.ndarray
    """(k,) true classes, as the readout counts them."""
    among: np.ndarray
    """Classes (S,) that the images hold: answers are restricted to these."""
    dropped: tuple[str, ...]
    """Classes of the images that the readout does not know."""


def answers(labels: Any, names: np.ndarray) -> Answers:
    """Match the labels (m,) of a set to the classes of a readout, by name.

    Examples
    --------
    >>> found = answers(["cat", "fox", "dog"], np.array(["cat", "cow", "dog"]))
    >>> found.rows.tolist(), found.codes.tolist(), found.among.tolist(), found.dropped
    ([0, 2], [0, 2], [0, 2], ('fox',))
    """
    text = label_text(labels, "test")
    codes = codes_of(text, names)
    rows = np.flatnonzero(codes >= 0)
    return Answers(rows, codes[rows], np.unique(codes[rows]), tuple(map(str, np.unique(text[codes < 0]))))
