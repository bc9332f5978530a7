"""lidar: a published tensor, scipy's generalised eigenvalues, exact and sampled covariances, invariants, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.stats import entropy, ortho_group

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree import lidar as module
from neuroalpha.spectrum.labelfree.lidar import lidar


def data(seed, n=40, q=6, p=8):
    rng = np.random.default_rng(seed)
    objects = rng.normal(size=(n, 1, p)) * np.arange(1, p + 1) ** -0.5 + rng.normal(size=p)
    return objects + 0.3 * rng.normal(size=(n, q, p)) * np.linspace(0.5, 2, p)


def brute_force(views, delta):
    """Covariances by loops over objects and views."""
    n, q, p = views.shape
    means = np.array([sum(one) / q for one in views])
    centre = sum(means) / n
    between, within = np.zeros((2, p, p))
    for mean, one in zip(means, views, strict=True):
        between += np.outer(mean - centre, mean - centre) / n
        for view in one:
            within += np.outer(view - mean, view - mean) / (n * q)
    return between, within + delta * np.eye(p)


@pytest.fixture(scope="module")
def published():
    """The tensor of reptrix's test."""
    return torch.randn(1000, 10, 1024, generator=torch.Generator().manual_seed(0))


def test_published_tensor_by_the_paper_and_by_the_toolbox(published):
    scatter = module.scatter(published.numpy())
    assert module.of_scatter(scatter) == pytest.approx(588.99, abs=0.005)
    # Its del_sigma_augs is 1e-6, added to a sum over 10 views; the toolbox's own test allows 1e-5.
    assert module.of_scatter(scatter, "squared eigenvalues", 1e-7) == pytest.approx(348.08795, rel=1e-5)


@pytest.mark.parametrize("shape", [(40, 6, 8), (6, 5, 10), (30, 2, 8)])
@pytest.mark.parametrize("delta", [1e-4, 0.3])
def test_scipys_generalised_eigenvalues_of_looped_covariances(shape, delta):
    views = data(0, *shape)
    between, within = brute_force(views, delta)
    share = linalg.eigh(between, within, eigvals_only=True).clip(0)
    assert lidar(views, delta=delta, epsilon=0) == pytest.approx(np.exp(entropy(share)), rel=1e-6)


def test_variant_is_pca_of_the_lidar_matrix():
    views = data(1)
    between, within = brute_force(views, 1e-4)
    root = linalg.inv(linalg.sqrtm(within).real)
    as_data = root @ between @ root
    share = np.linalg.eigvalsh(np.cov(as_data.T)).clip(0)
    found = lidar(views, variant="squared eigenvalues", epsilon=0)
    assert found == pytest.approx(np.exp(entropy(share)), rel=1e-6)
    assert found < lidar(views)


def test_covariances_that_are_known_exactly():
    p = 5
    between, within, delta = np.array([4.0, 3, 2, 1, 0.5]), np.array([0.1, 0.4, 0.2, 0.3, 0.5]), 0.05
    signs = np.vstack([np.eye(p), -np.eye(p)])  # each axis both ways: mean zero, covariance diagonal
    objects, offsets = signs * np.sqrt(p * between), signs * np.sqrt(p * within)
    share = between / (within + delta)
    found = lidar(objects[:, None] + offsets[None], delta=delta, epsilon=0)
    assert found == pytest.approx(np.exp(entropy(share)), rel=1e-12)


def test_sampled_covariances_come_close_to_the_known_answer():
    rng = np.random.default_rng(0)
    between, within = np.array([4.0, 4, 4, 0, 0, 0]), np.array([1.0, 1, 1, 9, 9, 9])
    views = np.sqrt(between) * rng.normal(size=(4000, 1, 6)) + np.sqrt(within) * rng.normal(size=(4000, 20, 6))
    # The mean of 20 views keeps a twentieth of the variance within.
    share = between / within + 1 / 20
    assert lidar(views) == pytest.approx(np.exp(entropy(share)), rel=0.02)


def test_noise_between_views_does_not_count():
    """Twenty loud directions that do not tell images apart leave the three that do."""
    rng = np.random.default_rng(0)
    views = 0.01 * rng.normal(size=(300, 30, 23))
    views[..., :3] += rng.normal(size=(300, 1, 3))
    views[..., 3:] += 50 * rng.normal(size=(300, 30, 20))
    assert lidar(views) == pytest.approx(3, abs=0.1)


def test_blocks_add_up(monkeypatch):
    views = data(2)
    whole = lidar(views)
    monkeypatch.setattr("neuroalpha.spectrum.blocks.BLOCK_BYTES", 8 * 6 * 8 * 7)
    pieces = list(module.slices(40, 48))
    assert len(pieces) == 6
    assert lidar(views) == pytest.approx(whole, rel=1e-10)


def test_objects_that_are_alike_have_no_rank():
    rng = np.random.default_rng(0)
    offsets = np.float32(rng.normal(size=(1, 5, 7)))
    assert np.isnan(lidar(np.repeat(offsets, 20, axis=0)))
    rounding = 3 + np.float32(1e-7) * np.float32(rng.normal(size=(20, 5, 7)))
    assert np.isnan(lidar(rounding.astype(np.float32)))
    assert np.isnan(lidar(np.zeros((4, 3, 2))))


def test_views_that_are_alike_leave_the_rank_of_the_objects():
    objects = np.repeat(np.vstack([np.eye(4), -np.eye(4)])[:, None], 3, axis=1)
    assert lidar(objects, epsilon=0) == pytest.approx(4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_invariants(seed, scale):
    views = data(seed, 20, 4, 6)
    rng = np.random.default_rng(seed)
    turned = views[rng.permutation(20)] @ ortho_group.rvs(6, random_state=rng) + rng.normal(size=6)
    turned = turned[:, rng.permutation(4)] * scale
    assert lidar(turned, delta=1e-2 * scale**2) == pytest.approx(lidar(views, delta=1e-2), rel=1e-6)
    if scale != 1:
        permuted = views[rng.permutation(20)][..., rng.permutation(6)]
        squared = [lidar(v, variant="squared eigenvalues") for v in (views, permuted)]
        assert squared[0] == pytest.approx(squared[1], rel=1e-6)


@pytest.mark.parametrize(
    ("views", "match"),
    [
        (np.zeros((5, 4)), r"views have shape \(5, 4\); expected \(object, view, unit\)"),
        (np.ones((1, 4, 3)), "at least 2 rows"),
        (np.ones((5, 1, 3)), "one view of each of 5 objects"),
        (np.full((5, 2, 3), np.nan), "in 5 of 5 rows"),
    ],
)
def test_bad_views(views, match):
    with pytest.raises(InputError, match=match):
        lidar(views)


def test_bad_options():
    views = data(0)
    with pytest.raises(InputError, match="variant is 'reptrix'"):
        lidar(views, variant="reptrix")
    with pytest.raises(InputError, match="delta is -1"):
        lidar(views, delta=-1)
    with pytest.raises(InputError, match="epsilon is None"):
        lidar(views, epsilon=None)
    with pytest.raises(InputError, match="no inverse; give a larger delta"):
        lidar(data(0, 4, 2, 8), delta=0)
    assert lidar(views, delta=0) > 1
