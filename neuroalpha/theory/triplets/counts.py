"""Kernel: how many triplet questions each kind of label answers, as exact whole numbers.

n points, k classes. A question is "is x nearer to y than to z?"; a label matrix answers questions of two types (see
``mining``). All counts are of one noise-free label a point, whose given entries differ from each other. Sources: the
paper's T_H and T_S; those of sparse labels, top-class labels and pairwise similarities are derived here (the paper
gives none), and so is the hard one for classes of unequal size. Each equals an enumeration of all triplets.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np

from neuroalpha._checks import whole
from neuroalpha.errors import InputError


def check_sizes(n_items: int, n_classes: int, sparsity: int | None = None) -> tuple[int, int, int]:
    """Return numbers of items and classes and the sparsity as ints, or say what was given."""
    n_items, n_classes = whole(n_items, "n_items", least=1), whole(n_classes, "n_classes", least=1)
    kept = n_classes if sparsity is None else whole(sparsity, "sparsity", least=1)
    if kept > n_classes:
        raise InputError(f"sparsity is {kept} with {n_classes} classes; expected 1 to {n_classes} entries a label")
    return n_items, n_classes, kept


def all_questions(n_items: int, n_classes: int = 0) -> int:
    """Every question about n items and k centroids: 3 binom(n + k, 3).

    Examples
    --------
    >>> all_questions(3), all_questions(3, 3)
    (3, 60)
    """
    return 3 * comb(whole(n_items, "n_items") + whole(n_classes, "n_classes"), 3)


def balanced_sizes(n_items: int, n_classes: int) -> np.ndarray:
    """Class sizes that differ by one at most.

    Examples
    --------
    >>> balanced_sizes(10, 4)
    array([3, 3, 2, 2])
    """
    n_items, n_classes, _ = check_sizes(n_items, n_classes)
    quotient, larger = divmod(n_items, n_classes)
    return quotient + (np.arange(n_classes) < larger)


def hard_from_sizes(sizes: Sequence[int] | np.ndarray) -> int:
    """Hard labels with any class sizes n_c: n (k - 1) at points + sum of n_c (n - n_c) at centroids.

    Examples
    --------
    >>> hard_from_sizes([3, 3, 2, 2])
    104
    """
    checked = [whole(size, "a class size") for size in np.asarray(sizes).tolist()]
    n_items, n_classes, _ = check_sizes(sum(checked), len(checked))
    return n_items * (n_classes - 1) + sum(size * (n_items - size) for size in checked)


def hard(n_items: int, n_classes: int) -> int:
    """Hard labels of balanced classes (sizes differ by one at most), exact for every n and k.

    Examples
    --------
    >>> hard(10, 40), float(hard_paper(10, 40))  # fewer items than classes: the paper's formula counts parts of items
    (480, 487.5)
    """
    n_items, n_classes, _ = check_sizes(n_items, n_classes)
    size, larger = divmod(n_items, n_classes)
    inside = larger * (size + 1) ** 2 + (n_classes - larger) * size**2
    return n_items * (n_classes - 1) + n_items**2 - inside


def hard_paper(n_items: int, n_classes: int) -> Fraction:
    """The paper's T_H = n (k - 1) + n^2 (1 - 1/k); equals ``hard`` where k divides n."""
    n_items, n_classes, _ = check_sizes(n_items, n_classes)
    return n_items * (n_classes - 1) + n_items**2 * (1 - Fraction(1, n_classes))


def soft(n_items: int, n_classes: int) -> int:
    """Soft labels, the paper's T_S = k n (k + n - 2) / 2: n binom(k, 2) at points + k binom(n, 2) at centroids.

    Examples
    --------
    >>> soft(10, 4)
    240
    """
    n_items, n_classes, _ = check_sizes(n_items, n_classes)
    return n_items * comb(n_classes, 2) + n_classes * comb(n_items, 2)


def sparse_from_pattern(given: np.ndarray) -> int:
    """Sparse labels with any pattern of given entries, boolean (point, class); entries not given tie below all given.

    Examples
    --------
    >>> sparse_from_pattern(np.eye(2, dtype=bool))
    4
    """
    given = np.asarray(given)
    if given.ndim != 2 or given.dtype != bool or 0 in given.shape:
        raise InputError(
            f"the pattern has shape {given.shape} and dtype {given.dtype}; expected booleans (point, class)"
        )
    total = 0
    for axis in (1, 0):
        length = given.shape[axis]
        total += sum(comb(kept, 2) + kept * (length - kept) for kept in given.sum(axis=axis).tolist())
    return total


def sparse(n_items: int, n_classes: int, sparsity: int) -> int:
    """Sparse labels: the ``sparsity`` (k^) largest entries of each point, every class given equally often.

    n [binom(k^, 2) + k^ (k - k^)] at points + the sum over classes of binom(m, 2) + m (n - m) at centroids, where the
    entries m = n k^ / k of a class differ by one at most if k does not divide n k^. At k^ = k it is ``soft``. At k^ = 1
    it is more than ``hard``, because the one entry has a value that orders the points of a class.

    Examples
    --------
    >>> sparse(60, 12, 4), sparse(60, 12, 12) == soft(60, 12)
    (14160, True)
    """
    n_items, n_classes, sparsity = check_sizes(n_items, n_classes, sparsity)
    entries, larger = divmod(n_items * sparsity, n_classes)
    at_points = n_items * (comb(sparsity, 2) + sparsity * (n_classes - sparsity))
    at_centroids = sum(
        columns * (comb(given, 2) + given * (n_items - given))
        for columns, given in ((larger, entries + 1), (n_classes - larger, entries))
        if columns
    )
    return at_points + at_centroids


def top_class(n_items: int, n_classes: int, sparsity: int) -> int:
    """Top-class labels: soft entries of ``sparsity`` classes, nothing of the others: soft labels of fewer classes.

    Examples
    --------
    >>> top_class(60, 12, 4)
    7440
    """
    n_items, n_classes, sparsity = check_sizes(n_items, n_classes, sparsity)
    return soft(n_items, sparsity)


def pairwise(n_items: int) -> int:
    """Similarities of all pairs of points, all different: every question about the points, 3 binom(n, 3).

    Examples
    --------
    >>> pairwise(10)
    360
    """
    return all_questions(whole(n_items, "n_items", least=1))
