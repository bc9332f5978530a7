"""The scalar flows against matrices: population gradients of W and of a target network, stepped by Runge and Kutta."""

from __future__ import annotations

import numpy as np
import pytest

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


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "extras",
    [
        {},
        {"power": 0.5, "noise1": 0.3, "noise2": 0.2},
        {"weight_decay": 0.1, "noise1": 0.2, "power": 1.5},
        {"ema": 0.7},
        {"ema": 2.0, "weight_decay": 0.05, "noise1": 0.1, "power": 0.5},
    ],
)
def test_matrices_follow_the_flow(variant, extras):
    if variant == "no stop-gradient" and "ema" in extras:
        pytest.skip("refused")
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
