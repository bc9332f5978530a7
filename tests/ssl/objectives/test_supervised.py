"""Training with labels: the value by a loop, the gradient by its closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.objectives import Outputs, make_objective


def make(name="supervised", n_classes=3, **options):
    return make_objective(name, n_features=4, n_projection=2, n_classes=n_classes, options=options)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_value_and_gradient(smoothing):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(7, 4, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.arange(7) % 3
    objective = make(label_smoothing=smoothing).double()
    loss = objective(Outputs((features,), (), labels=labels))
    loss.backward()
    weight, bias = (x.detach().numpy() for x in objective.head.parameters())
    scores = features.detach().numpy() @ weight.T + bias
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = (1 - smoothing) * np.eye(3)[labels] + smoothing / 3
    assert loss.item() == pytest.approx(-(wanted * np.log(shares)).sum(axis=1).mean(), rel=1e-10)
    np.testing.assert_allclose(features.grad.numpy(), (shares - wanted) @ weight / 7, rtol=1e-9)
    right = (scores.argmax(axis=1) == labels.numpy()).mean()
    assert objective.report() == {"batch_accuracy": pytest.approx(right, rel=1e-6)}


def test_random_labels_are_the_same_but_for_the_labels():
    plain, random = make(), make("random_labels")
    assert not plain.shuffles_labels
    assert random.shuffles_labels
    for a, b in zip(plain.parameters(), random.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (random.views, random.needs_labels, random.uses_projector) == (1, True, False)


def test_without_labels():
    x = torch.zeros(4, 4)
    with pytest.raises(na.InputError, match=r"Supervised was given no labels; .*train on labelled images"):
        make()(Outputs((x,), (x,)))
    with pytest.raises(na.InputError, match="RandomLabels needs the number of classes"):
        make("random_labels", n_classes=None)


def test_bad_smoothing():
    with pytest.raises(na.InputError, match=r"label_smoothing is 1\.5; expected a number of at least 0 and at most 1"):
        make(label_smoothing=1.5)
