"""One prediction against one target: values by loops, gradients by the closed forms of the paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuroalpha.ssl.objectives.alignment import (
    cosine_loss,
    euclidean_loss,
    iso_cosine_loss,
    iso_euclidean_loss,
)


def problem(n=9, p=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z, t = (torch.randn(n, p, generator=generator, dtype=torch.float64) for _ in range(2))
    basis = torch.linalg.qr(torch.randn(p, p, generator=generator, dtype=torch.float64)).Q
    weights = basis @ torch.diag(torch.linspace(0.1, 1.3, p, dtype=torch.float64)) @ basis.T
    return z.requires_grad_(), t.requires_grad_(), weights


def gradient_of_cosine(p, t):
    """Of 2 - 2 cos(p, t) for p, image by image."""
    rows = []
    for one, other in zip(p.detach().numpy(), t.detach().numpy(), strict=True):
        length, norm = np.linalg.norm(one), np.linalg.norm(other)
        rows.append(-2 * (other / (length * norm) - (one @ other) * one / (length**3 * norm)))
    return np.array(rows)


def test_values_by_loops():
    z, t, weights = problem()
    p = z @ weights
    pairs = list(zip(p.detach().numpy(), t.detach().numpy(), strict=True))
    euclidean = np.mean([sum((a - b) ** 2) for a, b in pairs])
    cosine = np.mean([2 - 2 * (a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs])
    assert euclidean_loss(z, p, t).item() == pytest.approx(euclidean, rel=1e-12)
    assert iso_euclidean_loss(z, p, t).item() == pytest.approx(euclidean, rel=1e-12)
    assert cosine_loss(z, p, t).item() == pytest.approx(cosine, rel=1e-12)


def test_value_of_the_isotropic_cosine_loss():
    z, t, weights = problem()
    root = np.linalg.cholesky(weights.numpy())  # any root: |R' z|^2 = z' W z
    found = iso_cosine_loss(z, z @ weights, t).item()
    terms = []
    for one, other in zip(z.detach().numpy(), t.detach().numpy(), strict=True):
        p = weights.numpy() @ one
        length, norm = np.linalg.norm(p), np.linalg.norm(other)
        terms.append(one @ other / (length * norm) - 0.5 * (p @ other) / (length**3 * norm) * sum((root.T @ one) ** 2))
    assert found == pytest.approx(-2 * np.mean(terms), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "gradient", "through_predictor"),
    [
        (euclidean_loss, lambda p, t: 2 * (p - t).detach().numpy(), True),
        (iso_euclidean_loss, lambda p, t: 2 * (p - t).detach().numpy(), False),
        (cosine_loss, gradient_of_cosine, True),
        (iso_cosine_loss, gradient_of_cosine, False),
    ],
)
def test_gradient_is_the_closed_form(loss, gradient, through_predictor):
    z, t, weights = problem()
    p = z @ weights
    loss(z, p, t.detach()).backward()
    expected = gradient(p, t) / len(z)
    if through_predictor:
        expected = expected @ weights.numpy()
    np.testing.assert_allclose(z.grad.numpy(), expected, rtol=1e-10, atol=1e-14)
    assert t.grad is None


@pytest.mark.parametrize(("iso", "plain"), [(iso_euclidean_loss, euclidean_loss), (iso_cosine_loss, cosine_loss)])
def test_without_a_predictor_isotropic_is_plain(iso, plain):
    grads = []
    for loss in (iso, plain):
        z, t, _ = problem()
        loss(z, z, t.detach()).backward()
        grads.append(z.grad)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-12, atol=1e-14)


def test_without_the_stop_gradient_the_target_moves_too():
    z, t, weights = problem()
    euclidean_loss(z, z @ weights, t).backward()
    np.testing.assert_allclose(t.grad.numpy(), -2 * ((z @ weights) - t).detach().numpy() / len(z), rtol=1e-12)


@pytest.mark.parametrize("loss", [euclidean_loss, cosine_loss, iso_euclidean_loss, iso_cosine_loss])
def test_collapsed_projections_have_a_finite_gradient(loss):
    z = torch.zeros(4, 3, requires_grad=True)
    loss(z, z @ torch.eye(3), torch.zeros(4, 3)).backward()
    assert torch.isfinite(z.grad).all()
