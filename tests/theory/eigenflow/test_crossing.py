from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.eigenflow.crossing import crossing_times
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.eigenflow.solve import flow


@pytest.mark.parametrize("setting", [FlowSetting("cosine"), FlowSetting(ema=0.5)])
def test_crossing_times_are_when_the_flow_is_there(setting):
    start, level = np.array([0.1, 0.3, 1.2, 0.0]), 0.4
    found = crossing_times(start, level, setting, 500.0)
    assert np.isfinite(found).tolist()[:2] == [True, True]
    assert found[3] == np.inf
    for mode in (0, 1):
        np.testing.assert_allclose(flow(start, found[[mode]], setting)[0, mode], level, rtol=1e-6)


def test_closed_forms():
    found = crossing_times(np.array([0.1, 0.0, 0.9, 2.0]), 0.9, FlowSetting(variant="iso"), 1.0)
    np.testing.assert_allclose(found[:1], np.log(81) / 2)  # logistic at rate 2
    assert found[1:].tolist() == [np.inf, 0.0, np.inf]
