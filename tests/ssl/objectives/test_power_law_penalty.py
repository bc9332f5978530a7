"""The penalty of a tail off the line in closed form, and the basis: what it keeps, what it refuses to take in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroalpha.ssl.objectives.power_law_penalty import RunningBasis, power_law_penalty


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 20), st.integers(0, 10), st.integers(1, 30), st.floats(0, 3))
def test_a_tail_that_is_off_by_one_factor(factor, start, tail, alpha):
    """k of D eigenvalues, each ``factor`` times the line: k/D ((f - 1)^2 + max(f - 1, 0))."""
    n = start + 1 + tail
    eigenvalues = 3 * torch.arange(1, n + 1, dtype=torch.float64) ** -alpha
    eigenvalues[start + 1 :] *= factor
    expected = tail / n * ((factor - 1) ** 2 + max(factor - 1, 0))
    assert power_law_penalty(eigenvalues, alpha, start).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_no_gradient_to_the_anchor_and_what_comes_before():
    eigenvalues = torch.linspace(3, 1, 20, dtype=torch.float64).requires_grad_()
    power_law_penalty(eigenvalues, 1.0, 4).backward()
    assert torch.equal(eigenvalues.grad[:5], torch.zeros(5).double())
    assert (eigenvalues.grad[5:] > 0).all()  # all above the line: smaller is better


def rows(seed, n=40, p=5):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_any_basis_keeps_the_trace_and_is_no_steeper_than_the_batchs_own(seed):
    basis = RunningBasis(5, 40).double()
    basis(rows(seed))
    basis.eval()
    other = rows(seed + 1)
    found = basis(other).numpy()
    own = np.linalg.eigvalsh(np.cov(other.numpy().T, bias=True))[::-1]
    assert (np.diff(found) <= 0).all()
    assert found.sum() == pytest.approx(own.sum())
    assert (found.cumsum() <= own.cumsum() * (1 + 1e-9)).all()  # Schur and Horn


def test_rows_that_are_not_finite_make_no_basis_and_are_forgotten():
    basis, broken = RunningBasis(5, 40).double(), rows(0)
    broken[3, 2] = torch.inf
    basis._take_in(broken)
    assert not basis.ready
    assert torch.equal(basis.vectors, torch.eye(5).double())
    assert int(basis.seen) == 0
    basis(rows(1))
    assert basis.ready
    covariance = np.cov(rows(1).numpy().T, bias=True)
    turned = basis.vectors.numpy().T @ covariance @ basis.vectors.numpy()
    np.testing.assert_allclose(turned, np.diag(np.linalg.eigvalsh(covariance)), atol=1e-9 * np.trace(covariance))
    basis._take_in(broken)  # a basis that is there stays
    np.testing.assert_array_equal(basis.vectors.numpy().T @ covariance @ basis.vectors.numpy(), turned)
