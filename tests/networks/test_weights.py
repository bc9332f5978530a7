"""Checkpoints as they come: wrapped, prefixed, old, for another model, or with code inside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from neuroalpha.errors import InputError, MissingExtraError
from neuroalpha.networks.weights import load_weights, read_checkpoint


def make(seed: int, classes: int = 3) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, classes))


WRAPPINGS = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state, "args": "x"},
    "module.": lambda state: {f"module.{k}": v for k, v in state.items()},
    "both": lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}},
    "old": lambda state: {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_wrapping_gives_the_same_weights(tmp_path: Path, wrapping: str) -> None:
    saved, model = make(0), make(1)
    torch.save(WRAPPINGS[wrapping](saved.state_dict()), tmp_path / "w.pt")
    assert load_weights(model, tmp_path / "w.pt") is model
    for key, value in saved.state_dict().items():
        assert torch.equal(model.state_dict()[key], value)


def test_a_model_that_is_itself_called_module(tmp_path: Path) -> None:
    saved, model = nn.ModuleDict({"module": make(0)}), nn.ModuleDict({"module": make(1)})
    torch.save({f"module.{k}": v for k, v in saved.state_dict().items()}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="do not fit"):  # doubly prefixed: not guessed at
        load_weights(model, tmp_path / "w.pt")
    torch.save(saved.state_dict(), tmp_path / "w.pt")
    load_weights(model, tmp_path / "w.pt")
    assert torch.equal(model["module"][0].weight, saved["module"][0].weight)


def test_mismatch_lists_keys_and_changes_nothing(tmp_path: Path) -> None:
    torch.save({**make(0, classes=7).state_dict(), "extra": torch.ones(1)}, tmp_path / "w.pt")
    model = make(1)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(InputError) as caught:
        load_weights(model, tmp_path / "w.pt")
    message = str(caught.value)
    assert "1 unexpected ('extra')" in message
    assert "2.weight (7, 5) instead of (3, 5)" in message
    assert "\n" not in message
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items())


def test_many_keys_are_shortened(tmp_path: Path) -> None:
    torch.save({f"other{i}": torch.ones(1) for i in range(500)}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"8 missing .*500 unexpected .*\(500 in all\)") as caught:
        load_weights(make(0), tmp_path / "w.pt")
    assert len(str(caught.value)) < 600


class Bomb:
    def __reduce__(self) -> tuple:
        return os.system, ("touch exploded",)


def test_pickle_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": make(0).state_dict(), "config": Bomb()}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"w\.pt is refused.*Python objects"):
        load_weights(make(0), tmp_path / "w.pt")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_bytes(b""), "cannot be read|refused"),
        (lambda path: path.write_text("hello"), "cannot be read|refused"),
        (lambda path: torch.save(torch.ones(2), path), "holds Tensor, not a state dict"),
        (lambda path: torch.save({"epoch": 1}, path), "a dict with the keys 'epoch'"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + b"0" * 100), "cannot be read|refused"),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, write, message: str) -> None:
    write(tmp_path / "w.pt")
    with pytest.raises(InputError, match=message):
        load_weights(make(0), tmp_path / "w.pt")


def test_cut_short(tmp_path: Path) -> None:
    torch.save(make(0).state_dict(), tmp_path / "whole.pt")
    content = (tmp_path / "whole.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cut\.pt"):
        load_weights(make(0), tmp_path / "cut.pt")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no weights file"):
        load_weights(make(0), tmp_path / "none.pt")


def test_safetensors_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"x")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"w\.safetensors needs the package 'safetensors'.*neuroalpha\[zoo\]"):
        load_weights(make(0), tmp_path / "w.safetensors")


def test_safetensors_where_it_is_installed(tmp_path: Path) -> None:
    torch_part = pytest.importorskip("safetensors.torch")
    saved, model = make(0), make(1)
    state = {f"module.{key}": value for key, value in saved.state_dict().items()}
    torch_part.save_file(state, tmp_path / "w.safetensors", metadata={"arch": "toy"})
    load_weights(model, tmp_path / "w.safetensors")
    assert all(torch.equal(model.state_dict()[key], value) for key, value in saved.state_dict().items())
    assert read_checkpoint(tmp_path / "w.safetensors")["arch"] == "toy"
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:50])
    with pytest.raises(InputError, match=r"w\.safetensors cannot be read as weights"):
        load_weights(model, tmp_path / "w.safetensors")
