"""IsoLoss beside DirectPred and DirectCopy: a gradient that lacks the predictor's factor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.objectives import Outputs, make_objective


def make(name, p=5, **options):
    return make_objective(name, n_features=p, n_projection=p, options=options).double()


def views(seed, n=24, p=5):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.arange(1, p + 1, dtype=torch.float64) ** -1
    return [torch.randn(n, p, generator=generator, dtype=torch.float64) * scale for _ in range(4)]


def stepped(objective, seed):
    first, second, target, other = views(seed)
    z = (first.requires_grad_(), second.requires_grad_())
    objective(Outputs(z, z, (target, other))).backward()
    objective.after_step()
    return [each.grad.numpy() for each in z]


@pytest.mark.parametrize("loss", ["cosine", "euclidean"])
def test_directcopys_gradient_is_this_one_times_the_matrix(loss):
    """``power=1, eps=.25``: W = C / max + 1/4, with C from numpy."""
    ours, copy = make("isoloss", power=1, eps=0.25, loss=loss, memory=0.5), make("directcopy", loss=loss, memory=0.5)
    for objective in (ours, copy):
        stepped(objective, 0)
        objective.eval()
    first, second, *_ = (each.numpy() for each in views(0))
    moment = (0.25 * first.T @ first + 0.5 * second.T @ second) / len(first)
    weights = moment / np.linalg.eigvalsh(moment)[-1] + 0.25 * np.eye(5)
    for mine, theirs in zip(stepped(ours, 1), stepped(copy, 1), strict=True):
        np.testing.assert_allclose(theirs, mine @ weights, rtol=1e-8, atol=1e-12)


def test_cosine_gradient_is_at_right_angles_to_the_prediction():
    """And not to the projection, as that of DirectPred is: z' W z stays, to first order, instead of |z|."""
    products = {}
    for name in ("isoloss", "directpred"):
        objective = make(name)
        stepped(objective, 0)
        objective.eval()
        first, gradient = views(1)[0], stepped(objective, 1)[0]
        products[name] = [
            np.abs((gradient * z.numpy()).sum(axis=1)).max() / np.abs(gradient).max()
            for z in (objective.predictor(first), first)
        ]
    assert products["isoloss"][0] < 1e-9 < 1e-3 < products["isoloss"][1]
    assert products["directpred"][1] < 1e-9 < 1e-3 < products["directpred"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "tian"}, "isoloss has no option 'variant'"),
        ({"stop_gradient": False}, "isoloss has no option 'stop_gradient'"),
        ({"loss": "euclidian"}, "loss is 'euclidian'; expected one of cosine, euclidean; did you mean 'euclidean'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(na.InputError, match=message):
        make("isoloss", **options)
