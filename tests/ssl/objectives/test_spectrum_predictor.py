"""The computed predictor: both published variants against loops in numpy, and what must not depend on anything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.ssl.objectives.spectrum_predictor import SpectrumPredictor


def batches(count, n=12, p=4, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, p)) * np.array([2.0, 1.0, 0.5, 0.1])[:p] for _ in range(count)]


def predictor(variant, power=0.5, eps=0.0, memory=0.9, p=4):
    return SpectrumPredictor(p, variant=variant, power=power, eps=eps, memory=memory).double()


def matrix(values_to_weights, moment):
    values, vectors = np.linalg.eigh(moment)
    return vectors @ np.diag(values_to_weights(np.maximum(values, 0) / values.max())) @ vectors.T


@pytest.mark.parametrize(("power", "eps"), [(0.5, 0.0), (1.0, 0.25), (2.0, 0.1)])
def test_isoloss_variant_by_a_loop(power, eps):
    """The moment follows each view before that view is predicted: twice in a step, from zero, without correction."""
    module, moment = predictor("isoloss", power, eps), np.zeros((4, 4))
    for z in batches(6):
        found = module(torch.from_numpy(z)).numpy()
        moment = 0.9 * moment + 0.1 * z.T @ z / len(z)
        weights = matrix(lambda s: (s + eps) ** power, moment)
        np.testing.assert_allclose(found, z @ weights, rtol=1e-9, atol=1e-12)
        module.after_step()  # does nothing here
        np.testing.assert_allclose(module.moment.numpy(), moment, rtol=1e-12)


@pytest.mark.parametrize(("power", "eps"), [(0.5, 0.01), (1.0, 0.0), (2.0, 0.0)])
def test_tian_variant_by_a_loop(power, eps):
    """The moment starts at the first batch and follows the mean of both views after the step."""
    module, moment, weights = predictor("tian", power, eps, 0.3), None, np.eye(4)
    views = batches(8)
    for first, second in zip(views[::2], views[1::2], strict=True):
        for z in (first, second):
            np.testing.assert_allclose(module(torch.from_numpy(z)).numpy(), z @ weights, rtol=1e-9, atol=1e-12)
        module.after_step()
        new = (first.T @ first + second.T @ second) / (2 * len(first))
        moment = new if moment is None else 0.3 * moment + 0.7 * new
        weights = matrix(lambda s: np.maximum(s**power + eps, 1e-4), moment)


def test_power_one_is_the_moment_itself():
    module = predictor("isoloss", 1.0, 0.25)
    (z,) = batches(1)
    found = module(torch.from_numpy(z)).numpy()
    moment = z.T @ z
    expected = z @ (moment / np.linalg.eigvalsh(moment)[-1] + 0.25 * np.eye(4))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_no_gradient_through_the_matrix():
    module = predictor("isoloss")
    z = torch.from_numpy(batches(1)[0]).requires_grad_()
    module(z).sum().backward()
    weights = (module.vectors * module.weights) @ module.vectors.T
    torch.testing.assert_close(z.grad, torch.ones_like(z) @ weights)


def test_graph_of_the_first_view_survives_the_second():
    module = predictor("isoloss")
    first, second = (torch.from_numpy(z).requires_grad_() for z in batches(2))
    p = module(first)
    weights = (module.vectors * module.weights) @ module.vectors.T
    (p.sum() + module(second).sum()).backward()
    torch.testing.assert_close(first.grad, torch.ones_like(first) @ weights)


@given(seed=st.integers(0, 200), scale=st.floats(0.01, 100))
@settings(max_examples=25)
def test_rotation_turns_it_and_scale_leaves_it(seed, scale):
    (z,) = batches(1, seed=seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
    order = np.random.default_rng(seed).permutation(len(z))
    plain = predictor("isoloss")(torch.from_numpy(z)).numpy()
    turned = predictor("isoloss")(torch.from_numpy(scale * z[order] @ rotation)).numpy()
    np.testing.assert_allclose(turned, scale * plain[order] @ rotation, rtol=1e-6, atol=1e-8 * scale)


@pytest.mark.parametrize("variant", ["isoloss", "tian"])
def test_evaluation_changes_nothing(variant):
    module = predictor(variant)
    first, second = (torch.from_numpy(z) for z in batches(2))
    module(first)
    module.after_step()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.eval()
    module(second)
    module.after_step()
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("variant", ["isoloss", "tian"])
def test_state_goes_on_to_the_bit(variant):
    views = [torch.from_numpy(z).float() for z in batches(6)]
    one, other = predictor(variant).float(), predictor(variant).float()
    for z in views[:3]:
        one(z)
        one.after_step()
    other.load_state_dict(one.state_dict())
    for z in views[3:]:
        assert torch.equal(one(z), other(z))
        one.after_step()
        other.after_step()
        assert torch.equal(one.moment, other.moment)


def test_eigenvalues_fall_and_are_those_of_the_moment():
    module = predictor("isoloss", memory=0.0)
    z = batches(3)[0]
    module(torch.from_numpy(z))
    found = module.eigenvalues()
    np.testing.assert_allclose(found, np.linalg.svd(z)[1] ** 2 / len(z), rtol=1e-10)
    assert (np.diff(found) <= 0).all()


def test_collapse_to_zero_and_nan():
    module = predictor("isoloss")
    assert torch.equal(module(torch.zeros(5, 4).double()), torch.zeros(5, 4).double())
    broken = module(torch.full((5, 4), torch.nan).double())
    assert torch.isnan(broken).all()  # and no error of the decomposition: the loss says what went wrong
