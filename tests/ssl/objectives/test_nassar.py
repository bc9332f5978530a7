"""The 1/n penalty: value and gradient by loops over the published formula, and how it is added to an objective."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.ssl.objectives import Outputs, make_objective
from neuroalpha.ssl.objectives.power_law_penalty import RunningBasis, power_law_penalty


def by_a_loop(eigenvalues, alpha, start):
    """Value and gradient; the anchor is constant."""
    scale = eigenvalues[start] * (start + 1) ** alpha
    value, gradient = 0.0, np.zeros(len(eigenvalues))
    for n in range(start + 1, len(eigenvalues)):
        if eigenvalues[n] > 0:
            wanted = scale / (n + 1) ** alpha
            ratio = eigenvalues[n] / wanted
            value += (ratio - 1) ** 2 + max(ratio - 1, 0)
            gradient[n] = (2 * (ratio - 1) + (ratio > 1)) / wanted
    return value / len(eigenvalues), gradient / len(eigenvalues)


def spectrum(seed, n=30, exponent=1.5):
    rng = np.random.default_rng(seed)
    return np.sort(np.arange(1.0, n + 1) ** -exponent * rng.uniform(0.5, 2, n))[::-1].copy()


@pytest.mark.parametrize(("alpha", "start"), [(1.0, 10), (0.7, 0), (2.0, 5)])
def test_value_and_gradient(alpha, start):
    eigenvalues = spectrum(0)
    eigenvalues[-2:] = [0.0, -1e-3]  # left out
    given = torch.from_numpy(eigenvalues).requires_grad_()
    found = power_law_penalty(given, alpha, start)
    found.backward()
    value, gradient = by_a_loop(eigenvalues, alpha, start)
    assert found.item() == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(given.grad.numpy(), gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.7])
def test_no_penalty_on_the_line(alpha):
    line = torch.arange(1, 41, dtype=torch.float64) ** -alpha
    line[:7] *= 3  # what comes before the anchor does not count
    assert power_law_penalty(line, alpha, 10).item() < 1e-15
    assert power_law_penalty(line, alpha + 0.5, 10).item() > 0.1


@given(seed=st.integers(0, 200), scale=st.floats(1e-3, 1e3))
@settings(max_examples=25)
def test_scale_does_not_matter(seed, scale):
    eigenvalues = torch.from_numpy(spectrum(seed))
    plain = power_law_penalty(eigenvalues, 1.0, 10).item()
    assert power_law_penalty(scale * eigenvalues, 1.0, 10).item() == pytest.approx(plain, rel=1e-9)


def test_all_zero_eigenvalues():
    zeros = torch.zeros(20, requires_grad=True)
    power_law_penalty(zeros, 1.0, 10).backward()
    assert torch.equal(zeros.grad, torch.zeros(20))


def rows(seed, n=50, d=13):
    return np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1) ** -0.5 + 1


def test_basis_is_the_batch_until_enough_rows_were_seen():
    basis = RunningBasis(13, 150).double()
    seen = [rows(seed) for seed in range(7)]
    for number, x in enumerate(seen):
        found = basis(torch.from_numpy(x)).numpy()
        if number < 2:
            expected = np.linalg.eigvalsh(np.cov(x.T, bias=True))
        else:  # three batches make a basis, which stays until the next three are full
            last = np.concatenate(seen[:3] if number < 5 else seen[3:6])
            vectors = np.linalg.eigh(np.cov(last.T, bias=True))[1]
            expected = np.diag(vectors.T @ np.cov(x.T, bias=True) @ vectors)
        np.testing.assert_allclose(found, np.sort(expected)[::-1], rtol=1e-9)


def test_gradient_flows_through_the_batch_alone():
    """d/dx of the variance along v is 2/n (x - mean) v v', for a fixed v."""
    basis = RunningBasis(13, 50).double()
    basis(torch.from_numpy(rows(0)))
    x = torch.from_numpy(rows(1)).requires_grad_()
    basis.eval()
    power_law_penalty(basis(x), 1.0, 3).backward()
    centred, vectors = rows(1) - rows(1).mean(axis=0), basis.vectors.numpy()
    along = centred @ vectors
    order = np.argsort(-(along**2).mean(axis=0))
    _, gradient = by_a_loop((along**2).mean(axis=0)[order], 1.0, 3)
    expected = sum(2 / 50 * g * np.outer(along[:, k], vectors[:, k]) for g, k in zip(gradient, order, strict=True))
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-8, atol=1e-13)


def test_basis_state_goes_on_and_evaluation_changes_nothing():
    one, other = RunningBasis(13, 120), RunningBasis(13, 120)
    batches = [torch.from_numpy(rows(seed)).float() for seed in range(6)]
    for x in batches[:4]:
        one(x)
    assert one.vectors.is_contiguous()  # as a checkpoint has it, else products round otherwise
    other.load_state_dict(one.state_dict())
    one.eval()
    one(batches[4])
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    one.train()
    for x in batches[4:]:
        assert torch.equal(one(x), other(x))


def outputs(seed=0, n=40, d=20, p=16, labels=True):
    generator = torch.Generator().manual_seed(seed)
    features = tuple(torch.randn(n, d, generator=generator).requires_grad_() for _ in range(2))
    projections = tuple(torch.randn(n, p, generator=generator).requires_grad_() for _ in range(2))
    return Outputs(features, projections, labels=torch.arange(n) % 4 if labels else None)


def make(**options):
    return make_objective("nassar", n_features=20, n_projection=16, n_classes=4, options=options)


@pytest.mark.parametrize("layer", ["features", "projections"])
def test_added_to_another_objective(layer):
    given = outputs()
    objective = make(base="spectral", base_options={"mu": 2.0}, strength=3.0, layer=layer)
    base = make_objective("spectral", n_features=20, n_projection=16, options={"mu": 2.0})
    both = torch.cat(given.features if layer == "features" else given.projections).detach().double().numpy()
    eigenvalues = np.linalg.eigvalsh(np.cov(both.T, bias=True))[::-1]
    penalty = by_a_loop(eigenvalues, 1.0, 10)[0]
    found = objective(given)
    assert found.item() == pytest.approx(base(given).item() + 3 * penalty, rel=1e-4)
    found.backward()
    assert (given.features[0].grad is not None) == (layer == "features")
    told = objective.report()
    assert told["penalty"] == pytest.approx(penalty, rel=1e-4)
    np.testing.assert_allclose(told["eigenvalues"], eigenvalues, rtol=1e-4)


def test_takes_over_what_its_base_needs():
    supervised = make(base="random_labels")
    assert (supervised.views, supervised.needs_labels, supervised.shuffles_labels) == (1, True, True)
    assert not supervised.uses_projector
    assert make(base="supervised", layer="projections").uses_projector
    slow = make(base="directpred", base_options={"variant": "tian"})
    assert (slow.needs_target, slow.ema) == (True, 0.996)
    given = outputs()
    before = slow.base.predictor.moment
    slow(Outputs(given.features, given.projections, given.projections))
    slow.after_step()
    assert not torch.equal(slow.base.predictor.moment, before)
    assert len(slow.report()["eigenvalues"]) == 16  # those of its base


def test_descent_bends_the_spectrum():
    """From a steep spectrum to 1/n, on the penalty alone."""
    generator = torch.Generator().manual_seed(0)
    weights = (torch.randn(20, 20, generator=generator) * torch.arange(1, 21) ** -1.5).requires_grad_()
    objective = make(base="spectral", strength=100.0, start=2, samples=2000)
    optimiser = torch.optim.Adam([weights], lr=0.01)
    penalties = []
    for _ in range(400):
        x = torch.randn(400, 20, generator=generator) @ weights
        z = torch.zeros(400, 16)
        optimiser.zero_grad()
        objective(Outputs((x, x), (z, z))).backward()
        optimiser.step()
        penalties.append(objective.report()["penalty"])
    eigenvalues = torch.linalg.eigvalsh(weights @ weights.T).flip(0).detach()
    slope = np.polyfit(np.log(np.arange(3, 20)), np.log(eigenvalues[2:19].numpy()), 1)[0]
    assert slope == pytest.approx(-1, abs=0.2)
    assert penalties[-1] < 0.1 * penalties[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": "simcl"}, "no objective 'simcl'; did you mean 'simclr'"),
        ({"base": "nassar"}, "base is 'nassar'; expected another objective"),
        ({"base": "spectral", "base_options": {"nu": 1}}, "spectral has no option 'nu'"),
        ({"base": "spectral", "base_options": "mu"}, "options of spectral are 'mu'"),
        ({"base": "spectral", "strength": -1}, "strength is -1"),
        ({"base": "spectral", "layer": "feature"}, "layer is 'feature'; expected one of features, projections"),
        ({"base": "spectral", "start": 19}, "features have 20 units; expected more than start \\+ 1 = 20: lower start"),
        ({"base": "spectral", "samples": 1}, "samples is 1; expected a whole number of at least 2"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(na.InputError, match=message):
        make(**options)
