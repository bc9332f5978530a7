"""The folder of a run: whole files, damage that is noticed, faults that are its own."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.runs.folder import FolderError, RunFolder


@pytest.fixture
def folder(tmp_path):
    with RunFolder.take(tmp_path / "run", 1, 1000) as run:
        yield run


def result(key="k"):
    ranks = np.arange(1, 6)
    return xr.Dataset(
        {"eigenvalue": ("component", ranks**-1.0)}, {"rank": ("component", ranks)}, {"key": key, "layer": "x"}
    )


def test_results_come_back_as_they_were(folder):
    assert not folder.has("k")
    folder.write_result("k", result())
    assert folder.has("k")
    assert folder.read_result("k").identical(result())
    assert not folder.drop_damaged("k")
    assert not folder.drop_damaged("nothing")


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "other"])
def test_damage_is_noticed(folder, damage):
    folder.write_result("k", result())
    path = folder.result("k")
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        at = content.find(np.float64(1 / 3).tobytes())
        assert at > 0
        content[at] ^= 1
    if damage == "other":
        folder.write_result("other", result("other"))
        content = bytearray(folder.result("other").read_bytes())
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b""}.get(damage, bytes(content)))
    with pytest.raises(na.InputError):
        folder.read_result("k")
    with pytest.warns(UserWarning, match=r"k\.nc"):
        assert folder.drop_damaged("k")
    assert not folder.has("k")


def test_what_is_damaged_beside_the_results_is_found_out_again(folder):
    folder.write_failure("g", "title", {}, "reason", "")
    (folder.path / "failed" / "g.json").write_text("{")
    (folder.path / "groups" / "g.json").write_text("")
    (folder.path / "groups.json").write_text("[1")
    assert folder.failure("g") is None
    assert folder.jobs("g") is None
    assert folder.groups() == []
    (folder.path / "run.json").write_text("{")
    with pytest.raises(na.InputError, match=r"run\.json is damaged or of another version"):
        _ = folder.start


def test_marks_and_failures(folder):
    with folder.running("g"):
        assert folder.who_runs("g")["pid"] == os.getpid()
    assert folder.who_runs("g") is None
    folder.write_failure("g", "title", {"x": "NaN"}, "", "")
    assert folder.failure("g")["layers"] == {"x": "NaN"}
    folder.forget_failure("g")
    folder.forget_failure("g")
    assert folder.failure("g") is None


def test_taken_again_it_keeps_its_numbers_and_drops_marks(tmp_path):
    with RunFolder.take(tmp_path / "run", 1, 1000) as first:
        start = first.start
    (first.path / "running" / "g.json").write_text(json.dumps({"host": "gone", "pid": 1}))
    (first.path / "results" / ".k.nc.1234.part.nc").write_bytes(b"half")  # what a kill leaves
    with RunFolder.take(tmp_path / "run", 8, 5) as again:
        assert again.start == start
        assert again.who_runs("g") is None


def test_a_folder_that_holds_other_things(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(na.InputError, match="holds other files and is no run"), RunFolder.take(tmp_path, 1, 1):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(na.InputError, match="is not the folder of a run"):
        RunFolder.open(tmp_path)


def test_a_folder_that_was_begun_and_never_became_a_run(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / ".lock").touch()
    with RunFolder.take(tmp_path, 1, 1) as run:
        assert run.is_run


def test_a_folder_that_cannot_be_made_or_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(na.InputError, match="file"), RunFolder.take(tmp_path / "file", 1, 1):
        pass
    (tmp_path / "locked").mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and "locked" not in str(path))
    with pytest.raises(na.InputError, match="locked is read-only"), RunFolder.take(tmp_path / "locked", 1, 1):
        pass


def test_faults_of_the_folder_are_told_apart(folder):
    (folder.path / "results").rename(folder.path / "elsewhere")
    with pytest.raises(FolderError, match="results does not exist"):
        folder.write_result("k", result())
