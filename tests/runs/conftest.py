"""Small models, small images, and plans of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODELS = '''
import os, time
from pathlib import Path
import torch
from torch import nn


class Held(nn.Module):
    """Waits while a file is there, so that a run can be caught in the middle."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def forward(self, x):
        until = time.monotonic() + 60
        while self.file and Path(self.file).exists() and time.monotonic() < until:
            time.sleep(0.02)
        return x


def small(width=5, hold=""):
    return nn.Sequential(nn.Conv2d(3, width, 3, stride=2), Held(hold), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())


class Odd(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.first, self.second, self.what = nn.Conv2d(3, 4, 3), nn.Identity(), what

    def forward(self, x):
        x = self.first(x)
        if self.what == "nan":
            x = self.second(x * float("nan"))
        if self.what == "constant":
            x = self.second(x * 0 + 1)
        if self.what == "raise":
            raise RuntimeError("no such thing\\nand more")
        if self.what == "die":
            os._exit(3)
        return x


def odd(what):
    return Odd(what)


def own(width=5):
    return small(width), lambda image: image.float() / 255 - 0.5
'''


IMAGES = '[[images]]\nsource = "pictures"\n'
LAYERS = '[[layers]]\nselect = "*"\nreduce = "mean"\n'
TASKS = "[[tasks]]\ndraws = 6\n"
RUN = "[run]\nthreads = 1\n"


class Place:
    """A folder with 24 images and a file of models, and what tests do there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pictures").mkdir(parents=True)
        rng = np.random.default_rng(0)
        for index in range(24):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / f"{index:02d}.png")
        (folder / "nets.py").write_text(MODELS)
        self.hold = folder / "hold"

    def small(self, width: int, hold: bool = False) -> str:
        """A model entry; with ``hold`` the model waits while the file ``hold`` is there."""
        options = f"width = {width}" + (f', hold = "{self.hold}"' if hold else "")
        return f'code = "nets.py:small"\noptions = {{ {options} }}'

    def labelled(self, name: str, n: int = 60, seed: int = 1, classes: tuple[str, ...] = ("ash", "elm", "fir")) -> str:
        """Write coloured noise whose hue tells the class, most of the time; returns the image entry."""
        rng = np.random.default_rng(seed)
        codes = rng.integers(len(classes), size=n)
        codes[: len(classes)] = np.arange(len(classes))
        pixels = rng.integers(20, 180, (n, 20, 20, 3))
        pixels[np.arange(n), :, :, codes % 3] += 25
        np.savez(self.folder / f"{name}.npz", images=pixels.astype(np.uint8), labels=np.array(classes)[codes])
        return f'[[images]]\nname = "{name}"\nsource = "{name}.npz"\nkey = "images"\nlabel_key = "labels"\n'

    def odd(self, what: str) -> str:
        """A model entry."""
        return f'code = "nets.py:odd"\noptions = {{ what = "{what}" }}'

    def plan(
        self, *models: str, images: str = IMAGES, layers: str = LAYERS, tasks: str = TASKS, run: str = RUN, name="plan"
    ) -> Path:
        """Write a plan."""
        head = 'title = "Small"\nwindows = ["auto", [2, 12]]\n'
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join([head, *(f"[[models]]\n{model}" for model in models), images, layers, tasks, run]))
        return path

    def run(self, plan: Path, out: str = "run", **options):
        """Run it in this process."""
        from neuroalpha.runs.run import run_zoo

        return run_zoo(plan, self.folder / out, allow_code=True, progress=False, **options)

    def start(self, *arguments: object, first: tuple[str, ...] = ("-m", "neuroalpha")) -> subprocess.Popen:
        """Start the command line in a process of its own."""
        return subprocess.Popen(
            [sys.executable, *first, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def results(self, out: str = "run") -> dict[str, bytes]:
        """Bytes of the results of a run."""
        return {path.name: path.read_bytes() for path in (self.folder / out / "results").glob("[!.]*.nc")}

    def times(self, out: str = "run") -> dict[str, int]:
        """When the results were written."""
        return {path.name: path.stat().st_mtime_ns for path in (self.folder / out / "results").glob("[!.]*.nc")}


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path / "place")


@pytest.fixture(scope="session")
def until():
    """Wait for something, a minute at most."""

    def wait(condition, what: str = "what was waited for") -> None:
        end = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < end, f"{what} did not happen"
            time.sleep(0.05)

    return wait
