"""TwoNN: the intrinsic dimension from the distances to the two nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from neuroalpha.spectrum.blocks import slices
from neuroalpha.spectrum.labelfree.checks import matrix

DISCARD = 0.1


def intrinsic_dimension(features: Any) -> float:
    """Intrinsic dimension by TwoNN: how fast the ratio of the second to the nearest neighbour's distance falls off.

    The ratio mu of a point in d dimensions has the distribution ``1 - mu^-d``: d is the slope of the line through the
    origin and the points (log mu, -log(1 - F)), F the empirical distribution, without the largest tenth of mu.

    Parameters
    ----------
    features : array (stimulus, unit)
        Euclidean distances between rows.

    Returns
    -------
    float
        Dimension; NaN where fewer than 3 rows have a nearest neighbour at a distance above zero, or all ratios are 1.
        Copies of a row have none and are left out. Does not change with scale, rotation, shift, or the order of rows.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 3 rows.

    Notes
    -----
    Time: n^2 p, 9 s for 10,000 x 2,048 on one core. Far more dimensions than about ten are underestimated, the more so
    the fewer the stimuli: compare at equal numbers.

    References
    ----------
    Facco, d'Errico, Rodriguez & Laio, Scientific Reports 2017.

    Examples
    --------
    >>> flat = np.random.default_rng(0).uniform(size=(1000, 2)) @ np.random.default_rng(1).normal(size=(2, 30))
    >>> round(intrinsic_dimension(flat))
    2
    """
    x = matrix(features, least=3)
    # Neighbours are found through products: a mean far from zero would cost their differences.
    shifted = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    neighbours = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(shifted).kneighbors(return_distance=False)
    # Their distances are taken anew, so that copies are at exactly zero.
    distance = np.empty(neighbours.shape)
    for part in slices(*x.shape):
        for which in (0, 1):
            apart = shifted[part] - shifted[neighbours[part, which]]
            distance[part, which] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return of_distances(distance.min(axis=1), distance.max(axis=1))


def of_distances(nearest: np.ndarray, second: np.ndarray) -> float:
    """The dimension from the distances (stimulus,) to the nearest and the second neighbour."""
    apart = nearest > 0
    ratio = np.sort(np.log(second[apart] / nearest[apart]))
    kept = int(ratio.size * (1 - DISCARD))
    if kept < 2:
        return float("nan")
    height = -np.log1p(-np.arange(1, kept + 1) / ratio.size)
    square = float(ratio[:kept] @ ratio[:kept])
    return float(ratio[:kept] @ height) / square if square > 0 else float("nan")
