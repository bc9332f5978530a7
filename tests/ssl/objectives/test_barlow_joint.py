"""Barlow Twins of alpha-ReQ: value by a loop, gradient by differences, what it does not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.ssl.objectives import Outputs, make_objective


def make(p=4, **options):
    return make_objective("barlow_joint", n_features=p, n_projection=p, options=options)


def problem(seed=0, n=9, p=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    return x + 0.3 * rng.normal(size=(n, p)) + 1, x + 0.3 * rng.normal(size=(n, p)) - 0.5


def value(objective, first, second):
    z = tuple(torch.from_numpy(x) for x in (first, second))
    return objective(Outputs(z, z)).item()


@pytest.mark.parametrize("redundancy", [0.0, 0.1])
def test_value_by_a_loop(redundancy):
    first, second = problem()
    both = np.concatenate([first, second])
    both = np.array([row / np.linalg.norm(row) for row in both])
    both = (both - both.mean(axis=0)) / both.std(axis=0, ddof=1)  # of both views together
    a, b = both[:9], both[9:]
    expected = 0.0
    for i in range(4):
        for j in range(4):
            c = np.mean([a[k, i] * b[k, j] for k in range(9)])
            expected += (1 - c) ** 2 if i == j else redundancy * c**2
    assert value(make(**{"lambda": redundancy}), first, second) == pytest.approx(expected, rel=1e-12)


def test_gradient_by_differences():
    first, second = (torch.from_numpy(x).requires_grad_() for x in problem(n=5, p=3))
    objective = make(3, **{"lambda": 0.3})
    assert torch.autograd.gradcheck(lambda a, b: objective(Outputs((a, b), (a, b))), (first, second))


def test_value_of_independent_and_equal_views():
    """Equal views of whitened projections are at the minimum but for the 2n - 1 of the standard deviation."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert value(make(3), x, x) < 0.01
    other = rng.normal(size=(4000, 3))
    assert value(make(3, **{"lambda": 0.0}), x, other) == pytest.approx(3, rel=0.05)


@given(seed=st.integers(0, 200), scales=st.lists(st.floats(0.01, 100), min_size=18, max_size=18))
@settings(max_examples=25)
def test_length_of_rows_and_order_do_not_matter(seed, scales):
    first, second = problem(seed)
    order = np.random.default_rng(seed).permutation(9)
    columns = np.random.default_rng(seed).permutation(4)
    scales = np.array(scales)[:, None]
    plain = value(make(), first, second)
    changed = value(make(), (scales[:9] * first)[order][:, columns], (scales[9:] * second)[order][:, columns])
    assert changed == pytest.approx(plain, rel=1e-8)
    assert value(make(), second, first) == pytest.approx(plain, rel=1e-10)


def test_constant_dimension_counts_as_uncorrelated():
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    loss = make(2)(Outputs((z, z), (z, z)))
    loss.backward()
    assert loss.item() == pytest.approx(1 + (7 / 8 - 1) ** 2, rel=1e-6)  # C_11 = (2n - 1) / 2n
    assert torch.isfinite(z.grad).all()


def test_bad_lambda():
    with pytest.raises(na.InputError, match=r"lambda is -0\.1; expected a number of at least 0"):
        make(**{"lambda": -0.1})
