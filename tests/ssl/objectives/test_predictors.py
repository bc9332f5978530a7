"""Trained predictors: what each computes and forgets, their sizes, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.objectives.predictors import PREDICTORS, make_predictor


def batch(n=40, p=6, seed=0):
    return torch.randn(n, p, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("given", "hidden"), [(None, 24), (7, 7), (np.int64(3), 3)])
def test_numbers_to_train(given, hidden):
    counts = {kind: sum(w.numel() for w in make_predictor(kind, 6, given, 24).parameters()) for kind in PREDICTORS}
    # Two matrices, two numbers of the batch norm for each hidden unit, one bias at the end.
    assert counts == {"mlp": 2 * 6 * hidden + 2 * hidden + 6, "linear": 36, "none": 0}


def test_linear_is_a_matrix_and_none_is_nothing():
    linear, z, other = make_predictor("linear", 6, None, 24).double(), batch(), batch(seed=1)
    torch.testing.assert_close(linear(2 * z - 3 * other), 2 * linear(z) - 3 * linear(other))
    np.testing.assert_allclose(linear(z).detach().numpy(), z.numpy() @ linear.weight.detach().numpy().T, rtol=1e-12)
    assert torch.equal(make_predictor("none", 6, None, 24)(z), z)


def test_the_batch_norm_takes_out_scale_and_shift_of_a_batch_alone():
    mlp, z = make_predictor("mlp", 6, None, 24).double(), batch()
    mlp[1].eps = 1e-15
    first = mlp(z)
    torch.testing.assert_close(mlp(5 * z + batch(1, seed=2)), first, rtol=1e-9, atol=1e-10)
    # Images share the statistics, whatever their order.
    torch.testing.assert_close(mlp(z.flip(0)), first.flip(0), rtol=1e-9, atol=1e-10)
    mlp.eval()
    assert not torch.allclose(mlp(5 * z), mlp(z))


def test_gradient_is_the_numerical_one_and_the_input_stays():
    mlp, z = make_predictor("mlp", 3, 5, 1).double(), batch(6, 3).requires_grad_()
    before = z.detach().clone()
    assert torch.autograd.gradcheck(mlp, (z,), eps=1e-7, atol=1e-5)
    assert torch.equal(z, before)


@pytest.mark.parametrize(
    ("kind", "hidden", "message"),
    [
        ("lineal", None, "predictor is 'lineal'; expected one of mlp, linear, none; did you mean 'linear'"),
        (None, None, "predictor is None; expected one of"),
        ("mlp", 0, "hidden is 0; expected a whole number of at least 1"),
        ("mlp", 2.5, "hidden is 2.5; expected a whole number"),
        ("none", True, "hidden is True; expected a whole number"),
    ],
)
def test_bad_input(kind, hidden, message):
    with pytest.raises(na.InputError, match=message):
        make_predictor(kind, 6, hidden, 24)
