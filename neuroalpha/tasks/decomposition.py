"""Kernel: eigenvalues and eigenvectors of a scatter matrix, from which a spectrum and every ridge readout follow.

The matrix is the one that :func:`neuroalpha.eigenspectrum` takes eigenvalues of: centred before the product, the
smaller side, in float64. A readout adds the eigenvectors, and nothing else, to what alpha costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from neuroalpha.spectrum import gram, moments
from neuroalpha.spectrum.blocks import column_blocks, nan_to_zero, row_blocks
from neuroalpha.spectrum.moments import Moments


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Of features X (n, p): X less its mean is Z V' with Z = (X - mean) V, whose columns are orthogonal."""

    values: np.ndarray
    """Eigenvalues (r,) of the scatter matrix (X - mean)'(X - mean), descending, those above rounding."""
    vectors: np.ndarray
    """Their eigenvectors (p, r), orthonormal columns."""
    mean: np.ndarray
    """Mean (p,) of each column; zeros without ``center``."""
    n: int
    """Rows."""
    n_values: int
    """Eigenvalues that the covariance has, zeros among them: min(n - 1, p), without ``center`` min(n, p)."""
    center: bool
    """Whether the mean was taken away."""

    @property
    def eigenvalue(self) -> np.ndarray:
        """Eigenvalues (n_values,) of the covariance, as of :func:`neuroalpha.eigenspectrum`: divided by n - 1."""
        padded = np.zeros(self.n_values)
        padded[: self.values.size] = self.values / (self.n - self.center)
        return padded

    def project(self, features: Any) -> np.ndarray:
        """Coordinates (m, r) of features (m, p), numpy or dask, along the eigenvectors, in float64; NaN as the mean."""
        return self.multiply(features, self.vectors)

    def multiply(self, features: Any, weights: np.ndarray) -> np.ndarray:
        """``(features - mean) @ weights`` (m, k) of features (m, p), numpy or dask, in blocks of rows; NaN as the mean.

        ``weights`` (p, k) are float64: the eigenvectors, or what a readout makes of them.
        """
        product = np.empty((features.shape[0], weights.shape[1]))
        for rows, block in row_blocks(features):
            centred = nan_to_zero(np.subtract(block, self.mean, dtype=np.float64, order="C"))
            product[rows] = gram.multiply(centred, weights)
        return product


def decompose(features: Any, center: bool = True) -> Decomposition:
    """Decompose features (n, p), numpy or dask, NaN counted as their column's mean.

    With no more rows than columns from the Gram matrix (n, n), else from the covariance side (p, p). Time: a product
    n p min(n, p), the eigenvectors of that side, and n p r more where n <= p. Memory: three matrices of that side in
    float64, the eigenvectors (p, r) and blocks. Not finite features give what is not finite: refuse them before.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> bool(np.allclose(decompose(x).eigenvalue.sum(), x.var(axis=0, ddof=1).sum()))
    True
    """
    return _decompose(features, center)[0]


def decompose_and_project(features: Any, center: bool = True) -> tuple[Decomposition, np.ndarray]:
    """Decompose features (n, p), and project them on their own components (n, r): as the two after each other, sooner.

    With no more rows than columns the projection falls out of the Gram matrix: n p n operations less of 3.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(5, 30))
    >>> decomposition, projected = decompose_and_project(x)
    >>> bool(np.allclose(projected, decomposition.project(x)))
    True
    """
    decomposition, projected = _decompose(features, center)
    return decomposition, decomposition.project(features) if projected is None else projected


def _decompose(features: Any, center: bool) -> tuple[Decomposition, np.ndarray | None]:
    """The decomposition, and the projections where they cost nothing."""
    n, p = features.shape
    mean = gram.column_means(features)[0] if center else np.zeros(p)
    values, vectors = _eigen(gram.smaller_side(features, mean), min(n - bool(center), p))
    projected = None
    if n <= p:
        projected = np.ascontiguousarray(vectors * np.sqrt(values))
        vectors = _columns(features, mean, vectors / np.sqrt(values))
    return Decomposition(values, vectors, mean, n, min(n - bool(center), p), bool(center)), projected


def from_moments(state: Moments, center: bool = True) -> Decomposition:
    """Decompose streamed features from their moments: the same as :func:`decompose` of all rows together.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> streamed = from_moments(moments.update(moments.update(moments.empty(3), x[:20]), x[20:]))
    >>> bool(np.allclose(streamed.values, decompose(x).values))
    True
    """
    p = state.total.size
    size = min(state.count - bool(center), p)
    values, vectors = _eigen(np.asarray(moments.scatter(state) if center else moments.raw_scatter(state)), size)
    mean = moments.mean(state) if center else np.zeros(p)
    return Decomposition(values, vectors, mean, state.count, size, bool(center))


def _eigen(scatter: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (r,) and eigenvectors (side, r) of a scatter matrix, descending; at most ``size``, above rounding.

    What counts as rounding is what :func:`neuroalpha.spectrum.gram.eigenvalues` says.
    """
    values, vectors = linalg.eigh(scatter, lower=True, driver="evd", overwrite_a=True, check_finite=False)
    floor = max(values[-1], 0.0) * scatter.shape[0] * np.finfo(np.float64).eps if values.size else 0.0
    size = min(size, int((values > floor).sum()))
    first = values.size - size
    return np.ascontiguousarray(values[first:][::-1]), np.asfortranarray(vectors[:, first:][:, ::-1])


def _columns(features: Any, mean: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``(features - mean)' @ weights`` (p, r) in blocks of columns, NaN as the mean."""
    product = np.empty((features.shape[1], weights.shape[1]), order="F")
    for columns, block in column_blocks(features):
        centred = nan_to_zero(np.subtract(block, mean[columns], dtype=np.float64, order="C"))
        product[columns] = gram.multiply(centred.T, weights)
    return product
