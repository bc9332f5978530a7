"""Kernel: cross-validated PCA of two repeats, in Gram space (Stringer et al. 2019, shuffledSpectrum.m).

For repeats X1, X2 (stimulus, neuroid): with X1 X1' = A B A' the neural principal components are v_k = X1' a_k /
sqrt(b_k), and the cross-validated variance along v_k is sum_s (X1 v_k)(X2 v_k) = a_k' X2 X1' a_k. So every quantity is
in the joint Gram matrix of both repeats, and swapping repeats of a stimulus (a "shuffle") only permutes its rows and
columns.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import linalg

from neuroalpha.spectrum.gram import BLOCK_BYTES

MAX_PYTHON2019 = 1024  # the published notebook keeps at most this many components


def swaps(n_stimuli: int, n_shuffles: int, rng: np.random.Generator) -> np.ndarray:
    """Random masks (shuffle, stimulus): True where a stimulus' repeats change places. One shuffle means none."""
    if n_shuffles == 1:
        return np.zeros((1, n_stimuli), dtype=bool)
    return rng.random((n_shuffles, n_stimuli)) < 0.5


def joint_gram(x: np.ndarray) -> np.ndarray:
    """Gram matrix (2 S, 2 S) of two repeats x (2, S, N), in float64, one pass over blocks of neuroids."""
    stacked = x.reshape(-1, x.shape[2])
    joint = np.zeros((stacked.shape[0], stacked.shape[0]))
    step = max(1, BLOCK_BYTES // (8 * stacked.shape[0]))
    for start in range(0, stacked.shape[1], step):
        block = stacked[:, start : start + step].astype(np.float64)
        joint += block @ block.T
    return joint


def from_gram(joint: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Cross-validated scatter (S,) for one swap mask, from the joint Gram matrix, in the order of X1's eigenvalues."""
    n = swapped.size
    first = np.where(swapped, np.arange(n) + n, np.arange(n))
    second = np.where(swapped, np.arange(n), np.arange(n) + n)
    own, vectors = _eigh(joint[np.ix_(first, first)])
    return _real(own, np.einsum("sk,sk->k", vectors, joint[np.ix_(second, first)] @ vectors))


def from_covariance(x: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """The same (N,) for fewer neuroids than stimuli, from the (N, N) side: v_k' X1' X2 v_k, X1' X1 v_k = b_k v_k."""
    one = np.where(swapped[:, None], x[1], x[0])
    two = np.where(swapped[:, None], x[0], x[1])
    own, vectors = _eigh(one.T @ one)
    return _real(own, np.einsum("nk,nk->k", vectors, (one.T @ two) @ vectors))


def cv_scatter(x: np.ndarray, masks: Iterable[np.ndarray]) -> np.ndarray:
    """Mean over swap masks (shuffle, S) of the cross-validated scatter of x (2, S, N): (min(S, N),)."""
    if x.shape[2] < x.shape[1]:
        return np.mean([from_covariance(x, mask) for mask in masks], axis=0)
    joint = joint_gram(x)
    return np.mean([from_gram(joint, mask) for mask in masks], axis=0)


def cv_scatter_python2019(x: np.ndarray, masks: Iterable[np.ndarray]) -> np.ndarray:
    """The published notebook's variant, in Gram space.

    It fits PCA to the transposed matrix, which centres each *stimulus* across neuroids instead of each neuroid across
    stimuli: with Gc the Gram matrix of the repeat so centred, Gc = U S^2 U', it sums (G u_k / s_k)(C u_k / s_k) over
    stimuli, where G = X1 X1' and C = X2 X1' are not centred. A common offset per presentation therefore stays in the
    projections.
    """
    n_stimuli = x.shape[1]
    joint = joint_gram(x)
    totals = x.sum(axis=2, dtype=np.float64).reshape(-1)
    size = min(MAX_PYTHON2019, *x.shape[1:])
    results = []
    for mask in masks:
        first = np.where(mask, np.arange(n_stimuli) + n_stimuli, np.arange(n_stimuli))
        second = np.where(mask, np.arange(n_stimuli), np.arange(n_stimuli) + n_stimuli)
        own, cross = joint[np.ix_(first, first)], joint[np.ix_(second, first)]
        variance, vectors = _eigh(own - np.outer(totals[first], totals[first]) / x.shape[2])
        variance, vectors = variance[:size], vectors[:, :size]
        summed = np.einsum("sk,sk->k", own @ vectors, cross @ vectors)
        results.append(np.divide(summed, variance, out=np.zeros(size), where=variance > variance[0] * 1e-12))
    return np.mean(results, axis=0)


def _real(own: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Set to exactly zero what lies along directions in which the first repeat does not vary but for rounding."""
    return np.where(own > max(own[0], 0.0) * own.size * np.finfo(np.float64).eps, cross, 0.0)


def _eigh(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = linalg.eigh(matrix, driver="evd", check_finite=False)
    return values[::-1], vectors[:, ::-1]
