"""Kernel: what a network with one hidden layer is trained on, self-supervised or not, constrained or not.

Gradients are for the outputs of all views, stacked: samples, positive, negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rule = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Objective:
    """A loss and the scaling that it is trained in."""

    name: str
    rule: Rule
    """(outputs of the views (views, n, z), targets (n, z)) to (loss, its gradient (views, n, z))"""
    n_views: int
    orthonormal: bool
    """W2^T W2 = 1 is kept; otherwise weights are free, in the scaling of neural tangent kernels"""
    scaled: bool
    """outputs are divided by sqrt(h)"""
    until: float
    """end of training, in units of time"""


def contrastive(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean of u . (u- - u+)."""
    u, positive, negative = outputs
    return float((u * (negative - positive)).sum() / len(u)), np.stack([negative - positive, -u, u]) / len(u)


def non_contrastive(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean of -u . u+."""
    u, positive = outputs
    return float(-(u * positive).sum() / len(u)), -np.stack([positive, u]) / len(u)


def squared_error(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the mean of |u - y|^2."""
    gap = outputs[0] - targets
    return float((gap**2).sum() / len(gap) / 2), gap[None] / len(gap)


def barlow_twins(outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """|C - 1|^2, C the mean of (u u+^T + u+ u^T) / 2: all entries weigh the same, outputs are not normalised.

    The linearised form of Simon et al. (2023); the published loss normalises outputs over the batch and weighs entries
    off the diagonal less.
    """
    u, positive = outputs
    meet = u.T @ positive / len(u)
    gap = (meet + meet.T) / 2 - np.eye(u.shape[1])
    return float((gap**2).sum()), (2 / len(u)) * np.stack([positive @ gap, u @ gap])


OBJECTIVES = {
    each.name: each
    for each in (
        Objective("contrastive, orthonormal W2", contrastive, 3, True, False, 5.0),
        Objective("non-contrastive, orthonormal W2", non_contrastive, 2, True, False, 5.0),
        Objective("supervised, orthonormal W2", squared_error, 1, True, True, 10.0),
        Objective("supervised, free weights", squared_error, 1, False, True, 10.0),
        Objective("Barlow Twins, free weights", barlow_twins, 2, False, True, 10.0),
        Objective("contrastive, free weights", contrastive, 3, False, True, 1.0),
    )
}
"""Two by two: self-supervised or supervised, orthonormal or free; and Barlow Twins. Free contrastive outputs grow
without bound, so they are followed for a short time only."""
