from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from neuroalpha.theory.eigenflow.closed_forms import cubic_time, time_between
from neuroalpha.theory.eigenflow.settings import VARIANTS, FlowSetting
from neuroalpha.theory.eigenflow.solve import flow

START = np.array([1e-3, 0.02, 0.1, 0.3, 0.499, 0.9, 1.5, 4.0])
EXTRAS = [
    {},
    {"power": 0.5},
    {"power": 2.0},
    {"noise1": 0.3, "noise2": 0.2},
    {"weight_decay": 1e-10},
    {"weight_decay": 0.1},
    {"weight_decay": 0.25},
    {"weight_decay": 0.2499999},
    {"weight_decay": 0.4, "power": 0.7, "noise1": 0.1},
    {"weight_decay": 1.0},
    {"weight_decay": 1.3},
]


def velocity(lam, variant, power=1.0, noise1=0.0, noise2=0.0, weight_decay=0.0):
    """The published fields, written out once more."""
    p = np.abs(lam) ** power  # an integrator may step to just below 0
    rate = {
        "predictor": p * (1 - (1 + noise1) * p),
        "iso": 1 - (1 + noise1) * p,
        "no predictor": -noise1,
        "no stop-gradient": 2 * p - (1 + noise1) * p**2 - (1 + noise2),
    }[variant]
    return 2 * lam * (rate - weight_decay)


@pytest.mark.parametrize("extras", EXTRAS, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_against_an_integrator(variant, extras):
    times = np.linspace(0, 30, 31)
    found = flow(START, times, FlowSetting("euclidean", variant, **extras))
    wanted = solve_ivp(
        lambda _, lam: velocity(lam, variant, **extras), (0, 30), START, "DOP853", times, rtol=1e-12, atol=1e-14
    ).y.T
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)


def test_published_closed_forms():
    p0, t = np.array([0.01, 0.2, 0.7]), np.linspace(0, 8, 33)[:, None]
    for a in (0.5, 1.0):
        iso = flow(p0 ** (1 / a), t[:, 0], FlowSetting(variant="iso", power=a)) ** a
        np.testing.assert_allclose(iso, 1 / (1 + (1 / p0 - 1) * np.exp(-2 * a * t)), atol=1e-13)
        p = flow(p0 ** (1 / a), t[:, 0], FlowSetting(power=a)) ** a
        np.testing.assert_allclose(
            1 / p0 - 1 / p + np.log(p * (1 - p0) / (p0 * (1 - p))), np.broadcast_to(2 * a * t, p.shape), atol=1e-8
        )


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.01, 3), st.floats(0.01, 3), st.floats(1, 2), st.sampled_from([1.0, 2.0]),
    st.sampled_from([0.0, 1e-12, 1e-4, 0.1, 0.24999, 0.25, 0.3, 1.0, 1.2]),
)  # fmt: skip
def test_time_is_the_integral_of_one_over_the_velocity(p0, p1, c, b, e):
    gap = b * b - 4 * c * e
    for root in [] if gap < 0 else [(b - np.sqrt(gap)) / (2 * c), (b + np.sqrt(gap)) / (2 * c)]:
        if min(p0, p1) - 0.02 < root < max(p0, p1) + 0.02:
            return
    wanted = -quad(lambda p: 1 / (p * (c * p * p - b * p + e)), p0, p1, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
    np.testing.assert_allclose(cubic_time(np.array(p0), np.array(p1), c, b, e), wanted, rtol=1e-7, atol=1e-9)


def test_where_the_flow_never_gets():
    setting = FlowSetting(weight_decay=0.16)  # rests at 0.2 and 0.8
    found = time_between([0.3, 0.3, 0.1, 0.1, 0.9, 0.5], [0.7, 0.9, 0.05, 0.3, 0.85, 0.5], setting)
    assert np.isfinite(found).tolist() == [True, False, True, False, True, True]
    assert found[-1] == 0
    assert time_between([0.5], [0.9], FlowSetting(variant="no predictor")).tolist() == [np.inf]


def test_small_modes_wait_one_over_p_but_only_its_logarithm_with_iso():
    small = np.array([1e-3, 1e-4])
    predictor = time_between(small, 0.99, FlowSetting())
    iso = time_between(small, 0.99, FlowSetting(variant="iso"))
    assert 9 < predictor[1] / predictor[0] < 10
    np.testing.assert_allclose(iso, (np.log(1 / small) + np.log(99)) / 2, rtol=1e-3)
