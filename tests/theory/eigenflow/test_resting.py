"""The closed end of the cosine flow against the integration that it replaces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuroalpha.theory.eigenflow.cosine_field import CosineField
from neuroalpha.theory.eigenflow.resting import NEAR, settle
from neuroalpha.theory.eigenflow.settings import FlowSetting

KINDS = [
    FlowSetting("cosine"),
    FlowSetting("cosine", "iso", 0.5),
    FlowSetting("cosine", "iso", 0.5, weight_decay=0.05),
    FlowSetting("cosine", "no predictor", noise2=0.3),
]


@pytest.mark.parametrize("setting", KINDS, ids=lambda each: each.name)
def test_against_plain_integration(setting):
    log = np.log(0.7) + 0.9 * NEAR * np.array([1.0, -0.4, -0.8, 0.2])
    field, decay = CosineField(setting), setting.weight_decay
    field.choose(log)
    later = np.linspace(0, 2, 5)
    found = settle(log, field.rate(log) - 2 * decay, later, setting, decay)
    wanted = solve_ivp(lambda _, q: field.rate(q) - 2 * decay, (0, 2), log, "DOP853", later, rtol=1e-12, atol=1e-13).y.T
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)
    apart = np.ptp(found, axis=1)
    assert apart[-1] < 0.98 * apart[0]  # they draw together, or this would say nothing


def test_not_yet_or_never():
    setting, later = FlowSetting("cosine"), np.array([1.0, 1e9])
    assert settle(np.array([2e-6, -2e-6]), np.array([-1e-6, 1e-6]), later, setting, 0.0) is None
    assert settle(np.array([1e-7, -1e-7]), np.array([1e-7, -1e-7]), later, setting, 0.0) is None  # they part
    assert settle(np.array([1e-7, -1e-7]), np.array([-1e-10, 1e-10]), later, setting, 0.0) is None  # next to no rate
