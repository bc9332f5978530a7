"""Kernel: one hidden layer u = s W2^T tanh(W1 x): outputs, gradients for any loss of outputs, the tangent kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Network:
    """Weights; plain gradient descent moves both, orthonormal second weights move on a Grassmannian."""

    first: np.ndarray
    """W1 (h, d)"""
    second: np.ndarray
    """W2 (h, z)"""
    scale: float
    """s: 1 under orthonormal W2, 1 / sqrt(h) in the scaling of neural tangent kernels"""
    orthonormal: bool
    """whether W2^T W2 = 1 is kept"""

    def features(self, x: np.ndarray) -> np.ndarray:
        """tanh(x W1^T): (n, h)."""
        return np.tanh(x @ self.first.T)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """(n, z)."""
        return self.scale * (self.features(x) @ self.second)


def make_network(n_features: int, width: int, n_outputs: int, seed: int, *, orthonormal: bool) -> Network:
    """Random weights: W1 normal of variance 1 / d, W2 a random frame, or normal of variance 1 and s = 1 / sqrt(h).

    The first rows are the same for all widths of one seed, so that widths are compared on the same draw.
    """
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((width, n_features)) / np.sqrt(n_features)
    second = np.random.default_rng(seed + 1).standard_normal((width, n_outputs))
    if orthonormal:
        return Network(first, np.linalg.qr(second)[0], 1.0, True)
    return Network(first, second, width**-0.5, False)


def gradients(
    network: Network, x: np.ndarray, features: np.ndarray, by_outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients for W1 and W2 from those for the outputs (n, z) at inputs (n, d) with these features (n, h)."""
    by_second = network.scale * (features.T @ by_outputs)
    by_features = by_outputs @ (network.scale * network.second.T)
    by_features *= 1 - features**2
    return by_features.T @ x, by_second


def tangent_kernel(network: Network, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tangent kernel by first and by second weights, (n, z, n, z) each; their sum is the kernel.

    Outputs u(x_i)_a change by the sum over j, b of -kernel[i, a, j, b] times the loss's gradient for u(x_j)_b. Under
    orthonormal W2 its velocity loses what lies in its own span: features meet through 1 - W2 W2^T.
    """
    features = network.features(x)
    slope = 1 - features**2
    n_samples, n_outputs = len(x), network.second.shape[1]
    by_first = np.empty((n_samples, n_outputs, n_samples, n_outputs))
    inner = network.scale**2 * (x @ x.T)
    for a in range(n_outputs):
        for b in range(a + 1):
            block = ((slope * (network.second[:, a] * network.second[:, b])) @ slope.T) * inner
            by_first[:, a, :, b] = by_first[:, b, :, a] = block
    meet = features @ features.T
    if network.orthonormal:
        seen = features @ network.second
        meet = meet - seen @ seen.T
    by_second = np.einsum("ij,ab->iajb", network.scale**2 * meet, np.eye(n_outputs))
    return by_first, by_second
