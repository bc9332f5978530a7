"""Folders of trainings: taken over only where they are of the same one, and read without running code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.settings import make_settings
from neuroalpha.ssl.state import (
    FAILED,
    LOCK,
    NETWORK,
    SETTINGS,
    claim,
    held,
    load_trained,
    note_failure,
    noted_failure,
    only_training,
    read_network,
    save_network,
    unlike,
)
from neuroalpha.ssl.step import build_network, build_objective


def about(images="sha256:0", test="", processes=1, **content):
    settings = make_settings({"objective": "isoloss", "width": 2, "projector_out": 4, **content})
    return {"settings": settings.to_dict(), "images": images, "test": test, "processes": processes}


@pytest.fixture
def trained(tmp_path):
    settings = make_settings(about()["settings"])
    network, objective = build_network(settings), build_objective(settings, build_network(settings), None)
    network(torch.randn(4, 3, 32, 32))  # running statistics that are not those of a new network
    objective.predictor.moment += 3
    save_network(tmp_path, about(), network, objective, "projector: one dimension")
    return tmp_path, network, objective


def test_the_network_comes_back(trained):
    folder, network, objective = trained
    for path in (folder, folder / NETWORK):
        found = load_trained(path)
        assert not found.training
        for name, value in network.state_dict().items():
            assert torch.equal(value, found.state_dict()[name]), name
    settings = make_settings(about()["settings"])
    again, other = build_network(settings), build_objective(settings, network, None)
    assert read_network(folder, again, other) == "projector: one dimension"
    assert torch.equal(other.predictor.moment, objective.predictor.moment)


def test_the_file_holds_no_code(trained):
    content = torch.load(trained[0] / NETWORK, weights_only=True)
    assert json.loads(content["settings"]) == about()["settings"]
    assert set(content["state_dict"]) == set(trained[1].state_dict())


def test_what_is_no_trained_network(tmp_path):
    with pytest.raises(na.InputError, match=f"there is no {NETWORK} in"):
        load_trained(tmp_path)
    claim(tmp_path, about(), resume=True)
    with pytest.raises(na.InputError, match="the training there is not finished"):
        load_trained(tmp_path)
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    with pytest.raises(na.InputError, match="no file of a training by this version"):
        load_trained(tmp_path / "other.pt")
    with pytest.raises(na.InputError, match="there is no weights file"):
        load_trained(tmp_path / "nothing.pt")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (about(lr=0.5), r"lr = 0.12 \(now 0.5\)"),
        (about(options={"eps": 0.1}), r"options.eps = None \(now 0.1\)"),
        (about(lr=0.5, seed=3), r"lr = 0.12 \(now 0.5\), seed = 0 \(now 3\)"),
        (about(images="sha256:1"), r"other images \(sha256:0, now sha256:1\)"),
        (about(test="sha256:1"), r"other test \(none, now sha256:1\)"),
        (about(processes=2), r"1 processes \(now 2\)"),
    ],
)
def test_a_folder_of_another_training(tmp_path, other, message):
    claim(tmp_path, about(), resume=True)
    with pytest.raises(na.InputError, match=message) as caught:
        claim(tmp_path, other, resume=True)
    assert "resume=False" in str(caught.value)
    for name in ("history.csv", "checkpoint.pt", NETWORK, FAILED):
        (tmp_path / name).touch()
    assert claim(tmp_path, other, resume=False) == other
    assert [path.name for path in tmp_path.iterdir()] == [SETTINGS]
    assert held(tmp_path, other) == other
    with pytest.raises(na.InputError, match="holds a training with"):
        held(tmp_path, about())


def test_the_device_is_no_difference_and_what_was_used_is_kept(tmp_path):
    claim(tmp_path, {**about(), "precision": "bfloat16"}, resume=True)
    assert claim(tmp_path, {**about(device="cpu"), "precision": "float32"}, resume=True)["precision"] == "bfloat16"


def test_a_record_that_is_none(tmp_path):
    for text in ("", "[]", '{"settings": 1}'):
        (tmp_path / SETTINGS).write_text(text)
        with pytest.raises(na.InputError, match="is no record of a training"):
            claim(tmp_path, about(), resume=True)


def test_half_files_of_a_killed_process_are_removed(tmp_path):
    (tmp_path / ".checkpoint.pt.abc.part.pt").touch()
    claim(tmp_path, about(), resume=True)
    assert [path.name for path in tmp_path.iterdir()] == [SETTINGS]


def test_half_files_beside_a_finished_network_are_left(trained):
    """Nobody holds a finished folder who reads it: what is half written there may be another's who starts over."""
    half = trained[0] / ".network.pt.abc.part.pt"
    half.touch()
    claim(trained[0], about(), resume=True)
    assert half.exists()


def test_one_training_in_a_folder_at_a_time(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with only_training(tmp_path):
        with only_training(other), pytest.raises(na.InputError, match="a training is going on in") as caught:
            with only_training(tmp_path):
                raise AssertionError
        assert str(tmp_path) in str(caught.value)
        assert (tmp_path / LOCK).exists()
    with pytest.raises(ZeroDivisionError), only_training(tmp_path):
        raise ZeroDivisionError
    with only_training(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_lock_removed_while_it_was_opened_is_taken_anew(tmp_path, monkeypatch):
    """Who opens the file just before its holder removes it has a file that nobody else will find."""
    fcntl = pytest.importorskip("fcntl")
    lock, calls = fcntl.flock, []

    def late(handle, operation):
        if not calls:
            (tmp_path / LOCK).unlink()
        calls.append(handle)
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with only_training(tmp_path):
        monkeypatch.undo()
        assert len(calls) == 2
        with pytest.raises(na.InputError, match="going on"), only_training(tmp_path):
            raise AssertionError


def test_where_there_are_no_locks_nobody_is_held_off(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(handle, operation):
        raise OSError("No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with only_training(tmp_path), only_training(tmp_path):
        assert list(tmp_path.iterdir()) == []
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    with only_training(tmp_path):
        assert list(tmp_path.iterdir()) == []


_HOLDS = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(handle, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_killed_process_lets_go(tmp_path):
    command = [sys.executable, "-c", _HOLDS, str(tmp_path / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(na.InputError, match="a training is going on"), only_training(tmp_path):
            raise AssertionError
        os.kill(process.pid, signal.SIGKILL)
    assert (tmp_path / LOCK).exists()
    with only_training(tmp_path):
        pass


def test_what_bits_depend_on():
    begun = {"versions": {"neuroalpha": "1", "torch": "2.3.0"}, "device": "cpu", "threads": 4}
    assert unlike(begun, begun) == []
    now = {"versions": {"neuroalpha": "2", "torch": "2.4.0"}, "device": "cuda", "threads": None}
    assert unlike(begun, now) == ["neuroalpha 1 (now 2)", "torch 2.3.0 (now 2.4.0)", "device cpu (now cuda)"]
    assert unlike({}, begun) == []  # of a folder from before it was noted
    assert unlike(begun, {**begun, "threads": 2}) == ["threads 4 (now 2)"]


def test_a_failure_is_known_of_the_same_training_only(tmp_path):
    failed = {**about(), "device": "cpu", "versions": {"torch": "2.3.0"}}
    assert noted_failure(tmp_path, failed) == ""
    note_failure(tmp_path, failed, "the loss is nan")
    assert noted_failure(tmp_path, failed) == "the loss is nan"
    assert noted_failure(tmp_path, {**failed, **about(device="cpu"), "threads": 3}) == "the loss is nan"
    for other in (about(lr=0.5), about(images="sha256:1"), {"device": "cuda"}, {"versions": {"torch": "2.4.0"}}):
        assert noted_failure(tmp_path, {**failed, **other}) == ""
    for text in ("", "[]", "{}"):
        (tmp_path / FAILED).write_text(text)
        assert noted_failure(tmp_path, failed) == ""
