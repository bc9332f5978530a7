"""Kernel: the cosine updates of a linear network over the whole population.

In the eigenbasis of the embedding's covariance C the two embedded views of mode m are sqrt(lam_m) times Gaussian
numbers (a_m, b_m) of known covariance, and turning the sign of one mode turns nothing else: the expectation of the
update times z1' is diagonal there, so that a step moves the weights by U diag(h) U' W S.

h are Gaussian expectations of ratios of quadratic forms. With 1 / sqrt(X) = pi^-1/2 int s^-1/2 e^(-s X) ds and X^-3/2 =
2 pi^-1/2 int s^1/2 e^(-s X) ds for X = |p|^2, and the same in t for |z2|^2, they are double integrals of second and
fourth moments of a tilted Gaussian, and s and t are summed by the trapezoidal rule in x, s = exp(x - exp(-x)). Written
apart from the theory's own field (other terms, other rule), so that one checks the other; and both are checked against
:mod:`neuroalpha.theory.linearnet.quasi_random` and against samples.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from neuroalpha.theory.eigenflow.settings import FlowSetting

SPACING = 0.35
"""Of the trapezoidal rule; leaves some 1e-9 of an expectation."""
LEFT, RIGHT = -4.0, 60.0
NEGLIGIBLE = 1e-11
"""Nodes below this share of the largest are left out."""


class Rates(Protocol):
    """Who can take the expectation: by quadrature or on quasi-random points."""

    def rates(
        self, eigenvalue: np.ndarray, setting: FlowSetting, index: int, follow: np.ndarray | None = None
    ) -> np.ndarray:
        """The h (mode,) of the update's diagonal for eigenvalues (mode,).

        ``follow`` (mode,): singular values of a target network against the online one's.
        """
        ...


class CosineMoments:
    """The expectation by quadrature, for two modes or more: some hundred nodes for ten modes, 10,000 for two.

    Examples
    --------
    >>> h = CosineMoments().rates(np.array([0.5, 1.5]), FlowSetting("cosine"), 0)
    >>> bool(abs(h @ [0.5, 1.5]) < 1e-6), bool(h[0] > 0 > h[1])  # the sum is kept, modes are made equal
    (True, True)
    """

    def rates(
        self, eigenvalue: np.ndarray, setting: FlowSetting, index: int, follow: np.ndarray | None = None
    ) -> np.ndarray:
        """As of :class:`Rates`; the index of the step does not matter."""
        lam = np.maximum(eigenvalue, 0)
        gain = np.ones_like(lam) if setting.variant == "no predictor" else lam**setting.power
        ratio = np.ones_like(lam) if follow is None else follow
        a1, a2 = 1 + setting.noise1, 1 + setting.noise2
        extra = a1 * a2 - 1
        of_p, of_z, joint = lam * gain**2, lam * ratio**2, lam * gain * ratio
        s, weight_s = _nodes(a1 * of_p)
        t, weight_t = _nodes(a2 * of_z)
        d1, d2 = 2 * s[:, None] * of_p, 2 * t[:, None] * of_z
        q = (1 + a1 * d1)[:, None] + (a2 + extra * d1)[:, None] * d2
        density = (weight_s[:, None] * weight_t / np.sqrt(np.prod(q, axis=-1))).ravel() / np.pi
        c12 = 1 / q  # second moments of (a, b) tilted
        c11 = (c12 * (a1 + extra * d2)).reshape(density.size, -1)
        c22 = (c12 * (a2 + extra * d1)[:, None]).reshape(density.size, -1)
        c12 = c12.reshape(density.size, -1)
        third = 2 * density * np.repeat(s, t.size)  # 1 / (|p|^3 |z2|); density itself is 1 / (|p| |z2|)
        dot = c12 @ joint

        def against(weight: np.ndarray, one: np.ndarray, two: np.ndarray, own: np.ndarray) -> np.ndarray:
            """Expectation of (p . z2) times a product whose second moments with itself are ``own`` (mode,)."""
            return (weight * dot) @ own + joint * (weight @ (one * two))

        found = ratio * (density @ c12) - gain * against(third, 2 * c12, c11, c11)
        if setting.variant in ("predictor", "no stop-gradient"):
            found *= gain
        if setting.variant == "no stop-gradient":
            if setting.exact_gradient:
                other = 2 * density * np.tile(t, s.size)
                found += gain * (density @ c12) - against(other, 2 * c12, c22, c22)
            else:
                found += gain * (density @ c11) - (third * dot) @ c12 - joint * (third @ (c11 * c22 + c12**2))
        return found


def _nodes(scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (k,) of s and their weights, s^-1/2 ds, for E exp(-s X) of a quadratic form X with these variances."""
    x = np.arange(LEFT, RIGHT, SPACING)
    s = np.exp(x - np.exp(-x)) / scales.sum()
    height = np.sqrt(s / np.prod(1 + 2 * s[:, None] * scales, axis=1))
    kept = height > NEGLIGIBLE * height.max()
    return s[kept], (SPACING * (1 + np.exp(-x)) * np.sqrt(s))[kept]


def cosine_update(
    weights: np.ndarray,
    target: np.ndarray,
    setting: FlowSetting,
    rates: Rates,
    index: int,
    covariance: np.ndarray | None = None,
) -> np.ndarray:
    """Expectation (mode, input) of :func:`neuroalpha.theory.linearnet.update.sample_update` over Gaussian views.

    Parameters
    ----------
    weights, target : (mode, input)
        The target with the singular vectors of the weights, as a running average of them has that started there.
    setting : FlowSetting
        With the cosine loss.
    rates : Rates
    index : int
        Of the step, which chooses quasi-random points.
    covariance : (input, input), optional
        S of the data; default the identity.

    Examples
    --------
    >>> w, toy = np.diag([0.5, 1.5]), FlowSetting("cosine")
    >>> step = cosine_update(w, w, toy, CosineMoments(), 0)
    >>> bool(abs(np.trace(w @ step)) < 1e-6), bool(step[0, 0] > 0 > step[1, 1])  # trace kept, modes made equal
    (True, True)
    """
    spread = weights if covariance is None else weights @ covariance
    values, vectors = np.linalg.eigh(spread @ weights.T)
    follow = None
    if setting.ema is not None:
        aimed = np.einsum("im,ij,jm->m", vectors, target @ spread.T, vectors, optimize=True)
        follow = aimed / np.maximum(values, np.finfo(np.float64).tiny)
    found = rates.rates(values, setting, index, follow)
    return (vectors * found) @ (vectors.T @ spread) - setting.weight_decay * weights
