"""Kernel: discrete steps that keep columns orthonormal: polar, QR with fixed signs, geodesic; and the plain QR trap."""

from __future__ import annotations

import numpy as np


def polar(weights: np.ndarray) -> np.ndarray:
    """Nearest matrix with orthonormal columns, U V^T of the singular value decomposition.

    Close to orthonormal (as after a small step) by Newton and Schulz's iteration to rounding, which costs a tenth.

    Examples
    --------
    >>> polar(np.array([[3.0, 0.0], [0.0, 0.5]])).round(12).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    identity = np.eye(weights.shape[1])
    found = weights
    for _ in range(8):
        excess = found.T @ found - identity
        size = np.sqrt((excess**2).sum())
        if not size < 0.1:
            break
        found = found - 0.5 * (found @ excess)
        if size < 1e-8:  # what is left is of the order of its square
            return found
    left, _, right = np.linalg.svd(weights, full_matrices=False)
    return left @ right


def signed_qr(weights: np.ndarray) -> np.ndarray:
    """Q of QR with the diagonal of R positive: changes little where the weights changed little."""
    frame, upper = np.linalg.qr(weights)
    return frame * np.where(np.diagonal(upper) < 0, -1.0, 1.0)


def plain_qr(weights: np.ndarray) -> np.ndarray:
    """Q of QR as LAPACK gives it: columns may flip their sign at every step.

    A trap, kept to show it: one layer alone does not mind, but the second layer is written in the first one's basis,
    and flipped signs destroy what it learnt.
    """
    return np.linalg.qr(weights)[0]


def geodesic(weights: np.ndarray, direction: np.ndarray, step_size: float) -> np.ndarray:
    """Point at ``step_size`` along the geodesic from W in a horizontal direction H (W^T H = 0).

    W V cos(S t) V^T + U sin(S t) V^T for H = U S V^T (Edelman, Arias & Smith 1998), written by K = H^T H as
    W cos(K^{1/2} t) + H K^{-1/2} sin(K^{1/2} t), which needs no U where S is 0.
    """
    squares, basis = np.linalg.eigh(direction.T @ direction)
    angle = np.sqrt(np.maximum(squares, 0)) * step_size
    turned = weights @ ((basis * np.cos(angle)) @ basis.T)
    return polar(turned + direction @ ((basis * (step_size * np.sinc(angle / np.pi))) @ basis.T))


RETRACTIONS = {"polar": polar, "qr": signed_qr, "plain qr": plain_qr}


def move(weights: np.ndarray, gradient: np.ndarray, step_size: float, how: str) -> np.ndarray:
    """One step of descent along a gradient that is horizontal, W^T gradient = 0; ``how`` of RETRACTIONS or geodesic."""
    if how == "geodesic":
        return geodesic(weights, -gradient, step_size)
    return RETRACTIONS[how](weights - step_size * gradient)
