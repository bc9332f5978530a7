"""The table of layers, and what names mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.networks.catalogue import load_model
from neuroalpha.networks.extract import extract
from neuroalpha.networks.images import images
from neuroalpha.networks.layers import layers


class Odd(nn.Module):
    """A module that runs twice, one with two names, a tuple, a dict, one never called, one without an image axis."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.ReLU()
        self.linear = nn.Linear(4, 6)
        self.alias = self.linear
        self.unused = nn.Linear(4, 4)
        self.pair = Pair()
        self.lone = Lone()
        self.fold = Fold()

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.twice(self.linear(self.twice(x)))
        left, right = self.pair(x)["both"]
        self.fold(x)
        return {"out": self.lone(left)[0] + right, "aux": right}


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        return {"both": (x, 2 * x)}


class Lone(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        return x + 1, None


class Fold(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(3, -1)


def test_table_of_a_resnet() -> None:
    model = load_model("torchvision:resnet18")
    table = layers(model, torch.zeros(1, 3, 64, 64)).set_index("layer")
    assert table.loc["conv1", "output_shape"] == (64, 32, 32)
    assert table.loc["conv1", "units"] == 64 * 32 * 32
    assert table.loc["conv1", "parameters"] == 64 * 3 * 49
    assert table.loc["layer4", "rule"] == "map"
    assert table.loc["fc", "rule"] == "vector"
    assert table.loc["output", "type"] == "ResNet"
    assert table.loc["output", "parameters"] == sum(p.numel() for p in model.parameters())
    assert "layer1.0.relu" not in table.index
    names = table.index.tolist()
    order = ["conv1", "layer1.0.bn1", "layer1.0.relu:0", "layer1.0.conv2", "layer1.0.relu:1", "layer1.0", "layer1"]
    assert sorted(order, key=names.index) == order


def test_names_of_odd_modules() -> None:
    table = layers(Odd(), torch.rand(1, 4))
    expected = [
        "twice:0",
        "linear",
        "twice:1",
        "pair[both][0]",
        "pair[both][1]",
        "lone[0]",
        "output[out]",
        "output[aux]",
    ]
    assert table.layer.tolist() == expected


def test_every_listed_layer_can_be_extracted_by_its_name() -> None:
    model, x = Odd(), torch.rand(5, 4)
    table = layers(model, x)
    net = extract(model, x, table.layer, progress=False)
    assert dict(zip(*np.unique(net.layer, return_counts=True), strict=True)) == dict(
        zip(table.layer, table.units, strict=True)
    )


def test_shorter_names_where_only_one_thing_is_meant() -> None:
    model, x = Odd(), torch.rand(5, 4)
    net = extract(model, x, ["lone", "alias", "linear:0", "lone[0]"], progress=False)
    with torch.no_grad():
        hidden = model.linear(x.relu()).numpy()
    assert np.allclose(net.values[:, :6], np.maximum(hidden, 0) + 1, atol=1e-6)
    assert np.allclose(net.values[:, 6:12], hidden, atol=1e-6)
    assert np.array_equal(net.values[:, 6:12], net.values[:, 12:18])
    assert list(dict.fromkeys(net.layer.values.tolist())) == ["lone", "alias", "linear:0", "lone[0]"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("twice", "runs 2 times for each batch; choose from 'twice:0', 'twice:1'"),
        ("pair", r"gives several tensors; choose from 'pair\[both\]\[0\]'"),
        ("output", r"choose from 'output\[out\]', 'output\[aux\]'"),
        ("twice:2", r"no layer 'twice:2': 'twice' gives 'twice:0', 'twice:1'"),
        ("pair[0]", r"no layer 'pair\[0\]'"),
        ("liner", "did you mean 'linear'"),
        ("unused", "does not call it as a module"),
        ("fold", r"cannot be recorded: its shape \(3, 4\) does not begin with the number of images"),
        ("conv*", r"no layer matches 'conv\*'"),
        ("", "there is no layer ''"),
    ],
)
def test_wrong_names(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        extract(Odd(), torch.rand(2, 4), spec, progress=False)
    assert "\n" not in str(caught.value)


def test_no_names() -> None:
    with pytest.raises(InputError, match="no layers were asked for"):
        extract(Odd(), torch.rand(2, 4), [], progress=False)


def test_patterns_and_doubles() -> None:
    net = extract(Odd(), torch.rand(2, 4), ["pair[both]*", "twice:*", "twice:0", "linear"], progress=False)
    names = list(dict.fromkeys(net.layer.values.tolist()))
    assert names == ["pair[both][0]", "pair[both][1]", "twice:0", "twice:1", "linear"]


def test_example_may_be_an_image_set() -> None:
    stimuli = images(np.zeros((1, 32, 32), np.uint8))
    assert len(layers(load_model("cifar:resnet20"), stimuli)) > 50


def test_a_model_that_does_not_fit_the_images() -> None:
    model = load_model("cifar:resnet20")
    with pytest.raises(InputError, match=r"cannot run on inputs of shape \(2, 4, 32, 32\).*channels"):
        layers(model, torch.zeros(1, 4, 32, 32))
    with pytest.raises(InputError, match="lazy parameters"):
        layers(nn.LazyLinear(3), torch.zeros(1, 4))
