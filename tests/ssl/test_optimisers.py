"""LARS against its formula in numpy, step by step; the schedule against its closed form; names."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from neuroalpha.errors import InputError
from neuroalpha.ssl.optimisers import LARS, learning_rate, list_optimisers, make_optimiser, set_learning_rate


def lars_by_hand(weights, gradients, lrs, momentum, decay, eta, clip):
    """You et al. 2017, algorithm 1, in float64, with clipping."""
    w, v = weights.astype(float), 0.0
    for g, lr in zip(gradients.astype(float), lrs, strict=True):
        if w.ndim > 1:
            size, slope = np.sqrt((w**2).sum()), np.sqrt((g**2).sum())
            if size > 0 and slope > 0:
                trust = eta * size / (slope + decay * size + 1e-8)
                g = (min(trust / lr, 1) if clip else trust) * (g + decay * w)
        v = momentum * v + g
        w = w - lr * v
    return w


@pytest.mark.parametrize("shape", [(4, 3), (5, 2, 3, 3), (7,)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("eta", "clip"), [(0.02, True), (0.02, False), (50.0, True)])
def test_lars_is_its_formula(shape: tuple[int, ...], momentum: float, eta: float, clip: bool) -> None:
    rng = np.random.default_rng(0)
    start, gradients, lrs = rng.normal(size=shape), rng.normal(size=(6, *shape)), [0.1, 0.3, 1.0, 0.5, 0.2, 0.01]
    weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimiser = LARS([weight], lr=1.0, momentum=momentum, weight_decay=0.05, eta=eta, clip=clip)
    for gradient, lr in zip(gradients, lrs, strict=True):
        set_learning_rate(optimiser, lr)
        weight.grad = torch.tensor(gradient)
        optimiser.step()
    expected = lars_by_hand(start, gradients, lrs, momentum, 0.05, eta, clip)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12, atol=1e-12)


def test_lars_takes_the_plain_step_from_nothing() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    optimiser = LARS([weight], lr=0.5, momentum=0.0, weight_decay=0.1)
    weight.grad = torch.ones(2, 2)
    optimiser.step()
    assert torch.equal(weight.data, torch.full((2, 2), -0.5))
    idle = nn.Parameter(torch.ones(2, 2))
    optimiser = LARS([idle], lr=0.5, weight_decay=0.1)
    idle.grad = torch.zeros(2, 2)
    optimiser.step()
    assert torch.equal(idle.data, torch.ones(2, 2))  # nor is it decayed
    idle.grad = None
    optimiser.step()
    assert torch.equal(idle.data, torch.ones(2, 2))


@given(st.floats(0.1, 100), st.integers(0, 100))
def test_lars_does_not_care_for_the_scale_of_the_loss(scale: float, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    start, gradient = torch.randn(2, 3, 4, generator=rng, dtype=torch.float64)
    after = []
    for factor in (1.0, scale):
        weight = nn.Parameter(start.clone())
        weight.grad = factor * gradient
        LARS([weight], lr=0.3, clip=False).step()
        after.append(weight.detach())
    torch.testing.assert_close(after[0], after[1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", list_optimisers())
def test_a_resumed_run_goes_on_as_it_was(name: str) -> None:
    def run(layer: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            set_learning_rate(optimiser, learning_rate(step, lr=0.1, total=8, warmup=2))
            x = torch.randn(5, 4, generator=torch.Generator().manual_seed(step))
            optimiser.zero_grad()
            layer(x).square().mean().backward()
            optimiser.step()

    def made() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        layer = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))
        return layer, make_optimiser(name, layer.parameters(), lr=0.1, weight_decay=1e-3)

    straight, optimiser = made()
    start = [weight.detach().clone() for weight in straight.parameters()]
    run(straight, optimiser, range(8))
    layer, optimiser = made()
    run(layer, optimiser, range(3))
    stored = layer.state_dict(), optimiser.state_dict()
    layer, optimiser = made()
    layer.load_state_dict(stored[0])
    optimiser.load_state_dict(stored[1])
    run(layer, optimiser, range(3, 8))
    for begun, one, other in zip(start, straight.parameters(), layer.parameters(), strict=True):
        assert torch.equal(one, other)
        assert not torch.equal(begun, one)


@pytest.mark.parametrize("name", list_optimisers())
def test_the_memory_order_of_weights_does_not_matter(name: str) -> None:
    after = []
    for order in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)).double().to(memory_format=order)  # type: ignore[call-overload]
        optimiser = make_optimiser(name, conv.parameters(), lr=0.05, weight_decay=0.01)
        for _ in range(3):
            x = (
                torch.linspace(-1, 1, 2 * 3 * 36, dtype=torch.float64)
                .sin()
                .view(2, 3, 6, 6)
                .contiguous(memory_format=order)
            )
            optimiser.zero_grad()
            conv(x).square().mean().backward()
            optimiser.step()
        after.append([weight.detach().contiguous() for weight in conv.parameters()])
    for one, other in zip(*after, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_names_make_what_they_say() -> None:
    weight = nn.Parameter(torch.ones(2))
    classes = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "lars": LARS}
    assert list(classes) == list_optimisers()
    for name, expected in classes.items():
        optimiser = make_optimiser(name, iter([weight]), lr=0.2, momentum=0.8, weight_decay=0.1)
        assert type(optimiser) is expected
        (group,) = optimiser.param_groups
        assert (group["lr"], group["weight_decay"]) == (0.2, 0.1)
        assert (group["betas"][0] if "betas" in group else group["momentum"]) == 0.8


@given(st.integers(1, 500), st.integers(0, 50), st.floats(1e-4, 10), st.sampled_from(["cosine", "constant"]), st.data())
def test_schedule_is_its_closed_form(total: int, warmup: int, lr: float, schedule: str, data: st.DataObject) -> None:
    total += warmup
    rates = [learning_rate(step, lr=lr, total=total, warmup=warmup, schedule=schedule) for step in range(total)]
    np.testing.assert_allclose(rates[:warmup], [lr * (k + 1) / warmup for k in range(warmup)])
    after = np.arange(total - warmup) / (total - warmup)
    expected = lr * (1 + np.cos(math.pi * after)) / 2 if schedule == "cosine" else np.full(total - warmup, lr)
    np.testing.assert_allclose(rates[warmup:], expected, rtol=1e-9, atol=1e-12)
    assert max(rates) == pytest.approx(lr)
    assert learning_rate(total, lr=lr, total=total, warmup=warmup) == pytest.approx(0, abs=1e-12)
    assert learning_rate(3 * total, lr=lr, total=total, warmup=warmup, end=lr / 10) == pytest.approx(lr / 10)


def test_cosine_is_torchs() -> None:
    optimiser = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.7)
    scheduler = CosineAnnealingLR(optimiser, T_max=13, eta_min=0.01)
    for step in range(13):
        rate = learning_rate(step, lr=0.7, total=13, end=0.01)
        assert rate == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()


def test_warm_up_can_start_above_zero() -> None:
    rates = [learning_rate(step, lr=1.0, total=10, warmup=4, start=0.2) for step in range(4)]
    np.testing.assert_allclose(rates, [0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_optimiser("adamv", [nn.Parameter(torch.ones(1))], lr=0.1), "no optimiser 'adamv'; did you mean"),
        (lambda: make_optimiser("sgd", [], lr=0.1), "no parameters to train"),
        (
            lambda: make_optimiser("sgd", [nn.Parameter(torch.ones(1))], lr=-1),
            "lr is -1; expected a number of at least",
        ),
        (lambda: make_optimiser("lars", [nn.Parameter(torch.ones(1))], lr=float("nan")), "lr is nan"),
        (
            lambda: make_optimiser("adam", [nn.Parameter(torch.ones(1))], lr=0.1, momentum=1.0),
            "momentum is 1.0; expected a number from 0 to below 1",
        ),
        (
            lambda: make_optimiser("sgd", [nn.Parameter(torch.ones(1))], lr=0.1, weight_decay="no"),  # type: ignore[arg-type]
            "weight_decay is 'no'",
        ),
        (lambda: learning_rate(0, lr=1, total=2, schedule="cosin"), "no schedule 'cosin'; did you mean 'cosine'"),
    ],
)
def test_bad_input_is_told(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call()
