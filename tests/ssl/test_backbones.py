"""Sizes of the backbones against their papers and torchvision's own networks; seeds."""

from __future__ import annotations

import pytest
import torch
import torchvision

from neuroalpha.errors import InputError
from neuroalpha.networks.cifar_resnet import cifar_resnet
from neuroalpha.ssl.backbones import list_backbones, make_backbone


def n_weights(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("name", list_backbones())
def test_features_are_as_wide_as_told(name: str) -> None:
    backbone = make_backbone(name, seed=1)
    assert backbone.training
    for size in (32, 40):
        features = backbone.eval()(torch.rand(2, 3, size, size))
        assert features.shape == (2, backbone.n_features)
        assert features.std() > 0


def test_resnet18_is_torchvisions_but_for_stem_and_head() -> None:
    # 3x3 for 7x7 in the first convolution, no classifier.
    expected = n_weights(torchvision.models.resnet18()) - 64 * 3 * (49 - 9) - 513 * 1000
    backbone = make_backbone("resnet18")
    assert n_weights(backbone) == expected
    maps = {}
    for name in ("conv1", "layer1", "layer2", "layer3", "layer4"):
        hook = lambda module, given, made, name=name: maps.__setitem__(name, tuple(made.shape[1:]))  # noqa: E731
        backbone.get_submodule(name).register_forward_hook(hook)
    backbone(torch.rand(2, 3, 32, 32))
    assert maps == {"conv1": (64, 32, 32), "layer1": (64, 32, 32), "layer2": (128, 16, 16), "layer3": (256, 8, 8),
                    "layer4": (512, 4, 4)}  # fmt: skip
    sd = float(backbone.conv1.weight.detach().std())  # type: ignore[union-attr, operator]
    assert sd == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)  # fan-out, as all of its convolutions


@pytest.mark.parametrize("depth", [20, 56])
def test_small_resnets_are_the_catalogues_without_the_last_layer(depth: int) -> None:
    backbone, whole = make_backbone(f"resnet{depth}").eval(), cifar_resnet(depth).eval()
    missing = whole.load_state_dict(backbone.state_dict(), strict=False)
    assert missing.missing_keys == ["linear.weight", "linear.bias"]
    assert not missing.unexpected_keys
    whole.linear = torch.nn.Identity()  # type: ignore[assignment]
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(backbone(images), whole(images))


@pytest.mark.parametrize(("width", "channels"), [(None, 32), (16, 16), (5, 5)])
def test_convnet4_doubles_its_channels(width: int | None, channels: int) -> None:
    backbone = make_backbone("convnet4", width=width)
    convolutions = [module for module in backbone.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [conv.out_channels for conv in convolutions] == [channels, 2 * channels, 4 * channels, 8 * channels]
    sides = []
    for conv in convolutions:
        conv.register_forward_hook(lambda module, given, made: sides.append(made.shape[-1]))
    backbone(torch.rand(2, 3, 32, 32))
    assert sides == [32, 16, 8, 4]
    for conv in convolutions:
        fan_in = conv.weight[0].numel()
        assert float(conv.weight.detach().std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.25)


@pytest.mark.parametrize("name", ["convnet4", "resnet20"])
def test_weights_follow_the_seed_and_nothing_else(name: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = make_backbone(name, seed=1).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    again, other = make_backbone(name, seed=1).state_dict(), make_backbone(name, seed=2).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(next(iter(first.values())), next(iter(other.values())))


def test_the_same_channels_last() -> None:
    backbone, images = make_backbone("convnet4", width=8).eval(), torch.rand(2, 3, 32, 32)
    expected = backbone(images)
    backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(backbone(images.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_backbone("resnet19"), r"no backbone 'resnet19'; did you mean 'resnet\d+'.*known: convnet4"),
        (lambda: make_backbone("convnet4", width=0), "width is 0; expected a whole number of at least 1"),
        (lambda: make_backbone("resnet18", width=32), "resnet18 has the width of its paper; .* not width=32"),
        (lambda: make_backbone("convnet4", seed=None), "seed is None"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_told(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call()
