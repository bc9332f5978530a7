"""Kernel: what theory says of linear self-supervised learning: the naive flow, the projector under orthonormal weights.

Re-derived; the theorems of the paper could not be read. C is symmetric, its eigenvalues ascend, lambda_1 the smallest.
"""

from __future__ import annotations

import numpy as np


def scaled_weights(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """e^{-2 (C - lambda_1) t} W_0, (t, d, z): the naive flow W' = -2 C W without its growth e^{-2 lambda_1 t}.

    The shift leaves all ratios as they are and overflows nowhere. Time: one eigenvalue problem of (d, d), then t d d z.
    """
    values, vectors = np.linalg.eigh(matrix)
    decay = np.exp(-2 * (values - values[0]) * np.asarray(times)[:, None])
    return np.matmul(vectors * decay[:, None, :], vectors.T @ start)


def naive_share(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """W W^T over its trace under the naive flow, (t, d, d): which directions outputs use, as shares."""
    weights = scaled_weights(matrix, start, times)
    kernel = weights @ weights.swapaxes(1, 2)
    return kernel / np.trace(kernel, axis1=1, axis2=2)[:, None, None]


def log_growth(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Natural log of |W| under the naive flow, (t,): beyond what floats hold soon, so its log."""
    size = np.linalg.norm(scaled_weights(matrix, start, times), axis=(1, 2))
    return np.log(size) - 2 * np.linalg.eigvalsh(matrix)[0] * np.asarray(times)


def exact_frame(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Orthonormal columns (t, d, z) that span e^{-2 C t} W_0: solves W' = -2 (1 - W W^T) C W up to a rotation.

    In steps no longer than what keeps the columns apart in floats: after each, they are made orthonormal, which leaves
    their span as it is.
    """
    values, vectors = np.linalg.eigh(matrix)
    longest = 3.0 / max(values[-1] - values[0], 1e-300)  # columns then differ by no more than e^6 in length
    frame = np.linalg.qr(vectors.T @ start)[0]
    found, now = np.empty((len(times), *start.shape)), 0.0
    for row, until in enumerate(np.asarray(times, dtype=np.float64)):
        n_steps = int(np.ceil((until - now) / longest)) if until > now else 0
        decay = np.exp(-2 * (values - values[0]) * (until - now) / max(n_steps, 1))[:, None]
        for _ in range(n_steps):
            moved = np.linalg.qr(decay * frame)[0]
            if np.abs(moved @ (moved.T @ frame) - frame).max() < 1e-15:  # at rest, so it stays
                break
            frame = moved
        found[row], now = vectors @ frame, until
    return found


def exact_projector(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """P(t) = Y (Y^T Y)^{-1} Y^T, Y = e^{-2 C t} W_0, (t, d, d).

    Examples
    --------
    >>> found = exact_projector(np.diag([-1.0, 0.0, 1.0]), np.ones((3, 1)) / 3**0.5, np.array([0.0, 50.0]))
    >>> found[1].diagonal().round(12).tolist()
    [1.0, 0.0, 0.0]
    """
    frame = exact_frame(matrix, start, times)
    return frame @ frame.swapaxes(1, 2)


def single_output(values: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Squared coordinates (t, d) of one orthonormal column in the eigenbasis: a softmax of -4 lambda_i t.

    The flow of Oja's rule: q_i(t)^2 is in proportion to q_i(0)^2 e^{-4 lambda_i t}.
    """
    share = start**2 * np.exp(-4 * (values - values.min()) * np.asarray(times)[:, None])
    return share / share.sum(axis=1, keepdims=True)


def limit_projector(matrix: np.ndarray, n_outputs: int) -> tuple[np.ndarray, float, float]:
    """Where P(t) ends from almost every start: projector on the z lowest eigenvectors, its loss, the gap above them.

    The gap lambda_{z+1} - lambda_z is infinite where z is d.
    """
    values, vectors = np.linalg.eigh(matrix)
    lowest = vectors[:, :n_outputs]
    gap = float(values[n_outputs] - values[n_outputs - 1]) if n_outputs < values.size else float("inf")
    return lowest @ lowest.T, float(values[:n_outputs].sum()), gap


def principal_angles(frame: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angles (..., z) between the spans of orthonormal columns (..., d, z) and (d, z), rising, in radians.

    Small angles by their sine, large ones by their cosine, so that both keep all digits (Bjorck & Golub 1973).
    """
    cosine = np.linalg.svd(other.T @ frame, compute_uv=False)
    sine = np.linalg.svd(frame - other @ (other.T @ frame), compute_uv=False)[..., ::-1]
    small = np.arcsin(np.clip(sine, 0, 1))
    return np.where(cosine > np.sqrt(0.5), small, np.arccos(np.clip(cosine, -1, 1)))


def participation(values: np.ndarray) -> np.ndarray:
    """(sum s)^2 / sum s^2 over the last axis: how many of these numbers count."""
    return values.sum(axis=-1) ** 2 / (values**2).sum(axis=-1)
