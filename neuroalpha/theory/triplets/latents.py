"""Kernel: random stimuli around class centroids, and the similarities that labels are asked to recover."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Latents(NamedTuple):
    """Points and class centroids in one latent space."""

    points: np.ndarray  # (n, d)
    centroids: np.ndarray  # (k, d)
    cluster: np.ndarray  # (n,) the centroid that each point was drawn around

    @property
    def items(self) -> np.ndarray:
        """(n + k, d): the points, then the centroids."""
        return np.concatenate([self.points, self.centroids])


def draw_latents(n: int, k: int, d: int, seed: int, repeat: int = 0, spread: float = 1.0) -> Latents:
    """Draw ``k`` standard normal centroids and ``n`` points, each at distance ``spread`` * N(0, I) from its centroid.

    Clusters are as equal as ``n`` allows (point i belongs to centroid i modulo k); with n < k the last k - n centroids
    have no point. Every (n, k, d, repeat, seed) has a stream of random numbers of its own.

    Examples
    --------
    >>> drawn = draw_latents(5, 2, 3, seed=0)
    >>> drawn.items.shape, drawn.cluster.tolist()
    ((7, 3), [0, 1, 0, 1, 0])
    """
    rng = np.random.default_rng((seed, n, k, d, repeat))
    centroids = rng.normal(size=(k, d))
    cluster = np.arange(n) % k
    return Latents(centroids[cluster] + spread * rng.normal(size=(n, d)), centroids, cluster)


def cosine_similarity(vectors: np.ndarray) -> np.ndarray:
    """Cosines (item, item) of row vectors (item, d); 0 with a vector of length 0.

    Examples
    --------
    >>> cosine_similarity(np.array([[2.0, 0.0], [3.0, 3.0]])).round(3)
    array([[1.   , 0.707],
           [0.707, 1.   ]])
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors, dtype=np.float64), where=length > 0)
    return unit @ unit.T


def gram_similarity(gram: np.ndarray) -> np.ndarray:
    """Cosines (item, item) that a Gram matrix holds; 0 with an item of (next to) no length.

    Examples
    --------
    >>> gram_similarity(np.array([[4.0, 2.0], [2.0, 4.0]]))
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    square = np.diag(gram)
    known = square > 1e-9 * max(float(square.max()), 1e-300)
    length = np.sqrt(np.where(known, square, 1.0))
    return np.where(known[:, None] & known[None, :], gram / length[:, None] / length[None, :], 0.0)
