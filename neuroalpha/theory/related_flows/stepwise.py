"""Kernel: stepwise self-supervised learning (Simon, Knutins, Liu, Geisz, Fetterman and Albrecht, 2023).

A linear network f = W x under the Barlow Twins loss L = |W G W' - I|^2, where G is the symmetrised cross-correlation
E[x x'] of positive pairs: W' = -4 (W G W' - I) W G. Started on the leading d eigenvectors of G, each embedding
eigenvalue lam_j = g_j s_j^2 follows lam' = 8 g lam (1 - lam): a logistic curve, one step in turn for each mode.
Forms derived here and checked against integration.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from neuroalpha.errors import InputError


def embedding_eigenvalues(start: np.ndarray, gamma: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Logistic curves (t, mode) from embedding eigenvalues (mode,) at time 0 and the pairs' eigenvalues g (mode,).

    Written as a logistic function: the growth e^(8 g t) of a small start overflows.

    Examples
    --------
    >>> embedding_eigenvalues(np.array([0.5]), np.array([1.0]), np.array([0.0, 1000.0])).ravel()
    array([0.5, 1. ])
    """
    started = np.log(start) - np.log1p(-np.minimum(start, 1 - 1e-16))
    inside = special.expit(started + 8 * gamma * np.asarray(times)[:, None])
    above = start > 1  # falls to 1 from above; the logistic function's other branch
    if above.any():
        excess = (1 - 1 / start[above]) * np.exp(-8 * gamma[above] * np.asarray(times)[:, None])
        inside[:, above] = 1 / (1 - excess)
    return inside


def step_times(start: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """Times (mode,) at which the embedding eigenvalues pass 1/2: ln(1 / lam(0) - 1) / (8 g).

    For a small start the published -ln(g s(0)^2) / (8 g).
    """
    return (np.log1p(-start) - np.log(start)) / (8 * gamma)


def update(weights: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """Direction (d, input) of steepest descent of the loss, all in the matrices."""
    moved = weights @ gamma
    return -4 * (moved @ weights.T - np.eye(len(weights))) @ moved


def loss(eigenvalue: np.ndarray) -> np.ndarray:
    """|W G W' - I|^2 (...,) from embedding eigenvalues (..., mode): d at the start, one less after each step."""
    return ((1 - eigenvalue) ** 2).sum(axis=-1)


def leading_modes(gamma: np.ndarray, n_outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues (d,) of G, falling, with all its eigenvectors (input, input) in that order.

    Raises
    ------
    InputError
        For more outputs than positive eigenvalues.

    Examples
    --------
    >>> leading_modes(np.diag([0.5, -1.0, 2.0]), 2)[0].tolist()
    [2.0, 0.5]
    """
    values, vectors = np.linalg.eigh(gamma)
    values, vectors = values[::-1], vectors[:, ::-1]
    positive = int((values > 1e-12 * max(values[0], 0)).sum())
    if not positive:
        raise InputError(
            f"gamma has no positive eigenvalue (the largest is {values[0]:.3g}), and only modes of positive ones are "
            "learnt; give a cross-correlation of views that agree somewhere"
        )
    if n_outputs > positive:
        raise InputError(
            f"gamma has {positive} positive eigenvalues and n_outputs is {n_outputs}; only modes of positive "
            f"eigenvalues are learnt, so give at most {positive} outputs"
        )
    return values[:n_outputs], vectors


def effective_start(weights: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Singular values s_j(0) (d,) with which weights (d, input) of any small start set out: |R_jj| of QR(W V).

    Greedy: the leading mode takes the output direction in which it is seen, the next what is left.
    """
    triangle = np.linalg.qr(weights @ vectors, mode="r")
    return np.abs(np.diag(triangle))


def cross_correlation(view1: np.ndarray, view2: np.ndarray) -> np.ndarray:
    """G (input, input) of paired views (sample, input), symmetrised over which is first."""
    found = view1.T @ view2 / len(view1)
    return (found + found.T) / 2


def kernel_modes(kernel: np.ndarray) -> np.ndarray:
    """Eigenvalues of G from the Gram matrix K (2n, 2n) of the stacked views, falling: of K^1/2 Z K^1/2 / (2n).

    Z swaps each sample's two views. For kernels whose features are not at hand; with K = X X' they are those of
    :func:`cross_correlation`, and zeros.

    Raises
    ------
    InputError
        For an odd number of views.

    Examples
    --------
    >>> kernel_modes(np.ones((2, 2))).round(6).tolist()  # one sample, both views [1.0]
    [1.0, 0.0]
    """
    n_pairs, odd = divmod(len(kernel), 2)
    if odd:
        raise InputError(f"kernel is of {len(kernel)} views; expected an even number, all first views, then all second")
    values, vectors = np.linalg.eigh(kernel)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    swapped = np.vstack([root[n_pairs:], root[:n_pairs]])
    return np.linalg.eigvalsh(root @ swapped / (2 * n_pairs))[::-1]


def crossings(times: np.ndarray, curves: np.ndarray, level: float = 0.5) -> np.ndarray:
    """First time (mode,) at which each rising curve (t, mode) passes a level; NaN where it does not.

    Interpolated in log-odds, in which a logistic curve is straight.
    """
    odds = special.logit(np.clip(curves, 1e-300, 1 - 1e-16)) - special.logit(level)
    found = np.full(curves.shape[1], np.nan)
    for mode in range(curves.shape[1]):
        above = np.flatnonzero(odds[:, mode] >= 0)
        if above.size and above[0] > 0:
            after = above[0]
            low, high = odds[after - 1, mode], odds[after, mode]
            found[mode] = times[after - 1] - low * (times[after] - times[after - 1]) / (high - low)
    return found
