"""The scalar flows against matrices: population gradients of W and of a target network, stepped by Runge and Kutta."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.eigenflow.fields import (
    euclidean_rate,
    euclidean_rate_ema,
    jacobian,
    jacobian_ema,
    target_rate,
)
from neuroalpha.theory.eigenflow.settings import VARIANTS, FlowSetting
from neuroalpha.theory.eigenflow.solve import flow


def matrix_eigenvalues(weights, until, steps, setting):
    """Eigenvalues of W W' at ``until``: E[x1 x1'] = (1 + s1) I, E[x1 x2'] = I, E[x2 x2'] = (1 + s2) I."""
    one, two = 1 + setting.noise1, 1 + setting.noise2

    def velocity(w, target):
        values, vectors = np.linalg.eigh(w @ w.T)
        p = (vectors * values**setting.power) @ vectors.T if setting.has_predictor else np.eye(len(w))
        error = one * p @ w - target  # E[(W_P z1 - z2) x1']
        moved = -(error if setting.variant == "iso" else p @ error)
        if setting.variant == "no stop-gradient":
            moved += p @ w - two * target  # E[(W_P z1 - z2) x2']
        return moved - setting.weight_decay * w

    def both(state):
        w, target = state
        if setting.ema is None:
            return np.stack([velocity(w, w), np.zeros_like(w)])
        return np.stack([velocity(w, target), setting.ema * (w - target)])

    state, h = np.stack([weights, weights]), until / steps
    for _ in range(steps):
        k1 = both(state)
        k2 = both(state + h / 2 * k1)
        k3 = both(state + h / 2 * k2)
        k4 = both(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.linalg.eigvalsh(state[0] @ state[0].T)


EXTRAS = [
    {},
    {"power": 0.5, "noise1": 0.3, "noise2": 0.2},
    {"weight_decay": 0.1, "noise1": 0.2, "power": 1.5},
    {"ema": 0.7},
    {"ema": 2.0, "weight_decay": 0.05, "noise1": 0.1, "power": 0.5},
]
TOGETHER = [
    (variant, extras)
    for variant in VARIANTS
    for extras in EXTRAS
    if variant != "no stop-gradient" or "ema" not in extras  # refused
]


@pytest.mark.parametrize(("variant", "extras"), TOGETHER)
def test_matrices_follow_the_flow(variant, extras):
    setting = FlowSetting("euclidean", variant, **extras)
    weights = np.random.default_rng(5).standard_normal((4, 7)) / 3
    start = np.linalg.eigvalsh(weights @ weights.T)
    found = flow(start, np.array([3.0]), setting)[0]
    np.testing.assert_allclose(np.sort(found), matrix_eigenvalues(weights, 3.0, 600, setting), rtol=1e-7, atol=1e-10)
    moves = variant != "no predictor" or any(extras.get(name) for name in ("noise1", "weight_decay"))
    assert (np.abs(found - start).max() > 0.01) == moves


def test_a_fast_target_is_the_online_network():
    start, times = np.array([0.2, 1.4]), np.linspace(0, 4, 9)
    apart = [
        np.abs(flow(start, times, FlowSetting(ema=rate)) - flow(start, times, FlowSetting())).max()
        for rate in (10.0, 100.0)
    ]
    assert apart[1] < 0.01
    assert 8 < apart[0] / apart[1] < 12  # the lag is in proportion to 1 / rate


@pytest.mark.parametrize("variant", VARIANTS[:3])
def test_the_jacobian_by_differences(variant):
    setting = FlowSetting("euclidean", variant, power=0.7, noise1=0.2, weight_decay=0.1, ema=0.5)
    state = np.log([0.3, 1.2, 0.8, 0.4])

    def field(at):
        return np.concatenate([euclidean_rate_ema(at[:2], at[2:], setting), target_rate(at[:2], at[2:], setting)])

    wanted = np.stack([(field(state + 1e-6 * e) - field(state - 1e-6 * e)) / 2e-6 for e in np.eye(4)], axis=1)
    np.testing.assert_allclose(jacobian_ema(state[:2], state[2:], setting).toarray(), wanted, atol=1e-8)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_jacobian_without_a_target_by_differences(variant):
    setting = FlowSetting("euclidean", variant, power=0.7, noise1=0.2, noise2=0.3, weight_decay=0.1)
    log = np.log([0.3, 1.2, 0.8])
    wanted = (euclidean_rate(log + 1e-6, setting) - euclidean_rate(log - 1e-6, setting)) / 2e-6
    np.testing.assert_allclose(jacobian(log, setting).toarray(), np.diag(wanted), atol=1e-8)
