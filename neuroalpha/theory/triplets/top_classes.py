"""Kernel: the classes whose labels tell most about a known similarity, and labels of these classes alone."""

from __future__ import annotations

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.triplets.labels import check_sparsity, complete_labels


def _bins(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Number of the quantile bin of each value; equal values share one."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right")


def mutual_information(one: np.ndarray, two: np.ndarray, n_bins: int = 8) -> float:
    """Mutual information in bits of two samples (m,), each cut into ``n_bins`` bins of equal counts (plug-in estimate).

    Examples
    --------
    >>> x = np.arange(80.0)
    >>> mutual_information(x, x), round(mutual_information(x, np.ones(80)), 12)
    (3.0, 0.0)
    """
    joint = np.zeros((n_bins, n_bins))
    np.add.at(joint, (_bins(one, n_bins), _bins(two, n_bins)), 1 / np.size(one))
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log2(joint[seen] / expected[seen])).sum())


def class_information(labels: np.ndarray, similarity: np.ndarray, n_bins: int = 8) -> np.ndarray:
    """How much the labels of each class tell about the similarity of points, in bits of a pair of points.

    The paper names "mutual information between column and ground-truth similarity" and no more. Here it is taken over
    all pairs of points, between the similarity of the pair and how far apart its two entries in the column are.

    Parameters
    ----------
    labels : array (point, class)
        Complete labels.
    similarity : array (point, point)
        True similarity of the points; only its upper triangle is used.
    n_bins : int
        Bins of equal counts for each of the two.

    Returns
    -------
    array (class,)

    Examples
    --------
    >>> x = np.linspace(0, 1, 40)
    >>> told = class_information(np.c_[x, 0 * x], -np.abs(x[:, None] - x))
    >>> bool(told[0] > 2), round(float(told[1]), 12)
    (True, 0.0)
    """
    labels, similarity = complete_labels(labels), np.asarray(similarity, dtype=np.float64)
    n_points = labels.shape[0]
    if similarity.shape != (n_points, n_points) or n_points < 2:
        raise InputError(
            f"similarity has shape {similarity.shape} with {n_points} rows of labels; expected (point, point)"
        )
    first, second = np.triu_indices(n_points, 1)
    true = similarity[first, second]
    if not np.isfinite(true).all():
        raise InputError("similarity holds values that are not finite; give the similarity of every pair of points")
    return np.array([mutual_information(np.abs(c[first] - c[second]), true, n_bins) for c in labels.T])


def top_class_labels(labels: np.ndarray, sparsity: int, similarity: np.ndarray) -> np.ndarray:
    """Keep the ``sparsity`` classes that tell most about the similarity; the others become NaN, never zero.

    A dropped class is a question nobody asked: zeros there would be mined as answers, and be false.

    Examples
    --------
    >>> x = np.linspace(0, 1, 40)
    >>> top_class_labels(np.c_[0 * x, x], 1, -np.abs(x[:, None] - x))[-1]
    array([nan,  1.])
    """
    labels = complete_labels(labels)
    sparsity = check_sparsity(sparsity, labels.shape[1])
    kept = np.argsort(-class_information(labels, similarity), kind="stable")[:sparsity]
    mask = np.ones(labels.shape[1], dtype=bool)
    mask[kept] = False
    return np.where(mask, np.nan, labels)
