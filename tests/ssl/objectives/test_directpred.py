"""DirectPred, DirectCopy, IsoLoss: both orders summed, constants as published, collapse when asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.objectives import Outputs, make_objective


def make(name, p=6, **options):
    return make_objective(name, n_features=p, n_projection=p, options=options)


def views(p=6, n=16, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, p, generator=generator, dtype=dtype) for _ in range(4)]


def root_of(moment):
    values, vectors = np.linalg.eigh(moment)
    return vectors @ np.diag(np.sqrt(np.maximum(values, 0) / values.max())) @ vectors.T


@pytest.mark.parametrize("loss", ["euclidean", "cosine"])
@pytest.mark.parametrize("name", ["directpred", "isoloss"])
def test_first_step_by_a_loop(name, loss):
    """Loss and gradient of both views, with the predictor of each as the moment stood when it was predicted."""
    first, second, target, other = views()
    z = (first.requires_grad_(), second.requires_grad_())
    objective = make(name, loss=loss).double()
    found = objective(Outputs(z, z, (target, other)))
    found.backward()
    moment, value, n = np.zeros((6, 6)), 0.0, len(first)
    for one, aim in ((z[0], other.numpy()), (z[1], target.numpy())):
        x = one.detach().numpy()
        moment = 0.998 * moment + 0.002 * x.T @ x / n
        weights = root_of(moment)
        p = x @ weights
        if loss == "euclidean":
            value += ((p - aim) ** 2).sum() / n
            gradient = 2 * (p - aim) / n
        else:
            norms = np.linalg.norm(p, axis=1, keepdims=True), np.linalg.norm(aim, axis=1, keepdims=True)
            agreement = (p * aim).sum(1, keepdims=True)
            value += (2 - 2 * agreement / norms[0] / norms[1]).mean()
            gradient = -2 * (aim / (norms[0] * norms[1]) - agreement * p / (norms[0] ** 3 * norms[1])) / n
        if name == "directpred":
            gradient = gradient @ weights
        np.testing.assert_allclose(one.grad.numpy(), gradient, rtol=1e-7, atol=1e-12)
    if (name, loss) != ("isoloss", "cosine"):  # whose value means nothing
        assert found.item() == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "options", "variant", "power", "eps", "memory", "ema"),
    [
        ("directpred", {}, "isoloss", 0.5, 0.0, 0.998, 0.99),
        ("directpred", {"ema": False}, "isoloss", 0.5, 0.0, 0.5, 0.0),
        ("directpred", {"variant": "tian"}, "tian", 0.5, 0.01, 0.3, 0.996),
        ("directpred", {"variant": "tian", "ema": False}, "tian", 0.5, 0.01, 0.3, 0.0),
        ("directpred", {"stop_gradient": False}, "isoloss", 0.5, 0.0, 0.5, 0.0),
        ("directcopy", {}, "isoloss", 1.0, 0.25, 0.998, 0.99),
        ("directcopy", {"ema": False}, "isoloss", 1.0, 0.25, 0.5, 0.0),
        ("isoloss", {}, "isoloss", 0.5, 0.0, 0.998, 0.99),
        ("isoloss", {"ema": False, "memory": 0.7, "eps": 0.1}, "isoloss", 0.5, 0.1, 0.7, 0.0),
    ],
)
def test_published_constants(name, options, variant, power, eps, memory, ema):
    objective = make(name, **options)
    module = objective.predictor
    assert (module.variant, module.power, module.eps, module.memory) == (variant, power, eps, memory)
    assert (objective.ema, objective.needs_target) == (ema, ema > 0)


def test_without_targets_the_other_view_is_the_target_and_a_constant():
    first, second, *_ = views()
    z = (first.requires_grad_(), second.requires_grad_())
    make("directpred", ema=False, predictor="none", loss="euclidean").double()(Outputs(z, z)).backward()
    # Each order gives the gradient of its own prediction only; the exact gradient would be twice this.
    torch.testing.assert_close(first.grad, 2 * (first - second).detach() / len(first))
    torch.testing.assert_close(second.grad, -first.grad)
    first.grad = second.grad = None
    options = {"stop_gradient": False, "predictor": "none", "loss": "euclidean"}
    make("directpred", **options).double()(Outputs(z, z)).backward()
    torch.testing.assert_close(first.grad, 4 * (first - second).detach() / len(first))


def test_none_and_spectrum_differ_and_isotropic_is_plain_without_predictor():
    first, second, target, other = views()
    grads = {}
    for name, predictor in [("directpred", "none"), ("isoloss", "none"), ("directpred", "spectrum")]:
        z = (first.clone().requires_grad_(), second.clone().requires_grad_())
        make(name, predictor=predictor).double()(Outputs(z, z, (target, other))).backward()
        grads[name, predictor] = z[0].grad
    torch.testing.assert_close(grads["directpred", "none"], grads["isoloss", "none"])
    assert not torch.allclose(grads["directpred", "none"], grads["directpred", "spectrum"])


def train(name, steps=600, lr=0.05, **options):
    """Eigenvalues of W W' of a linear network on white noise and its noisy copy, as in the paper's toy networks."""
    generator = torch.Generator().manual_seed(0)
    weights = (torch.randn(4, 6, generator=generator) / 2).requires_grad_()
    objective = make(name, p=4, ema=False, **options)
    start = torch.linalg.eigvalsh(weights @ weights.T).detach()
    for _ in range(steps):
        x = torch.randn(256, 6, generator=generator)
        noisy = x + 0.1 * torch.randn(256, 6, generator=generator)
        z = (x @ weights.T, noisy @ weights.T)
        (gradient,) = torch.autograd.grad(objective(Outputs(z, z)), weights)
        objective.after_step()
        with torch.no_grad():
            weights -= lr * gradient
    return start.numpy(), torch.linalg.eigvalsh(weights @ weights.T).detach().numpy()


def test_cosine_makes_all_eigenvalues_their_mean():
    """The trace of W W' is conserved and all modes become equal; the isotropic loss is there earlier."""
    start, end = train("directpred")
    np.testing.assert_allclose(end, start.mean(), rtol=0.05)
    assert start.max() > 10 * start.min()
    _, plain = train("directpred", steps=60)
    _, iso = train("isoloss", steps=60)
    assert iso.min() / iso.max() > 3 * plain.min() / plain.max()


def test_collapse_without_the_stop_gradient():
    """Euclidean: everything shrinks, though the predictor is there; cosine: the small modes die."""
    start, end = train("directpred", loss="euclidean", stop_gradient=False)
    assert end.max() < 0.1 * start.max()
    start, end = train("directpred", stop_gradient=False)
    assert end.min() < 0.01 * start.min()
    assert end.max() > 0.5 * start.max()


def test_no_mode_dies_with_it():
    start, end = train("directpred", steps=60, loss="euclidean")
    assert (end > start).all()
    start, end = train("directpred", steps=60, loss="euclidean", predictor="none")
    assert (end < start).all()  # the noise of the views is all there is to learn about


def test_report():
    first, second, target, other = views(n=64)
    objective = make("directpred").double()
    assert np.isnan(objective.report()["spread"])
    assert np.isnan(objective.report()["participation_ratio"])
    objective(Outputs((first, second), (first, second), (target, other)))
    told = objective.report()
    values = told["eigenvalues"]
    moment = (first.T @ first * 0.998 + second.T @ second).numpy() / 64 * 0.002
    np.testing.assert_allclose(values, np.linalg.eigvalsh(moment)[::-1], rtol=1e-10)
    assert told["participation_ratio"] == pytest.approx(np.trace(moment) ** 2 / np.trace(moment @ moment))
    assert told["spread"] == pytest.approx(1 / np.sqrt(6), rel=0.1)
    same = torch.ones(8, 6).double()
    objective(Outputs((same, same), (same, same), (same, same)))
    assert objective.report()["spread"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "cosin"}, "loss is 'cosin'; expected one of cosine, euclidean; did you mean 'cosine'"),
        ({"variant": "iso"}, "variant is 'iso'; expected one of isoloss, tian"),
        ({"predictor": "mlp"}, "predictor is 'mlp'; expected one of spectrum, none"),
        ({"memory": 1.5}, "memory is 1.5; expected a number of at least 0 and at most 1"),
        ({"power": -1}, "power is -1; expected a number of at least 0"),
        ({"eps": "small"}, "eps is 'small'; expected a number"),
        ({"stop_gradient": 1}, "stop_gradient is 1; expected true or false"),
        ({"stop_gradient": False, "ema": True}, "a target that follows slowly has no gradient; leave ema out"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(na.InputError, match=message):
        make("directpred", **options)
