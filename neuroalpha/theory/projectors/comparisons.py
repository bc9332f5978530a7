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

    return Dynamics(name, (start,), step, observe, lambda times: _flat(naive_share(matrix, start, times)))


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

    return Dynamics(
        name, start, lambda state, size, _: take_step(state, matrix, form, size, how), observe, predict
    ), residuals


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
