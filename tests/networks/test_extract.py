"""Activations against forward passes by hand, and the assembly that they become."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from neuroalpha.assembly import check_assembly, make_assembly, numbered, subset
from neuroalpha.errors import InputError
from neuroalpha.networks import memory
from neuroalpha.networks.catalogue import load_model
from neuroalpha.networks.extract import extract, neuroid_coords
from neuroalpha.networks.images import images
from neuroalpha.networks.provenance import weights_digest
from neuroalpha.networks.reduce import make_reduction
from neuroalpha.storage import load, save


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def record(model: nn.Module, x, layers, **options) -> np.ndarray:
    return extract(model, x, layers, progress=False, **options).values


@pytest.fixture(scope="module")
def alexnet() -> nn.Module:
    return load_model("torchvision:alexnet")


def test_alexnet_convolution_before_its_in_place_relu(alexnet: nn.Module) -> None:
    x = noise(4, 3, 64, 64)
    assert alexnet.features[1].inplace
    with torch.no_grad():
        by_hand = alexnet.features[0](x)
        after = by_hand.relu()
        pooled = alexnet.features[2](after)
    net = extract(alexnet, x, ["features.0", "features.1", "features.2"], progress=False)
    for layer, expected in (("features.0", by_hand), ("features.1", after), ("features.2", pooled)):
        values = net.sel(neuroid=net.layer == layer).values
        assert np.allclose(values, expected.flatten(1).numpy(), atol=1e-5)
    negative = float((subset(net, layer="features.0").values < 0).mean())
    assert 0.3 < negative < 0.7  # a hook that keeps a reference finds none


def test_a_model_that_begins_in_place_does_not_change_the_images() -> None:
    x = noise(5, 3, 4, 4)
    before = x.clone()
    values = record(nn.Sequential(nn.ReLU(inplace=True), nn.Flatten()), x, "1")
    assert torch.equal(x, before)
    assert np.array_equal(values, before.relu().flatten(1).numpy())


def test_in_place_addition_in_a_residual_block() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.norm(x)
            y += x
            return y.relu_()

    model = Residual()
    model.norm.running_mean += 0.5
    x = noise(3, 3, 4, 4)
    with torch.no_grad():
        expected = model.eval().norm(x)
    assert np.allclose(record(model, x, "norm"), expected.flatten(1).numpy(), atol=1e-6)


def test_resnet_relu_that_runs_twice() -> None:
    model = load_model("torchvision:resnet18")
    x = noise(3, 3, 64, 64)
    with torch.no_grad():
        stem = model.maxpool(model.relu(model.bn1(model.conv1(x))))
        block = model.layer1[0]
        inner = block.bn1(block.conv1(stem)).relu()
        outer = (block.bn2(block.conv2(inner)) + stem).relu()
    net = extract(model, x, ["layer1.0.relu:0", "layer1.0.relu:1"], progress=False)
    assert np.allclose(subset(net, layer="layer1.0.relu:0").values, inner.flatten(1).numpy(), atol=1e-5)
    assert np.allclose(subset(net, layer="layer1.0.relu:1").values, outer.flatten(1).numpy(), atol=1e-5)


def test_vision_transformer_tokens() -> None:
    torch.manual_seed(0)
    model = torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32
    ).eval()
    x = noise(3, 3, 32, 32)
    with torch.no_grad():
        tokens = torch.cat([model.class_token.expand(3, -1, -1), model._process_input(x)], 1)
        block = model.encoder.layers[0]
        first = block(tokens + model.encoder.pos_embedding)
        attended, _ = block.self_attention(*[block.ln_1(tokens + model.encoder.pos_embedding)] * 3, need_weights=False)
        final = model.encoder.ln(model.encoder.layers[1](first))
    name = "encoder.layers.encoder_layer_0"
    assert first.shape == (3, 17, 16)
    for how, expected in (
        ("cls", first[:, 0]),
        ("mean", first.mean(1)),
        ("max", first.amax(1)),
        ("flatten", first.flatten(1)),
    ):
        assert np.allclose(record(model, x, name, reduce=how), expected.numpy(), atol=1e-5)
    # A token layer and a head in one assembly, and the tuple of an attention module.
    net = extract(model, x, ["encoder.ln", f"{name}.self_attention[0]", "heads.head"], reduce="cls", progress=False)
    assert np.allclose(subset(net, layer="encoder.ln").values, final[:, 0].numpy(), atol=1e-5)
    assert np.allclose(subset(net, layer=f"{name}.self_attention[0]").values, attended[:, 0].numpy(), atol=1e-5)
    assert subset(net, layer="heads.head").shape == (3, 1000)
    assert set(subset(net, layer="heads.head").channel.values) == {-1}


def test_attention_with_weights_is_a_tuple_of_two() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x, x, x)[0]

    model, x = Net().eval(), noise(4, 5, 8)
    with torch.no_grad():
        output, weights = model.attention(x, x, x)
    assert np.allclose(record(model, x, "attention[0]"), output.flatten(1).numpy(), atol=1e-6)
    assert np.allclose(record(model, x, "attention[1]"), weights.flatten(1).numpy(), atol=1e-6)


def test_encoder_layers_that_have_a_fast_path() -> None:
    """In evaluation mode torch fuses these layers and calls none of their parts, unless a hook is there."""
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False)
    x = noise(3, 4, 8)
    net = extract(model, x, ["layers.0.linear1", "layers.1"], progress=False)
    with torch.no_grad():
        assert np.allclose(subset(net, layer="layers.1").values, model.eval()(x).flatten(1).numpy(), atol=1e-5)


def test_swin_maps_keep_channels_last() -> None:
    torch.manual_seed(0)
    model = torchvision.models.SwinTransformer([2, 2], 8, [1, 1], [2, 2], [2, 2]).eval()
    x = noise(2, 3, 16, 16)
    with torch.no_grad():
        expected = model.features[1](model.features[0](x))
    assert expected.shape == (2, 8, 8, 8)
    values = record(model, x, ["features.1", "permute"], reduce="mean", channels={"features.*": "last", "*": "first"})
    assert np.allclose(values[:, :8], expected.mean((1, 2)).numpy(), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 64])
def test_batch_size_does_not_matter(batch_size: int) -> None:
    model = load_model("cifar:resnet20")
    x = noise(7, 3, 16, 16)
    with torch.no_grad():
        expected = model(x).numpy()
    net = extract(model, x, ["layer2", "linear"], batch_size=batch_size, progress=False)
    assert np.allclose(subset(net, layer="linear").values, expected, atol=1e-4)
    assert net.stimulus_id.values.tolist() == [f"image{i}" for i in range(7)]


def test_reduction_by_layer() -> None:
    model = load_model("cifar:resnet20")
    x = noise(3, 3, 32, 32)
    reduce = {"layer?": "mean", "conv1": "project:40", "*": "flatten"}
    net = extract(model, x, ["conv1", "layer1", "layer3", "linear"], reduce=reduce, progress=False)
    _, start, units = np.unique(net.layer, return_index=True, return_counts=True)
    assert units[np.argsort(start)].tolist() == [40, 16, 64, 10]
    steps = [step for step in json.loads(net.attrs["preprocessing"]) if step["step"] == "reduce"]
    assert [step["reduce"] for step in steps] == ["project:40", "mean", "mean", "flatten"]
    assert steps[0]["seed"] == 0
    with pytest.raises(InputError, match="'layer9', which is not among the layers asked for; did you mean 'layer"):
        extract(model, x, ["layer1", "layer3"], reduce={"layer9": "mean", "*": "max"}, progress=False)
    with pytest.raises(InputError, match="says nothing about the layer 'conv1'"):
        extract(model, x, ["conv1", "layer3"], reduce={"layer3": "mean"}, progress=False)


def test_the_assembly(tmp_path) -> None:
    model = load_model("cifar:resnet20", seed=2)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    stimuli = images(
        pixels, normalize="cifar", label=[0, 1, 2, 0, 1, 2], stimulus_id=list("abcdef"), identifier="noise"
    )
    net = extract(model, stimuli, ["layer3", "linear"], progress=False)
    check_assembly(net)
    assert net.dims == ("presentation", "neuroid")
    assert net.dtype == np.float32
    assert net.stimulus_id.values.tolist() == list("abcdef")
    assert net.label.values.tolist() == [0, 1, 2, 0, 1, 2]
    assert set(net.repetition.values) == {0}
    assert net.neuroid_id.values[[0, -1]].tolist() == ["layer3/0000", "linear/9"]
    assert set(net.model.values) == {"cifar:resnet20"}
    last = net.sel(neuroid=net.layer == "layer3")[:, -1]
    assert (int(last.channel), int(last.row), int(last.column)) == (63, 7, 7)
    assert net.attrs["source"] == weights_digest(model)
    assert net.attrs["weights"] == "random, seed 2"
    assert net.attrs["identifier"] == "cifar:resnet20 on noise"
    assert json.loads(net.attrs["layers"]) == ["layer3", "linear"]
    assert [step["step"] for step in json.loads(net.attrs["preprocessing"])] == [
        *("rgb", "scale", "normalize"),
        *("reduce", "reduce"),
    ]
    assert net.attrs["n_nonfinite"] == 0
    save(net, tmp_path / "net.nc")
    again = load(tmp_path / "net.nc")
    assert np.array_equal(again.values, net.values)
    assert again.layer.values.tolist() == net.layer.values.tolist()
    assert again.attrs == net.attrs


def test_a_layer_is_one_contiguous_view() -> None:
    net = extract(load_model("cifar:resnet20"), noise(2, 3, 16, 16), ["layer2", "layer3"], progress=False)
    assert np.shares_memory(subset(net, layer="layer3").values, net.values)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes(dtype: str) -> None:
    model = nn.Sequential(nn.Linear(4, 3)).double()
    x = noise(5, 4)
    values = record(model, x, "0", dtype=dtype)
    assert values.dtype == dtype
    with torch.no_grad():
        expected = model(x.double()).numpy()
    assert np.allclose(values, expected, atol={"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}[dtype])


def test_half_precision_model_is_pooled_in_single() -> None:
    class Big(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.half() * 0 + 300  # the sum over 400 pixels would overflow half precision

    assert np.array_equal(record(nn.Sequential(Big()), noise(2, 3, 20, 20), "0", reduce="mean"), np.full((2, 3), 300))


def test_nonfinite_activations_are_kept_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    class Log(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.log()

    x = torch.tensor([[1.0, -1.0], [0.0, 2.0], [1.0, 1.0]])
    net = extract(nn.Sequential(Log()), x, "0", batch_size=2, progress=False)
    assert net.attrs["n_nonfinite"] == 2
    assert np.isnan(net.values[0, 1])
    assert np.isneginf(net.values[1, 0])
    assert "2 of 6 activations" in caplog.text


def test_inputs_need_not_be_images() -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten())
    ids = torch.tensor([[1, 2], [3, 4], [5, 6]])
    assert record(model, ids, "1").shape == (3, 8)


def test_arrays_and_folders_go_in_directly(tmp_path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "black.png")
    model = load_model("cifar:resnet20")
    net = extract(model, tmp_path, "linear", progress=False)
    assert net.stimulus_id.values.tolist() == ["black.png"]
    assert np.allclose(net.values, record(model, np.zeros((1, 32, 32), np.uint8), "linear"), atol=1e-5)


def test_too_large_for_memory_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    model = load_model("cifar:resnet20")
    with pytest.raises(InputError, match=r"50 images x 65536 units as float32 takes 0\.0 GB.*reduce='mean'"):
        extract(model, noise(50, 3, 64, 64), "conv1", progress=False)


def test_memory_is_a_plausible_number() -> None:
    free = memory.available_memory()
    assert free is None or 1e6 < free < 1e15


BAD = [
    (dict(model="resnet18"), "must be a torch.nn.Module, not str"),
    (dict(batch_size=0), "batch_size= must be 1 or more"),
    (dict(dtype="int8"), "dtype= is one of float16, float32, float64"),
    (dict(device="cuda:99"), "cannot be used here"),
    (dict(device="gpu"), "cannot be used here"),
    (dict(images=torch.zeros(0, 3, 8, 8)), "there are no images"),
    (dict(images=torch.zeros(3)), r"inputs have shape \(n, \.\.\.\)"),
    (dict(images=torch.zeros(2, 1, 8, 8)), r"cannot run on inputs of shape \(2, 1, 8, 8\).*channels"),
    (dict(reduce="cls"), "'cls' does not apply to 'layer1'"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input(change: dict, message: str) -> None:
    call = {"model": load_model("cifar:resnet20"), "images": torch.zeros(2, 3, 8, 8), "layers": "layer1", **change}
    with pytest.raises(InputError, match=message) as caught:
        extract(**call, progress=False)
    assert "\n" not in str(caught.value)


def test_a_million_neuroids_are_labelled_fast() -> None:
    start = time.perf_counter()
    reductions = {f"features.{i}": make_reduction(f"features.{i}", (1, 100, 50, 50), "flatten") for i in range(4)}
    coords = neuroid_coords(reductions)
    names = np.concatenate([numbered(f"{layer}/", r.units) for layer, r in reductions.items()])
    labels = time.perf_counter() - start
    make_assembly(np.zeros((1, 10**6), np.float32), stimulus_id=["a"], neuroid_id=names, neuroid=coords)
    assert labels < 1.5  # 0.15 s on two slow cores
    assert len(coords["layer"]) == 10**6


def test_a_models_own_preprocessing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), dtype=np.uint8)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())

    def preprocess(image: torch.Tensor) -> torch.Tensor:
        return image[:, :8, :8] / 127.5 - 1

    net = extract(model, pixels, "1", progress=False, preprocess=preprocess)
    ready = torch.from_numpy(pixels).permute(0, 3, 1, 2)[:, :, :8, :8] / 127.5 - 1
    with torch.no_grad():
        assert np.allclose(net.values, model(ready).numpy(), atol=1e-5)
    steps = json.loads(net.attrs["preprocessing"])
    assert steps[0]["step"] == "transform"
    assert steps[0]["transform"].endswith("preprocess")
    same = extract(model, images(pixels, size=4), "1", progress=False, preprocess=preprocess)
    assert np.array_equal(same.values, net.values)


def test_preprocessing_that_fails_names_the_image() -> None:
    def preprocess(image: torch.Tensor) -> torch.Tensor:
        raise TypeError("img should be PIL Image")

    with pytest.raises(InputError, match=r"preprocess fails on image [01] of the array \(TypeError: img should be PIL"):
        extract(nn.Sequential(nn.Flatten()), np.zeros((3, 4, 4), np.uint8), "0", progress=False, preprocess=preprocess)
