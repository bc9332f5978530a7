"""Kernel: label matrices of points with classes, from positions in a latent space or from other labels.

A label matrix is float64 (point, class): the larger an entry, the nearer the point to the centroid of that class. NaN
is an entry that nobody gave. An entry says something only by being larger or smaller than another one.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError


def check_labels(labels: np.ndarray, name: str = "labels") -> np.ndarray:
    """Return a label matrix as float64, or say what is wrong with it."""
    try:
        array = np.asarray(labels, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} does not hold numbers; expected a matrix (point, class), NaN where missing") from None
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}; expected a matrix (point, class), one row for each point")
    if np.isinf(array).any():
        raise InputError(f"{name} holds infinite values; give finite numbers, and NaN where an entry is missing")
    return array


def complete_labels(labels: np.ndarray) -> np.ndarray:
    """Return a label matrix without missing entries as float64, or say what is wrong with it."""
    array = check_labels(labels)
    if np.isnan(array).any():
        raise InputError("labels hold missing entries (NaN); this kind of label is made from complete ones")
    return array


def check_sparsity(kept: int, n_classes: int) -> int:
    """Return how many entries a label keeps, 1 to the number of classes, or say what was given."""
    kept = whole(kept, "sparsity", least=1)
    if kept > n_classes:
        raise InputError(f"sparsity is {kept} with {n_classes} classes; expected at most one entry for each class")
    return kept


def latent_distances(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Euclidean distances (point, class) of points (n, d) to class centroids (k, d).

    Examples
    --------
    >>> latent_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
    array([[5., 1.]])
    """
    points, centroids = check_labels(points, "points"), check_labels(centroids, "centroids")
    if points.shape[1] != centroids.shape[1]:
        raise InputError(
            f"points have {points.shape[1]} dimensions and centroids {centroids.shape[1]}; expected one latent space"
        )
    return cdist(points, centroids)


def soft_labels(distances: np.ndarray) -> np.ndarray:
    """Soft labels exp(-distance) / sum of them over the classes: rows sum to 1 (the paper's l_i).

    Along a row they order the classes as the distances do. Down a column they do **not** order the points so, because
    each row has its own divisor; ``proximity_labels`` do.

    Examples
    --------
    >>> soft_labels(np.array([[1.0, 1.0], [0.0, 50.0]])).round(3)
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    distances = complete_labels(distances)
    weights = np.exp(distances.min(axis=1, keepdims=True) - distances)
    return weights / weights.sum(axis=1, keepdims=True)


def proximity_labels(distances: np.ndarray) -> np.ndarray:
    """Labels exp(-distance) without a divisor: every comparison along rows and down columns is true.

    Examples
    --------
    >>> proximity_labels(np.array([[0.0, np.log(2.0)]]))
    array([[1. , 0.5]])
    """
    return np.exp(-complete_labels(distances))


def hard_labels(labels: np.ndarray) -> np.ndarray:
    """One for the largest entry of each row (the first of equal ones), zero elsewhere.

    Examples
    --------
    >>> hard_labels(np.array([[0.2, 0.5, 0.3]]))
    array([[0., 1., 0.]])
    """
    return class_labels(complete_labels(labels).argmax(axis=1), np.shape(labels)[1])


def class_labels(classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Hard labels (point, class) of class numbers (point,), 0 to ``n_classes - 1``.

    Examples
    --------
    >>> class_labels(np.array([1, 0]), 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    classes, n_classes = np.asarray(classes), whole(n_classes, "n_classes", least=1)
    if classes.ndim != 1 or classes.size == 0 or classes.dtype.kind not in "iu":
        raise InputError(
            f"classes have shape {classes.shape} and dtype {classes.dtype}; expected whole numbers (point,)"
        )
    if classes.min() < 0 or classes.max() >= n_classes:
        raise InputError(f"classes go from {classes.min()} to {classes.max()}; expected 0 to {n_classes - 1}")
    hard = np.zeros((classes.size, n_classes))
    hard[np.arange(classes.size), classes] = 1.0
    return hard


def largest_entries(labels: np.ndarray, sparsity: int) -> np.ndarray:
    """Boolean (point, class): the ``sparsity`` largest entries of each row, the first ones of equal ones."""
    labels = complete_labels(labels)
    sparsity = check_sparsity(sparsity, labels.shape[1])
    order = np.argsort(-labels, axis=1, kind="stable")[:, :sparsity]
    kept = np.zeros(labels.shape, dtype=bool)
    np.put_along_axis(kept, order, True, axis=1)
    return kept


def sparse_labels(labels: np.ndarray, sparsity: int, *, spread: bool = False) -> np.ndarray:
    """Keep the ``sparsity`` largest entries of each row; the others tie below them.

    Parameters
    ----------
    labels : array (point, class)
        Complete labels, not negative.
    sparsity : int
        Entries kept in each row, the paper's k^, from 1 to the number of classes.
    spread : bool
        False sets the others to zero. True shares what they held equally among them, so that rows keep their sum (what
        a network is trained on); the order of the kept entries and the ties of the others stay.

    Examples
    --------
    >>> sparse_labels(np.array([[0.1, 0.6, 0.3]]), 2)
    array([[0. , 0.6, 0.3]])
    """
    labels = complete_labels(labels)
    if labels.min() < 0:
        raise InputError(
            f"labels go down to {labels.min():.3g}; sparse labels are made from entries that are not negative"
        )
    kept = largest_entries(labels, sparsity)
    dropped = labels.shape[1] - sparsity
    filling = np.where(kept, 0.0, labels).sum(axis=1, keepdims=True) / dropped if spread and dropped else 0.0
    return np.where(kept, labels, filling)


def smoothed_labels(labels: np.ndarray, smoothing: float) -> np.ndarray:
    """Label smoothing: the largest entry becomes ``1 - smoothing``, the other classes share ``smoothing`` equally.

    With a smoothing below ``1 - 1 / k`` every comparison is that of the hard label: smoothing adds no information.

    Examples
    --------
    >>> smoothed_labels(np.array([[1.0, 0.0, 0.0]]), 0.2)
    array([[0.8, 0.1, 0.1]])
    """
    hard, smoothing = hard_labels(labels), share(smoothing, "smoothing", 0.0, 1.0)
    if hard.shape[1] < 2:
        raise InputError("labels have one class; label smoothing needs a second one to give a share to")
    return np.where(hard > 0, 1 - smoothing, smoothing / (hard.shape[1] - 1))


def noisy_labels(labels: np.ndarray, sd: float, seed: int = 0) -> np.ndarray:
    """Labels whose logarithms (minus distances) carry Gaussian noise, with the sums of the rows as before.

    Examples
    --------
    >>> noisy_labels(np.array([[0.5, 0.25, 0.25]]), 0.0)
    array([[0.5 , 0.25, 0.25]])
    """
    labels = complete_labels(labels)
    if labels.min() < 0:
        raise InputError(f"labels go down to {labels.min():.3g}; this noise needs entries that are not negative")
    if not sd >= 0 or not np.isfinite(sd):
        raise InputError(f"sd is {sd!r}; expected the standard deviation of the noise, 0 or more")
    noise = np.random.default_rng(check_seed(seed)).normal(size=labels.shape) * sd
    noisy = labels * np.exp(noise - noise.max(axis=1, keepdims=True))
    sums = noisy.sum(axis=1, keepdims=True)
    return noisy * np.divide(labels.sum(axis=1, keepdims=True), sums, out=np.zeros_like(sums), where=sums > 0)
