"""One node of the quadrature against fourth moments of tilted Gaussians, summed mode by mode."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.eigenflow.cosine_sums import Modes, Nodes, mode_sums, predictor, rates
from neuroalpha.theory.eigenflow.quadrature import chebyshev_rule, radial_rule
from neuroalpha.theory.eigenflow.settings import FlowSetting

LOG, LOG_TARGET = np.log([0.4, 0.7, 1.0]), np.log([0.9, 0.2, 1.0])


def by_hand(node, setting):
    """The integrand of g_m, times 2 p_m / lam_m: u^-1/2 v^1/2 du dv with u = c1 r (1 - t), v = c2 r t."""
    lam, lam_a = np.exp(LOG), np.exp(LOG_TARGET if setting.ema else LOG)
    p = lam**setting.power if setting.has_predictor else np.ones(3)
    a1, a2 = 1 + setting.noise1, 1 + setting.noise2
    c1, c2 = 1 / (lam_a * a2).sum(), 1 / (p * p * lam * a1).sum()
    u, v = c1 * node.r[0] * node.rest[0], c2 * node.r[0] * node.t[0]
    t11, t12, root = np.empty(3), np.empty(3), 1.0
    for k in range(3):
        own = np.array([[lam[k] * a1, np.sqrt(lam[k] * lam_a[k])], [np.sqrt(lam[k] * lam_a[k]), lam_a[k] * a2]])
        tilt = np.diag([2 * v * p[k] ** 2, 2 * u])
        tilted = np.linalg.inv(np.linalg.inv(own) + tilt)  # covariance under the weight exp(-v y^2 - u z2^2)
        t11[k], t12[k] = tilted[0, 0], tilted[0, 1]
        root /= np.sqrt(np.linalg.det(np.eye(2) + own @ tilt))
    # du dv u^-1/2 v^1/2 = c1 c2 r dr dt (c1 r (1 - t))^-1/2 (c2 r t)^1/2; the node's weight holds r / sqrt(t (1 - t))
    measure = c1 * c2 * node.weight[0] * np.sqrt(c2 / c1) * node.t[0]
    g = 2 / np.pi * measure * root * (t12 * (p * p * t11).sum() - p * t11 * (p * t12).sum())
    return 2 * (1.0 if setting.variant == "iso" else p) * g / lam


@pytest.mark.parametrize("ema", [None, 1.0])
@pytest.mark.parametrize("variant", ["predictor", "iso", "no predictor"])
def test_one_node_by_hand(variant, ema):
    setting = FlowSetting("cosine", variant, power=0.7, noise1=0.2, noise2=0.3, ema=ema)
    modes = Modes(LOG, LOG_TARGET if ema else None, np.ones(3))
    grid = Nodes.product(radial_rule(0.0), chebyshev_rule(4))
    for at in (60, 100):
        node = grid.where(np.arange(grid.r.size) == at)
        found = rates(mode_sums(node, modes, setting).rows, modes, 0.0, setting)
        wanted = by_hand(node, setting)
        assert np.abs(wanted).max() > 1e-6
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-15)


def test_a_mode_that_stands_for_several():
    setting = FlowSetting("cosine", "no stop-gradient", exact_gradient=True)
    nodes = Nodes.product(radial_rule(1.0), chebyshev_rule(6))
    each = Modes(np.log([0.4, 0.4, 0.4, 1.0]), None, np.ones(4))
    few = Modes(np.log([0.4, 1.0]), None, np.array([3.0, 1.0]))
    found = mode_sums(nodes, few, setting, want_share=True)
    wanted = mode_sums(nodes, each, setting, want_share=True)
    np.testing.assert_allclose(found.rows, wanted.rows[:, [0, 3]], rtol=1e-12)
    np.testing.assert_allclose(found.share, wanted.share, rtol=1e-10)
    assert found.share.max() < 1


def test_the_predictor_is_a_power():
    np.testing.assert_allclose(predictor(LOG, FlowSetting("cosine", power=2.0)), np.exp(LOG) ** 2)
    assert predictor(LOG, FlowSetting("cosine", "no predictor", power=2.0)).tolist() == [1, 1, 1]
