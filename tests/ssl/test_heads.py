"""Projectors by their layers; the network's two names."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.ssl.backbones import make_backbone
from neuroalpha.ssl.heads import SSLNetwork, make_projector


@pytest.mark.parametrize("layers", [0, 1, 2, 3, 4])
def test_layers(layers: int) -> None:
    projector = make_projector(20, hidden=30, out=10, layers=layers)
    linear = [module for module in projector if isinstance(module, nn.Linear)]
    assert len(linear) == layers
    widths = [module.out_features for module in linear]
    assert widths == [30] * (layers - 1) + [10] * (layers > 0)
    # A batch norm takes a bias away, so only the last layer has one.
    assert [module.bias is not None for module in linear] == [False] * (layers - 1) + [True] * (layers > 0)
    assert sum(isinstance(module, nn.BatchNorm1d) for module in projector) == max(layers - 1, 0)
    assert sum(isinstance(module, nn.ReLU) for module in projector) == max(layers - 1, 0)
    features = torch.randn(8, 20)
    made = projector(features)
    assert made.shape == (8, projector.n_projection) == (8, 10 if layers else 20)
    assert layers or torch.equal(made, features)


def test_two_layers_by_hand() -> None:
    projector, features = make_projector(6, hidden=5, out=4), torch.randn(16, 6)
    first, last = projector[0], projector[3]
    hidden = features @ first.weight.T
    hidden = (hidden - hidden.mean(0)) / (hidden.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(projector(features), hidden.relu() @ last.weight.T + last.bias)


def test_weights_follow_the_seed_and_nothing_else() -> None:
    before = torch.get_rng_state()
    first, again, other = (make_projector(6, 5, 4, seed=seed)[0].weight for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_network_is_projector_after_backbone() -> None:
    backbone = make_backbone("convnet4", width=4)
    network = SSLNetwork(backbone, make_projector(backbone.n_features, 8, 6)).eval()
    seen = {}
    for name in ("backbone", "projector"):
        hook = lambda module, given, made, name=name: seen.__setitem__(name, made)  # noqa: E731
        network.get_submodule(name).register_forward_hook(hook)
    images = torch.rand(3, 3, 32, 32)
    made = network(images)
    assert torch.equal(made, seen["projector"])
    assert torch.equal(seen["backbone"], backbone(images))
    assert seen["backbone"].shape == (3, 32)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_features": 0}, "n_features is 0"),
        ({"hidden": 2.5}, "hidden is 2.5; expected a whole number of at least 1"),
        ({"out": True}, "out is True"),
        ({"layers": -1}, "layers is -1; expected a whole number of at least 0"),
    ],
)
def test_bad_input_is_told(given: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_projector(**{"n_features": 4, "hidden": 4, "out": 4, **given})
