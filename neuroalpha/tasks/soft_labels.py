"""Kernel: label distributions that networks and readouts learn from, made of how many raters chose each class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError, nearest

KINDS = ("soft", "hard", "sparse", "smoothed", "one rater", "noisy", "shuffled")
TOP, SMOOTHING = 2, 0.05
_RANDOM = ("one rater", "noisy", "shuffled")


def soft_labels(
    counts: Any, kind: str = "soft", *, top: int = TOP, smoothing: float = SMOOTHING, seed: int = 0
) -> np.ndarray:
    """Label distributions from how many raters chose each class of each image.

    Parameters
    ----------
    counts : array (n, k)
        Of raters for each image and class, as :func:`neuroalpha.read_label_counts` gives; or any weights of at least 0,
        such as probabilities.
    kind : str
        ``"soft"``: the share of raters for each class. ``"hard"``: all on the class that most chose, of equal ones the
        first. ``"sparse"``: the shares of the ``top`` largest classes (of equal ones the first), what is left of the
        image's raters spread evenly over the others. ``"smoothed"``: hard, with ``smoothing`` spread evenly over the
        k - 1 others. ``"one rater"``: hard, by one rater drawn for each image. ``"noisy"``: hard, moved with
        probability ``smoothing`` to one of the k - 1 others; its mean is that of ``"smoothed"`` as that of
        ``"one rater"`` is ``"soft"``. ``"shuffled"``: the hard labels dealt anew among the images.
    top : int
        For ``"sparse"``: 2, as CIFAR-10S asked for (Collins, Bhatt & Weller 2022).
    smoothing : float
        For ``"smoothed"`` and ``"noisy"``: .05, or .2, are what Sucholutsky et al. 2023 compare.
    seed : int
        For those that draw.

    Returns
    -------
    array (n, k)
        float64; rows sum to 1.

    Raises
    ------
    InputError
        For counts that are not (n, k) with k of at least 2, that are negative or NaN, an image without raters, an
        unknown kind, or more top classes than there are.

    Notes
    -----
    Sucholutsky et al. 2023, "On the informativeness of supervision signals" (UAI).

    Examples
    --------
    >>> counts = [[8, 1, 1], [0, 5, 5]]
    >>> soft_labels(counts)
    array([[0.8, 0.1, 0.1],
           [0. , 0.5, 0.5]])
    >>> soft_labels(counts, "smoothed", smoothing=0.2)
    array([[0.8, 0.1, 0.1],
           [0.1, 0.8, 0.1]])
    """
    if kind not in KINDS:
        raise InputError(f"there are no {kind!r} labels{nearest(str(kind), KINDS)}; known: {', '.join(KINDS)}")
    weights = check_counts(counts)
    top = whole(top, "top", least=1)
    if kind == "sparse" and top > weights.shape[1]:
        raise InputError(f"top is {top}, but there are {weights.shape[1]} classes; keep at most so many")
    smoothing = share(smoothing, "smoothing", 0.0, 1.0)
    rng = np.random.default_rng(check_seed(seed))
    makers: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "soft": lambda soft: soft,
        "hard": _hard,
        "sparse": partial(_sparse, top=top),
        "smoothed": partial(_smoothed, smoothing=smoothing),
        "one rater": partial(_one_rater, rng=rng),
        "noisy": partial(_noisy, level=smoothing, rng=rng),
        "shuffled": lambda soft: rng.permutation(_hard(soft)),
    }
    return makers[kind](weights / weights.sum(axis=1, keepdims=True))


def label_entropy(labels: Any) -> np.ndarray:
    """Entropy (n,) in nats of label distributions, or of counts, (n, k).

    Examples
    --------
    >>> label_entropy([[1, 0], [1, 1]]) / np.log(2)
    array([0., 1.])
    """
    weights = check_counts(labels)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return -np.einsum("nk,nk->n", shares, np.log(np.where(shares > 0, shares, 1.0))) + 0.0  # no -0


def split_raters(counts: Any, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Deal the raters of each image into two halves: counts (n, k) and (n, k), the odd rater in the second.

    What the second half says of the images is independent of the first, but for the images.

    Examples
    --------
    >>> first, second = split_raters([[40, 11, 0]], seed=0)
    >>> first.sum(axis=1), second.sum(axis=1), first + second
    (array([25]), array([26]), array([[40, 11,  0]]))
    """
    weights = check_counts(counts)
    whole_counts = weights.astype(np.int64)
    if (whole_counts != weights).any():
        raise InputError("counts hold fractions; raters can be split only where they are counted in whole numbers")
    first = np.random.default_rng(check_seed(seed)).multivariate_hypergeometric
    half = np.stack([first(row, int(row.sum()) // 2, method="marginals") for row in whole_counts])
    return half, whole_counts - half


def check_counts(counts: Any) -> np.ndarray:
    """Return counts as float64 (n, k), or say in one line what is wrong with them."""
    weights = np.asarray(counts)
    if weights.dtype.kind not in "iufb" or weights.ndim != 2 or weights.shape[0] < 1 or weights.shape[1] < 2:
        raise InputError(
            f"counts have shape {weights.shape} and dtype {weights.dtype}; expected numbers, a row for each image and "
            "a column for each of 2 or more classes"
        )
    weights = weights.astype(np.float64)
    bad = ~((weights >= 0) & np.isfinite(weights)).all(axis=1)
    if bad.any():
        raise InputError(f"counts of row {int(bad.argmax())} are negative, NaN or infinite; expected 0 or more")
    empty = weights.sum(axis=1) == 0
    if empty.any():
        raise InputError(f"row {int(empty.argmax())} has no raters: all its counts are 0; leave such images out")
    return weights


def _hard(soft: np.ndarray) -> np.ndarray:
    return np.eye(soft.shape[1])[soft.argmax(axis=1)]


def _sparse(soft: np.ndarray, top: int) -> np.ndarray:
    n, k = soft.shape
    kept = np.zeros((n, k), dtype=bool)
    np.put_along_axis(kept, np.argsort(-soft, axis=1, kind="stable")[:, :top], True, axis=1)
    # Not 1 less what is kept: where nobody chose another class, nothing may be left but an exact 0, a tie.
    rest = np.where(kept, 0.0, soft).sum(axis=1, keepdims=True)
    return np.where(kept, soft, rest / max(k - top, 1))


def _smoothed(soft: np.ndarray, smoothing: float) -> np.ndarray:
    hard, k = _hard(soft), soft.shape[1]
    return hard * (1.0 - smoothing) + (1.0 - hard) * smoothing / (k - 1)


def _one_rater(soft: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    below = np.cumsum(soft, axis=1) <= rng.random((len(soft), 1))
    return np.eye(soft.shape[1])[np.minimum(below.sum(axis=1), soft.shape[1] - 1)]


def _noisy(soft: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    n, k = soft.shape
    moved = rng.random(n) < level
    away = rng.integers(1, k, size=n)  # drawn for all, so that a higher level moves the same images and more
    return np.eye(k)[(soft.argmax(axis=1) + moved * away) % k]
