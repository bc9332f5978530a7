"""The architecture against the paper's numbers, and real published weights against their accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neuroalpha.errors import InputError
from neuroalpha.networks.catalogue import load_model
from neuroalpha.networks.cifar_resnet import PaddedShortcut, cifar_resnet
from neuroalpha.networks.extract import extract
from neuroalpha.networks.images import images


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_parameters_are_those_of_table_6(depth: int, millions: float) -> None:
    count = sum(p.numel() for p in cifar_resnet(depth).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.05 if depth == 110 else 0.005)
    weighted = sum(isinstance(m, torch.nn.Conv2d | torch.nn.Linear) for m in cifar_resnet(depth).modules())
    assert weighted == depth


def test_shortcut_subsamples_and_pads_both_sides() -> None:
    x = torch.randn(2, 4, 6, 6)
    y = PaddedShortcut(4, 8)(x)
    assert y.shape == (2, 8, 3, 3)
    assert torch.equal(y[:, 2:6], x[:, :, ::2, ::2])
    assert y[:, :2].abs().sum() + y[:, 6:].abs().sum() == 0


def test_depth_must_fit() -> None:
    with pytest.raises(InputError, match=r"6n \+ 2.*not 21"):
        cifar_resnet(21)


# Percent correct of the published weights on the 1,017 lossless test images, as measured by who gathered the data.
@pytest.mark.parametrize(("depth", "accuracy"), [(20, 91.6), (32, 92.8), (44, 93.4), (56, 92.7)])
def test_published_weights_reach_their_accuracy(shared_data: Path, depth: int, accuracy: float) -> None:
    (path,) = (shared_data / "weights").glob(f"resnet{depth}-*.th")
    with np.load(shared_data / "cifar10" / "lossless_subset.npz") as data:
        pixels, label = data["Xte"], data["yte"]
    model = load_model(f"cifar:resnet{depth}", weights=path)
    net = extract(model, images(pixels, normalize="cifar", label=label), "linear", batch_size=128, progress=False)
    correct = 100 * float((net.values.argmax(1) == net.label.values).mean())
    assert correct == pytest.approx(accuracy, abs=0.06)  # rounded to a tenth, which is one image
    assert net.attrs["weights"] == path.name
