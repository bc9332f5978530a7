"""Kernel: how the response to one sample moves: by its own gradient, and in a network that learns from all samples.

Halvagal, Laborieux & Zenke 2023, in the eigenbasis of C, with p_m = lam_m^a, z1 and z2 the responses to the two views:

    Euclidean     z1_m' = p_m (z2_m - p_m z1_m)
    cosine        z1_m' = p_m / (|P z1|^3 |z2|) sum_k p_k (p_k z1_k^2 z2_m - p_m z1_m z1_k z2_k)
    iso           the same without the p_m in front
    no predictor  the same with p = 1

for inputs of unit length. The average of 2 z1_m z1_m' over the population is lam_m', which is how the eigenvalue flow
arises (and how the tests check one against the other). Without stop-gradient the response to view 2 moves too, by
z2_m' = p_m z1_m - z2_m (Euclidean) or that of the gradient or of the published update (cosine).

In a linear network that follows the population's gradient, W' = diag(g) W in the eigenbasis, so the response to every
input moves in proportion: z_m(t) = z_m(0) sqrt(lam_m(t) / lam_m(0)).
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.settings import FlowSetting


def own_velocity(
    view1: np.ndarray, view2: np.ndarray, eigenvalues: np.ndarray, setting: FlowSetting
) -> tuple[np.ndarray, np.ndarray]:
    """Velocities (..., m) that a sample's own loss gives its responses to view 1 and view 2, without weight decay.

    Parameters
    ----------
    view1, view2 : (..., m)
    eigenvalues : (m,) or (..., m)
    setting : FlowSetting

    Examples
    --------
    >>> z = np.array([1.0, 1.0])
    >>> own_velocity(z, z, np.array([1.0, 0.5]), FlowSetting())[0]
    array([0.  , 0.25])
    """
    lam = np.asarray(eigenvalues, dtype=np.float64)
    p = lam**setting.power if setting.has_predictor else np.ones_like(lam)
    outer = p if setting.variant in ("predictor", "no stop-gradient") else np.ones_like(p)
    still = np.zeros(np.broadcast_shapes(view1.shape, view2.shape, p.shape))
    y = p * view1
    if setting.loss == "euclidean":
        second = y - view2 if setting.variant == "no stop-gradient" else still
        return outer * (view2 - y), second
    length = np.sqrt((y * y).sum(axis=-1, keepdims=True))
    target = np.sqrt((view2 * view2).sum(axis=-1, keepdims=True))
    along = (y * view2).sum(axis=-1, keepdims=True)
    first = outer * (view2 * length**2 - y * along) / (length**3 * target)
    if setting.variant != "no stop-gradient":
        return first, still
    if setting.exact_gradient:
        return first, (y * target**2 - view2 * along) / (length * target**3)
    return first + y / (length * target) - along * view2 / (length**3 * target), still


def network_responses(responses: np.ndarray, eigenvalues: np.ndarray) -> np.ndarray:
    """Responses (t, sample, m) from those at time 0 (sample, m) and the eigenvalues (t, m) from time 0 on."""
    begin = eigenvalues[0]
    scale = np.sqrt(np.divide(eigenvalues, begin, out=np.ones_like(eigenvalues), where=begin > 0))
    return responses * scale[:, None, :]
