"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

# A shared machine may stall any single example: time says nothing about a property. Where a failure would block others
# (CI), the examples are the same on every run.
hypothesis.settings.register_profile(
    "neuroalpha",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("neuroalpha")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, images and weights; tests that need it skip where it is absent.

    It is looked for in NEUROALPHA_SHARED_DATA, else at ``shared/data`` beside the checkout. Its files have licences of
    their own and are not part of the project.
    """
    named = os.environ.get("NEUROALPHA_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set NEUROALPHA_SHARED_DATA to the folder that holds it")
    return folder


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def cli(capsys):
    """Call the command line in this process: returns exit code, stdout and stderr."""
    from neuroalpha.cli import main

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def bad():
    """Assert that a call of ``cli`` ended as bad input does: exit code 2, one line on stderr that holds these texts."""

    def check(result: tuple[int, str, str], *expected: str) -> None:
        code, out, err = result
        assert code == 2, (code, out, err)
        assert out == ""
        lines = [line for line in err.splitlines() if line.startswith("neuroalpha: ") and "warning:" not in line]
        assert len(lines) == 1, err
        assert "Traceback" not in err
        for text in expected:
            assert text in lines[0], lines[0]

    return check


SWEEP = """
title = "Small"
[images]
source = "train.npz"
key = "images"
label_key = "labels"
[test]
source = "test.npz"
key = "images"
label_key = "labels"
[train]
objective = "spectral"
width = 4
size = 16
projector_hidden = 16
projector_out = 16
batch_size = 32
epochs = 2
"""


@pytest.fixture
def sweep_file(tmp_path):
    """Write a sweep of small networks on coloured noise, with further tables; returns its path."""

    def write(*tables: str, shared: str = "", name: str = "sweep") -> Path:
        for seed, (kind, n) in enumerate((("train", 96), ("test", 64))):
            rng = np.random.default_rng(seed)
            codes = np.arange(n) % 3
            pixels = rng.integers(20, 180, (n, 16, 16, 3))
            pixels[np.arange(n), :, :, codes] += 40
            np.savez(tmp_path / f"{kind}.npz", images=pixels.astype(np.uint8), labels=np.array(["a", "b", "c"])[codes])
        path = tmp_path / f"{name}.toml"
        path.write_text(SWEEP + shared + "".join(f"\n[[sweep]]\n{table}\n" for table in tables))
        return path

    return write
