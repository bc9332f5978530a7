"""One thread for torch: the models here are tiny, and threads that wait for a busy core make them 100 times slower.

And what the tests of the monitor share: a small network, its training, and what its modules give.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuroalpha.networks import monitor_window
from neuroalpha.networks.monitor_window import Window


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small():
    """A network with BatchNorm, in-place ReLUs and dropout, the same for the same seed."""

    def make(seed: int = 0) -> nn.Sequential:
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12), nn.ReLU(inplace=True), nn.Conv2d(12, 20, 3), nn.ReLU(inplace=True),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(20 * 16, 5),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def train():
    """Steps of gradient descent, one a batch."""

    def steps(model: nn.Module, batches: list[Tensor], rate: float = 0.05) -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for x in batches:
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

    return steps


@pytest.fixture(scope="session")
def batches():
    """Batches for ``small``, the same for the same seed."""

    def draw(n: int, size: int = 32, seed: int = 1) -> list[Tensor]:
        rng = torch.Generator().manual_seed(seed)
        return [torch.randn(size, 3, 8, 8, generator=rng) for _ in range(n)]

    return draw


@pytest.fixture(scope="session")
def recorded():
    @contextmanager
    def record(module: nn.Module) -> Iterator[list[np.ndarray]]:
        """What a module gives while it trains, copied by a hook of a few lines."""
        kept: list[np.ndarray] = []
        handle = module.register_forward_hook(lambda m, i, out: kept.append(out.detach().double().numpy().copy()))
        yield kept
        handle.remove()

    return record


@pytest.fixture(scope="session")
def moments_only():
    """Wraps ``Window.__init__`` so that the window keeps moments, however few its rows are."""

    def wrap(original):
        def init(self, last, units, dtype, device):
            original(self, last, units, dtype, device)
            self.by_rows = False
            self.rows = torch.empty((-(-last // monitor_window.CHUNKS), units), dtype=dtype, device=device)
            self.steps = torch.empty(len(self.rows), dtype=torch.int64)

        return init

    return wrap


@pytest.fixture
def no_rows(moments_only, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moments however small the window is, where it has more rows than twice its units and so on."""
    monkeypatch.setattr(monitor_window, "ROWS_BYTES", 0)
    monkeypatch.setattr(Window, "__init__", moments_only(Window.__init__))
