"""The Lightning callback in a real Trainer, against the monitor in a loop by hand."""

from __future__ import annotations

import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import neuroalpha as na
from neuroalpha.errors import MissingExtraError
from neuroalpha.networks.lightning import AlphaCallback
from neuroalpha.networks.monitor import AlphaMonitor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pl = pytest.importorskip("lightning.pytorch")

pytestmark = pytest.mark.filterwarnings("ignore")


class Module(pl.LightningModule):
    def __init__(self, fail_at: int = -1, called: str = "self") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(8, 40), nn.Tanh(), nn.Linear(40, 3))
        self.fail_at, self.called = fail_at, called

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        if self.global_step == self.fail_at:
            raise KeyError("broken")
        return (self if self.called == "self" else self.net)(batch[0]).square().mean()

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        self(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


X = torch.randn(96, 8, generator=torch.Generator().manual_seed(3))


def loader() -> DataLoader:
    return DataLoader(TensorDataset(X), batch_size=32)


def trainer(folder: Path, callback: object, epochs: int = 2, **options: object) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs, callbacks=[callback], accelerator="cpu", logger=False, default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False, **{"enable_checkpointing": False, **options},
    )  # fmt: skip


def by_hand(epochs: int, last: int) -> AlphaMonitor:
    module = Module()
    optimizer = module.configure_optimizers()
    with AlphaMonitor(module, "net.1", last=last) as monitor:
        for _ in range(epochs):
            for x in X.split(32):
                optimizer.zero_grad()
                module(x).square().mean().backward()
                optimizer.step()
            monitor.end_epoch()
    return monitor


@pytest.mark.parametrize("called", ["self", "net"])
def test_as_in_a_loop_by_hand(tmp_path: Path, called: str) -> None:
    callback, module = AlphaCallback("net.1", last=80), Module(called=called)
    assert isinstance(callback, pl.Callback)
    fit = trainer(tmp_path, callback)
    fit.fit(module, loader(), loader())
    expected = by_hand(2, 80).history
    assert callback.monitor is not None
    assert callback.monitor.history.drop(columns="alpha").equals(expected.drop(columns="alpha"))
    assert np.allclose(callback.monitor.history.alpha, expected.alpha, rtol=1e-9)
    assert float(fit.callback_metrics["alpha/net.1"]) == pytest.approx(expected.alpha[1], rel=1e-5)
    assert float(fit.callback_metrics["effective_rank/net.1"]) == pytest.approx(expected.effective_rank[1], rel=1e-5)
    assert not callback.monitor.attached
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in module.modules())


def test_a_fit_that_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    first = AlphaCallback(["net.1"], last=150, log=False)
    fit = trainer(tmp_path, first)
    fit.fit(Module(), loader())
    assert not fit.callback_metrics
    fit.save_checkpoint(tmp_path / "last.ckpt")
    second = AlphaCallback(["net.1"], last=150, log=False)
    trainer(tmp_path, second, epochs=4).fit(Module(), loader(), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    expected = by_hand(4, 150).history
    assert second.monitor is not None
    found = second.monitor.history
    assert found.epoch.tolist() == [0, 1, 2, 3]
    assert found.first_step.tolist() == expected.first_step.tolist()
    assert np.allclose(found.alpha, expected.alpha, rtol=1e-6)


def test_detached_after_an_error(tmp_path: Path) -> None:
    callback, module = AlphaCallback("net.1"), Module(fail_at=4)
    with pytest.raises(KeyError, match="broken"):
        trainer(tmp_path, callback).fit(module, loader())
    assert callback.monitor is not None
    assert len(callback.monitor.history) == 1
    assert all(not m._forward_hooks for m in module.modules())


def test_unknown_layers_end_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(na.InputError, match=r"no layer 'net\.l'; did you mean .*'net\.1'"):
        trainer(tmp_path, AlphaCallback("net.l")).fit(Module(), loader())


def test_two_callbacks_and_processes() -> None:
    one, two = AlphaCallback("net.1", last=70), AlphaCallback("net.0")
    assert one.state_key != two.state_key
    assert one.state_dict() == {}
    again = pickle.loads(pickle.dumps(one))  # noqa: S301  (what a spawned process does)
    assert isinstance(again, pl.Callback)
    assert again._options == {"last": 70}


def test_without_lightning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("lightning", "pytorch_lightning")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(
        MissingExtraError, match=r"AlphaCallback needs the package 'lightning'.*neuroalpha\[lightning\]"
    ):
        AlphaCallback("net.1")


class Missing:
    """Finds no Lightning, as where it is not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] in ("lightning", "pytorch_lightning"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
