"""From what a layer gives to the rows of its window: sizes that change, precision, inference, no graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neuroalpha.networks.monitor import AlphaMonitor


def test_nothing_keeps_the_graph(small, batches) -> None:
    model = small()
    with AlphaMonitor(model, ["3", "7"], last=100) as monitor:
        model(batches(1)[0])
        assert all(not w.rows.requires_grad for w in monitor._samples._windows.values())


def test_a_window_begun_in_inference_mode(small, batches) -> None:
    model = small().eval()
    with AlphaMonitor(model, "3", when="both") as monitor:
        with torch.inference_mode():
            model(batches(1)[0])
        model.train()(batches(1)[0]).sum().backward()
    assert monitor.compute().n_samples[0] == 64


def test_sizes_that_change() -> None:
    """Pooled maps of any size are rows of the same units; where the units differ, samples are left out and counted."""
    model = nn.Sequential(nn.Conv2d(3, 12, 3))
    with AlphaMonitor(model, "0") as pooled, AlphaMonitor(model, "0", reduce="flatten") as flat:
        for size, n in ((8, 5), (10, 7), (8, 2), (8, 0)):
            model(torch.randn(n, 3, size, size))
    assert pooled.compute()[["n_samples", "n_skipped"]].to_numpy().tolist() == [[14, 0]]
    table = flat.compute()
    assert table[["n_samples", "n_skipped"]].to_numpy().tolist() == [[7, 7]]
    assert "7 samples came with another number of units" in table.reason[0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_precision(dtype: torch.dtype) -> None:
    """Half precision is pooled in float32; float64 stays."""
    x = torch.randn(100, 12, 5, 5).to(dtype) + 8
    model = nn.Sequential(nn.Identity())
    with AlphaMonitor(model, "0") as monitor:
        model(x)
    expected = np.linalg.eigvalsh(np.cov(x.double().mean((2, 3)).numpy().T))[::-1]
    assert np.allclose(monitor.spectrum("0").eigenvalue, expected, rtol=1e-12 if dtype == torch.float64 else 1e-4)


def test_autocast(recorded) -> None:
    model = nn.Sequential(nn.Linear(10, 30), nn.ReLU())
    x = torch.randn(200, 10)
    with recorded(model[0]) as kept, AlphaMonitor(model, "0", reduce="project:20") as monitor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(x).sum().backward()
    assert kept[0].shape == (200, 30)
    matrix = monitor._samples._reductions[("0", 0, "")][1].apply.matrix.to_dense().double().numpy()  # type: ignore
    expected = np.linalg.eigvalsh(np.cov(matrix @ kept[0].T))[::-1]
    assert np.allclose(monitor.spectrum("0").eigenvalue, expected, rtol=1e-4, atol=1e-5 * expected[0])
