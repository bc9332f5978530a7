"""Kernel: the readout without training: a vote of the nearest training images, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from neuroalpha.spectrum.blocks import slices


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Training images and their classes; made by :func:`fit_neighbours`."""

    index: NearestNeighbors
    codes: np.ndarray
    """Class (n,) of each training image."""
    n_classes: int

    def votes(self, projected: np.ndarray) -> np.ndarray:
        """How many (m, C) of the nearest training images are of each class, for projected features (m, r)."""
        found = np.zeros((projected.shape[0], self.n_classes), dtype=np.int64)
        for rows in slices(projected.shape[0], self.codes.size):
            near = self.codes[self.index.kneighbors(projected[rows], return_distance=False)]
            np.add.at(found[rows], (np.arange(near.shape[0])[:, None], near), 1)
        return found


def fit_neighbours(projected: np.ndarray, codes: np.ndarray, n_classes: int, n_neighbours: int) -> Neighbours:
    """Keep projected features (n, r) and compare by the cosine, each of the k nearest with one vote.

    Cosine and some tens of neighbours are usual for frozen networks (Wu et al. 2018, "Unsupervised feature learning via
    non-parametric instance discrimination"; they weight the votes besides). On the components of a decomposition the
    angle is the one about the training mean, so that nothing depends on where zero is.

    Examples
    --------
    >>> x, codes = np.array([[1.0, 0.1], [1, 0.2], [0.1, 1], [0.2, 1]]), np.array([0, 0, 1, 1])
    >>> fit_neighbours(x, codes, 2, 2).votes(np.array([[5.0, 1]]))
    array([[2, 0]])
    """
    index = NearestNeighbors(n_neighbors=n_neighbours, metric="cosine", algorithm="brute")
    return Neighbours(index.fit(projected), codes, n_classes)
