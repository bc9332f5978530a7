"""Updates of the toy network: against automatic differentiation, loops over samples, and their own invariants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.linearnet.settings import EXTRA, TOY
from neuroalpha.theory.linearnet.update import predictor, sample_update

torch = pytest.importorskip("torch")

ALL = {**TOY, **EXTRA}


def problem(seed=0, n_modes=3, n_inputs=5, n=40):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(n_modes, n_inputs)) / 2
    view1 = rng.normal(size=(n, n_inputs))
    return weights, view1, view1 + 0.3 * rng.normal(size=(n, n_inputs))


def torch_loss(name, weights, target, matrix, one, two, relu):
    """The published losses, halved where that makes the notebook's rate; gradients stop where they say."""
    shape = torch.relu if relu else (lambda x: x)
    z1, z2 = shape(one @ weights.T), shape(two @ target.T)
    p = z1 @ matrix
    setting = ALL[name]
    if setting.loss == "euclidean":
        if setting.variant == "iso":  # |z - sg(zt + z - p)|^2 / 2
            return ((z1 - (z2 + z1 - p).detach()) ** 2).sum(1).mean() / 2
        return ((p - z2) ** 2).sum(1).mean() / 2
    if setting.variant == "iso":  # the published IsoLoss of a cosine, halved
        length = p.norm(dim=1).clamp(min=1e-12)  # of silent samples
        lengths = (length * z2.norm(dim=1).clamp(min=1e-12)).detach()
        values, vectors = torch.linalg.eigh(matrix)
        root = vectors * values.clamp(min=0).sqrt() @ vectors.T
        factor = ((p * z2).sum(1) / (lengths * length**2)).detach()
        return -((z1 * z2).sum(1) / lengths - 0.5 * factor * ((z1 @ root) ** 2).sum(1)).mean()
    return -torch.nn.functional.cosine_similarity(p, z2).mean()


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("name", [name for name in ALL if name != "cosine no stop-gradient"])
def test_updates_are_gradients_of_the_published_losses(name, relu):
    setting = replace(ALL[name], weight_decay=0.07)
    weights, one, two = problem()
    target = weights if setting.variant == "no stop-gradient" else weights + 0.2
    free = torch.tensor(weights, requires_grad=True)
    aim = free if setting.variant == "no stop-gradient" else torch.tensor(target)
    matrix = torch.tensor(predictor(weights @ weights.T, setting))
    loss = torch_loss(name, free, aim, matrix, torch.tensor(one), torch.tensor(two), relu)
    loss.backward()
    found = sample_update(weights, target, one, two, setting, relu=relu)
    np.testing.assert_allclose(found, -free.grad.numpy() - 0.07 * weights, atol=1e-12)


def test_iso_losses_have_the_values_that_are_published():
    weights, one, two = problem()
    matrix = torch.tensor(weights @ weights.T)
    args = (torch.tensor(weights), torch.tensor(weights), matrix, torch.tensor(one), torch.tensor(two), False)
    assert torch_loss("euclidean iso", *args).item() == pytest.approx(torch_loss("euclidean", *args).item())


def test_no_stop_gradient_of_the_cosine_is_as_coded_not_the_gradient():
    weights, one, two = problem()
    setting = TOY["cosine no stop-gradient"]
    matrix, total = weights @ weights.T, np.zeros_like(weights)
    for x1, x2 in zip(one, two, strict=True):  # the notebook's line, sample by sample
        z1, z2 = weights @ x1, weights @ x2
        p = matrix @ z1
        a, b = np.linalg.norm(p), np.linalg.norm(z2)
        total += np.outer(matrix @ (z2 + z1) / (a * b) - (p @ z2) * (matrix @ p + z2) / (a**3 * b), x1)
    found = sample_update(weights, weights, one, two, setting)
    np.testing.assert_allclose(found, total / len(one), atol=1e-12)
    assert np.abs(found - sample_update(weights, weights, one, two, replace(setting, exact_gradient=True))).max() > 0.01


@pytest.mark.parametrize("loss", ["euclidean", "cosine"])
def test_with_the_identity_as_predictor_all_are_one(loss):
    rng = np.random.default_rng(1)
    weights = np.linalg.qr(rng.normal(size=(5, 3)))[0].T  # W W' = 1
    _, one, two = problem()
    plain, iso, none = (
        sample_update(weights, weights, one, two, FlowSetting(loss, variant))
        for variant in ("predictor", "iso", "no predictor")
    )
    np.testing.assert_allclose(plain, iso, atol=1e-12)
    np.testing.assert_allclose(none, iso, atol=1e-12)


def test_silent_samples_give_nothing():
    weights, one, two = problem()
    weights = -np.abs(weights)
    found = sample_update(weights, weights, np.abs(one), np.abs(two), TOY["cosine"], relu=True)
    assert not found.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.sampled_from(list(ALL)))
def test_rotations_of_inputs_and_outputs_turn_the_update(seed, name):
    rng = np.random.default_rng(seed)
    weights, one, two = problem(seed)
    out, turn = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (3, 5))
    plain = sample_update(weights, weights, one, two, ALL[name])
    moved = out @ weights @ turn.T
    order = rng.permutation(len(one))
    turned = sample_update(moved, moved, (one @ turn.T)[order], (two @ turn.T)[order], ALL[name])
    np.testing.assert_allclose(turned, out @ plain @ turn.T, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.sampled_from(["cosine", "cosine no predictor", "cosine power 1/2"]))
def test_cosine_updates_keep_the_trace_to_first_order(seed, name):
    weights, one, two = problem(seed)
    assert abs((weights * sample_update(weights, weights, one, two, ALL[name])).sum()) < 1e-12
