"""DirectPred's modes against its full matrices, its invariant and its fixed points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.engine.integrate import integrate
from neuroalpha.theory.related_flows import directpred
from neuroalpha.theory.related_flows.directpred import DirectPredSetting
from neuroalpha.theory.related_flows.systems import DIRECTPRED

TIMES = np.linspace(0, 8, 9)


def start(n_modes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 0.9, n_modes), rng.uniform(0.1, 1.5, n_modes), rng.uniform(0.4, 0.9, n_modes)


@pytest.mark.parametrize("name", DIRECTPRED)
def test_modes_are_those_of_the_full_matrices(name):
    setting = DIRECTPRED[name]
    p, s, tau = start()
    if setting.ema is None:
        tau = np.ones(3)
    if setting.rule == "directpred":
        p = directpred.rule_of(s, setting.epsilon)
    (predictor, weights, target), basis = directpred.aligned_start(p, s, tau, 5, seed=1)
    shapes = [predictor.shape, weights.shape, target.shape]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def field(flat):
        parts = [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]
        if setting.ema is None:
            parts[2] = parts[1]
        return np.concatenate([part.ravel() for part in directpred.matrix_field(*parts, setting)])

    full = integrate(field, np.concatenate([predictor.ravel(), weights.ravel(), target.ravel()]), TIMES)
    modes = integrate(lambda y: directpred.mode_field(y, setting), np.stack([p, s, tau]), TIMES)
    for flat, expected in zip(full, modes, strict=True):
        parts = [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]
        found = directpred.modes_of(parts[0], parts[1], parts[1] if setting.ema is None else parts[2], basis)
        first = 0 if setting.rule == "gradient" else 1
        np.testing.assert_allclose(found[first:], expected[first:], atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 3), st.floats(0, 0.5), st.floats(0, 0.1), st.sampled_from([None, 0.3]), st.integers(0, 99))
def test_invariant_is_kept(rate, noise, decay, ema, seed):
    setting = DirectPredSetting(rate, noise, decay, ema)
    p, s, tau = start(seed=seed)
    state = np.stack([p, s, np.ones(3) if ema is None else tau])
    found = integrate(lambda y: directpred.mode_field(y, setting), state, TIMES)
    kept = directpred.invariant(found[:, 0], found[:, 1], TIMES, setting)
    np.testing.assert_allclose(kept, np.broadcast_to(kept[0], kept.shape), atol=1e-7)


def test_moving_average_by_its_integral():
    # tau(t) p(t) = e^(-beta t) [tau(0) p(0) + beta int p e^(beta t')], on the parabola s = p^2 / r without decay
    setting = DirectPredSetting(ema=0.7)
    p = np.array([0.3])
    times = np.linspace(0, 6, 6001)
    found = integrate(lambda y: directpred.mode_field(y, setting), np.stack([p, p**2, np.ones(1)]), times)
    curve = found[:, 0, 0]
    inside = curve * np.exp(0.7 * times)
    area = np.r_[0, np.cumsum((inside[1:] + inside[:-1]) / 2 * np.diff(times))]
    expected = np.exp(-0.7 * times) * (0.3 + 0.7 * area) / curve
    np.testing.assert_allclose(found[:, 2, 0], expected, atol=1e-6)


@pytest.mark.parametrize(("rate", "noise", "decay"), [(1.0, 0.0, 0.05), (2.0, 0.3, 0.1)])
def test_fixed_points_part_what_lives_from_what_collapses(rate, noise, decay):
    low, high = DirectPredSetting(rate, noise, decay).fixed_points()
    p = np.array([0.99 * low, 1.01 * low, high])
    flow = na.theory.directpred_flow(p, p**2 / rate, [0, 3000.0], predictor_rate=rate, noise=noise, weight_decay=decay)
    np.testing.assert_allclose(flow["predictor"].isel(time=-1).values, [0, high, high], atol=1e-6)
    assert flow.attrs["collapse_below"] == pytest.approx(low)
    assert np.isnan(DirectPredSetting(weight_decay=0.3, noise=noise).fixed_points()[0])


def test_matrices_are_taken_apart():
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    p, s = np.array([0.5, 0.2, 0.8]), np.array([1.0, 0.6, 0.3])
    one = na.theory.directpred_flow(p, s, TIMES)
    two = na.theory.directpred_flow((turn * p) @ turn.T, (turn * s) @ turn.T, TIMES)
    np.testing.assert_allclose(one["correlation"], two["correlation"], atol=1e-9)
    # equal correlations leave the eigenvectors to the predictor
    same = na.theory.directpred_flow((turn * p) @ turn.T, np.eye(3), TIMES)
    np.testing.assert_allclose(np.sort(same["predictor"].isel(time=0)), np.sort(p), atol=1e-9)


def test_bad_matrices():
    lower = np.array([[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(na.InputError, match=r"predictor is not symmetric: .* up to 0.5; give its symmetric part"):
        na.theory.directpred_flow(lower, np.eye(2), TIMES)
    with pytest.raises(na.InputError, match="correlation has the negative eigenvalue -1"):
        na.theory.directpred_flow(np.eye(2), np.diag([1.0, -1.0]), TIMES)
    with pytest.raises(na.InputError, match="predictor and correlation have different eigenvectors"):
        na.theory.directpred_flow(np.array([[1.0, 0.5], [0.5, 1.0]]), np.diag([1.0, 2.0]), TIMES)
    with pytest.raises(na.InputError, match=r"predictor has shape \(2,\) and correlation \(3,\)"):
        na.theory.directpred_flow([1.0, 1.0], [1.0, 1.0, 1.0], TIMES)
    with pytest.raises(na.InputError, match="predictor is missing"):
        na.theory.directpred_flow(None, [1.0], TIMES)
    with pytest.raises(na.InputError, match=r"weight_decay is -0\.1"):
        na.theory.directpred_flow([1.0], [1.0], TIMES, weight_decay=-0.1)
    with pytest.raises(na.InputError, match="rule is 'eigen'"):
        na.theory.directpred_flow([1.0], [1.0], TIMES, rule="eigen")
    with pytest.raises(na.InputError, match="times do not rise"):
        na.theory.directpred_flow([1.0], [1.0], [1.0, 0.5])
    with pytest.raises(na.InputError, match="correlation holds 4 NaN"):
        na.theory.directpred_flow(np.eye(2), np.full((2, 2), np.nan), TIMES)


@pytest.mark.parametrize(
    ("predictor", "correlation", "options", "message"),
    [
        (["a"], [1.0], {}, r"predictor is text; expected eigenvalues \(mode,\)"),
        ([1j], [1.0], {}, "predictor is complex numbers"),
        ([1.0], [1.0 + 1j], {}, "correlation is complex numbers"),
        ([True], [1.0], {}, "predictor is booleans"),
        ([np.nan], [1.0], {}, "predictor holds 1 NaN"),
        (1.0, [1.0], {}, r"predictor has shape \(\); .* as \[1\.0\]"),
        ([1.0], [-1.0], {}, "correlation holds the negative number -1"),
        ([1.0], [1.0], {"tau": [1.0, 1.0], "ema": 0.5}, r"tau has shape \(2,\); expected one number, or 1 of them"),
        ([1.0], [1.0], {"tau": np.nan, "ema": 0.5}, "tau holds 1 NaN"),
        ([1.0], [1.0], {"tau": "a"}, "tau is text"),
        ([1.0], [1.0], {"times": "ab"}, "times is text"),
        ([1.0], [1.0], {"times": [-1.0, 1.0]}, "times begin at -1; expected numbers from 0 on"),
        ([1.0], [1.0], {"times": 3.0}, "times has shape"),
        ([1.0], [1.0], {"ema": True}, "ema is True"),
        ([1.0], [1.0], {"noise": np.inf}, "noise is inf"),
        ([1.0], [1.0], {"predictor_rate": 0}, "predictor_rate is 0; expected a finite number above 0"),
        ([1.0], [1.0], {"rule": None}, "rule is None"),
    ],
)
def test_bad_numbers(predictor, correlation, options, message):
    with pytest.raises(na.InputError, match=message) as told:
        na.theory.directpred_flow(predictor, correlation, **{"times": TIMES, **options})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", DIRECTPRED)
def test_the_implicit_flow_is_the_explicit_one(name):
    setting = DIRECTPRED[name]
    p, s, tau = start()
    state = np.stack([p, s, np.ones(3) if setting.ema is None else tau])
    times = np.linspace(0, 60, 61)
    expected = integrate(lambda y: directpred.mode_field(y, setting), state, times)
    found = directpred.mode_flow(state, setting, times)
    first = 0 if setting.rule == "gradient" else 1
    np.testing.assert_allclose(found[:, first:], expected[:, first:], atol=1e-8)
    if first:
        np.testing.assert_allclose(found[:, 0], np.sqrt(found[:, 1]) + 0.01 * found[:, 1].max(axis=1)[:, None])


def test_any_real_number_will_do():
    setting = DirectPredSetting(np.float32(2), 0, np.float64(0.25), np.int64(1))
    assert setting == DirectPredSetting(2.0, 0.0, 0.25, 1.0)
    flow = na.theory.directpred_flow([0.5], [0.3], TIMES, weight_decay=np.float32(0.25))
    assert isinstance(flow.attrs["weight_decay"], float)
