"""Which passes and layers a monitor's hooks hand on, by which names; wrapped, copied and failing models."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import neuroalpha as na
from neuroalpha.networks.monitor import AlphaMonitor


def hooks(model: nn.Module) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]


def test_hooks_come_and_go(small, batches) -> None:
    model = small()
    model[1].eval()
    own = model[0].register_forward_hook(lambda m, i, o: None)
    before, flags = hooks(model), [m.training for m in model.modules()]
    monitor = AlphaMonitor(model, "*", last=50)
    assert hooks(model) == before
    with monitor, pytest.raises(RuntimeError):
        model(torch.randn(4, 3, 20, 20))
    assert not monitor.attached
    assert hooks(model) == before
    assert [m.training for m in model.modules()] == flags
    assert monitor.step == 1
    model(batches(1)[0])
    assert monitor.step == 1
    monitor.attach().attach()
    model(batches(1)[0])
    assert monitor.step == 2
    monitor.detach()
    monitor.detach()
    assert hooks(model) == before
    own.remove()


@pytest.mark.parametrize(("when", "n"), [("train", 32), ("eval", 64), ("both", 96)])
def test_modes(small, batches, when: str, n: int) -> None:
    model, x = small(), batches(3)
    with AlphaMonitor(model, "3", when=when) as monitor:
        model(x[0])
        model.eval()
        with torch.no_grad():
            model(x[1])
        with torch.inference_mode():
            model(x[2])
        model.train()
    assert monitor.compute().n_samples[0] == n
    if when == "both":  # a window begun in inference mode can be written to by training
        with monitor:
            model(x[0]).sum().backward()
        assert monitor.compute().n_samples[0] == 128


def test_every(small, train, batches, recorded) -> None:
    model = small()
    with recorded(model[3]) as kept, AlphaMonitor(model, "3", every=3) as monitor:
        train(model, batches(8))
    assert monitor.step == 8
    rows = np.concatenate([kept[0], kept[3], kept[6]]).mean((2, 3))
    assert np.allclose(monitor.spectrum("3").eigenvalue, np.linalg.eigvalsh(np.cov(rows.T))[::-1], rtol=1e-4)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.split = Split()
        self.unused = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.split(self.inner(self.inner(x)))["b"][0]


class Split(nn.Module):
    def forward(self, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        return {"a": (x, x * 2), "b": (x * 3, x.sum())}


def test_names_of_calls_and_paths() -> None:
    model, x = Twice(), torch.randn(20, 6)
    names = ["split[b][0]", "inner:1", "inner:0", "output"]
    with AlphaMonitor(model, names) as monitor:
        for _ in range(3):
            model(x).sum().backward()
    assert monitor.layers == names
    first = np.cov(model.inner(x).detach().double().numpy().T)
    trace = {layer: float(monitor.spectrum(layer).eigenvalue.sum()) for layer in names}
    assert trace["inner:0"] == pytest.approx(np.trace(first) * 60 / 59 * 19 / 20, rel=1e-5)
    assert trace["split[b][0]"] == pytest.approx(9 * trace["inner:1"], rel=1e-5)
    assert trace["output"] == pytest.approx(trace["split[b][0]"], rel=1e-12)
    with AlphaMonitor(model, ["inner*", "split*"]) as monitor:
        model(x)
    assert monitor.layers == ["inner:0", "inner:1", "split[a][0]", "split[a][1]", "split[b][0]"]
    assert monitor.compute().n_samples.tolist() == [20] * 5
    listed = na.layers(model, x).layer
    with AlphaMonitor(model, "*") as monitor:
        model(x)
    assert sorted(monitor.layers) == sorted(listed)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ("innr", "no layer 'innr'; did you mean 'inner'"),
        ([], "no layers were asked for"),
        ("z*", "no layer matches 'z\\*'; there are 'inner'"),
    ],
)
def test_names_refused_at_once(layers: str, match: str) -> None:
    with pytest.raises(na.InputError, match=match):
        AlphaMonitor(Twice(), layers)


@pytest.mark.parametrize(
    ("layers", "match"),
    [
        ("inner", "'inner' runs 2 times for each batch; choose from 'inner:0', 'inner:1'"),
        ("split", "'split' gives several tensors; choose from 'split\\[a\\]\\[0\\]'"),
        ("inner:2", "there is no layer 'inner:2': 'inner' gives 'inner:0', 'inner:1'"),
        ("split[b][1]", "cannot be recorded: its shape \\(\\) does not begin"),
        ("unused", "'unused' exists, but the model does not call it"),
        (["output", "unus*"], "no layer matches 'unus\\*'"),
    ],
)
def test_names_refused_in_the_first_pass(layers: str, match: str) -> None:
    model = Twice()
    with AlphaMonitor(model, layers), pytest.raises(na.InputError, match=match):
        model(torch.randn(5, 6))


def test_gradient_checkpointing_counts_once() -> None:
    class Checkpointed(nn.Module):
        def __init__(self, reentrant: bool) -> None:
            super().__init__()
            self.body, self.reentrant = nn.Sequential(nn.Linear(6, 20), nn.ReLU()), reentrant

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.body, x, use_reentrant=self.reentrant)

    for reentrant in (True, False):
        model = Checkpointed(reentrant)
        with AlphaMonitor(model, "body.0") as monitor:
            for _ in range(2):
                model(torch.randn(30, 6, requires_grad=True)).sum().backward()
        assert monitor.compute()[["n_samples", "step"]].to_numpy().tolist() == [[60, 2]]


def test_parts_called_by_themselves() -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = nn.Linear(6, 20), nn.Linear(20, 4)

    model = Views()
    with AlphaMonitor(model, ["head", "encoder"]) as monitor:
        for _ in range(2):
            one, two = model.encoder(torch.randn(30, 6)), model.encoder(torch.randn(30, 6))
            (model.head(one) + model.head(two)).sum().backward()
    assert set(monitor.layers) == {"encoder", "head"}
    assert monitor.layers == ["head", "encoder"]
    assert monitor.compute().n_samples.tolist() == [120, 120]


def test_a_pass_that_fails_is_not_the_end(small, batches) -> None:
    model = small()
    with AlphaMonitor(model, "3") as monitor:
        with pytest.raises(RuntimeError):
            model(torch.randn(4, 3, 20, 20))  # the classifier does not fit; the layer gave 4 samples before
        model(batches(1)[0])
        with pytest.raises(RuntimeError):
            model(torch.randn(4, 3, 20, 20))
        model(batches(1)[0])
    assert monitor.layers == ["3"]
    assert monitor.compute().n_samples[0] == 72


def test_copies_are_not_watched(small, batches, tmp_path: Path) -> None:
    model = small()
    with AlphaMonitor(model, ["3", "output"]) as monitor:
        average = torch.optim.swa_utils.AveragedModel(model)
        twin = copy.deepcopy(model)
        torch.save(model, tmp_path / "model.pt")
        read = torch.load(tmp_path / "model.pt", weights_only=False)
        for other in (average, twin, read):
            other.train()(batches(1)[0])
        assert monitor.step == 0
        model(batches(1)[0])
    assert monitor.compute().n_samples.tolist() == [32, 32]


def test_wrapped_models(small, batches) -> None:
    model = small()
    with AlphaMonitor(nn.DataParallel(model), "3") as monitor:
        nn.DataParallel(model)(batches(1)[0])
    assert monitor.compute().n_samples[0] == 32
    assert monitor.spectrum("3").attrs["model"] == "Sequential"


def test_replicas_of_other_devices_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(4, 20))
    monitor = AlphaMonitor(model, "0")
    replica = model._replicate_for_data_parallel()
    replica._modules["0"] = model[0]._replicate_for_data_parallel()
    monitor._watch.attach()
    listens = monitor._watch._listens
    monkeypatch.setattr(torch.cuda, "current_device", lambda: None)  # as the device of a tensor on the CPU
    assert listens(replica, model)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert not listens(replica, model)
    monitor.detach()


def test_compiled(small, train, batches, recorded) -> None:
    """Hooks break the graph and see every pass."""
    model = small()
    compiled = torch.compile(model, backend="eager")
    with recorded(model[3]), AlphaMonitor(compiled, ["3", "output"], last=500) as monitor:
        train(compiled, batches(3))
    assert monitor.compute().n_samples.tolist() == [96, 96]
    assert monitor.step == 3
    torch.compiler.reset()
