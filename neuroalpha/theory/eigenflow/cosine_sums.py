"""Kernel: velocities of the eigenvalues under the cosine loss: an expectation over all modes at once, by quadrature.

Halvagal, Laborieux & Zenke 2023. With z1 and z2 the embeddings of the two views, p_m = lam_m^a, P = diag(p), y = P z1,

    lam_m' = 2 p_m g_m,   g_m = E[ ( z2_m |y|^2 - p_m z1_m (y . z2) ) z1_m / (|y|^3 |z2|) ]          (predictor)

iso leaves out the p_m before g_m; no predictor has P = 1. Modes are independent Gaussians, so that with the integrals
1 / |z2| = pi^-1/2 int u^-1/2 exp(-u |z2|^2) du and 1 / |y|^3 = 2 pi^-1/2 int v^1/2 exp(-v |y|^2) dv each expectation is
one of fourth moments of tilted Gaussians: with covariances (lam a1, sqrt(lam lam_a), lam_a a2) of (z1_m, z2_m), a1 =
1 + s1, a2 = 1 + s2, x = a1 a2 - 1, D = 2 v p^2, d = 2 u and

    Q = 1 + D lam a1 + d lam_a a2 + D d lam lam_a x,     T11 = (lam a1 + d lam lam_a x) / Q,
    T12 = sqrt(lam lam_a) / Q,                           T22 = (lam_a a2 + D lam lam_a x) / Q,

    g_m = (2 / pi) int int u^-1/2 v^1/2 prod_k Q_k^-1/2 [ T12_m sum_k p_k^2 T11_k - p_m T11_m sum_k p_k T12_k ] du dv

(the terms k = m cancel). sum_m p_m g_m = 0 at each node: the predictor's flow keeps the sum of the eigenvalues exactly.
Then u = c1 r (1 - t), v = c2 r t and the rules of :mod:`neuroalpha.theory.eigenflow.quadrature`.

Without stop-gradient the published toy network adds, to the bracket that multiplies z1_m, the terms
p_m z1_m / (|y| |z2|) - (y . z2) z2_m / (|y|^3 |z2|): neither the input (view 1's, not view 2's) nor the second
denominator (|y|^3 |z2|, not |y| |z2|^3) is that of the gradient. ``exact_gradient`` gives the gradient, whose extra
term is E[ ( p_m z1_m |z2|^2 - (y . z2) z2_m ) z2_m / (|y| |z2|^3) ].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroalpha.theory.eigenflow.quadrature import Rule
from neuroalpha.theory.eigenflow.settings import FlowSetting

SMALL = -40.0
"""Log of an eigenvalue over the largest below which a mode no longer bends any integrand."""


class Nodes(NamedTuple):
    """Quadrature nodes of the double integral, each (node,)."""

    r: np.ndarray
    t: np.ndarray
    rest: np.ndarray
    """1 - t."""
    weight: np.ndarray
    """Of dr dt r / sqrt(t (1 - t))."""

    @classmethod
    def product(cls, radial: Rule, angular: Rule) -> Nodes:
        """All pairs."""
        weight = (radial.nodes * radial.weights)[:, None] * angular.weights
        r, t, rest = np.broadcast_arrays(radial.nodes[:, None], angular.nodes, angular.rest)
        return cls(r.ravel(), t.ravel(), rest.ravel(), weight.ravel())

    def where(self, kept: np.ndarray) -> Nodes:
        """The nodes that are kept."""
        return Nodes(*(part[kept] for part in self))


class Modes(NamedTuple):
    """Modes, or points that stand for them: log eigenvalues over the largest, how many modes each stands for."""

    log: np.ndarray
    log_target: np.ndarray | None
    """The same of the target network; None where it is the online network."""
    number: np.ndarray
    """(k,); the last mode is the largest and stands for itself."""


class Sums(NamedTuple):
    """What the quadrature leaves for each mode (k,): combine with :func:`rates`."""

    rows: np.ndarray
    """(row, k)."""
    share: np.ndarray | None
    """(node,): the largest share that a node adds to any sum."""


def mode_sums(nodes: Nodes, modes: Modes, setting: FlowSetting, want_share: bool = False) -> Sums:
    """Quadrature sums of each mode. Memory: two arrays of nodes x modes."""
    a1, a2 = 1 + setting.noise1, 1 + setting.noise2
    x = np.maximum(modes.log, SMALL)
    lam, p = np.exp(x), predictor(x, setting)
    target = lam if modes.log_target is None else np.exp(np.maximum(modes.log_target, SMALL))
    of_y, of_z = p * p * lam * a1, target * a2
    both = (a1 * a2 - 1) * p * p * lam * target
    cross = p * (lam if modes.log_target is None else np.sqrt(lam * target))
    c1, c2 = 1 / (modes.number @ of_z), 1 / (modes.number @ of_y)
    u, v = 2 * c1 * nodes.r * nodes.rest, 2 * c2 * nodes.r * nodes.t

    inverse = np.stack([v, u, u * v], axis=1) @ np.stack([of_y, of_z, both])
    inverse += 1  # Q
    density = nodes.weight * np.exp(-0.5 * (np.log(inverse) @ modes.number))
    np.divide(1, inverse, out=inverse)

    # Sums over modes: the largest mode apart, for its own terms cancel and would take the digits of the others.
    columns = np.stack([of_y, both, of_z, cross], axis=1)
    others = inverse[:, :-1] @ (columns[:-1] * modes.number[:-1, None])
    own = inverse[:, -1:] * columns[-1]
    factor = 2 / np.pi * np.sqrt(c1 * c2)

    def against(first: int, by: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Weights of [T12_m sum p^2 T11 - p_m T11_m sum p T12], or with T22 in place of p^2 T11: without, with own."""
        made = []
        for part in (others, others + own):
            s, s12 = part[:, first] + by * part[:, 1], part[:, 3]
            made.append(scale * np.stack([s, s12, by * s12]))
        return np.stack(made)

    def applied(pair: np.ndarray) -> np.ndarray:
        rows = pair[1] @ inverse
        rows[:, -1] = pair[0] @ inverse[:, -1]
        return rows

    pairs = [against(0, u, factor * c2 * density * nodes.t)]
    if setting.exact_gradient:
        pairs.append(against(2, v, factor * c1 * density * nodes.rest))
    rows = [applied(pair) for pair in pairs]
    parts = [(pair[1], inverse) for pair in pairs] + [(pair[0], inverse[:, -1:]) for pair in pairs]
    if setting.variant == "no stop-gradient" and not setting.exact_gradient:
        plain = factor / 2 * density / nodes.r
        once = np.stack([plain, plain * u, factor * c2 * density * nodes.t * (others + own)[:, 3]])
        twice = factor * c2 * density * nodes.t * np.stack([np.ones_like(u), u, v, u * v])
        square = inverse * inverse
        rows += [once @ inverse, twice @ square]
        parts += [(once, inverse), (twice, square)]
    return Sums(np.concatenate(rows), _largest_share(parts) if want_share else None)


def rates(sums: np.ndarray, modes: Modes, top: float, setting: FlowSetting) -> np.ndarray:
    """(log lam)' (m,) without weight decay, from sums (row, m) of these modes; ``top`` is the largest log eigenvalue.

    Everything is divided by lam beforehand, so that modes next to 0 keep their digits.
    """
    a1, a2 = 1 + setting.noise1, 1 + setting.noise2
    extra = a1 * a2 - 1
    lam, p = np.exp(modes.log), predictor(modes.log, setting)
    target = lam if modes.log_target is None else np.exp(modes.log_target)
    ratio = 1.0 if modes.log_target is None else np.exp((modes.log_target - modes.log) / 2)  # of singular values
    power = setting.power if setting.has_predictor else 0.0
    bracket = ratio * sums[0] - p * (a1 * sums[1] + extra * target * sums[2])
    if setting.variant == "iso":
        return 2 * bracket * np.exp(-(1 + power) * top)
    speed = p * bracket * np.exp(-top)
    if setting.exact_gradient:
        speed += (p * sums[3] - a2 * sums[4] - p * p * extra * lam * sums[5]) * np.exp(-top)
    elif setting.variant == "no stop-gradient":
        plain, plain_u, odd, one, of_u, of_v, of_uv = sums[3:]
        # E[(y . z2) z1_m z2_m] = T12_m sum_k p_k T12_k + p_m (T11_m T22_m + T12_m^2)
        fourth = (a1 * a2 + 1) * lam * one + extra * lam**2 * (a1 * p * p * of_v + a2 * of_u)
        fourth += extra**2 * p * p * lam**3 * of_uv
        speed += p * (a1 * plain + extra * lam * plain_u) * np.exp(-top)
        speed -= (odd + p * fourth) * np.exp(-(1 + 2 * power) * top)
    return 2 * speed


def predictor(log: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Eigenvalues p of W_P."""
    return np.exp(setting.power * log) if setting.has_predictor else np.ones_like(log)


def _largest_share(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    largest = np.zeros(parts[0][1].shape[0])
    for weights, of_mode in parts:
        for row in weights:
            total = row @ of_mode
            share = of_mode / np.where(total > 0, total, np.inf)
            np.maximum(largest, row * share.max(axis=1), out=largest)
    return largest
