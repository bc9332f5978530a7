"""Layers that fail, or hold constant units, among others that do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.networks.spectra import collect_spectra, model_spectra


def near(one: xr.Dataset, two: np.ndarray, tolerance: float = 1e-12) -> bool:
    found = one["eigenvalue"].values
    return found.shape == two.shape and bool(np.abs(found - two).max() <= tolerance * two[0])


def same(one: xr.Dataset, two: xr.Dataset) -> bool:
    names = [name for name in ("eigenvalue", "eigenvalue_draw") if name in one]
    return all(np.array_equal(one[name], two[name], equal_nan=True) for name in names)


class Spoilt(nn.Module):
    """Layers that fail in ways of their own."""

    def __init__(self, wrong: float) -> None:
        super().__init__()
        self.good, self.bad, self.constant, self.wide = (nn.Identity() for _ in range(4))
        self.wrong = wrong

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bad = x.clone()
        bad[:, 2] = torch.where(x[:, 0] == 17, torch.full_like(x[:, 0], self.wrong), bad[:, 2])
        self.bad(bad)
        self.constant(torch.ones_like(x))
        self.wide(bad.repeat(1, 20))
        return self.good(x)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("shards", [None, 3])
@pytest.mark.parametrize("n_draws", [0, 5])
def test_a_bad_layer_leaves_the_others_alone(wrong, shards, n_draws):
    x = torch.randn(40, 5)
    x[:, 0] = torch.arange(40)
    options = {"shards": shards, "n_draws": n_draws, "batch_size": 7, "progress": False}
    layers = ["bad", "good", "constant", "wide"]
    found = collect_spectra(Spoilt(wrong), x, layers, **options)
    assert list(found.results) == layers
    bad, good, constant, wide = found.results.values()
    stimulus = r"for 1 of \d+ stimuli \(first: number 17\)"
    assert isinstance(bad, InputError)
    assert isinstance(wide, InputError)
    for fault, units in ((bad, "1 units of these 5 "), (wide, "20 units of these 100 ")):
        with pytest.raises(InputError, match=rf"{units}\(the first is unit 2\) {stimulus}"):
            raise fault
    with pytest.raises(InputError, match="all 5 units are constant over the stimuli"):
        raise constant
    alone = collect_spectra(Spoilt(wrong), x, ["good"], **options).results["good"]
    assert same(good, alone)
    assert found.cost["cost_passes"] >= 1
    with pytest.raises(InputError, match="layer 'bad': NaN or infinite activations"):
        model_spectra(Spoilt(wrong), x, layers, **options)


def test_constant_units_are_counted_and_change_nothing():
    x = torch.randn(40, 30)
    x[:, ::3] = 0.7
    for route in ("covariance", "gram"):
        found = model_spectra(nn.Sequential(nn.Identity()), x, ["0"], route=route, progress=False)["0"]
        assert found.attrs["n_constant"] == 10
        values = x.numpy().astype(np.float64)
        svd = np.linalg.svd(values - values.mean(0), compute_uv=False)[:30] ** 2 / 39
        assert near(found, svd)
        assert (found["eigenvalue"].values[20:] == 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_bad_layer_on_a_gpu():
    x = torch.randn(40, 5)
    x[:, 0] = torch.arange(40)
    found = collect_spectra(Spoilt(float("nan")), x, ["bad", "good", "wide"], device="cuda", progress=False)
    for layer in ("bad", "wide"):
        with pytest.raises(InputError, match=r"the first is unit 2\) for 1 of 40 stimuli \(first: number 17"):
            raise found.results[layer]
    on_cpu = collect_spectra(Spoilt(0), x, "good", progress=False).results["good"]
    assert near(found.results["good"], on_cpu["eigenvalue"].values, 1e-10)
