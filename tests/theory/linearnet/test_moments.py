"""Updates over the whole population: against whitened samples, large samples and quasi-random directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.linearnet.cosine_moments import CosineMoments, cosine_update
from neuroalpha.theory.linearnet.moments import euclidean_update
from neuroalpha.theory.linearnet.quasi_random import CosinePoints
from neuroalpha.theory.linearnet.settings import EXTRA, TOY
from neuroalpha.theory.linearnet.system import symmetric_root
from neuroalpha.theory.linearnet.update import sample_update
from neuroalpha.theory.linearnet.views import draw_views

ALL = {**TOY, **EXTRA}
COSINE = [name for name in ALL if name.startswith("cosine")]


def weights_of(seed=0, shape=(4, 6)):
    return np.random.default_rng(seed).normal(size=shape) / 2


def covariance_of(n, seed=1):
    x = np.random.default_rng(seed).normal(size=(2 * n, n))
    return x.T @ x / (2 * n)


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("name", [name for name in ALL if name not in COSINE])
def test_euclidean_moments_are_those_of_whitened_samples(name, coloured):
    weights = weights_of()
    spread = covariance_of(6) if coloured else None
    root = symmetric_root(spread) if coloured else None
    target = weights if ALL[name].variant == "no stop-gradient" else 0.8 * weights
    one, two = draw_views(60, 6, ALL[name].noise1, ALL[name].noise2, seed=0, index=0, whiten=True, root=root)
    sampled = sample_update(weights, target, one, two, ALL[name], root=root)
    np.testing.assert_allclose(euclidean_update(weights, target, ALL[name], spread), sampled, atol=1e-10)


@pytest.mark.parametrize("name", COSINE)
def test_cosine_moments_are_those_of_many_samples(name):
    weights, setting = weights_of(), ALL[name]
    spread = covariance_of(6) if setting.ema is None else None
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


@pytest.mark.parametrize("name", [name for name in COSINE if ALL[name].ema is None])
def test_quadrature_and_quasi_random_directions_agree(name):
    lam = np.array([2.5, 1.4, 1.2, 1.0, 0.7, 0.6, 0.4, 0.35, 0.2, 0.1])
    points = CosinePoints(10, ALL[name].noise1, ALL[name].noise2, seed=0, n_blocks=32)
    average = np.mean([points.rates(lam, ALL[name], index) for index in range(32)], axis=0)
    exact = CosineMoments().rates(lam, ALL[name], 0)
    near = 0.03 if ALL[name].variant == "no predictor" else 0.01
    np.testing.assert_allclose(average, exact, atol=near * np.abs(exact).max())


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
    np.testing.assert_allclose(CosineMoments().rates(lam[order], setting, 0), found[order], atol=1e-6 * size)
    if setting.variant in ("predictor", "no predictor"):
        assert abs(found @ lam) < 1e-6  # of two terms of about 1
    # W -> c W turns the update over: its length is that of 1 / W
    power = 1.0 if setting.variant != "iso" else 1 + setting.power
    if setting.variant in ("predictor", "no predictor", "iso"):
        scaled = CosineMoments().rates(factor * lam, setting, 0)
        np.testing.assert_allclose(scaled * factor**power, found, atol=1e-5 * size)


def test_equal_modes_rest():
    assert np.abs(CosineMoments().rates(np.full(5, 0.7), FlowSetting("cosine", noise2=0.01), 0)).max() < 1e-7


def test_views_are_repeatable_fresh_and_of_the_noise_asked_for():
    again, first = (draw_views(50_000, 3, 0.2, 0.0, seed=1, index=4) for _ in range(2))
    np.testing.assert_array_equal(again[0], first[0])
    assert np.abs(draw_views(50_000, 3, 0.2, 0.0, seed=1, index=5)[0] - first[0]).max() > 0.1
    np.testing.assert_allclose(np.cov((first[0] - first[1]).T), 0.2 * np.eye(3), atol=0.01)
    np.testing.assert_allclose(np.cov(first[1].T), np.eye(3), atol=0.03)
