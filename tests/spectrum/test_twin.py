"""The torch twins against numpy: on the CPU to 1e-10, on a GPU, where there is one, to 1e-5."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.assembly import numbered

DEVICES = [
    ("cpu", 1e-10),
    pytest.param(
        "cuda", 1e-5, marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
    ),
]


def spread(x, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=x) * np.arange(1, x[-1] + 1) ** -0.5 + 10 * rng.random(x[-1])


def same(call, device, rtol):
    expected, found = call(None), call(device)
    assert (expected.attrs["device"], found.attrs["device"]) == ("numpy", device)
    assert {**expected.attrs, "device": device} == found.attrs
    for name in expected.data_vars:
        floor = 1e-12 * float(np.nanmax(np.abs(expected[name])))
        np.testing.assert_allclose(found[name], expected[name], rtol=rtol, atol=floor)


@pytest.mark.parametrize(("device", "rtol"), DEVICES)
@pytest.mark.parametrize("shape", [(60, 90), (90, 60)])
@pytest.mark.parametrize("center", [True, False])
def test_eigenspectrum(device, rtol, shape, center):
    x = na.make_assembly(spread(shape), stimulus_id=numbered("", shape[0]))
    same(lambda on: na.eigenspectrum(x, n_draws=6, center=center, device=on), device, rtol)


@pytest.mark.parametrize(("device", "rtol"), DEVICES)
@pytest.mark.parametrize("shape", [(60, 90), (90, 60)])
def test_cvpca(device, rtol, shape):
    rng = np.random.default_rng(1)
    x = na.read_array(spread(shape) + 0.3 * rng.normal(size=(2, *shape)))
    for options in ({"n_draws": 6}, {"n_draws": 5, "resample": "stimulus"}, {"n_draws": 0, "n_components": 20}):
        same(lambda on, options=options: na.cvpca(x, n_shuffles=3, device=on, **options), device, 10 * rtol)


@pytest.mark.parametrize(("device", "rtol"), DEVICES)
@pytest.mark.parametrize("center", [True, False])
def test_stream_takes_tensors_of_the_device(device, rtol, center):
    x = spread((200, 30))

    def call(on):
        parts = np.array_split(x, 7)
        made = parts if on is None else [torch.from_numpy(part).to(on) for part in parts]
        return na.stream_spectrum(made, n_draws=5, center=center, device=on)

    same(call, device, rtol)


def test_single_precision_and_tf32_settings_of_the_caller_do_not_matter():
    kept = torch.get_float32_matmul_precision()
    x = torch.from_numpy(spread((200, 30)))
    try:
        torch.set_float32_matmul_precision("medium")
        found = na.stream_spectrum([x], device="cpu")
    finally:
        torch.set_float32_matmul_precision(kept)
    np.testing.assert_allclose(found.eigenvalue, na.stream_spectrum([x]).eigenvalue, rtol=1e-10)


def test_a_device_that_is_not_there():
    x = na.make_assembly(spread((6, 5)), stimulus_id=numbered("", 6))
    with pytest.raises(na.InputError, match="device 'abacus' cannot be used"):
        na.eigenspectrum(x, device="abacus")
    with pytest.raises(na.InputError, match="device 'abacus' cannot be used"):
        na.cvpca(na.read_array(np.ones((2, 4, 3))), device="abacus")
