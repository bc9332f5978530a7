"""Spectra of a model's layers against activations that were stored, by every route."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import neuroalpha as na
from neuroalpha.errors import InputError
from neuroalpha.networks import passes
from neuroalpha.networks.spectra import model_spectra


class Net(nn.Module):
    """Maps of 8 x 10 x 10, vectors of 12 and 5, one module that runs twice, one in-place ReLU; fixed weights."""

    def __init__(self, ratio: float = 0.0) -> None:
        super().__init__()
        self.conv, self.relu, self.pool = nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.AvgPool2d(2)
        self.fc, self.head = nn.Linear(200, 12), nn.Linear(12, 5)
        rng = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng) / parameter.shape[-1] ** 0.5
        self.conv.bias.data += 150 * ratio
        self.head.bias.data += 150 * ratio

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.relu(self.conv(x)))
        return self.head(self.relu(self.fc(x.flatten(1))))


LAYERS = ["conv", "relu:0", "fc", "head"]
IMAGES = torch.randn(45, 3, 12, 12, generator=torch.Generator().manual_seed(1))
TINY = 300_000  # bytes: far less than the activations, as much as three matrices and some blocks


@pytest.fixture(autouse=True, scope="module")
def _small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuroalpha.spectrum.accumulate.BLOCK_SIDE", 500)
        yield


def spectra(**options) -> dict[str, xr.Dataset]:
    options = {"model": Net(), "images": IMAGES, "layers": LAYERS, "batch_size": 16, "progress": False} | options
    return model_spectra(**options)


def stored(layer: str, reduce: str = "flatten", ratio: float = 0.0, **options) -> xr.Dataset:
    net = na.extract(Net(ratio), IMAGES, [layer], reduce, batch_size=16, progress=False)
    return na.eigenspectrum(net, **({"n_draws": 0} | options))


def near(one: xr.Dataset, two: xr.Dataset | np.ndarray, tolerance: float = 1e-12) -> bool:
    first = one["eigenvalue"].values
    second = two if isinstance(two, np.ndarray) else two["eigenvalue"].values
    return first.shape == second.shape and bool(np.abs(first - second).max() <= tolerance * second[0])


def same(one: xr.Dataset, two: xr.Dataset) -> bool:
    names = [name for name in ("eigenvalue", "eigenvalue_draw") if name in one]
    return all(np.array_equal(one[name], two[name], equal_nan=True) for name in names)


@pytest.mark.parametrize("ratio", [0.0, 1.0])
@pytest.mark.parametrize("route", ["auto", "covariance", "gram"])
@pytest.mark.parametrize("center", [True, False])
def test_the_same_as_from_stored_activations(ratio, route, center):
    found = spectra(model=Net(ratio), route=route, center=center)
    assert list(found) == LAYERS
    for layer, spectrum in found.items():
        assert near(spectrum, stored(layer, ratio=ratio, center=center))
        values = na.extract(Net(ratio), IMAGES, [layer], batch_size=16, progress=False).values.astype(np.float64)
        values -= values.mean(0) * center
        svd = np.linalg.svd(values, compute_uv=False)[: spectrum.sizes["component"]] ** 2 / (45 - center)
        assert near(spectrum, svd)
        if ratio and layer == "head":
            net = na.extract(Net(ratio), IMAGES, [layer], progress=False).values
            assert np.median(np.abs(net.mean(0)) / net.std(0)) > 100


@pytest.mark.parametrize("route", ["auto", "gram, held", "gram, recomputed", "gram, spilled"])
def test_pooled_layers_and_patterns(route):
    # A later pass shows some layers only, and must not stumble over patterns for others.
    found = spectra(layers=["*"], reduce={"conv": "flatten", "relu:0": "max", "pool": "mean", "*": "flatten"},
                    channels={"conv": "first", "*": "auto"}, route=route, memory=TINY)  # fmt: skip
    assert list(found)[:2] == ["conv", "relu:0"]
    for layer, reduce in (("conv", "flatten"), ("relu:0", "max"), ("pool", "mean"), ("output", "flatten")):
        assert near(found[layer], stored(layer, reduce))


@settings(max_examples=25, deadline=None)
@given(
    batch_size=st.integers(1, 50),
    route=st.sampled_from(["auto", "covariance", "gram", "gram, spilled", "gram, recomputed"]),
    memory=st.integers(300_000, 3_000_000),
    shards=st.sampled_from([None, 2, 3, 60]),
    n_draws=st.sampled_from([0, 5]),
    n=st.integers(6, 45),
)
def test_any_batch_split_and_bound_give_the_same(batch_size, route, memory, shards, n_draws, n):
    options = {"images": IMAGES[:n], "n_draws": n_draws}
    try:
        found = spectra(**options, batch_size=batch_size, route=route, memory=memory, shards=shards)
    except InputError as error:
        if "need at least" not in str(error):
            raise
        return
    usual = spectra(**options, route="gram", memory="1 GB")
    for layer in LAYERS:
        # Activations of another batch differ in their last bit (float32); eigenvalues by no more than that.
        tolerance = 1e-12 if batch_size == 16 and shards is None else 2e-6
        assert near(found[layer], usual[layer], tolerance)
        if n_draws:
            difference = found[layer]["eigenvalue_draw"] - usual[layer]["eigenvalue_draw"]
            assert float(np.abs(difference).max()) <= tolerance * float(usual[layer]["eigenvalue_draw"].max())


@pytest.mark.parametrize("n_draws", [0, 5])
@pytest.mark.parametrize("shards", [None, 2])
def test_how_wide_layers_wait_changes_no_bit(n_draws, shards):
    held, spilled, again = (
        spectra(route=route, memory=memory, n_draws=n_draws, shards=shards)
        for route, memory in (("gram, held", "1 GB"), ("gram, spilled", TINY), ("gram, recomputed", TINY))
    )
    assert spilled["conv"].attrs["cost_scratch_bytes"] > 0
    assert again["conv"].attrs["cost_passes"] > 1
    for layer in LAYERS:
        assert held[layer].attrs["route"] == "gram, held"
        assert spilled[layer].attrs["route"] == "gram, spilled"
        assert again[layer].attrs["route"] == "gram, recomputed"
        assert same(held[layer], spilled[layer])
        assert same(held[layer], again[layer])


@pytest.mark.parametrize("route", ["covariance", "gram"])
@pytest.mark.parametrize("center", [True, False])
def test_draws_are_those_of_stimuli_left_out(route, center):
    found = spectra(n_draws=9, route=route, center=center, seed=4)
    dealt = np.random.default_rng(4).integers(9, size=45)
    for layer, spectrum in found.items():
        values = na.extract(Net(), IMAGES, [layer], batch_size=16, progress=False).values.astype(np.float64)
        assert spectrum["eigenvalue_draw"].shape == (9, spectrum.sizes["component"])
        for group, draw in enumerate(spectrum["eigenvalue_draw"].values):
            left = values[dealt != group]
            left = left - left.mean(0) * center
            truth = np.linalg.svd(left, compute_uv=False) ** 2 / (len(left) - center)
            rank = min(len(left) - center, values.shape[1])
            assert np.abs(draw[:rank] - truth[:rank]).max() < 1e-12 * truth[0]
            assert np.isnan(draw[rank:]).all()
        assert spectrum.attrs["draw_fraction"] == pytest.approx(64 / 73)
        spread = spectrum["eigenvalue_draw"][:, 0].std(ddof=0) * np.sqrt(64 / 9 * 9 / 8)
        half = float(spectrum["eigenvalue_high"][0] - spectrum["eigenvalue"][0])
        assert half == pytest.approx(1.96 * float(spread), rel=0.08)


def test_single_precision_is_near_and_said():
    double, single = spectra(), spectra(precision="float32")
    for layer in LAYERS:
        assert near(single[layer], double[layer], 1e-6)
        assert not same(single[layer], double[layer])
        assert (single[layer].attrs["precision"], double[layer].attrs["precision"]) == ("float32", "float64")


def test_what_a_spectrum_says_of_itself(tmp_path, capsys):
    found = spectra(layers=["fc", "conv"], reduce={"conv": "mean", "fc": "flatten"}, n_draws=5, progress=True)
    assert "45 stimuli; 2 layers by the covariance; up to 0.00 GB of memory" in capsys.readouterr().err
    spectrum = found["fc"]
    own = na.extract(Net(), IMAGES, ["fc"], progress=False)
    said = {"model": "Net", "layer": "fc", "source": own.attrs["source"], "weights": own.attrs["weights"],
            "n_stimuli": 45, "n_neuroids": 12, "n_constant": 0, "center": "neuroid mean", "estimator": "pca",
            "resample": "stimulus", "seed": 0, "shards": 1, "n_draws": 5, "batch_size": 16, "precision": "float64",
            "device": "numpy", "route": "covariance", "cost_passes": 1, "cost_scratch_bytes": 0}  # fmt: skip
    assert {name: spectrum.attrs[name] for name in said} == said
    assert spectrum.attrs["identifier"] == "Net fc on tensor"
    assert json.loads(found["conv"].attrs["preprocessing"])[-1]["reduce"] == "mean"
    depth = [found[layer].attrs["depth"] for layer in ("conv", "fc")]
    assert 0 <= depth[0] < depth[1] < 1
    assert 0 < spectrum.attrs["cost_seconds_forward"] < 60
    assert spectrum.attrs["cost_expected_bytes"] > 0
    assert all(isinstance(value, str | int | float) for value in spectrum.attrs.values())
    na.save(spectrum, tmp_path / "spectrum.nc")


def test_forced_ways_tell_what_they_are_expected_to_cost(capsys):
    found = spectra(route="gram, spilled", memory=TINY, progress=True)["fc"]
    said = capsys.readouterr().err
    assert "GB of scratch file; expected extra: spilled " in said
    assert found.attrs["cost_expected_extra_seconds"] >= 0
    assert found.attrs["cost_extra_seconds"] >= 0
    spectra(route="gram, recomputed", memory=TINY, progress=True)
    assert "forward passes; expected extra: recomputed" in capsys.readouterr().err


def test_no_file_stays(tmp_path):
    spectra(route="gram, spilled", memory=TINY, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_models_of_other_precision(dtype):
    model = Net().to(dtype)
    found = spectra(model=model)
    for layer in LAYERS:
        net = na.extract(model, IMAGES, [layer], batch_size=16, progress=False)
        assert near(found[layer], na.eigenspectrum(net, n_draws=0))


def test_images_as_files_hold_them():
    pixels = (IMAGES.abs() * 60).clamp(0, 255).to(torch.uint8).numpy()
    pixels = np.ascontiguousarray(np.moveaxis(pixels, 1, -1))
    pictures = na.images(pixels, size=12)
    found = spectra(images=pictures)
    for layer in LAYERS:
        net = na.extract(Net(), pictures, [layer], batch_size=16, progress=False)
        assert near(found[layer], na.eigenspectrum(net, n_draws=0))
    own = spectra(images=pixels, preprocess=lambda image: image.float() / 100)
    ready = spectra(images=torch.from_numpy(np.moveaxis(pixels, -1, 1)).float() / 100)
    assert all(near(own[layer], ready[layer]) for layer in LAYERS)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        first = self.linear(x)
        return {"both": self.linear(first), "sum": first.sum()}


def test_modules_that_run_twice_and_outputs_without_images():
    x = torch.randn(30, 6)
    model = Twice()
    found = spectra(model=model, images=x, layers=["linear:0", "linear:1", "output[both]"])
    with torch.no_grad():
        once = model.linear(x)
        values = {"linear:0": once, "linear:1": model.linear(once), "output[both]": model.linear(once)}
    for layer, spectrum in found.items():
        truth = torch.linalg.eigvalsh(torch.cov(values[layer].double().T)).flip(0).numpy()
        assert near(spectrum, truth, 1e-6)
    with pytest.raises(InputError, match="'output\\[sum\\]' cannot be recorded: its shape"):
        spectra(model=model, images=x, layers=["output[sum]"])


class Small(nn.Module):
    """Has memory for so many images at once; may fill up on the way, halfway through a batch."""

    def __init__(self, most: int, after: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 30), nn.Linear(30, 50)
        self.most, self.after, self.calls = most, after, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        x = self.first(x)
        if self.calls > self.after and len(x) > self.most:
            raise torch.OutOfMemoryError("full")
        return self.second(x)


@pytest.mark.parametrize("after", [0, 2, 3])
@pytest.mark.parametrize("reduce", ["flatten", "project:20"])
@pytest.mark.filterwarnings("ignore:the spectrum of")
def test_batches_that_do_not_fit_lose_no_stimulus(after, reduce):
    x = torch.randn(40, 4)
    model = Small(3, after)
    options = {"images": x, "layers": ["first", "second"], "reduce": reduce, "batch_size": 16}
    found = spectra(model=model, **options)
    model.most = 100
    for layer, spectrum in spectra(model=model, **options).items():
        assert near(found[layer], spectrum, 1e-6)
        error = spectrum.attrs.get("projection_error", 0.0)  # halves of a batch count once
        assert found[layer].attrs.get("projection_error", 0.0) == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_draws": 3}, "n_draws is 3; a jackknife needs at least 5"),
        ({"n_draws": 60}, r"as many as draws \(60\); got 45"),
        ({"n_draws": -1}, "n_draws is -1"),
        ({"route": "gram, hold"}, "route is 'gram, hold'; expected one of auto.*did you mean 'gram, held'"),
        ({"precision": "half"}, "precision is 'half'"),
        ({"center": 1}, "center"),
        ({"seed": None}, "seed is None"),
        ({"memory": "lots"}, "memory is 'lots'; expected a size as '2 GB'"),
        ({"memory": 1000}, r"need at least 0\.0\d+ GB .*but memory is 1e-06 GB"),
        ({"shards": 0}, "shards is 0"),
        ({"layers": "cnv"}, "no layer 'cnv'; did you mean 'conv'"),
        ({"images": IMAGES[:2]}, "at least 3 stimuli.*got 2"),
        ({"route": "gram, spilled", "memory": TINY, "scratch": "/nowhere"}, "scratch= is '/nowhere', which is not"),
        ({"device": "tpu"}, "device 'tpu' cannot be used"),
        ({"images": torch.zeros(9, 1, 12, 12)}, "Net cannot run on inputs of shape"),
    ],
)
def test_bad_input_is_told_before_the_work(options, message, monkeypatch):
    def work(*args):
        raise AssertionError("work was begun")

    monkeypatch.setattr(passes, "_forward", work)
    with pytest.raises(InputError, match=message) as told:
        spectra(**options)
    assert "\n" not in str(told.value)


def test_the_model_is_put_back():
    model = Net().train()
    spectra(model=model, route="gram, recomputed", memory=TINY)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("route", ["covariance", "gram, held", "gram, spilled", "gram, recomputed"])
@pytest.mark.parametrize("n_draws", [0, 5])
def test_a_gpu_gives_the_same(route, n_draws):
    # The layer before everything: the very same activations on both, so that only the products differ.
    model = nn.Sequential(nn.Identity(), nn.Flatten())
    x = torch.randn(80, 3, 16, 16) + 150
    options = {"model": model, "images": x, "layers": ["0"], "route": route, "n_draws": n_draws}
    if route.endswith(("spilled", "recomputed")):
        options["memory"] = 500_000
    on_cpu = spectra(**options, device="cpu")["0"]
    on_gpu = spectra(**options, device="cuda")["0"]
    assert near(on_gpu, on_cpu, 1e-10)
    assert on_gpu.attrs["device"].startswith("cuda")
    if n_draws:
        difference = np.abs(on_gpu["eigenvalue_draw"] - on_cpu["eigenvalue_draw"])
        assert float(difference.max()) < 1e-10 * float(on_cpu["eigenvalue"][0])
