"""Kernel: cross-validated PCA of two repeats, in Gram space (Stringer et al. 2019, shuffledSpectrum.m).

For repeats X1, X2 (stimulus, neuroid): with X1 X1' = A B A' the neural principal components are v_k = X1' a_k /
sqrt(b_k), and the cross-validated variance along v_k is sum_s (X1 v_k)(X2 v_k) = a_k' X2 X1' a_k. So every quantity is
in the three Gram matrices of the repeats, and swapping repeats of a stimulus (a "shuffle") only picks other parts of
them. Nothing depends on the order of the stimuli: the swapped ones are put last, so that the parts are blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import linalg

from neuroalpha.spectrum.blocks import slices
from neuroalpha.spectrum.crossgram import CrossGrams, cross_grams
from neuroalpha.spectrum.gram import BLAS, multiply
from neuroalpha.spectrum.tridiagonal import leading

MAX_PYTHON2019 = 1024  # the published notebook keeps at most this many components


def swaps(n_stimuli: int, n_shuffles: int, rng: np.random.Generator) -> np.ndarray:
    """Random masks (shuffle, stimulus): True where a stimulus' repeats change places. One shuffle means none."""
    if n_shuffles == 1:
        return np.zeros((1, n_stimuli), dtype=bool)
    return rng.random((n_shuffles, n_stimuli)) < 0.5


def from_gram(
    grams: CrossGrams, swapped: np.ndarray, k: int | None = None, single: bool = False, rounded: bool = False
) -> np.ndarray:
    """Cross-validated scatter (k,) for one swap mask (S,), in the order of X1's eigenvalues; all S without ``k``.

    Where the range of eigenvalues allows it (see :mod:`neuroalpha.spectrum.tridiagonal`): ``rounded``, eigenvectors in
    float32, which is no less exact than float32 values are; ``single``, their reduction too, which is.
    """
    k = min(k or swapped.size, swapped.size)
    found = leading(own_part(grams, swapped, np.float32), k, np.float32) if single else None
    if found is None:
        found = leading(own_part(grams, swapped, np.float64), k, np.float32 if rounded else np.float64)
    assert found is not None
    values, vectors = found
    cross = cross_part(grams, swapped, np.float32 if vectors.dtype == np.float32 else np.float64)
    scatter = np.empty(k)
    for columns in slices(k, swapped.size):  # no product of the size of all vectors at once
        scatter[columns] = _along(vectors[:, columns], cross)
    return _real(values, scatter, swapped.size)


def from_covariance(x: Any, swapped: np.ndarray, k: int | None = None) -> np.ndarray:
    """The same (N,) for fewer neuroids than stimuli, from the (N, N) side: v_k' X1' X2 v_k, X1' X1 v_k = b_k v_k.

    ``x`` (2, S, N) is centred; read in blocks of stimuli.
    """
    n = x.shape[2]
    own, cross = BLAS.zeros(n), BLAS.zeros(n)
    for rows in slices(x.shape[1], 2 * n):
        block, mask = np.asarray(x[:, rows], dtype=np.float64), swapped[rows, None]
        one, two = np.where(mask, block[1], block[0]), np.where(mask, block[0], block[1])
        BLAS.add_own(own, one.T)
        multiply(one.T, two, cross)
    found = leading(BLAS.full(own), min(k or n, n))
    assert found is not None
    values, vectors = found
    return _real(values, _along(vectors, cross), n)


def cv_scatter(x: np.ndarray, masks: Iterable[np.ndarray], k: int | None = None) -> np.ndarray:
    """Mean over swap masks (shuffle, S) of the cross-validated scatter of centred x (2, S, N): (min(S, N),)."""
    if x.shape[2] < x.shape[1]:
        return np.mean([from_covariance(x, mask, k) for mask in masks], axis=0)
    grams = cross_grams(x, center=False)
    return np.mean([from_gram(grams, mask, k) for mask in masks], axis=0)


def python2019(grams: CrossGrams, swapped: np.ndarray) -> np.ndarray:
    """The published notebook's variant for one swap mask, in Gram space.

    It fits PCA to the transposed matrix, which centres each *stimulus* across neuroids instead of each neuroid across
    stimuli: with Gc the Gram matrix of the repeat so centred, Gc = U S^2 U', it sums (G u_k / s_k)(C u_k / s_k) over
    stimuli, where G = X1 X1' and C = X2 X1' are not centred. A common offset per presentation therefore stays in the
    projections.
    """
    own, cross = own_part(grams, swapped, np.float64), cross_part(grams, swapped, np.float64)
    order = _order(swapped)
    totals = np.where(swapped, grams.totals[1], grams.totals[0])[order]
    size = min(MAX_PYTHON2019, swapped.size, grams.n_neuroids)
    variance, vectors = linalg.eigh(own - np.outer(totals, totals) / grams.n_neuroids, driver="evd", check_finite=False)
    variance, vectors = variance[::-1][:size], vectors[:, ::-1][:, :size]
    vectors = np.asfortranarray(vectors)  # once, not in each product
    summed = np.einsum("sk,sk->k", multiply(own, vectors), multiply(cross, vectors))
    return np.divide(summed, variance, out=np.zeros(size), where=variance > variance[0] * 1e-12)


def own_part(grams: CrossGrams, swapped: np.ndarray, dtype: type) -> np.ndarray:
    """X1 X1' of the swapped repeats (S, S), Fortran order, the stimuli in the order unswapped, swapped."""
    kept, moved = np.flatnonzero(~swapped), np.flatnonzero(swapped)
    own: np.ndarray = np.empty((swapped.size, swapped.size), dtype=dtype, order="F")
    n = kept.size
    own[:n, :n] = grams.own(0)[np.ix_(kept, kept)]
    own[n:, n:] = grams.own(1)[np.ix_(moved, moved)]
    own[n:, :n] = grams.cross[np.ix_(moved, kept)]
    own[:n, n:] = own[n:, :n].T
    return own


def cross_part(grams: CrossGrams, swapped: np.ndarray, dtype: type) -> np.ndarray:
    """X2 X1' of the swapped repeats (S, S), the stimuli in the same order."""
    kept, moved = np.flatnonzero(~swapped), np.flatnonzero(swapped)
    cross: np.ndarray = np.empty((swapped.size, swapped.size), dtype=dtype)
    n = kept.size
    cross[:n, :n] = grams.cross[np.ix_(kept, kept)]
    cross[n:, n:] = grams.cross[np.ix_(moved, moved)].T
    cross[:n, n:] = grams.own(1)[np.ix_(kept, moved)]
    cross[n:, :n] = grams.own(0)[np.ix_(moved, kept)]
    return cross


def _along(vectors: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """v_k' C v_k (k,) of the columns of ``vectors``, in float64."""
    return np.einsum("sk,sk->k", vectors, multiply(cross, vectors), dtype=np.float64)


def _order(swapped: np.ndarray) -> np.ndarray:
    return np.argsort(swapped, kind="stable")


def _real(own: np.ndarray, cross: np.ndarray, side: int) -> np.ndarray:
    """Set to exactly zero what lies along directions in which the first repeat does not vary but for rounding."""
    return np.where(own > max(own[0], 0.0) * side * np.finfo(np.float64).eps, cross, 0.0)
