"""A model lent for a pass comes back as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError
from neuroalpha.networks.state import as_device, evaluating, input_dtype


def mixed() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), nn.Sequential(nn.BatchNorm1d(3)))
    model.train()
    model[2].eval()
    model[0].weight.requires_grad_(False)
    return model


def flags(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


@pytest.mark.parametrize("fails", [False, True])
def test_flags_come_back_one_by_one(fails):
    model = mixed()
    before = flags(model)
    assert len(set(before)) == 2
    try:
        with evaluating(model, torch.device("cpu")):
            assert not any(flags(model))
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    assert flags(model) == before
    assert not model[0].weight.requires_grad
    assert model[0].bias.requires_grad


def test_devices_and_types():
    assert as_device(None, nn.ReLU()) == torch.device("cpu")
    assert as_device("cpu", mixed()) == torch.device("cpu")
    with pytest.raises(InputError, match="the device 'nonsense' cannot be used here"):
        as_device("nonsense", mixed())
    assert input_dtype(mixed().double()) == torch.float64
    assert input_dtype(nn.ReLU()) == torch.float32


def test_lazy_parameters_are_refused():
    with pytest.raises(InputError, match="lazy parameters"), evaluating(nn.LazyLinear(3), torch.device("cpu")):
        pass
