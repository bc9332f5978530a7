"""A readout once fitted: asked about any responses of the same neuroids, by name of the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha._text import first_few
from neuroalpha.errors import InputError
from neuroalpha.tasks.classifiers import (
    N_NEIGHBOURS,
    Classifier,
    Kind,
    LinearClassifier,
    check_options,
    fit_classifier,
)
from neuroalpha.tasks.decomposition import Decomposition, decompose_and_project
from neuroalpha.tasks.labels import class_names, codes_of, label_text
from neuroalpha.tasks.readout_inputs import has_values
from neuroalpha.tasks.ridge import Select


@dataclass(frozen=True, eq=False)
class FittedReadout:
    """A readout to be asked about any responses of the same neuroids."""

    classes: np.ndarray
    """Names (C,) of the classes it knows."""
    decomposition: Decomposition
    """Of its training features."""
    classifier: Classifier
    """On the components."""

    def decisions(self, features: Any) -> np.ndarray:
        """Decision values (m, C) of features (m, p), numpy or dask; NaN count as the training mean."""
        width = self.decomposition.mean.size
        if len(features.shape) != 2 or features.shape[1] != width:
            raise InputError(f"features have shape {tuple(features.shape)}; expected (image, {width}), as in training")
        if isinstance(self.classifier, LinearClassifier):  # without a detour over all components
            weights = self.decomposition.vectors @ self.classifier.coefficients
            return self.decomposition.multiply(features, weights) + self.classifier.intercept
        return self.classifier.decisions(self.decomposition.project(features))

    def probabilities(self, features: Any, among: Any = None) -> np.ndarray:
        """Probabilities (m, C) of all classes, or (m, k) of those named in ``among``, as if there were no others."""
        return self.classifier.to_probabilities(self.decisions(features)[:, self._which(among)])

    def predict(self, features: Any, among: Any = None) -> np.ndarray:
        """Name (m,) of the class with the largest decision value, of equal ones the first; among all or those named."""
        which = self._which(among)
        return self.classes[which][self.decisions(features)[:, which].argmax(axis=1)]

    def correct(self, features: Any, labels: Any, among: Any = None) -> np.ndarray:
        """Whether each image (m,) is predicted as its label says.

        Raises
        ------
        InputError
            For labels that do not match the images in number, or of classes that the readout does not know.
        """
        text = label_text(labels, "test", features.shape[0])
        unknown = codes_of(text, self.classes) < 0
        if unknown.any():
            raise InputError(
                f"{int(unknown.sum())} of {text.size} images are of classes that were not trained: "
                f"{first_few(np.unique(text[unknown]))}; leave them out"
            )
        return self.predict(features, among) == text

    def _which(self, among: Any) -> np.ndarray:
        if among is None:
            return np.arange(self.classes.size)
        names = label_text(among, "among=")
        which = codes_of(names, self.classes)
        if (which < 0).any():
            raise InputError(f"among= names classes that were not trained: {first_few(names[which < 0])}")
        return np.sort(which)


def fit_readout(
    features: Any,
    labels: Any,
    *,
    classifier: Kind = "ridge",
    penalties: Any = None,
    select: Select = "gcv",
    n_neighbours: int = N_NEIGHBOURS,
    seed: int = 0,
) -> FittedReadout:
    """Fit a readout to features (n, p), numpy or dask, of labelled images, to be asked about others.

    Options, warnings and errors as of :func:`neuroalpha.readout`.

    Examples
    --------
    >>> label = np.repeat(["cat", "dog"], 20)
    >>> x = (label == "dog")[:, None] + 0.1 * np.random.default_rng(0).normal(size=(40, 5))
    >>> fitted = fit_readout(x, label)
    >>> [str(name) for name in fitted.predict(np.array([[0.9, 1, 1, 1, 1], [0, 0.1, 0, 0, 0]]))]
    ['dog', 'cat']
    """
    check_options(classifier, penalties, select, n_neighbours, seed)
    if len(np.shape(features)) != 2 or features.shape[0] < 2:
        raise InputError(f"features have shape {np.shape(features)}; expected (image, neuroid), 2 images or more")
    text = label_text(labels, "training", features.shape[0])
    names = class_names(text, "training images")
    empty = ~has_values(features, "training")
    if empty.any():
        raise InputError(
            f"{int(empty.sum())} of {empty.size} training images are NaN throughout (the first is image "
            f"{int(np.flatnonzero(empty)[0])}, counted from 0); leave them out"
        )
    return fit_codes(features, names, codes_of(text, names), classifier, penalties, select, n_neighbours, seed)


def fit_codes(
    features: Any,
    names: np.ndarray,
    codes: np.ndarray,
    kind: Kind,
    penalties: Any,
    select: Select,
    n_neighbours: int,
    seed: int,
) -> FittedReadout:
    """Fit codes (n,) of the classes ``names`` (C,), all checked before."""
    decomposition, projected = decompose_and_project(features)
    if not decomposition.values.size:
        raise InputError("the training responses never vary: there is nothing to read out; check what was selected")
    classifier = fit_classifier(
        kind,
        decomposition,
        projected,
        codes,
        names.size,
        penalties=penalties,
        select=select,
        n_neighbours=n_neighbours,
        seed=seed,
    )
    return FittedReadout(names, decomposition, classifier)
