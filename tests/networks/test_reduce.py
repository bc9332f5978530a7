"""Every reduction against plain numpy, the projection against scikit-learn."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch
from sklearn.random_projection import SparseRandomProjection

from neuroalpha.errors import InputError
from neuroalpha.networks.reduce import make_reduction, rule

SHAPES = {"vector": (3, 5), "one": (3,), "tokens": (3, 4, 5), "map": (3, 4, 5, 6), "array": (3, 2, 2, 2, 2)}
X = {name: np.random.default_rng(0).standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}

ORACLES = [
    ("map", "first", "flatten", lambda x: x.reshape(3, -1)),
    ("map", "first", "mean", lambda x: x.mean((2, 3))),
    ("map", "first", "max", lambda x: x.max((2, 3))),
    ("map", "last", "flatten", lambda x: x.reshape(3, -1)),
    ("map", "last", "mean", lambda x: x.mean((1, 2))),
    ("map", "last", "max", lambda x: x.max((1, 2))),
    ("tokens", "first", "flatten", lambda x: x.reshape(3, -1)),
    ("tokens", "first", "mean", lambda x: x.mean(1)),
    ("tokens", "last", "max", lambda x: x.max(1)),
    ("tokens", "first", "cls", lambda x: x[:, 0]),
    *(("vector", "first", how, lambda x: x) for how in ("flatten", "mean", "max", "cls", "project:9")),
    ("one", "first", "mean", lambda x: x[:, None]),
    ("array", "first", "flatten", lambda x: x.reshape(3, -1)),
    ("map", "first", "project:1000", lambda x: x.reshape(3, -1)),  # fewer units than projections: left alone
]


@pytest.mark.parametrize(("name", "channels", "how", "oracle"), ORACLES)
def test_reductions(name: str, channels: str, how: str, oracle) -> None:
    reduction = make_reduction("layer", SHAPES[name], how, channels)
    result = reduction.apply(torch.from_numpy(X[name])).numpy()
    assert result.shape == (3, reduction.units)
    assert np.allclose(result, oracle(X[name]), atol=1e-6)
    assert all(places.shape == (reduction.units,) for places in reduction.coords.values())


@pytest.mark.parametrize("channels", ["first", "last"])
def test_places_of_a_flattened_map(channels: str) -> None:
    reduction = make_reduction("layer", SHAPES["map"], "flatten", channels)
    flat = reduction.apply(torch.from_numpy(X["map"])).numpy()
    channel, row, column = (reduction.coords[name] for name in ("channel", "row", "column"))
    picked = X["map"][:, channel, row, column] if channels == "first" else X["map"][:, row, column, channel]
    assert np.array_equal(flat, picked)
    assert "token" not in reduction.coords


def test_places_of_tokens() -> None:
    reduction = make_reduction("layer", SHAPES["tokens"], "flatten")
    flat = reduction.apply(torch.from_numpy(X["tokens"])).numpy()
    assert np.array_equal(flat, X["tokens"][:, reduction.coords["token"], reduction.coords["channel"]])
    assert make_reduction("layer", SHAPES["tokens"], "cls").coords["token"].tolist() == [0] * 5


def test_rules_by_shape() -> None:
    assert [rule(shape) for shape in SHAPES.values()] == ["vector", "vector", "tokens", "map", "array"]


def test_projection_is_that_of_scikit_learn() -> None:
    x = np.random.default_rng(1).standard_normal((6, 20, 5, 5)).astype(np.float32)
    reduction = make_reduction("layer", x.shape, "project:50", seed=3)
    ours = reduction.apply(torch.from_numpy(x)).numpy()
    flat = x.reshape(6, -1)
    theirs = SparseRandomProjection(50, random_state=zlib.crc32(b"3/layer")).fit_transform(flat)
    assert np.allclose(ours, theirs, atol=1e-4)
    assert reduction.coords == {}


def test_projection_keeps_distances_and_its_seed() -> None:
    x = torch.randn(10, 8000, generator=torch.Generator().manual_seed(0))
    first, same, other_layer, other_seed = (
        make_reduction(layer, (10, 8000), "project:2000", seed=seed).apply(x)
        for layer, seed in (("a", 0), ("a", 0), ("b", 0), ("a", 1))
    )
    assert torch.equal(first, same)
    assert not torch.allclose(first, other_layer)
    assert not torch.allclose(first, other_seed)
    ratio = torch.pdist(first) / torch.pdist(x)
    assert float((ratio - 1).abs().max()) < 0.1


@pytest.mark.parametrize(
    ("shape", "how", "channels", "message"),
    [
        ((3, 4, 5, 6), "cls", "first", "'cls' does not apply to 'layer'.*'map'.*'flatten', 'mean' or 'max'"),
        ((3, 2, 2, 2, 2), "mean", "first", "does not apply.*'array'"),
        ((3, 4), "avg", "first", "no reduction 'avg'.*project:K"),
        ((3, 4), "maen", "first", "did you mean 'mean'"),
        ((3, 4), "project:0", "first", "asks for no projection at all"),
        ((3, 4), "project:x", "first", "did you mean 'project:1000'"),
        ((3, 4), "mean", "middle", "channels= is 'auto'"),
    ],
)
def test_what_does_not_apply(shape: tuple[int, ...], how: str, channels: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_reduction("layer", shape, how, channels)


def test_a_map_that_looks_like_channels_last_is_refused():
    with pytest.raises(InputError, match=r"looks like \(N, H, W, C\): say channels='last'"):
        make_reduction("features.5", (2, 4, 4, 384), "mean")
    assert make_reduction("features.5", (2, 4, 4, 384), "mean", "last").units == 384
    assert make_reduction("features.5", (2, 4, 4, 384), "mean", "first").units == 4
    for usual in ((2, 64, 32, 32), (2, 8, 8, 8), (2, 512, 1, 1), (2, 1, 1, 40)):
        assert make_reduction("conv", usual, "mean").units == usual[1]
