"""Spectral contrastive loss: value by a loop, gradient by its closed form, and the matrix it factorises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.ssl.objectives import Outputs, make_objective
from neuroalpha.ssl.objectives.spectral import clip_norm


def make(mu=1.0, p=4):
    return make_objective("spectral", n_features=p, n_projection=p, options={"mu": mu})


def problem(seed=0, scale=1.0, n=7, p=4):
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=(n, p)), scale * rng.normal(size=(n, p))


def value(objective, first, second):
    z = tuple(torch.from_numpy(x).requires_grad_() for x in (first, second))
    loss = objective(Outputs(z, z))
    loss.backward()
    return loss.item(), [x.grad.numpy() for x in z]


def clipped(x, norm):
    return np.array([row * min(1.0, norm / np.linalg.norm(row)) for row in x])


@pytest.mark.parametrize("mu", [1.0, 3.0])
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_value_by_a_loop(mu, scale):
    first, second = problem(scale=scale)
    a, b = clipped(first, mu**0.5), clipped(second, mu**0.5)
    n = len(a)
    positive = np.mean([a[i] @ b[i] for i in range(n)])
    negative = np.mean([(a[i] @ b[j]) ** 2 for i in range(n) for j in range(n) if i != j])
    assert value(make(mu), first, second)[0] == pytest.approx((negative - 2 * positive) / mu, rel=1e-12)


@pytest.mark.parametrize("mu", [1.0, 3.0])
def test_gradient_is_the_closed_form(mu):
    """Of clipped rows the part across them, times the factor of the clip."""
    first, second = problem(scale=0.6)
    lengths = np.linalg.norm(first, axis=1)
    assert {True, False} == set(lengths > 1)  # both kinds
    a, b = clipped(first, mu**0.5), clipped(second, mu**0.5)
    n, expected = len(a), []
    for i in range(n):
        gradient = -2 * b[i] / n + sum(2 * (a[i] @ b[j]) * b[j] for j in range(n) if j != i) / (n * (n - 1))
        if lengths[i] > mu**0.5:
            unit = first[i] / lengths[i]
            gradient = mu**0.5 / lengths[i] * (gradient - unit * (unit @ gradient))
        expected.append(gradient / mu)
    np.testing.assert_allclose(value(make(mu), first, second)[1][0], expected, rtol=1e-9, atol=1e-14)


def test_minimum_is_the_best_factorisation_of_the_graph():
    """On a small graph of views, gradient descent finds the error of the truncated eigendecomposition (theorem)."""
    rng = np.random.default_rng(0)
    joint = rng.uniform(size=(6, 6)) + 4 * np.kron(np.eye(3), np.ones((2, 2)))
    joint = (joint + joint.T) / (joint + joint.T).sum()
    marginal = joint.sum(axis=1)
    normalised = joint / np.sqrt(np.outer(marginal, marginal))
    best = np.sort(np.linalg.eigvalsh(normalised))[::-1][:3]
    z = torch.from_numpy(rng.normal(size=(6, 3))).requires_grad_()
    weight, pairs = torch.from_numpy(marginal), torch.from_numpy(joint)
    optimiser = torch.optim.LBFGS([z], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16)

    def population():
        """The loss's two means with the graph's probabilities instead of a batch."""
        optimiser.zero_grad()
        product = z @ z.T
        loss = -2 * (pairs * product).sum() + (torch.outer(weight, weight) * product.square()).sum()
        loss.backward()
        return loss

    optimiser.step(population)
    assert population().item() == pytest.approx(-(best**2).sum(), rel=1e-8)
    # And a large batch of the graph's pairs has the population's loss.
    drawn = rng.choice(36, size=3000, p=joint.ravel())
    points = z.detach()
    views = tuple(points[torch.from_numpy(index)] for index in np.divmod(drawn, 6))
    mu = float(points.square().sum(dim=1).max()) + 1
    found = mu * make(mu, 3)(Outputs(views, views)).item()
    assert found == pytest.approx(population().item(), rel=0.05)


@given(seed=st.integers(0, 200))
@settings(max_examples=25)
def test_invariances(seed):
    first, second = problem(seed)
    rng = np.random.default_rng(seed)
    rotation, order = np.linalg.qr(rng.normal(size=(4, 4)))[0], rng.permutation(len(first))
    plain = value(make(), first, second)[0]
    assert value(make(), first[order] @ rotation, second[order] @ rotation)[0] == pytest.approx(plain, rel=1e-9)
    assert value(make(), second, first)[0] == pytest.approx(plain, rel=1e-9)


def test_zeros_have_a_finite_gradient():
    z = torch.zeros(3, 2, requires_grad=True)
    clip_norm(z, 1.0).sum().backward()
    assert torch.equal(z.grad, torch.ones(3, 2))


@pytest.mark.parametrize("mu", [0, -1.0, float("nan"), True])
def test_bad_mu(mu):
    with pytest.raises(na.InputError, match=r"mu is .*; expected a number above 0"):
        make(mu)
