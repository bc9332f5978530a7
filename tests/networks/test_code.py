"""The user's own file: run only when allowed, alike in every process, and clear about what goes wrong in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from neuroalpha.errors import InputError
from neuroalpha.networks.code import load_code
from neuroalpha.networks.extract import extract
from neuroalpha.networks.images import images
from neuroalpha.networks.provenance import describe, weights_digest

SOUND = """
from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path
import torch
from torch import nn

@dataclass
class Shape:
    width: int = 4
    depth: "int" = 2

class Net(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.first = nn.Conv2d(3, shape.width, 3)

    def forward(self, x):
        return self.first(x).flatten(1)

def net(width=4):
    print("building")
    return Net(Shape(width))

def preprocess(image):
    return image[:, :6, :6] / 255

def pair(width=4):
    return net(width).train(), preprocess

def alone():
    return (nn.ReLU(), None)

def nothing():
    pass

def wrong_pair():
    return nn.ReLU(), "imagenet"

def three():
    return nn.ReLU(), None, None

def fails():
    value = [1]
    return value[3]

def fails_elsewhere():
    return torch.zeros(3) @ torch.zeros(4)

def leaves():
    raise SystemExit("goodbye")

CONSTANT = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SOUND)
    return path


def test_nothing_runs_without_being_allowed(tmp_path: Path) -> None:
    (tmp_path / "bomb.py").write_text("from pathlib import Path\nPath(__file__).with_name('exploded').touch()\n")
    with pytest.raises(InputError, match=r"is code: .*would run the file .*bomb\.py.*allow=True \(--allow-code\)"):
        load_code(f"{tmp_path}/bomb.py:net")
    assert not (tmp_path / "exploded").exists()
    with pytest.raises(InputError, match="has no function 'net'"):
        load_code(f"{tmp_path}/bomb.py:net", allow=True)
    assert (tmp_path / "exploded").exists()


def test_a_model_with_its_preprocessing(file: Path, capsys: pytest.CaptureFixture) -> None:
    model, preprocess = load_code(f"{file}:pair", allow=True, options={"width": 5})
    assert not model.training
    note = describe(model)
    assert note["model"] == "code:mine.py:pair"
    assert note["weights"].startswith("made by code sha256:")
    assert note["weights"].endswith(', options {"width": 5}, seed 0')
    assert str(file.parent) not in str(note)
    assert capsys.readouterr().out == ""  # stdout belongs to results
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    net = extract(model, pixels, "first", progress=False, preprocess=preprocess)
    assert net.shape == (3, 5 * 4 * 4)
    assert load_code(f"{file}:alone", allow=True)[1] is None
    assert load_code(f"{file}:net", allow=True)[1] is None


def test_random_weights_are_those_of_the_seed(file: Path) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    one, same, other = (weights_digest(load_code(f"{file}:net", True, seed=seed)[0]) for seed in (1, 1, 2))
    assert one == same != other
    assert torch.equal(torch.get_rng_state(), state)


def test_nothing_is_left_behind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    paths = list(sys.path)
    load_code(f"{file}:net", allow=True)
    assert sys.path == paths
    assert [path.name for path in file.parent.iterdir()] == ["mine.py"]
    assert "mine" not in sys.modules


def test_a_changed_file_is_run_anew_and_told(file: Path) -> None:
    model, preprocess = load_code(f"{file}:pair", allow=True)
    stat = file.stat()
    file.write_text(SOUND.replace("/ 255", "/ 127"))  # of the same length, and dated back to the same time
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again, changed = load_code(f"{file}:pair", allow=True)
    assert describe(model)["weights"] != describe(again)["weights"]
    assert changed(torch.full((3, 6, 6), 127.0)).max() == 1
    assert preprocess(torch.full((3, 6, 6), 255.0)).max() == 1
    pixels = np.zeros((2, 8, 8), np.uint8)
    assert images(pixels, transform=preprocess).digest() != images(pixels, transform=changed).digest()


def test_another_process_makes_the_same_model(file: Path) -> None:
    program = (
        "import sys; from neuroalpha.networks.code import load_code; "
        "from neuroalpha.networks.provenance import describe; print(describe(load_code(sys.argv[1], True)[0]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, f"{file}:net"],
        capture_output=True,
        text=True,
        check=True,
        cwd=file.parent.parent,
    )
    assert run.stdout.strip() == str(describe(load_code(f"{file}:net", allow=True)[0]))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nett", r"mine\.py has no function 'nett'; did you mean 'net'"),
        ("CONSTANT", r"has no function 'CONSTANT'"),
        ("nothing", r"mine\.py:nothing returned NoneType; it must return an nn\.Module, or \(nn\.Module, preproc"),
        ("wrong_pair", "returned a model with str; it must return"),
        ("three", "returned a tuple of 3; it must return"),
        ("fails", r"function fails of .*mine\.py failed: IndexError: list index out of range \(mine\.py, line 45\)$"),
        ("fails_elsewhere", r"RuntimeError: .*\(mine\.py, line 48\)"),
        ("leaves", r"SystemExit: goodbye \(mine\.py, line 51\)"),
    ],
)
def test_what_goes_wrong_in_the_function(file: Path, function: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_code(f"{file}:{function}", allow=True)
    assert "\n" not in str(caught.value)


def test_options_that_do_not_fit(file: Path) -> None:
    with pytest.raises(InputError, match=r"net of .* failed: TypeError: .*unexpected keyword argument 'wide'"):
        load_code(f"{file}:net", allow=True, options={"wide": 3})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("def net(:\n", r"mine\.py cannot be run: SyntaxError: .* \(mine\.py, line 1\)"),
        ("x = 1\n\nraise ValueError('first\\nsecond')", r"cannot be run: ValueError: first \(mine\.py, line 3\)$"),
        ("import helper", r"ModuleNotFoundError: .*\(mine\.py, line 1\); files beside it are not imported, move"),
        ("import nowhere_at_all", r"No module named 'nowhere_at_all' \(mine\.py, line 1\)$"),
        ("import sys\nsys.exit(3)", r"cannot be run: SystemExit: 3 \(mine\.py, line 2\)"),
        ("x = '\0'", r"cannot be run: (SyntaxError|ValueError): .*null byte"),
    ],
)
def test_what_goes_wrong_in_the_file(file: Path, content: str, message: str) -> None:
    file.write_text(content)
    file.with_name("helper.py").touch()
    before = set(sys.modules)
    with pytest.raises(InputError, match=message) as caught:
        load_code(f"{file}:net", allow=True)
    assert "\n" not in str(caught.value)
    assert not {name for name in set(sys.modules) - before if name.startswith(("mine", "helper"))}


@pytest.mark.parametrize("spec", ["mine.py", "mine:net", ":net", "mine.py:", "mine.py:a.b", "mine.py:1"])
def test_what_names_no_code(spec: str) -> None:
    with pytest.raises(InputError, match=r"does not name code; write file\.py:function"):
        load_code(spec, allow=True)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.py cannot be read: No such file"):
        load_code(f"{tmp_path}/none.py:net", allow=True)
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match=r"folder\.py cannot be read: Is a directory"):
        load_code(f"{tmp_path}/folder.py:net", allow=True)
