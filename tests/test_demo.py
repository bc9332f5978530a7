"""The demo end to end, with fewer patches and networks than it shows to people."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha import demo


def test_patches():
    patches, label = demo.photo_patches(40, size=32, seed=1)
    again, _ = demo.photo_patches(40, size=32, seed=1)
    np.testing.assert_array_equal(patches, again)
    assert patches.shape == (40, 32, 32, 3)
    assert set(label.tolist()) == {"china", "flower"}
    assert patches.std(axis=(1, 2, 3)).min() > 0


def test_demo(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "NETWORKS", {"resnet18": ("layer2", "layer3", "layer4")})
    monkeypatch.setattr(demo, "photo_patches", lambda seed: patches_of(150, seed=seed))
    lines: list[str] = []
    told = demo.run_demo(tmp_path / "out", say=lines.append)
    assert told.table.name.tolist() == [
        "V1 (simulated)",
        "V1 truth (no noise)",
        "resnet18 layer2",
        "resnet18 layer3",
        "resnet18 layer4",
    ]
    assert all(path.stat().st_size > 0 for path in told.written)
    names = {path.name for path in told.written}
    assert {
        "spectra.png",
        "alpha_by_layer.png",
        "window_sensitivity.png",
        "v1.spectrum.nc",
        "alpha.csv",
        "compare.html",
    } <= names
    assert "truth" in told.truth
    read = na.read_stringer(told.written[0])
    assert read.responses.sizes["neuroid"] == 1200


patches_of = demo.photo_patches


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(na.InputError, match="cannot make the folder"):
        demo.run_demo(tmp_path / "file" / "out")
