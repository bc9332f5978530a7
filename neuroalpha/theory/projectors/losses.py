"""Kernel: two losses of self-supervised learning, as one matrix each.

Re-derived: the paper (Esser, Mukherjee & Ghoshdastidar 2023, arXiv 2309.02011) could be read in its abstract and
introduction only. For linear outputs u = W^T x both losses are tr(W^T C W), and only the symmetric part of C acts.
"""

from __future__ import annotations

import numpy as np

LOSSES = ("non-contrastive", "contrastive")


def contrastive_loss(outputs: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """Mean over samples of u . (u- - u+); arrays (n, z)."""
    return float((outputs * (negative - positive)).sum() / len(outputs))


def non_contrastive_loss(outputs: np.ndarray, positive: np.ndarray) -> float:
    """Mean over samples of -u . u+; arrays (n, z)."""
    return float(-(outputs * positive).sum() / len(outputs))


def cross_matrix(x: np.ndarray, positive: np.ndarray, negative: np.ndarray | None = None) -> np.ndarray:
    """Matrix C (d, d) of the loss, not symmetric: mean of x (x- - x+)^T, or of -x x+^T without negatives.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> weights = np.array([[1.0], [2.0], [3.0]])
    >>> matrix = cross_matrix(x, x + 1)
    >>> bool(np.isclose(np.trace(weights.T @ matrix @ weights), non_contrastive_loss(x @ weights, (x + 1) @ weights)))
    True
    """
    other = -positive if negative is None else negative - positive
    return x.T @ other / len(x)


def symmetric_part(matrix: np.ndarray) -> np.ndarray:
    """(C + C^T) / 2."""
    return (matrix + matrix.T) / 2


def make_views(
    n_samples: int = 500, n_features: int = 30, n_outputs: int = 3, noise: float = 0.3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussian samples, a positive view (same sample, other noise), a negative one (another sample): (n, d) each.

    Variances are 1, ... 0.7 along ``n_outputs`` directions and 0.15 / rank along the others, so that the space that is
    learnt stands apart from the rest; the directions are random.
    """
    rng = np.random.default_rng(seed)
    rest = 0.15 / np.arange(1, n_features - n_outputs + 1)
    variance = np.concatenate([np.linspace(1, 0.7, n_outputs), rest])
    basis = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    clean = rng.standard_normal((2, n_samples, n_features)) * np.sqrt(variance)
    disturbed = rng.standard_normal((3, n_samples, n_features)) * noise * np.sqrt(variance)
    x, positive, negative = (clean[index] + disturbed[view] for view, index in enumerate((0, 0, 1)))
    return x @ basis, positive @ basis, negative @ basis
