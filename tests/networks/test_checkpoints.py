"""Which architecture a checkpoint is of, by whom it is said, and that the weights are really those of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neuroalpha.errors import InputError
from neuroalpha.networks.catalogue import load_model
from neuroalpha.networks.checkpoints import list_checkpoints, load_checkpoint
from neuroalpha.networks.extract import extract
from neuroalpha.networks.images import images
from neuroalpha.networks.provenance import describe, weights_digest


@pytest.fixture(scope="module")
def saved() -> torch.nn.Module:
    return load_model("cifar:resnet20", seed=7)


def check(model: torch.nn.Module, saved: torch.nn.Module, weights: str) -> None:
    assert not model.training
    assert describe(model) == {"model": "cifar:resnet20", "weights": weights, "digest": weights_digest(saved)}


def test_by_the_argument(tmp_path: Path, saved: torch.nn.Module) -> None:
    torch.save({"state_dict": saved.state_dict(), "arch": "cifar:resnet56"}, tmp_path / "w.th")
    check(load_checkpoint(tmp_path / "w.th", "cifar:resnet20"), saved, "w.th")


@pytest.mark.parametrize("key", ["architecture", "arch"])
@pytest.mark.parametrize("name", ["cifar:resnet20", "resnet20"])
def test_by_the_file_itself(tmp_path: Path, saved: torch.nn.Module, key: str, name: str) -> None:
    (tmp_path / "w.toml").write_text('name = "cifar:resnet56"')  # the file knows better
    torch.save({"model": saved.state_dict(), key: name, "epoch": 3}, tmp_path / "w.pt")
    check(load_checkpoint(str(tmp_path / "w.pt")), saved, "w.pt")


@pytest.mark.parametrize(
    ("file", "beside"), [("w.pt", "w.toml"), ("w.pth.tar", "w.toml"), ("w.pt", "architecture.toml")]
)
def test_by_a_file_beside_it(tmp_path: Path, saved: torch.nn.Module, file: str, beside: str) -> None:
    if beside == "w.toml":
        (tmp_path / "architecture.toml").write_text('name = "cifar:resnet56"')
    (tmp_path / beside).write_text('name = "cifar:resnet20"\nnum_classes = 10\n')
    torch.save(saved.state_dict(), tmp_path / file)
    check(load_checkpoint(tmp_path / file), saved, file)


def test_number_of_classes(tmp_path: Path) -> None:
    wide = load_model("cifar:resnet20", num_classes=17)
    torch.save({"state_dict": wide.state_dict(), "arch": "resnet20", "num_classes": 17}, tmp_path / "file.pt")
    torch.save(wide.state_dict(), tmp_path / "plain.pt")
    (tmp_path / "plain.toml").write_text('name = "resnet20"\nnum_classes = 17')
    for model in (
        load_checkpoint(tmp_path / "file.pt"),
        load_checkpoint(tmp_path / "plain.pt"),
        load_checkpoint(tmp_path / "plain.pt", "cifar:resnet20", num_classes=17),
    ):
        assert weights_digest(model) == weights_digest(wide)
    with pytest.raises(InputError, match=r"linear\.weight \(17, 64\) instead of \(10, 64\)"):
        load_checkpoint(tmp_path / "plain.pt", "cifar:resnet20")


def test_real_weights_reach_their_accuracy(shared_data: Path) -> None:
    files = list_checkpoints(shared_data / "weights")
    assert [file.name[:8] for file in files] == ["resnet20", "resnet32", "resnet44", "resnet56"]
    assert list_checkpoints(f"{shared_data}/**/resnet20*") == files[:1]
    model = load_checkpoint(files[0], "resnet20")
    test = images(
        shared_data / "cifar10" / "lossless_subset.npz", key="Xte", label_key="yte", normalize="cifar", limit=500
    )
    net = extract(model, test, "linear", batch_size=100, progress=False)
    assert (net.attrs["model"], net.attrs["weights"]) == ("cifar:resnet20", files[0].name)
    assert float((net.values.argmax(1) == net.label.values).mean()) > 0.9  # 91.6 % of all 1,017
    with pytest.raises(InputError, match=r"nothing says which architecture .*name = .*architecture\.toml"):
        load_checkpoint(files[0])


BAD = [
    ('name = "cifar:resnet21"', r"architecture of w\.pt, by w\.toml: there is no model 'cifar:resnet21'; did you mean"),
    ('nam = "cifar:resnet20"', r"w\.toml has the key 'nam'; did you mean 'name'"),
    ("name = 20", r"w\.toml must say name = "),
    ("num_classes = 10", r"w\.toml must say name = "),
    ("name = ", r"w\.toml is no TOML file"),
    ('name = "cifar:resnet20"\nnum_classes = "ten"', r"num_classes of .*w\.pt is 'ten'; expected a whole number"),
    ('name = "cifar:resnet32"', r"w\.pt do not fit this"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_what_is_said_wrongly(tmp_path: Path, saved: torch.nn.Module, content: str, message: str) -> None:
    torch.save(saved.state_dict(), tmp_path / "w.pt")
    (tmp_path / "w.toml").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        load_checkpoint(tmp_path / "w.pt")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no weights file"):
        load_checkpoint(tmp_path / "w.pt", "cifar:resnet20")
    with pytest.raises(InputError, match="is a folder; list_checkpoints"):
        load_checkpoint(tmp_path)
    np.save(tmp_path / "w.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"cannot be read|refused"):
        load_checkpoint(tmp_path / "w.npy", "cifar:resnet20")
    torch.save(torch.zeros(3), tmp_path / "t.pt")
    with pytest.raises(InputError, match="nothing says which architecture"):
        load_checkpoint(tmp_path / "t.pt")
    with pytest.raises(InputError, match="holds Tensor, not a state dict"):
        load_checkpoint(tmp_path / "t.pt", "cifar:resnet20")


def test_listing(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("b.pt", "a.SAFETENSORS", "c.toml", "d.pth.tar", "e.tar", "below/f.ckpt"):
        (tmp_path / name).touch()
    assert [path.name for path in list_checkpoints(tmp_path)] == ["a.SAFETENSORS", "b.pt", "d.pth.tar"]
    assert [path.name for path in list_checkpoints(f"{tmp_path}/**/*")] == [
        "a.SAFETENSORS",
        "b.pt",
        "f.ckpt",
        "d.pth.tar",
    ]
    assert list_checkpoints(tmp_path / "e.tar") == [tmp_path / "e.tar"]  # who names a file knows what it is
    with pytest.raises(InputError, match=r"there are no checkpoints .*x\*; give a folder"):
        list_checkpoints(tmp_path / "x*")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=r"empty holds no checkpoints \(\.pt, .*those of folders below: .*empty/\*\*/\*"
    ):
        list_checkpoints(tmp_path / "empty")


def test_safetensors_with_its_architecture(tmp_path: Path, saved: torch.nn.Module) -> None:
    torch_part = pytest.importorskip("safetensors.torch")
    metadata = {"architecture": "cifar:resnet20", "num_classes": "10"}
    torch_part.save_file(saved.state_dict(), tmp_path / "w.safetensors", metadata=metadata)
    check(load_checkpoint(tmp_path / "w.safetensors"), saved, "w.safetensors")
