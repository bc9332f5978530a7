"""Errors at two step sizes: Euler's known error, its ratio of ten, and what a wrong theory looks like."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.engine.comparison import compare
from neuroalpha.theory.engine.dynamics import Dynamics

TIMES = np.linspace(0, 2, 21)


def decay(offset: float = 0.0) -> Dynamics:
    return Dynamics(
        "decay",
        (np.ones(1),),
        lambda state, size, index: (state[0] * (1 - size),),
        lambda state: state[0],
        lambda times: np.exp(-np.asarray(times))[:, None] + offset,
    )


def test_errors_are_those_of_eulers_method():
    found = compare(decay(), (0.001, 0.01), TIMES)
    assert found.step_sizes == (0.01, 0.001)
    for size, largest, mean in zip(found.step_sizes, found.max_error, found.mean_error, strict=True):
        error = np.abs((1 - size) ** np.rint(TIMES / size) - np.exp(-TIMES))
        assert largest == pytest.approx(error.max(), rel=1e-9)
        assert mean == pytest.approx(error.mean(), rel=1e-9)
    assert found.ratio == pytest.approx(10, rel=0.02)


def test_ratio_is_for_a_tenfold_step_whatever_the_steps():
    assert compare(decay(), (0.01, 0.005), TIMES).ratio == pytest.approx(10, rel=0.05)


def test_a_wrong_theory_has_no_ratio_of_ten():
    assert compare(decay(offset=0.1), (0.01, 0.001), TIMES).ratio < 1.5


def test_rounding_has_no_ratio():
    still = Dynamics("still", (np.ones(1),), lambda s, h, i: s, lambda s: s[0], lambda t: np.ones((len(t), 1)))
    assert np.isnan(compare(still, (0.01, 0.001), TIMES).ratio)


def test_one_step_size_is_no_comparison():
    with pytest.raises(na.InputError, match="expected two different ones"):
        compare(decay(), (0.01, 0.01), TIMES)
