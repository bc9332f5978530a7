"""Kernel: linear networks of orthonormal weights: their starts, one step of gradient descent, their product M (d, z).

Three forms, outputs u = M^T x: one layer M = W; tall M = W1 W2 with W1 (d, h), h <= d; wide M = W1^T W2 with W1 (h, d),
h >= d. Each layer takes the part of its gradient that is orthogonal to its own span, the descent on a Grassmannian.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.engine.dynamics import State
from neuroalpha.theory.projectors.retraction import move

FORMS = ("one layer", "tall", "wide")


def random_frame(n_rows: int, n_columns: int, seed: int) -> np.ndarray:
    """Random orthonormal columns (n_rows, n_columns)."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n_rows, n_columns)))[0]


def tall_start(product: np.ndarray, width: int, seed: int) -> State:
    """W1 (d, h), W2 (h, z) of orthonormal columns with W1 W2 = ``product`` (d, z), otherwise random."""
    n_features, n_outputs = product.shape
    rng = np.random.default_rng(seed)
    more = rng.standard_normal((n_features, width - n_outputs))
    more = np.linalg.qr(more - product @ (product.T @ more))[0] if width > n_outputs else more
    turn = np.linalg.qr(rng.standard_normal((width, width)))[0]
    return np.hstack([product, more]) @ turn, turn[:n_outputs].T.copy()


def wide_start(product: np.ndarray, width: int, seed: int) -> State:
    """W1 (h, d), W2 (h, z) of orthonormal columns with W1^T W2 = ``product``, whose singular values are at most 1."""
    n_features, n_outputs = product.shape
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((width, n_features + n_outputs)))[0]
    values, basis = np.linalg.eigh(np.eye(n_outputs) - product.T @ product)
    rest = (basis * np.sqrt(np.maximum(values, 0))) @ basis.T  # what of W2 lies outside the span of W1
    return turn[:, :n_features].copy(), turn @ np.vstack([product, rest])


def product_of(state: State, form: str) -> np.ndarray:
    """M (d, z)."""
    if form == "one layer":
        return state[0]
    return state[0] @ state[1] if form == "tall" else state[0].T @ state[1]


def gradients(state: State, matrix: np.ndarray, form: str) -> State:
    """Gradient of tr(M^T C M) for each layer, without its part in the layer's own span."""
    product = product_of(state, form)
    moved = 2 * (matrix @ product)  # the loss by M
    if form == "one layer":
        return (moved - product @ (product.T @ moved),)
    first, second = state
    by_second = first.T @ moved if form == "tall" else first @ moved
    by_second = by_second - second @ (second.T @ by_second)
    if form == "tall":
        return (moved - first @ (first.T @ moved)) @ second.T, by_second
    return (second - first @ product) @ moved.T, by_second


def take_step(state: State, matrix: np.ndarray, form: str, step_size: float, how: str) -> State:
    """All layers move at once, each along its own gradient."""
    return tuple(
        move(weights, gradient, step_size, how)
        for weights, gradient in zip(state, gradients(state, matrix, form), strict=True)
    )


def turning_gradients(state: State, matrix: np.ndarray) -> State:
    """Gradients of the tall form on Stiefel manifolds, where the first layer may also turn within its own span.

    The loss is not blind to that turn at a fixed second layer. Descent along it makes the rate depend on the width:
    from 2 at h = z to 3 at h = d; only without it are the dynamics those of one layer.
    """
    first, second = state
    moved = 2 * (matrix @ (first @ second))
    outside, by_second = gradients(state, matrix, "tall")
    within = first.T @ moved @ second.T
    return outside + first @ (within - within.T) / 2, by_second


def residual(state: State) -> float:
    """Largest entry of |W^T W - 1| over the layers."""
    return max(float(np.abs(weights.T @ weights - np.eye(weights.shape[1])).max()) for weights in state)
