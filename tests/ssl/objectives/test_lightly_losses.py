"""Lightly's losses as we use them: values by loops over the published formulas; a missing lightly is told."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

import neuroalpha as na
from neuroalpha.errors import MissingExtraError
from neuroalpha.ssl.objectives import Outputs, make_objective

LIGHTLY = ["simclr", "barlow_twins", "vicreg", "byol", "simsiam"]


@pytest.fixture
def lightly():
    return pytest.importorskip("lightly")


def make(name, p=5, **options):
    return make_objective(name, n_features=p, n_projection=p, options=options).double()


def views(n=7, p=5, seed=0, count=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    return [x + rng.normal(size=(n, p)) for _ in range(count)]


def value(objective, first, second, *targets):
    z = (torch.from_numpy(first), torch.from_numpy(second))
    return objective(Outputs(z, z, tuple(torch.from_numpy(t) for t in targets))).item()


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.mark.parametrize("temperature", [0.5, 0.1])
def test_simclr(lightly, temperature):
    first, second, *_ = views()
    both, n, terms = np.concatenate([first, second]), len(first), []
    for i in range(2 * n):
        others = [np.exp(cosine(both[i], both[j]) / temperature) for j in range(2 * n) if j != i]
        terms.append(-np.log(np.exp(cosine(both[i], both[(i + n) % (2 * n)]) / temperature) / sum(others)))
    assert value(make("simclr", temperature=temperature), first, second) == pytest.approx(np.mean(terms), rel=1e-9)


@pytest.mark.parametrize(("redundancy", "scale"), [(0.005, 1.0), (0.1, 0.1)])
def test_barlow_twins(lightly, redundancy, scale):
    first, second, *_ = views()
    # lightly standardises by batch norm, which adds 1e-5 to each variance.
    a, b = ((x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) for x in (first, second))
    expected = 0.0
    for i in range(5):
        for j in range(5):
            c = np.mean([a[k, i] * b[k, j] for k in range(len(a))])
            expected += (1 - c) ** 2 if i == j else redundancy * c**2
    found = value(make("barlow_twins", **{"lambda": redundancy, "scale": scale}), first, second)
    assert found == pytest.approx(scale * expected, rel=1e-9)


@pytest.mark.parametrize("weights", [(25.0, 25.0, 1.0), (1.0, 2.0, 3.0)])
def test_vicreg(lightly, weights):
    first, second = (0.5 * x for x in views(count=2))  # below a standard deviation of 1 here and there
    n, p = first.shape
    invariance = np.mean([(first[k, i] - second[k, i]) ** 2 for k in range(n) for i in range(p)])
    variance = covariance = 0.0
    for x in (first, second):
        spread = [np.sqrt(x[:, i].var(ddof=1) + 1e-4) for i in range(p)]
        assert min(spread) < 1
        variance += np.mean([max(0, 1 - s) for s in spread]) / 2
        c = np.cov(x.T)
        covariance += sum(c[i, j] ** 2 for i in range(p) for j in range(p) if i != j) / p
    expected = weights[0] * invariance + weights[1] * variance + weights[2] * covariance
    options = dict(zip(("invariance", "variance", "covariance"), weights, strict=True))
    assert value(make("vicreg", **options), first, second) == pytest.approx(expected, rel=1e-9)


def predicted(objective, x):
    """The predictor by hand, with the statistics of the batch where it has a batch norm."""
    module = objective.predictor
    if isinstance(module, nn.Identity):
        return x
    if isinstance(module, nn.Linear):
        return x @ module.weight.detach().numpy().T
    first, norm, _, last = module
    hidden = x @ first.weight.detach().numpy().T
    hidden = np.maximum((hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + norm.eps), 0)
    return hidden @ last.weight.detach().numpy().T + last.bias.detach().numpy()


@pytest.mark.parametrize("predictor", ["mlp", "linear", "none"])
def test_byol(lightly, predictor):
    first, second, target, other = views()
    objective = make("byol", predictor=predictor)
    pairs = [(predicted(objective, first), other), (predicted(objective, second), target)]
    expected = sum(np.mean([2 - 2 * cosine(a, b) for a, b in zip(*pair, strict=True)]) for pair in pairs)
    assert value(objective, first, second, target, other) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("predictor", ["mlp", "linear", "none"])
def test_simsiam(lightly, predictor):
    first, second, *_ = views()
    objective = make("simsiam", predictor=predictor)
    pairs = [(predicted(objective, first), second), (predicted(objective, second), first)]
    expected = np.mean([-np.mean([cosine(a, b) for a, b in zip(*pair, strict=True)]) for pair in pairs])
    assert value(objective, first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("name", "factor"), [("simsiam", -1 / 2), ("byol", -2)])
@pytest.mark.parametrize("stop_gradient", [True, False])
def test_gradient_with_and_without_the_stop_gradient(lightly, name, factor, stop_gradient):
    """Without a predictor, for the first view: each order gives half, and the stop-gradient leaves one of them out."""
    z = tuple(torch.from_numpy(x).requires_grad_() for x in views(count=2))
    make(name, predictor="none", stop_gradient=stop_gradient, **({"ema": False} if name == "byol" else {}))(
        Outputs(z, z)
    ).backward()
    first, second = (x.detach().numpy() for x in z)
    expected = []
    for a, b in zip(first, second, strict=True):
        length, norm = np.linalg.norm(a), np.linalg.norm(b)
        expected.append(factor * (b / (length * norm) - (a @ b) * a / (length**3 * norm)) / len(first))
    expected = np.array(expected) * (1 if stop_gradient else 2)
    np.testing.assert_allclose(z[0].grad.numpy(), expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "p", "hidden"), [("byol", 256, 4096), ("simsiam", 2048, 512), ("byol", 4, 64), ("simsiam", 2, 1)]
)
def test_hidden_widths_are_the_papers(lightly, name, p, hidden):
    assert make(name, p).predictor[0].out_features == hidden
    assert make(name, p, hidden=7).predictor[0].out_features == 7


def test_switches(lightly):
    assert (make("byol").needs_target, make("byol").ema) == (True, 0.99)
    assert (make("byol", ema=False).needs_target, make("byol", ema=False).ema) == (False, 0.0)
    assert not make("byol", stop_gradient=False).needs_target
    assert not make("simsiam").needs_target


@pytest.mark.parametrize("name", LIGHTLY)
def test_missing_lightly_is_told(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "lightly", None)
    monkeypatch.delitem(sys.modules, "lightly.loss", raising=False)
    with pytest.raises(MissingExtraError, match=r"needs the package 'lightly': install it with .*neuroalpha\[ssl\]"):
        make(name)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("simclr", {"temperature": 0.0}, "temperature is 0.0; expected a number above 0"),
        ("simclr", {"temperature": float("inf")}, "temperature is inf"),
        ("barlow_twins", {"lambda": "big"}, "lambda is 'big'"),
        ("vicreg", {"variance": -25}, "variance is -25; expected a number of at least 0"),
        ("byol", {"predictor": "MLP"}, "predictor is 'MLP'; expected one of mlp, linear, none"),
        ("byol", {"hidden": 0}, "hidden is 0; expected a whole number of at least 1"),
        ("simsiam", {"stop_gradient": "no"}, "stop_gradient is 'no'; expected true or false"),
    ],
)
def test_bad_options_are_told_before_lightly_is_asked_for(monkeypatch, name, options, message):
    monkeypatch.setitem(sys.modules, "lightly", None)
    monkeypatch.delitem(sys.modules, "lightly.loss", raising=False)
    with pytest.raises(na.InputError, match=message):
        make(name, **options)
