"""The readouts that go along with a training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from neuroalpha.ssl.heads import SSLNetwork
from neuroalpha.ssl.online import OnlineReadout, knn_accuracy, outputs_of


def blobs(n=300, d=8, classes=3, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    centres = np.random.default_rng(99).normal(size=(classes, d))
    features = centres[labels] + spread * rng.normal(size=(n, d))
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(labels)


@pytest.mark.parametrize("n_neighbours", [1, 20, 1000])
def test_neighbours_against_scikit_learn(n_neighbours):
    bank, bank_labels = blobs(200)
    shown, labels = blobs(700, seed=1)
    oracle = KNeighborsClassifier(
        min(n_neighbours, 200), metric="cosine", algorithm="brute", weights=lambda far: np.exp((1 - far) / 0.07)
    )
    expected = oracle.fit(bank.numpy(), bank_labels.numpy()).score(shown.numpy(), labels.numpy())
    found = knn_accuracy(bank, bank_labels, shown, labels, 3, n_neighbours)
    assert found == pytest.approx(expected, abs=2 / 700)  # float32: two images may stand at a boundary
    assert 0.4 < found < 0.99
    scaled = knn_accuracy(7 * bank, bank_labels, 0.1 * shown, labels, 3, n_neighbours)
    assert scaled == pytest.approx(found, abs=2 / 700)


def test_the_readout_learns_without_touching_the_features():
    readout = OnlineReadout(8, 3)
    readout.start()
    features, labels = blobs(spread=0.1)
    features = (1000 * features + 50).requires_grad_()
    assert readout.accuracy(features, labels) < 0.7
    for _ in range(30):
        readout.learn(features, labels, 1.0)
    assert readout.accuracy(*[blobs(spread=0.1, seed=1)[0] * 1000 + 50, blobs(spread=0.1, seed=1)[1]]) > 0.95
    assert features.grad is None


def test_a_step_of_no_length_changes_no_weight():
    readout = OnlineReadout(8, 3)
    readout.start()
    readout.learn(*blobs(), 0.0)
    assert not readout.linear.weight.any()


def test_outputs_are_those_of_evaluation_mode_in_blocks():
    network = SSLNetwork(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(48), nn.Linear(48, 5)), nn.Linear(5, 2))
    pixels = torch.randint(0, 256, (700, 3, 4, 4), dtype=torch.uint8)
    network(pixels.float())
    network.backbone[2].eval()
    statistics = network.backbone[1].running_mean.clone()
    features, projections = outputs_of(network, pixels, as_float, "float32")
    assert torch.equal(network.backbone[1].running_mean, statistics)
    assert network.training
    network.eval()
    with torch.no_grad():
        assert torch.allclose(features, network.backbone(pixels.float()), atol=1e-4)
        assert torch.allclose(projections, network(pixels.float()), atol=1e-4)
    assert outputs_of(network, pixels[:2], as_float, "bfloat16")[0].dtype == torch.float32


def as_float(pixels):
    return pixels.float()
