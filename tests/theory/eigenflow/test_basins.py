from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.eigenflow.basins import final_eigenvalues, fixed_points
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.eigenflow.solve import flow

CASES = [
    FlowSetting(variant=variant, power=power, noise1=noise, weight_decay=w, ema=ema)
    for variant in ("predictor", "iso", "no predictor", "no stop-gradient")
    for power, noise in ((1.0, 0.0), (0.5, 0.2))
    for w in (0.05, 0.15, 0.3, 1.2)
    for ema in (None, 0.5)
    if not (variant == "no stop-gradient" and ema)
]


@pytest.mark.parametrize("setting", CASES, ids=lambda each: each.name)
def test_thresholds_by_following_the_flow(setting):
    threshold, end = fixed_points(setting)
    starts = np.array([0.01, 0.3, 1.2])
    if 0 < threshold < np.inf:
        starts = np.append(starts, [0.99 * threshold, 1.01 * threshold])
    late = flow(starts, np.array([3000.0]), setting)[0]
    wanted = final_eigenvalues(starts, setting)
    np.testing.assert_allclose(late, wanted, atol=1e-6)
    assert set(np.unique(wanted)) <= {0.0, end}


def test_published_roots():
    for w in (0.05, 0.2):
        low, high = fixed_points(FlowSetting(weight_decay=w))
        np.testing.assert_allclose([low, high], (1 + np.array([-1, 1]) * np.sqrt(1 - 4 * w)) / 2)
        assert fixed_points(FlowSetting(variant="iso", weight_decay=w)) == (0.0, 1 - w)
    assert fixed_points(FlowSetting(weight_decay=0.2501)) == (np.inf, 0.0)
    assert fixed_points(FlowSetting(variant="iso", weight_decay=1.0)) == (np.inf, 0.0)


def test_without_stop_gradient_a_plateau_near_one_then_collapse():
    setting = FlowSetting(variant="no stop-gradient")
    found = flow(np.array([0.97, 0.3, 2.5]), np.array([10.0, 2000.0]), setting)
    assert found[0, 0] > 0.9  # still there when the other has gone
    assert found[0, 1] < 1e-3
    assert found[1, :2].max() < 1e-12
    assert abs(found[1, 2] - 1) < 1e-3
    assert final_eigenvalues(np.array([0.97, 1.0, 2.5, 0.0]), setting).tolist() == [0.0, 1.0, 1.0, 0.0]


def test_nothing_moves_without_predictor_and_noise():
    setting = FlowSetting(variant="no predictor")
    assert final_eigenvalues(np.array([0.2, 3.0]), setting).tolist() == [0.2, 3.0]
