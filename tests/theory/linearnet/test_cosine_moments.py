"""The cosine update's quadrature: against integrals over an angle, many samples, a finer rule, its invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.linearnet import cosine_moments
from neuroalpha.theory.linearnet.cosine_moments import CosineMoments, cosine_update
from neuroalpha.theory.linearnet.settings import EXTRA, TOY
from neuroalpha.theory.linearnet.system import symmetric_root
from neuroalpha.theory.linearnet.update import sample_update
from neuroalpha.theory.linearnet.views import draw_views

ALL = {**TOY, **EXTRA}
COSINE = [name for name in ALL if name.startswith("cosine")]


def around_the_circle(lam, gain):
    """E[gradient of the cosine of (gain z, z)] z / lam for z ~ N(0, lam) in two modes, by the normal vector's angle."""

    def at(angle):
        a = np.array([np.cos(angle), np.sin(angle)])
        z, p = np.sqrt(lam) * a, gain * np.sqrt(lam) * a
        direction = z / (np.linalg.norm(p) * np.linalg.norm(z))
        direction = direction - (p @ z) * p / (np.linalg.norm(p) ** 3 * np.linalg.norm(z))
        return direction * z / lam

    return np.array([quad(lambda t, m=m: at(t)[m] / np.pi, 0, np.pi, epsabs=1e-13)[0] for m in (0, 1)])


@pytest.mark.parametrize("variant", ["predictor", "iso"])
@pytest.mark.parametrize("lam", [(0.5, 1.5), (3.0, 0.1), (1.0, 1.0)])
def test_two_modes_with_equal_views_are_an_integral_over_angles(lam, variant):
    lam = np.array(lam)
    wanted = around_the_circle(lam, lam) * (lam if variant == "predictor" else 1)
    np.testing.assert_allclose(CosineMoments().rates(lam, FlowSetting("cosine", variant), 0), wanted, atol=2e-8)


@pytest.mark.parametrize("name", COSINE)
def test_spacing_is_fine_enough(name, monkeypatch):
    lam = np.array([2.5, 1.4, 1.2, 1.0, 0.7, 0.6, 0.4, 0.35, 0.2, 0.1])
    found = CosineMoments().rates(lam, ALL[name], 0)
    monkeypatch.setattr(cosine_moments, "SPACING", 0.15)
    monkeypatch.setattr(cosine_moments, "NEGLIGIBLE", 1e-17)
    finer = CosineMoments().rates(lam, ALL[name], 0)
    np.testing.assert_allclose(found, finer, atol=1e-8 * np.abs(finer).max())


@pytest.mark.parametrize("name", COSINE)
def test_cosine_moments_are_those_of_many_samples(name):
    rng, setting = np.random.default_rng(0), ALL[name]
    weights, x = rng.normal(size=(4, 6)) / 2, np.random.default_rng(1).normal(size=(12, 6))
    spread = x.T @ x / 12 if setting.ema is None else None
    root = symmetric_root(spread) if spread is not None else None
    target = weights
    if setting.ema is not None:  # same singular vectors, other singular values
        left, _, right = np.linalg.svd(weights, full_matrices=False)
        target = (left * [1.2, 0.7, 0.5, 0.3]) @ right
    parts = []
    for index in range(8):
        one, two = draw_views(12_000, 6, setting.noise1, setting.noise2, seed=3, index=index, whiten=True, root=root)
        parts.append(sample_update(weights, target, one, two, setting, root=root))
    mean, error = np.mean(parts, axis=0), np.std(parts, axis=0, ddof=1).max() / np.sqrt(8)
    found = cosine_update(weights, target, setting, CosineMoments(), 0, spread)
    assert np.abs(found - mean).max() < 4.5 * error
    if setting.variant != "no predictor":  # whose update is as small as the noise of its samples
        assert error < 0.12 * np.abs(found).max()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(0.01, 10), min_size=3, max_size=6),
    st.sampled_from(COSINE),
    st.floats(0.1, 10),
    st.randoms(use_true_random=False),
)
def test_rates_keep_the_trace_scale_and_permute(values, name, factor, random):
    lam, setting = np.array(values), ALL[name]
    found = CosineMoments().rates(lam, setting, 0)
    size = max(np.abs(found).max(), 1e-2)
    order = list(range(lam.size))
    random.shuffle(order)
    np.testing.assert_allclose(CosineMoments().rates(lam[order], setting, 0), found[order], atol=1e-8 * size)
    if setting.variant in ("predictor", "no predictor"):
        assert abs(found @ lam) < 1e-7  # of two terms of about 1
    # W -> c W turns the update over: its length is that of 1 / W
    power = 1.0 if setting.variant != "iso" else 1 + setting.power
    if setting.variant in ("predictor", "no predictor", "iso"):
        scaled = CosineMoments().rates(factor * lam, setting, 0)
        np.testing.assert_allclose(scaled * factor**power, found, atol=1e-7 * size)


def test_equal_modes_rest():
    assert np.abs(CosineMoments().rates(np.full(5, 0.7), FlowSetting("cosine", noise2=0.01), 0)).max() < 1e-9
