"""One step against the same step written out by hand, and switches that cannot be."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import neuroalpha as na
from neuroalpha.ssl import chance
from neuroalpha.ssl.distributed import Processes
from neuroalpha.ssl.settings import make_settings
from neuroalpha.ssl.step import Learner, build_network, build_objective
from neuroalpha.ssl.views import Views

CPU = torch.device("cpu")
SMALL = {"width": 2, "size": 8, "batch_size": 16, "epochs": 4, "projector_out": 6, "projector_hidden": 8, "lr": 0.3}


def learner(objective, precision="float32", n_classes=3, **changes):
    settings = make_settings({**SMALL, "objective": objective, **changes})
    return Learner(settings, n_classes, 5, CPU, precision, Processes())


@pytest.fixture
def images():
    made = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (40, 3, 8, 8), dtype=torch.uint8, generator=made)
    return pixels, torch.randint(0, 3, (40,), generator=made)


def test_against_a_loop_by_hand(images):
    """HaoChen's loss from its formula, SGD with momentum and decay, the cosine schedule: three steps."""
    pixels, labels = images
    ours = learner("spectral", weight_decay=0.1, channels_last=False)
    network = build_network(ours.settings).train()
    views = Views(8, recipe="simclr")
    velocity = [torch.zeros_like(each) for each in network.parameters()]
    for number in range(3):
        rows = torch.arange(16) + number
        first, second = (
            network(views(pixels[rows], chance.generator(CPU, 0, chance.VIEW, number, view, 0), view=view))
            for view in range(2)
        )
        first, second = (z * (1 / z.norm(dim=1, keepdim=True)).clamp(max=1) for z in (first, second))
        products = first @ second.T
        apart = products[~torch.eye(16, dtype=torch.bool)]
        loss = -2 * products.diagonal().mean() + apart.square().mean()
        network.zero_grad()
        loss.backward()
        lr = 0.3 * (1 + math.cos(math.pi * number / 20)) / 2
        with torch.no_grad():
            for each, moved in zip(network.parameters(), velocity, strict=True):
                moved.mul_(0.9).add_(each.grad + 0.1 * each)
                each.sub_(lr * moved)
        found = ours.step(pixels, rows, None, labels, number)
        assert float(found) == pytest.approx(loss.item(), abs=1e-5)
    for (name, mine), other in zip(ours.network.named_parameters(), network.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-5), name
    running = dict(network.named_buffers())
    for name, mine in ours.network.named_buffers():
        assert torch.allclose(mine.float(), running[name].float(), atol=1e-5), name


def test_the_target_network_follows_with_its_schedule(images):
    ours = learner("isoloss", ema=0.5)
    before = [each.clone() for each in ours.target.parameters()]
    for number in range(2):
        ours.step(*images[:1], torch.arange(16), None, None, number)
        memory = 1 - 0.5 * (math.cos(math.pi * number / 20) + 1) / 2
        for old, new, slow in zip(before, ours.network.parameters(), ours.target.parameters(), strict=True):
            old.mul_(memory).add_((1 - memory) * new.detach())
            assert torch.allclose(old, slow, atol=1e-6)


def test_memory_of_zero_is_the_network_itself(images):
    """BYOL's objective with momentum 0: the loss is that of the projections against themselves, held constant."""
    ours = learner("directpred", ema=0.0, options={"predictor": "none"})
    assert ours.target is None
    network, views = build_network(ours.settings).train(), ours.views
    first, second = (
        nn.functional.normalize(
            network(views(images[0][:16], chance.generator(CPU, 0, chance.VIEW, 0, view, 0))), dim=1
        )
        for view in range(2)
    )
    loss = ours.step(images[0], torch.arange(16), None, None, 0)
    assert loss.item() == pytest.approx(2 * (2 - 2 * (first * second).sum(1).mean().item()), abs=1e-5)
    assert learner("isoloss").memory == 0.99
    assert learner("spectral").target is None
    assert learner("directpred", options={"stop_gradient": False}).target is None


def test_what_cannot_have_a_target():
    for objective, options in (("spectral", {}), ("directpred", {"stop_gradient": False})):
        with pytest.raises(na.InputError, match=f"ema is 0.5, but {objective} has no target network"):
            learner(objective, ema=0.5, options=options)


def test_a_step_is_a_function_of_its_number(images):
    """The same views and weights whatever torch's own generator is at, and whatever was done before."""
    pixels, labels = images
    made = []
    for seed in range(2):
        torch.manual_seed(seed)
        ours = learner("spectral", precision="bfloat16")
        made.append(ours.step(pixels, torch.arange(16), None, labels, 7))
        assert all(torch.isfinite(each).all() for each in ours.network.parameters())
    assert torch.equal(*made)
    assert not torch.equal(
        made[0], learner("spectral", precision="bfloat16").step(pixels, torch.arange(16), None, None, 8)
    )


def test_no_gradient_of_the_readout_reaches_the_network(images):
    pixels, labels = images
    alone, beside = learner("spectral", n_classes=None), learner("spectral")
    for number in range(2):
        alone.step(pixels, torch.arange(16), None, None, number)
        beside.step(pixels, torch.arange(16), None, labels, number)
    assert beside.readout.linear.weight.any()
    for one, other in zip(alone.network.parameters(), beside.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("objective", ["supervised", "random_labels"])
def test_labels_train_the_backbone_and_leave_the_projector(objective, images):
    pixels, labels = images
    ours = learner(objective)
    start = build_network(ours.settings)
    ours.step(pixels, torch.arange(16), labels, labels, 0)
    assert not torch.equal(ours.network.backbone.layer1[0].weight, start.backbone.layer1[0].weight)
    assert torch.equal(ours.network.projector[0].weight, start.projector[0].weight)
    with pytest.raises(na.InputError, match="class"):
        learner(objective, n_classes=None)


def test_without_a_projector_the_objective_sees_the_features():
    ours = learner("isoloss", projector_layers=0)
    assert isinstance(ours.network.projector[0], nn.Identity)
    assert build_objective(ours.settings, ours.network, None).predictor.moment.shape == (16, 16)
