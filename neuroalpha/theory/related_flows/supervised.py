"""Kernel: a two-layer linear network that learns a task (Saxe, McClelland and Ganguli, 2013).

Whitened inputs, correlation of outputs with inputs S = U diag(s) V': T W1' = W2' (S - W2 W1), T W2' = (S - W2 W1) W1'.
Balanced and aligned at the start, each mode's strength u follows T u' = 2 u (s - u): a sigmoid in turn.
"""

from __future__ import annotations

import numpy as np
from scipy import special


def strengths(start: np.ndarray, singular: np.ndarray, times: np.ndarray, time_constant: float = 1.0) -> np.ndarray:
    """u(t) = s e^(2st/T) / (e^(2st/T) - 1 + s / u(0)) (t, mode), for u(0) of above 0 and s of at least 0.

    Written without the growing exponential. A mode that is not in the task (s = 0) decays as 1 / (1 / u(0) + 2t / T).

    Examples
    --------
    >>> strengths(np.array([0.01, 0.01]), np.array([2.0, 0.0]), np.array([0.0, 500.0])).round(5)
    array([[1.0e-02, 1.0e-02],
           [2.0e+00, 9.1e-04]])
    """
    when = np.asarray(times, dtype=np.float64)[:, None] / time_constant
    decay = np.exp(-2 * singular * when)
    # (1 - e^(-2st)) / s, by its limit 2t at s = 0
    risen = 2 * when * special.exprel(-2 * singular * when)
    return 1 / (decay / start + risen)


def update(first: np.ndarray, second: np.ndarray, correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions of W1 (hidden, input) and W2 (output, hidden) in units of 1 / T."""
    error = correlation - second @ first
    return second.T @ error, error @ first.T


def balanced_start(
    start: np.ndarray, left: np.ndarray, right: np.ndarray, n_hidden: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """W1 and W2 whose product has strengths u(0) (mode,) along columns of U and V, spread over the hidden layer."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((n_hidden, start.size)))[0]
    return (turn * np.sqrt(start)) @ right.T, (left * np.sqrt(start)) @ turn.T
