"""Kernel: linear forms as dynamics for the engine: the steps of gradient descent, and what theory says of them."""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.engine.dynamics import Dynamics, State
from neuroalpha.theory.projectors.exact import exact_projector, naive_share, principal_angles
from neuroalpha.theory.projectors.linear_nets import (
    product_of,
    residual,
    take_step,
    tall_start,
    wide_start,
)
from neuroalpha.theory.projectors.wide import wide_product


def naive_dynamics(name: str, matrix: np.ndarray, start: np.ndarray) -> Dynamics:
    """One layer without constraint; watched is W W^T over its trace (d d), so that growth itself does not show."""

    def step(state: State, size: float, index: int) -> State:
        moved = state[0] - 2 * size * (matrix @ state[0])
        return (moved / np.linalg.norm(moved),)  # a linear flow: its scale changes nothing else

    def observe(state: State) -> np.ndarray:
        return ((state[0] @ state[0].T) / (state[0] ** 2).sum()).ravel()

    def predict(times: np.ndarray) -> np.ndarray:
        return _flat(naive_share(matrix, start, times))

    return Dynamics(name, (start,), step, observe, predict, largest_naive_step(matrix))


def largest_naive_step(matrix: np.ndarray) -> float | None:
    """The step size below which descent without constraint turns to the lowest eigenvector, as its flow does.

    A step multiplies the coordinate by the eigenvalue lambda by 1 - 2 h lambda. The lowest grows most where
    |1 - 2 h lambda| < |1 - 2 h lambda_1| for all others, which is h < 1 / (lambda_1 + lambda_d). Beyond, the highest
    eigenvector takes over, and shares of W W^T, as they add up to 1, do not show it; at the limit neither wins, so what
    is returned is below it by a billionth. None where any step will do.

    Examples
    --------
    >>> round(largest_naive_step(np.diag([-0.5, -0.3, 0.2, 1.0])), 6)
    2.0
    """
    values = np.linalg.eigvalsh(matrix)
    both = float(values[0] + values[-1])
    return (1 - 1e-9) / both if both > 1e-12 * np.abs(values).max() else None


def largest_wide_step(matrix: np.ndarray, n_outputs: int) -> float:
    """The step size below which both layers of the wide form settle, by linear theory about their end.

    An eigenvector is learnt where the angle between its directions in W1 and W2 is 0; a step multiplies the angle by
    1 - 4 h |lambda|. Beyond h = 1 / (2 |lambda|) it changes its sign at each step and keeps its size, which M M^T does
    not show. Turns to other eigenvectors go by 1 - 2 h (lambda_i - lambda_j), as in one layer; outputs that learn none,
    for lack of eigenvalues below 0, die by 1 - 4 h lambda_i.

    Examples
    --------
    >>> round(largest_wide_step(np.diag([-1.0, 0.2, 0.5]), 1), 6)
    0.5
    """
    values = np.linalg.eigvalsh(matrix)
    rates = [2 * np.abs(values[:n_outputs]).max(), values[-1] - values[0]]
    if values[n_outputs - 1] > 0:
        rates.append(2 * values[-1])
    return (1 - 1e-9) / float(max(rates))


def linear_dynamics(
    name: str, matrix: np.ndarray, product: np.ndarray, form: str, width: int, how: str, seed: int
) -> tuple[Dynamics, list[float]]:
    """One form from the start M_0; watched is M M^T (d d), a projector but for the wide form.

    The list grows by how far from orthonormal the weights are, at each time that the dynamics are watched.
    """
    if form == "one layer":
        start: State = (product,)
    else:
        start = (tall_start if form == "tall" else wide_start)(product, width, seed)
    residuals: list[float] = []

    def observe(state: State) -> np.ndarray:
        residuals.append(residual(state))
        reached = product_of(state, form)
        return (reached @ reached.T).ravel()

    def predict(times: np.ndarray) -> np.ndarray:
        if form != "wide":
            return _flat(exact_projector(matrix, product, times))
        reached = wide_product(matrix, product, times)
        return _flat(reached @ reached.swapaxes(1, 2))

    def step(state: State, size: float, index: int) -> State:
        return take_step(state, matrix, form, size, how)

    limit = largest_wide_step(matrix, product.shape[1]) if form == "wide" else None
    return Dynamics(name, start, step, observe, predict, limit), residuals


def loss_of(kernels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """tr(C M M^T) of flattened M M^T (..., d d): (...)."""
    return kernels @ matrix.ravel()


def angles_of(kernels: np.ndarray, matrix: np.ndarray, n_outputs: int) -> np.ndarray:
    """Principal angles (..., z), in radians, between the main z directions of M M^T (..., d d) and the lowest of C."""
    size = len(matrix)
    known = np.isfinite(kernels).all(axis=-1)
    found = np.full((*known.shape, n_outputs), np.nan)
    vectors = np.linalg.eigh(kernels[known].reshape(-1, size, size))[1][..., -n_outputs:]
    found[known] = principal_angles(vectors, np.linalg.eigh(matrix)[1][:, :n_outputs])
    return found


def _flat(kernels: np.ndarray) -> np.ndarray:
    return kernels.reshape(len(kernels), -1)
