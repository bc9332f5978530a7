"""rankme: a published tensor, numpy's SVD, closed forms, invariants, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy, ortho_group

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.rankme import rankme


def data(seed, n=60, p=20, mean=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * np.arange(1, p + 1) ** -0.7 + mean * rng.normal(size=p)


@pytest.fixture(scope="module")
def published():
    """The tensor of reptrix's test."""
    return torch.randn(1000, 1024, generator=torch.Generator().manual_seed(0))


def test_published_tensor_by_the_paper_and_by_the_toolbox(published):
    assert rankme(published) == pytest.approx(813.85, abs=0.005)
    assert rankme(published, epsilon=1e-7) == pytest.approx(814.357, abs=0.001)
    assert rankme(published, variant="centred eigenvalues") == pytest.approx(613.4726, rel=1e-6)


@pytest.mark.parametrize("shape", [(60, 20), (20, 60)])
@pytest.mark.parametrize("epsilon", [0.0, 1e-3])
def test_shares_of_numpys_singular_values(shape, epsilon):
    x = data(0, *shape)
    share = np.linalg.svd(x, compute_uv=False)
    share = share / share.sum() + epsilon
    assert rankme(x, epsilon=epsilon) == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-12)


@pytest.mark.parametrize("shape", [(60, 20), (20, 60)])
def test_variant_is_the_entropy_of_numpys_covariance(shape):
    x = data(0, *shape)
    share = np.linalg.eigvalsh(np.cov(x.T)).clip(0)
    assert rankme(x, variant="centred eigenvalues", epsilon=0) == pytest.approx(np.exp(entropy(share)), rel=1e-9)


def test_closed_forms():
    assert rankme(np.outer(np.arange(1.0, 9), np.ones(5))) == pytest.approx(1)
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 6)))[0]
    assert rankme(q) == pytest.approx(6)
    # Shares 1/2, 1/4, 1/4 have 1.5 bits.
    assert rankme(q[:, :3] * [2, 1, 1]) == pytest.approx(2**1.5)
    assert np.isnan(rankme(np.zeros((5, 3))))
    assert np.isnan(rankme(np.ones((5, 3)), variant="centred eigenvalues"))


def test_a_mean_counts_in_the_paper_and_not_in_the_variant():
    x = data(1, mean=0)
    assert rankme(x + 1000) < 1.1 < 5 < rankme(x)
    variant = [rankme(y, variant="centred eigenvalues") for y in (x, x + 1000)]
    assert variant[0] == pytest.approx(variant[1], rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6), st.sampled_from([{}, {"variant": "centred eigenvalues"}]))
def test_invariants(seed, scale, how):
    x = data(seed, 25, 8)
    rng = np.random.default_rng(seed)
    turned = rng.permutation(x) @ ortho_group.rvs(8, random_state=rng) * scale
    assert rankme(turned, **how) == pytest.approx(rankme(x, **how), rel=1e-7)
    assert 1 <= rankme(x) <= 8 + 1e-9


def test_types_of_numbers():
    x = np.random.default_rng(0).integers(-5, 5, size=(30, 6))
    assert rankme(x) == rankme(x.astype(np.float32)) == rankme(x.astype(np.float16)) == rankme(torch.tensor(x))


@pytest.mark.parametrize(
    ("features", "match"),
    [
        (np.zeros(5), r"shape \(5,\); expected \(stimulus, unit\)"),
        (np.zeros((1, 5)), "at least 2 rows"),
        (np.zeros((5, 0)), "shape"),
        (np.array([["a", "b"]] * 3), "real numbers"),
        ([[1.0, 2.0], [3.0]], "cannot be read|real numbers"),
        (torch.zeros(4, 4, requires_grad=True), "detach"),
        (np.array([[1.0, 2], [np.nan, 1], [1, 1]]), "in 1 of 3 rows .the first is row 1"),
        (np.array([[1.0, 2], [np.inf, -np.inf]]), "NaN or infinite values in 1 of 2 rows"),
        (np.full((3, 3), 1e200), "range of float64"),
        (np.full((3, 3), 1e-200), "range of float64"),
    ],
)
def test_bad_features(features, match):
    with pytest.raises(InputError, match=match):
        rankme(features)


def test_bad_options():
    with pytest.raises(InputError, match="variant is 'centred'; expected one of"):
        rankme(np.eye(4), variant="centred")
    for wrong in (-1, np.nan, "1", True, np.inf):
        with pytest.raises(InputError, match=r"epsilon is .*; expected a number"):
            rankme(np.eye(4), epsilon=wrong)
