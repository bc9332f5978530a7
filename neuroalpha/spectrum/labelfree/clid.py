"""CLID: clusters that a nearest neighbour can learn, plus the intrinsic dimension."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.checks import matrix
from neuroalpha.spectrum.labelfree.eigenvalues import on_sphere
from neuroalpha.spectrum.labelfree.twonn import intrinsic_dimension


class Clid(NamedTuple):
    """The score and its two parts."""

    score: float
    """``cluster + min(dimension / p, 1)`` for p units."""
    cluster: float
    """Cluster learnability: accuracy of a nearest neighbour on clusters, 0 to 1."""
    dimension: float
    """Intrinsic dimension by TwoNN."""


def clid(features: Any, *, n_clusters: int | None = None, seed: int = 0) -> Clid:
    """CLID: cluster learnability plus intrinsic dimension.

    Cluster learnability: k-means divides the stimuli into clusters; the nearest neighbour (by cosine) among a random
    half of the stimuli predicts the clusters of the other half; its accuracy counts. The dimension is TwoNN's, on the
    features as they are.

    Parameters
    ----------
    features : array (stimulus, unit)
        Representations.
    n_clusters : int, optional
        Default: the square root of the number of stimuli, rounded, as published.
    seed : int
        Of the start of k-means and of the halves.

    Returns
    -------
    Clid
        ``score``, ``cluster``, ``dimension``. The dimension enters the score as a share of the units, which is what a
        single model allows; to compare models of one table, :func:`over_models` scales it by that table. NaN where
        the rows do not differ.

    Raises
    ------
    InputError
        For anything but a finite matrix of at least 4 rows, or for fewer stimuli than clusters.

    Notes
    -----
    Distances between directions: rows are scaled to length one for both k-means (one start) and the nearest neighbour.
    Time: n^2 p and some tens of passes of n k p, 20 s for 10,000 x 2,048 on one core. Another seed moves ``cluster`` by
    about its binomial error.

    References
    ----------
    Lu, Liu, Baratin, Laroche, Courville & Sordoni 2022, arXiv 2206.01251.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> centres = np.repeat(rng.normal(size=(20, 10)), 20, axis=0)
    >>> found = na.clid(centres + 0.01 * rng.normal(size=(400, 10)))
    >>> bool(found.cluster > 0.9), bool(5 < found.dimension < 15)
    (True, True)
    """
    x = matrix(features, least=4)
    check_seed(seed)
    n, p = x.shape
    k = cluster_count(n) if n_clusters is None else whole(n_clusters, "n_clusters", 2)
    if k > n:
        raise InputError(f"n_clusters is {k} for {n} stimuli; give fewer clusters than stimuli")
    dimension = intrinsic_dimension(x)
    cluster = learnability(x, k, seed)
    return Clid(cluster + min(dimension / p, 1.0) if np.isfinite(dimension) else float("nan"), cluster, dimension)


def cluster_count(n: int) -> int:
    """How many clusters n stimuli are divided into."""
    return round(np.sqrt(n))


def learnability(features: np.ndarray, k: int, seed: int) -> float:
    """Accuracy of the nearest neighbour on k-means clusters of directions; NaN for directions that are all alike."""
    rows = on_sphere(features)
    if not (rows != rows[0]).any():
        return float("nan")
    with warnings.catch_warnings():  # fewer distinct rows than clusters: then there are fewer clusters
        warnings.simplefilter("ignore", ConvergenceWarning)
        label = KMeans(k, n_init=1, random_state=seed % 2**32).fit_predict(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    known, asked = order[: len(rows) // 2], order[len(rows) // 2 :]
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows[known]).kneighbors(rows[asked])[1][:, 0]
    return float((label[known][nearest] == label[asked]).mean())


def over_models(cluster: Any, dimension: Any) -> np.ndarray:
    """CLID of the models of a table: cluster learnability plus the intrinsic dimension scaled to 0..1 over the models.

    Parameters
    ----------
    cluster, dimension : array (model,)
        Of :func:`clid`; NaN, as of collapsed models, stay NaN and do not count.

    Returns
    -------
    array (model,)
        Only differences within the table mean something: another model in it changes all.

    Raises
    ------
    InputError
        For arrays that are not alike in shape.

    Examples
    --------
    >>> over_models([0.5, 0.75, 0.75], [4.0, 12.0, 8.0]).tolist()
    [0.5, 1.75, 1.25]

    Of a table with the columns of :func:`neuroalpha.label_free_scores`, the last of its models collapsed:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"clid_cluster": [0.5, 0.75, np.nan], "intrinsic_dimension": [4.0, 12.0, np.nan]})
    >>> table["clid_over_models"] = over_models(table["clid_cluster"], table["intrinsic_dimension"])
    >>> table["clid_over_models"].tolist()
    [0.5, 1.75, nan]
    """
    one, two = np.asarray(cluster, dtype=np.float64), np.asarray(dimension, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape:
        raise InputError(f"cluster and dimension have shapes {one.shape} and {two.shape}; expected one of each a model")
    counted = two[np.isfinite(two)]
    if counted.size == 0:
        return np.full(one.shape, np.nan)
    spread = float(np.ptp(counted))
    return one + (two - counted.min()) / (spread if spread > 0 else 1.0)
