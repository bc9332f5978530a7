"""Kernel: what a classifier's probabilities are worth: accuracy, calibration, Brier score, likelihood, image by image.

Every score is a function of per-image numbers and of how often each image counts, so that one formula serves the
estimate (each once) and a bootstrap over images (:mod:`neuroalpha.tasks.intervals`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize, sparse

N_BINS = 15  # of confidence, of equal width (Guo et al. 2017, "On calibration of modern neural networks")
TEMPERATURES = (1e-3, 1e3)
NAMES = ("accuracy", "balanced_accuracy", "calibration_error", "brier", "nll")


class ImageScores(NamedTuple):
    """Of m images: what each adds to the scores."""

    codes: np.ndarray
    """True class (m,)."""
    correct: np.ndarray
    """Whether the most probable class, of equal ones the first, is the true one (m,)."""
    confidence: np.ndarray
    """Probability of the most probable class (m,)."""
    brier: np.ndarray
    """Squared distance of the probabilities from the true class (m,), summed over classes: 0 to 2 (Brier 1950)."""
    nll: np.ndarray
    """Minus the natural logarithm of the true class's probability (m,)."""


def image_scores(probabilities: np.ndarray, codes: np.ndarray) -> ImageScores:
    """Score probabilities (m, C) of true classes (m,).

    Examples
    --------
    >>> found = image_scores(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))
    >>> found.correct.tolist(), found.confidence.tolist(), found.brier.round(2).tolist()
    ([True, False], [0.8, 0.6], [0.08, 0.72])
    """
    rows = np.arange(codes.size)
    of_true = probabilities[rows, codes]
    best = probabilities.argmax(axis=1)
    return ImageScores(
        codes,
        best == codes,
        probabilities[rows, best],
        np.einsum("mc,mc->m", probabilities, probabilities) - 2 * of_true + 1,
        -np.log(np.maximum(of_true, np.finfo(np.float64).tiny)),
    )


def scores(images: ImageScores, counts: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Scores (b,) by name, each image counted as often as ``counts`` (b, m) say; without them once (b = 1).

    ``balanced_accuracy`` is the mean accuracy of the classes that occur. ``calibration_error`` is the expected
    calibration error: over 15 bins of confidence, the distance of mean confidence from accuracy, weighted by images.

    Examples
    --------
    >>> found = scores(image_scores(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1])))
    >>> {name: float(found[name].round(2)[0]) for name in ("accuracy", "calibration_error", "brier")}
    {'accuracy': 0.5, 'calibration_error': 0.4, 'brier': 0.4}
    """
    counts = np.ones((1, images.codes.size)) if counts is None else counts
    n_images = counts.sum(axis=1)
    correct = images.correct.astype(np.float64)
    confidence_bin = np.minimum(np.ceil(images.confidence * N_BINS).astype(np.int64) - 1, N_BINS - 1)
    gap = _group_sums(counts, np.maximum(confidence_bin, 0), images.confidence - correct)
    per_class = class_accuracy(images, counts)
    present = np.isfinite(per_class)
    return {
        "accuracy": counts @ correct / n_images,
        "balanced_accuracy": np.where(present, per_class, 0.0).sum(axis=1) / present.sum(axis=1),
        "calibration_error": np.abs(gap).sum(axis=1) / n_images,
        "brier": counts @ images.brier / n_images,
        "nll": counts @ images.nll / n_images,
    }


def class_accuracy(images: ImageScores, counts: np.ndarray | None = None, n_classes: int | None = None) -> np.ndarray:
    """Accuracy (b, C) of the images of each class; NaN where there is none.

    Examples
    --------
    >>> class_accuracy(image_scores(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1])))
    array([[1., 0.]])
    """
    counts = np.ones((1, images.codes.size)) if counts is None else counts
    right = _group_sums(counts, images.codes, images.correct.astype(np.float64), n_classes)
    shown = _group_sums(counts, images.codes, np.ones(images.codes.size), n_classes)
    return np.divide(right, shown, out=np.full(right.shape, np.nan), where=shown > 0)


def softmax(decisions: np.ndarray) -> np.ndarray:
    """Probabilities (m, C) in proportion to the exponential of decisions (m, C).

    Examples
    --------
    >>> softmax(np.array([[0.0, np.log(3.0)]]))
    array([[0.25, 0.75]])
    """
    probabilities = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def fit_temperature(decisions: np.ndarray, codes: np.ndarray) -> float:
    """Temperature T at which softmax(decisions / T) gives true classes (m,) the largest likelihood, from 1e-3 to 1e3.

    ``decisions`` (m, C) must be of images that had no part in the fit, as leave-one-out decisions are: a readout is
    surer of its training images than it may be of others. One number for all classes (Guo et al. 2017).

    Examples
    --------
    >>> decisions = np.repeat([[0.0, 2.0], [0.0, -2.0]], 4, axis=0)  # right 3 times in 4: log(3) is how sure to be
    >>> round(float(2 / fit_temperature(decisions, np.array([1, 1, 1, 0, 0, 0, 0, 1]))), 3), round(np.log(3).item(), 3)
    (1.099, 1.099)
    """
    rows = np.arange(codes.size)
    centred = decisions - decisions[rows, codes][:, None]  # of the true class: 0

    def loss(log_temperature: float) -> float:
        scaled = centred * np.exp(-log_temperature)
        top = scaled.max(axis=1)
        return float((top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))).mean())

    low, high = np.log(TEMPERATURES)
    found = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def _group_sums(counts: np.ndarray, groups: np.ndarray, values: np.ndarray, size: int | None = None) -> np.ndarray:
    """Sums (b, group) of values (m,) over the images of each group (m,), each counted ``counts`` (b, m) times."""
    size = int(groups.max(initial=-1)) + 1 if size is None else size
    chooses = sparse.csr_matrix((values, groups, np.arange(groups.size + 1)), shape=(groups.size, size))
    return np.asarray((chooses.T @ counts.T).T)
