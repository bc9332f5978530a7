"""Kernel: every triplet that a label matrix answers, listed, sampled, counted, or as dense comparisons of each anchor.

Items are numbered 0 to n - 1 for the points and n to n + k - 1 for the centroids of the classes. A triplet (anchor,
near, far) is one answered question, and there are two types:

- anchor a point, near and far two centroids: two different entries of a row;
- anchor a centroid, near and far two points: two different entries of a column.

Equal entries answer nothing, and neither does a missing (NaN) one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError
from neuroalpha.theory.triplets.labels import check_labels

_MOST_LISTED = 100_000_000  # 1.2 GB of triplets


class TripletCount(NamedTuple):
    """Answered questions of a label matrix, by what the anchor is. Exact whole numbers."""

    at_points: int
    at_centroids: int

    @property
    def total(self) -> int:
        """Both types together."""
        return self.at_points + self.at_centroids


class Comparisons(NamedTuple):
    """All answers as booleans, anchor by anchor: ``[anchor, i, j]`` is true where i is nearer than j."""

    at_points: np.ndarray
    """(point, class, class)"""
    at_centroids: np.ndarray
    """(class, point, point)"""


def _farther(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows (anchor, item) ascending, missing last; for each place how many entries of the row are smaller."""
    order = np.argsort(rows, axis=1, kind="stable")  # NaN sorts last
    ordered = np.take_along_axis(rows, order, axis=1)
    place = np.arange(rows.shape[1])
    new = np.ones(rows.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    smaller = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    return order, np.where(np.isnan(ordered), 0, smaller)


def count_triplets(labels: np.ndarray) -> TripletCount:
    """Count the answered questions of a label matrix (point, class) by sorting it; nothing is listed.

    Time n k log(n k), memory some copies of the matrix: 5,000 points with 100 classes take 0.1 s.

    Examples
    --------
    >>> count_triplets(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))  # hard labels of 3 points, 2 classes
    TripletCount(at_points=3, at_centroids=4)
    """
    labels = check_labels(labels)
    return TripletCount(*(int(_farther(rows)[1].sum(dtype=np.int64)) for rows in (labels, labels.T)))


def _decode(rows: np.ndarray, picked: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Anchor, near and far (numbers within ``rows``) of the triplets with given numbers of this type."""
    order, _ = _farther(rows)
    cell = np.searchsorted(ahead, picked, side="right")
    anchor, place = np.divmod(cell, rows.shape[1])
    within = picked - np.where(cell > 0, ahead[cell - 1], 0)
    return anchor, order[anchor, place], order[anchor, within]


def mine_triplets(labels: np.ndarray, *, limit: int | None = None, seed: int = 0) -> np.ndarray:
    """List the triplets that labels answer, all of them or a random sample.

    Parameters
    ----------
    labels : array (point, class)
        Larger is nearer; NaN is missing.
    limit : int, optional
        At most so many triplets, drawn uniformly without repetition; all types and anchors take part by their counts.
        The others are never made, so that a sample of a large matrix is cheap.
    seed : int
        Seed of the sample.

    Returns
    -------
    array (triplet, 3) of int32
        Anchor, near, far; points are 0 to n - 1, centroids n to n + k - 1. Sorted by type (points first), then anchor.

    Raises
    ------
    InputError
        Labels that are no matrix of numbers, a limit that is no whole number, or more than 100 million to list.

    Examples
    --------
    >>> mine_triplets(np.array([[0.7, 0.3], [0.6, 0.4]])).tolist()
    [[0, 2, 3], [1, 2, 3], [2, 0, 1], [3, 1, 0]]
    """
    labels = check_labels(labels)
    n_points = labels.shape[0]
    ahead = [np.cumsum(_farther(rows)[1].ravel(), dtype=np.int64) for rows in (labels, labels.T)]
    first, total = int(ahead[0][-1]), int(ahead[0][-1]) + int(ahead[1][-1])
    wanted = total if limit is None else min(whole(limit, "limit", least=0), total)
    if wanted > _MOST_LISTED:
        raise InputError(
            f"{wanted:,} triplets are too many to list (at most {_MOST_LISTED:,}); give a limit to sample them, "
            "or count_triplets to count them"
        )
    if wanted < total:
        rng = np.random.default_rng(check_seed(seed))
        numbers = np.sort(rng.choice(total, size=wanted, replace=False, shuffle=False))
    else:
        numbers = np.arange(total, dtype=np.int64)
    parts = []
    for rows, picked, cumulative, anchors_from, items_from in (
        (labels, numbers[numbers < first], ahead[0], 0, n_points),
        (labels.T, numbers[numbers >= first] - first, ahead[1], n_points, 0),
    ):
        anchor, near, far = _decode(rows, picked, cumulative)
        parts.append(np.stack([anchor + anchors_from, near + items_from, far + items_from], axis=1))
    return np.concatenate(parts).astype(np.int32)


def compare_all(labels: np.ndarray) -> Comparisons:
    """All answers as dense booleans; memory n k^2 + k n^2 bytes (1.5 MB at n = k = 90).

    Examples
    --------
    >>> compare_all(np.array([[0.7, 0.3]])).at_points.tolist()
    [[[False, True], [False, False]]]
    """
    labels = check_labels(labels)
    with np.errstate(invalid="ignore"):  # a comparison with NaN is False: no answer
        return Comparisons(*(rows[:, :, None] > rows[:, None, :] for rows in (labels, labels.T)))


def flip_triplets(triplets: np.ndarray, error: float, seed: int = 0) -> np.ndarray:
    """Answer each triplet wrongly (near and far exchanged) with probability ``error``: the bit flips of the paper.

    Examples
    --------
    >>> flip_triplets(np.array([[0, 1, 2]]), 1.0)
    array([[0, 2, 1]])
    """
    triplets, error = np.asarray(triplets), share(error, "error", 0.0, 1.0)
    if triplets.ndim != 2 or triplets.shape[1] != 3:
        raise InputError(f"triplets have shape {triplets.shape}; expected rows (anchor, near, far)")
    flipped = np.random.default_rng(check_seed(seed)).random(len(triplets)) < error
    return np.where(flipped[:, None], triplets[:, [0, 2, 1]], triplets)
