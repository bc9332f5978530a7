from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import neuroalpha as na
from neuroalpha.theory.eigenflow import integration
from neuroalpha.theory.eigenflow.cosine_field import CosineField
from neuroalpha.theory.eigenflow.settings import NAMES, FlowSetting
from neuroalpha.theory.eigenflow.solve import flow

TOY = np.linalg.eigvalsh(np.cov(np.random.RandomState(2).randn(10, 15) / 4, bias=True) * 15)
EXTRA = [
    FlowSetting(weight_decay=0.1),
    FlowSetting("cosine", "iso", 0.5, 0.1, 0.2, weight_decay=0.01),
    FlowSetting("cosine", "no stop-gradient", exact_gradient=True, weight_decay=0.02),
    FlowSetting("euclidean", "iso", ema=0.5),
]


@settings(max_examples=4, deadline=None)
@given(st.lists(st.floats(0.3, 2.0), min_size=2, max_size=5), st.floats(0.2, 2.0), st.integers(0, 99))
@pytest.mark.parametrize("setting", [*NAMES.values(), *EXTRA], ids=lambda each: each.name)
def test_order_of_modes_and_where_time_begins_do_not_matter(setting, start, first, seed):
    start, times = np.array(start), np.array([0.0, first, first + 0.5])
    if setting.variant == "no stop-gradient" and setting.loss == "cosine" and not setting.exact_gradient:
        start = start + 1  # smaller eigenvalues can reach 0 at a finite time
    found = flow(start, times, setting)
    order = np.random.default_rng(seed).permutation(start.size)
    np.testing.assert_allclose(flow(start[order], times, setting), found[:, order], rtol=1e-8)
    if setting.ema is None:  # with a target network the state is more than the eigenvalues
        np.testing.assert_allclose(flow(found[1], times[:1] + 0.5, setting)[0], found[2], rtol=1e-8)


@pytest.mark.parametrize("name", ["cosine", "cosine no predictor"])
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_trace_is_conserved_and_all_become_equal(name, power):
    setting = FlowSetting("cosine", NAMES[name].variant, power, noise2=0.5)
    found = flow(TOY, np.append(np.linspace(0, 100, 21), 1e4), setting)
    np.testing.assert_allclose(found.sum(axis=1), TOY.sum(), rtol=1e-10)
    np.testing.assert_allclose(found[-1], TOY.mean(), rtol=1e-6)


def test_iso_under_the_cosine_loss_does_not_keep_the_trace():
    found = flow(TOY, np.array([0.0, 200.0]), NAMES["cosine iso"])
    assert found[1].sum() > 1.1 * TOY.sum()
    np.testing.assert_allclose(found[1], found[1].mean(), rtol=1e-6)


@pytest.mark.parametrize("setting", [each for each in EXTRA if each.loss == "cosine"], ids=lambda each: each.name)
def test_weight_decay_against_plain_integration(setting):
    start, times = np.array([0.6, 1.0, 1.7]), np.linspace(0, 1, 3)
    field = CosineField(setting)

    def velocity(_, log):
        field.choose(log)
        return field.rate(log) - 2 * setting.weight_decay

    wanted = solve_ivp(velocity, (0, 1), np.log(start), "DOP853", times, rtol=1e-8, atol=1e-8).y.T
    np.testing.assert_allclose(flow(start, times, setting), np.exp(wanted), rtol=1e-7)


def test_ema_target_of_the_cosine_loss_against_plain_integration():
    setting = FlowSetting("cosine", "predictor", noise1=0.1, noise2=0.2, weight_decay=0.01, ema=0.5)
    start, times = np.array([0.4, 1.0, 1.7]), np.linspace(0, 3, 4)
    field = CosineField(setting)

    def velocity(_, state):
        s, target = state[:3], state[3:]
        field.choose(2 * np.log(s), 2 * np.log(target))
        rate = field.rate(2 * np.log(s), 2 * np.log(target)) / 2
        return np.concatenate([s * (rate - setting.weight_decay), setting.ema * (s - target)])

    wanted = solve_ivp(velocity, (0, 3), np.tile(np.sqrt(start), 2), "DOP853", times, rtol=1e-9, atol=1e-9).y.T
    np.testing.assert_allclose(flow(start, times, setting), wanted[:, :3] ** 2, rtol=1e-7)


def test_long_after_all_is_at_rest():
    late = flow(np.array([0.4, 1.6]), np.array([1.0, 1e9]), NAMES["cosine"])
    np.testing.assert_allclose(late[1], [1.0, 1.0], rtol=1e-8)
    decayed = flow(np.array([0.4, 1.6]), np.array([1e4]), FlowSetting("cosine", weight_decay=1.0))
    assert (decayed == 0).all()


def test_many_modes_with_a_target_network_and_long_times(monkeypatch):
    """Each mode moves as it does alone; explicit steps alone would be some 3,000."""
    monkeypatch.setattr(integration, "MOST_STEPS", 400)
    start, times = np.linspace(0.05, 2, 300), np.geomspace(1e-3, 1e4, 50)
    for variant in ("predictor", "iso"):
        setting = FlowSetting("euclidean", variant, power=0.5, noise1=0.2, ema=0.5)
        found = flow(start, times, setting)
        alone = flow(start[[7]], times, setting)
        np.testing.assert_allclose(found[:, [7]], alone, rtol=1e-8)
        np.testing.assert_allclose(found[-1], 1 / 1.2**2, rtol=1e-9)


@pytest.mark.parametrize("ema", [None, 0.5])
def test_one_mode_at_rest_and_others_that_fall_for_ever(ema, monkeypatch):
    """Explicit steps alone would be a million over six at the least."""
    monkeypatch.setattr(integration, "MOST_STEPS", 2000)
    found = flow(np.array([1.0, 0.5, 0.01]), np.array([0.0, 300.0, 1e6]), FlowSetting(weight_decay=0.1, ema=ema))
    np.testing.assert_allclose(found[-1], [(1 + np.sqrt(0.6)) / 2] * 2 + [0.0], rtol=1e-9)


@pytest.mark.parametrize("variant", ["predictor", "iso"])
def test_weight_decay_of_the_cosine_loss_for_many_modes_and_ever(variant, monkeypatch):
    """All become equal and then shrink at 2 w: explicit steps alone would go on to a time of exp(2 w t)."""
    monkeypatch.setattr(integration, "MOST_STEPS", 400)
    start, decay = np.linspace(0.3, 1, 250), 0.01
    found = flow(start, np.array([0.0, 900.0, 1000.0]), FlowSetting("cosine", variant, weight_decay=decay))
    assert np.ptp(found[1]) < 1e-9 * found[1].mean()
    np.testing.assert_allclose(found[2] / found[1], np.exp(-200 * decay), rtol=1e-9)
    if variant == "predictor":
        np.testing.assert_allclose(found[1], start.mean() * np.exp(-1800 * decay), rtol=1e-9)


def test_a_flow_of_many_modes_is_given_up_in_words(monkeypatch):
    start, times = np.arange(1, 301) ** -1.0, np.linspace(0, 300, 5)
    monkeypatch.setattr(integration, "MOST_STEPS", 5)
    with pytest.raises(na.InputError, match=r"reached time [0-9.e-]+ of 300 after 5 steps, the last of size"):
        flow(start, times, NAMES["cosine"])
    monkeypatch.setattr(integration, "MOST_STEPS", 10**5)
    monkeypatch.setattr(integration, "MOST_WORK", 1e6)
    with pytest.raises(na.InputError, match=r"reached time [0-9.e-]+ of 300 after [0-9]+ steps of .* numbers each"):
        flow(start, times, NAMES["cosine"])


def test_many_modes_as_few_of_each():
    """400 modes in two groups by the shortcut for many modes, against as many without it."""
    start = np.repeat([0.3, 1.1], 200)
    found = flow(start, np.array([50.0]), NAMES["cosine"])[0]
    field = CosineField(NAMES["cosine"])
    field.rate(np.log(start))
    assert field.points
    np.testing.assert_allclose(found[:200], found[0], rtol=1e-9)
    np.testing.assert_allclose(found.sum(), start.sum(), rtol=1e-10)
    assert found[0] > 0.31
    assert found[-1] < 1.09


def test_modes_of_zero_stay_and_all_of_zero_has_no_cosine():
    for name in ("euclidean iso", "cosine"):
        found = flow(np.array([0.0, 0.5, 1.0]), np.array([0.0, 3.0]), NAMES[name])
        assert found[:, 0].tolist() == [0.0, 0.0]
        np.testing.assert_allclose(found[:, 1:], flow(np.array([0.5, 1.0]), np.array([0.0, 3.0]), NAMES[name]))
    assert flow(np.zeros(2), np.array([1.0]), NAMES["euclidean"]).tolist() == [[0.0, 0.0]]
    with pytest.raises(na.InputError, match="cosine loss is not defined"):
        flow(np.zeros(2), np.array([1.0]), NAMES["cosine"])


def test_a_flow_that_ends_says_when():
    with pytest.raises(na.InputError, match=r"the flow ends at time 0\.[0-9]+, where eigenvalues reach 0"):
        flow(np.linspace(0.4, 0.5, 20), np.array([0.0, 100.0]), NAMES["cosine no stop-gradient"])


@pytest.mark.parametrize(
    ("start", "times", "said"),
    [
        ([-0.1, 1.0], [0.0], "eigenvalue -0.1 of start is below 0"),
        ([[1.0]], [0.0], r"start has shape \(1, 1\); expected eigenvalues"),
        ([np.nan], [0.0], "start holds 1 NaN"),
        ([1.0], [0.0, 2.0, 1.0], "times do not rise: 2 is followed by 1"),
        ([1.0], [-1.0, 1.0], "times begin at -1; expected numbers from 0 on"),
        ([1.0], [], r"times has shape \(0,\)"),
    ],
)
def test_bad_input(start, times, said):
    with pytest.raises(na.InputError, match=said):
        flow(np.array(start), np.array(times), NAMES["euclidean"])
