"""Device, precision and repeatable kernels: chosen, and put back."""

from __future__ import annotations

import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.numerics import choose_device, choose_precision, repeatable
from neuroalpha.ssl.settings import TrainSettings

CPU = torch.device("cpu")


def test_a_device_that_is_not_there():
    for name in ("cuda:99", "gpu"):
        with pytest.raises(na.InputError, match=f"the device '{name}' cannot be used here"):
            choose_device(name)


@pytest.mark.parametrize(("there", "device"), [(True, "cuda:1"), (False, "cpu")])
def test_without_a_name_a_gpu_where_there_is_one(monkeypatch, there, device):
    """The one that is current, as a with-block of torch may have chosen."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert choose_device("") == torch.device(device)
    assert choose_device(TrainSettings().device) == torch.device(device)
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("native", [True, False])
def test_auto_takes_bfloat16_where_the_processor_has_it(monkeypatch, native):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: native, raising=False)
    assert choose_precision("auto", CPU) == ("bfloat16" if native else "float32")
    assert choose_precision("bfloat16", CPU) == "bfloat16"


def test_auto_without_an_answer_is_float32(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert choose_precision("auto", CPU) == "float32"


@pytest.mark.parametrize("before", [True, False])
def test_switches_are_put_back_also_after_an_error(before):
    def switches():
        return torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory

    usual = switches()
    try:
        torch.use_deterministic_algorithms(before)
        inside = []

        def fails():
            with repeatable(CPU, wanted=False):
                inside.append(switches())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fails()
        assert inside == [(True, False)]  # a CPU always repeats itself
        assert switches() == (before, usual[1])
    finally:
        torch.use_deterministic_algorithms(usual[0])
