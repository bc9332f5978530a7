"""Kernel: the hinge loss of "nearer than" comparisons, dense over label matrices or over a list of triplets."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

CHUNK = 1 << 15  # values of one block of pairs: a quarter of a MB stays in the processor's cache
EXACT = 1e-12  # width of the smoothed part of what counts as the hinge itself
SPARSE = 6  # with fewer than one comparison in SPARSE of the pairs, a list of them is faster than the dense blocks


class Hinge(NamedTuple):
    """The loss of all comparisons and its derivative by the squared distances (anchor, item)."""

    loss: float
    active: float  # sum over comparisons of the derivative of the loss, each in [0, 1]
    weight: np.ndarray


class Comparisons(Protocol):
    """What the solver asks of a set of comparisons "item ``near`` is nearer to ``anchor`` than item ``far``"."""

    n_items: int
    n_triplets: int
    placed: np.ndarray  # (item,) whether any comparison is of the item

    def evaluate(self, points: np.ndarray, width: float) -> Hinge:
        """The hinge of margin 1, made quadratic over its first ``width``, at points (item, r)."""

    def apply(self, weight: np.ndarray, points: np.ndarray) -> np.ndarray:
        """``laplacian(weight) @ points`` without the matrix."""

    def laplacian(self, weight: np.ndarray) -> np.ndarray:
        """The derivative of the loss by the Gram matrix, (item, item)."""


class LabelComparisons:
    """All comparisons that a label matrix (n, k) makes: of points at each class, of classes at each point.

    Items are the n points, then the k classes. Where label (i, c) is larger than (j, c), point i is nearer to class c
    than point j; where (i, c) is larger than (i, e), class c is nearer to point i than class e. Equal and missing (NaN)
    labels say nothing. Only distances between points and classes are ever compared, so that an evaluation takes
    n k (n + k) operations and no list of triplets. With ``noise`` each comparison is turned round with that
    probability.
    """

    def __init__(self, labels: np.ndarray, noise: float = 0.0, seed: int | tuple[int, ...] = 0) -> None:
        labels = np.asarray(labels, dtype=np.float64)
        self.n_points, self.n_classes = labels.shape
        self.n_items = self.n_points + self.n_classes
        rng = np.random.default_rng(seed) if noise > 0 else None
        self._sides = (_side(labels.T, noise, rng), _side(labels, noise, rng))
        self.n_triplets = sum(side.n_pairs for side in self._sides)
        at_class, at_point = self._sides
        self.placed: np.ndarray = np.concatenate([at_class.items | at_point.anchors, at_point.items | at_class.anchors])

    def evaluate(self, points: np.ndarray, width: float) -> Hinge:
        """See :class:`Comparisons`; the weight has shape (n, k)."""
        square = np.einsum("ij,ij->i", points, points)
        n = self.n_points
        distance = square[:n, None] + square[None, n:] - 2 * points[:n] @ points[n:].T
        at_class = self._sides[0].evaluate(np.ascontiguousarray(distance.T), width)
        at_point = self._sides[1].evaluate(distance, width)
        return Hinge(
            at_class.loss + at_point.loss, at_class.active + at_point.active, at_class.weight.T + at_point.weight
        )

    def apply(self, weight: np.ndarray, points: np.ndarray) -> np.ndarray:
        """See :class:`Comparisons`."""
        n = self.n_points
        product = points * np.concatenate([weight.sum(axis=1), weight.sum(axis=0)])[:, None]
        product[:n] -= weight @ points[n:]
        product[n:] -= weight.T @ points[:n]
        return product

    def laplacian(self, weight: np.ndarray) -> np.ndarray:
        """See :class:`Comparisons`."""
        n = self.n_points
        matrix = np.diag(np.concatenate([weight.sum(axis=1), weight.sum(axis=0)]))
        matrix[:n, n:] = -weight
        matrix[n:, :n] = -weight.T
        return matrix


class TripletComparisons:
    """Comparisons given as rows (anchor, near, far) of item numbers; a row given twice counts twice."""

    def __init__(self, triplets: np.ndarray, n_items: int) -> None:
        anchor, near, far = np.asarray(triplets, dtype=np.int64).T
        self.n_items = int(n_items)
        self._pairs = _Listed(anchor * n_items + near, anchor * n_items + far, (self.n_items, self.n_items))
        self.n_triplets = self._pairs.n_pairs
        self.placed: np.ndarray = np.logical_or(self._pairs.items, self._pairs.anchors)

    def evaluate(self, points: np.ndarray, width: float) -> Hinge:
        """See :class:`Comparisons`; the weight has shape (item, item)."""
        square = np.einsum("ij,ij->i", points, points)
        return self._pairs.evaluate(square[:, None] + square[None, :] - 2 * points @ points.T, width)

    def apply(self, weight: np.ndarray, points: np.ndarray) -> np.ndarray:
        """See :class:`Comparisons`."""
        return self.laplacian(weight) @ points

    def laplacian(self, weight: np.ndarray) -> np.ndarray:
        """See :class:`Comparisons`."""
        both = weight + weight.T
        return np.diag(both.sum(axis=1)) - both


class _Dense:
    """Pairs of all items at each anchor, where labels (anchor, item) differ; evaluated block by block."""

    def __init__(self, larger: np.ndarray) -> None:
        self.n_pairs = int(np.count_nonzero(larger))
        self.anchors, self.items = larger.any(axis=(1, 2)), larger.any(axis=(0, 1)) | larger.any(axis=(0, 2))
        # Added to a scaled difference of distances: no pair reaches the margin where no comparison was made.
        self._barred = np.where(larger, 0.0, -np.inf)

    def evaluate(self, distance: np.ndarray, width: float) -> Hinge:
        n_anchors, n_items = distance.shape
        step = max(1, CHUNK // max(n_items**2, 1))
        scale = 1 / width
        near, far = distance * scale + scale, distance * scale
        room = np.empty((step, n_items, n_items))
        rows, columns = np.empty(distance.shape), np.empty(distance.shape)
        ones, squares = np.ones(n_items), 0.0
        for start in range(0, n_anchors, step):
            part = slice(start, min(start + step, n_anchors))
            slope = room[: part.stop - start]
            np.subtract(near[part, :, None], far[part, None, :], out=slope)
            slope += self._barred[part]
            np.maximum(slope, 0.0, out=slope)
            np.minimum(slope, 1.0, out=slope)
            np.matmul(slope, ones, out=rows[part])
            slope.sum(axis=1, out=columns[part])
            squares += float(np.vdot(slope, slope))
        weight = rows - columns
        active = float(rows.sum())
        # Each pair's loss is slope * (excess - width * slope / 2), and the sum over pairs of slope * excess is linear
        # in the distances.
        return Hinge(active + float(np.vdot(distance, weight)) - width / 2 * squares, active, weight)


class _Listed:
    """Pairs given by their places in the flattened (anchor, item) distances."""

    def __init__(self, near: np.ndarray, far: np.ndarray, shape: tuple[int, int]) -> None:
        self.n_pairs = near.size
        seen = np.zeros(shape, dtype=bool)
        seen.flat[near] = seen.flat[far] = True
        self.anchors, self.items = seen.any(axis=1), seen.any(axis=0)
        self._near, self._far, self._shape = near, far, shape

    def evaluate(self, distance: np.ndarray, width: float) -> Hinge:
        flat = distance.ravel()
        excess = 1 + flat[self._near] - flat[self._far]
        slope = np.clip(excess / width, 0.0, 1.0)
        loss = float(slope @ excess) - width / 2 * float(slope @ slope)
        weight = np.bincount(self._near, slope, flat.size) - np.bincount(self._far, slope, flat.size)
        return Hinge(loss, float(slope.sum()), weight.reshape(self._shape))


def _side(labels: np.ndarray, noise: float, rng: np.random.Generator | None) -> _Dense | _Listed:
    """The pairs of one side, labels (anchor, item), in the form that is faster to evaluate."""
    with np.errstate(invalid="ignore"):
        larger = labels[:, :, None] > labels[:, None, :]  # NaN is larger than nothing
    if rng is not None:
        turned = larger & (rng.random(larger.shape) < noise)
        larger = (larger & ~turned) | turned.transpose(0, 2, 1)
    if np.count_nonzero(larger) * SPARSE >= larger.size:
        return _Dense(larger)
    anchor, near, far = np.nonzero(larger)
    n_items = labels.shape[1]
    return _Listed(anchor * n_items + near, anchor * n_items + far, labels.shape)
