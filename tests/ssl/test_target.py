"""The target network: a copy, moved as the papers say."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from neuroalpha.ssl.target import follow, make_target, momentum


def test_it_is_a_copy_without_gradients_and_with_statistics_of_its_own():
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    target = make_target(network)
    x = torch.randn(8, 3)
    assert torch.equal(network(x), target(x))
    assert not any(parameter.requires_grad for parameter in target.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())
    target(x + 1)
    assert not torch.equal(target[1].running_mean, network[1].running_mean)


@given(memory=st.floats(0, 1))
def test_it_follows(memory):
    network, target = nn.Linear(3, 4), nn.Linear(3, 4)
    expected = [
        memory * old.detach().double() + (1 - memory) * new.detach().double()
        for old, new in zip(target.parameters(), network.parameters(), strict=True)
    ]
    follow(target, network, memory)
    for found, wanted in zip(target.parameters(), expected, strict=True):
        assert torch.allclose(found.double(), wanted, atol=1e-6)


def test_the_schedule_is_that_of_the_published_code():
    """tau_f - (tau_f - tau_0) (cos(pi k / K) + 1) / 2, with tau_f = 1 (solo-learn, momentum updater)."""
    for step in range(11):
        expected = 1.0 - (1.0 - 0.99) * (math.cos(math.pi * step / 10) + 1) / 2
        assert momentum(step, 10, 0.99) == pytest.approx(expected, abs=1e-15)
    assert momentum(0, 10, 0.99) == 0.99
    assert momentum(5, 10, 0.99) == pytest.approx(0.995)
    assert momentum(99, 10, 0.99) == 1.0
