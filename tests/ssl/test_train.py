"""Training from images to a network, with a folder that a killed process leaves in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.loop import TrainingError
from neuroalpha.ssl.state import CHECKPOINT, FAILED, LOCK, NETWORK, SETTINGS, load_trained, only_training
from neuroalpha.ssl.step import Learner
from neuroalpha.ssl.train import train

SMALL = {
    "objective": "spectral",
    "width": 2,
    "size": 8,
    "batch_size": 16,
    "epochs": 2,
    "projector_out": 8,
    "projector_hidden": 8,
    "monitor_last": 60,
    "device": "cpu",
}


def pictures(n=60, seed=0):
    """Two classes that differ in brightness."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    return (rng.integers(0, 128, (n, 8, 8, 3)) + 127 * labels[:, None, None, None]).astype(np.uint8), labels


def test_what_comes_back():
    pixels, labels = pictures()
    result = train(pixels, SMALL, labels=labels, test=pictures(seed=1), progress=False)
    assert result.history.step.tolist() == [3, 6]
    assert not result.network.training
    assert result.folder is None
    assert result.eigenvalues is None
    assert result.collapsed == result.history.collapsed.iloc[-1]
    assert result.history["knn_accuracy"].iloc[-1] > 0.9
    assert result.network(torch.zeros(2, 3, 8, 8)).shape == (2, 8)


def test_image_sets_and_arrays_are_the_same_training(tmp_path):
    pixels, labels = pictures()
    tables = [
        train(source, SMALL, labels=given, folder=tmp_path / str(number), progress=False).history
        for number, (source, given) in enumerate(
            [(pixels, labels), (na.images(pixels, label=labels), None), (pixels.transpose(0, 3, 1, 2), labels)]
        )
    ]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(
            table.drop(columns="seconds"), tables[0].drop(columns="seconds"), check_exact=True
        )
    assert len({(tmp_path / str(number) / SETTINGS).read_text() for number in range(3)}) == 1


def test_a_finished_folder_is_read(tmp_path):
    pixels, labels = pictures()
    settings = {**SMALL, "objective": "isoloss"}
    result = train(pixels, settings, labels=labels, folder=tmp_path, progress=False)
    names = {"eigenvalues.nc", "history.csv", NETWORK, SETTINGS}
    assert {path.name for path in tmp_path.iterdir()} == names
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in names}
    again = train(pixels, settings, labels=labels, folder=tmp_path, progress=False)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in names} == before
    pd.testing.assert_frame_equal(again.history, result.history, check_exact=True)
    assert again.eigenvalues.identical(result.eigenvalues)
    for part in ("network", "objective"):
        for name, value in getattr(result, part).state_dict().items():
            assert torch.equal(value, getattr(again, part).state_dict()[name])
    for name, value in result.network.state_dict().items():
        assert torch.equal(value, load_trained(tmp_path).state_dict()[name])
    with pytest.raises(na.InputError, match=r"holds a training with lr = 0.12 \(now 0.5\)"):
        train(pixels, {**settings, "lr": 0.5}, labels=labels, folder=tmp_path, progress=False)
    with pytest.raises(na.InputError, match="other images"):
        train(pixels[::-1].copy(), settings, labels=labels, folder=tmp_path, progress=False)
    with pytest.raises(na.InputError, match="other images"):
        train(pixels, settings, labels=1 - labels, folder=tmp_path, progress=False)
    anew = train(pixels, {**settings, "lr": 0.5}, labels=labels, folder=tmp_path, resume=False, progress=False)
    assert anew.history.loss[0] != result.history.loss[0]


_KILLED = """
import json, os, signal, sys
import numpy as np
from neuroalpha.ssl.step import Learner
from neuroalpha.ssl.train import train
made, folder, settings = np.load(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
step, steps = Learner._view, []
def dies(self, pixels, number, view):
    if number == 4 and view == 1:  # within the second step of the second epoch
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, pixels, number, view)
Learner._view = dies
train(made["pixels"], settings, labels=made["labels"], folder=folder, save_seconds=0, progress=False)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_process_killed_within_an_epoch_goes_on_to_the_same_bits(tmp_path):
    """With a target network, an objective's matrix, momentum, batch norm's statistics, a readout and a monitor."""
    import json

    pixels, labels = pictures()
    settings = {**SMALL, "objective": "isoloss", "epochs": 3}
    np.savez(tmp_path / "made.npz", pixels=pixels, labels=labels)
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "made.npz"), str(folder), json.dumps(settings)]
    killed = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL
    place = torch.load(folder / CHECKPOINT, weights_only=True)["place"]
    assert (place["epoch"], place["step"]) == (1, 1)
    onward = train(pixels, settings, labels=labels, folder=folder, progress=False)
    whole = train(pixels, settings, labels=labels, folder=tmp_path / "whole", progress=False)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, onward.network.state_dict()[name]), name
    pd.testing.assert_frame_equal(
        onward.history.drop(columns="seconds"), whole.history.drop(columns="seconds"), check_exact=True
    )
    assert onward.eigenvalues.identical(whole.eigenvalues)
    assert not (folder / CHECKPOINT).exists()


def stopped(monkeypatch, pixels, folder, at=4):
    """A training that is interrupted, with a checkpoint."""
    step = Learner.step

    def interrupted(self, *arguments):
        if arguments[-1] == at:
            raise KeyboardInterrupt
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(pixels, SMALL, folder=folder, save_seconds=0, progress=False)
    assert (folder / CHECKPOINT).is_file()


def test_going_on_with_other_software_or_threads_is_told(tmp_path, monkeypatch):
    pixels, _ = pictures()
    stopped(monkeypatch, pixels, tmp_path)
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "__version__", "1.0")
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    told = rf"was begun with torch \S+ \(now 1.0\), threads {threads} \(now {threads + 1}\); it goes on, but not"
    with pytest.warns(UserWarning, match=told) as caught:
        train(pixels, SMALL, folder=tmp_path, progress=False)
    ours = [each for each in caught if "was begun with" in str(each.message)]
    assert len(ours) == 1
    assert ours[0].filename == __file__
    assert "\n" not in str(ours[0].message)
    with warnings.catch_warnings():  # of a finished folder there is nothing to tell
        warnings.simplefilter("error")
        monkeypatch.undo()
        train(pixels, SMALL, folder=tmp_path, progress=False)


def test_going_on_as_before_tells_nothing(tmp_path, monkeypatch):
    pixels, _ = pictures()
    stopped(monkeypatch, pixels, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(pixels, SMALL, folder=tmp_path, progress=False)


def test_a_folder_in_which_a_training_goes_on(tmp_path, monkeypatch):
    """It is refused, what that training writes is left, and a finished folder is read all the same."""
    pixels, _ = pictures()
    half = tmp_path / ".checkpoint.pt.abc.part.pt"
    tried, step = [], Learner.step

    def meanwhile(self, *arguments):
        if not tried:
            half.touch()
            tried.append((tmp_path / LOCK).is_file())
            for resume in (True, False):
                with pytest.raises(na.InputError, match=f"a training is going on in {tmp_path}; wait for it"):
                    train(pixels, SMALL, folder=tmp_path, resume=resume, progress=False)
            assert half.exists()
            half.unlink()
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "step", meanwhile)
        result = train(pixels, SMALL, folder=tmp_path, progress=False)
    assert tried == [True]
    assert not (tmp_path / LOCK).exists()
    with only_training(tmp_path):
        again = train(pixels, SMALL, folder=tmp_path, progress=False)
    pd.testing.assert_frame_equal(again.history, result.history)


def test_a_training_that_failed_is_not_repeated(tmp_path, monkeypatch):
    pixels, _ = pictures()
    step, steps = Learner.step, []

    def fails(self, *arguments):
        steps.append(arguments[-1])
        return step(self, *arguments) * (torch.nan if arguments[-1] == 4 else 1.0)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "step", fails)
        with pytest.raises(TrainingError, match="nan in epoch 2, step 2 of 3") as first:
            train(pixels, SMALL, folder=tmp_path, save_seconds=0, progress=False)
        assert steps == [0, 1, 2, 3, 4]
        with pytest.raises(TrainingError) as second:
            train(pixels, SMALL, folder=tmp_path, progress=False)
        assert steps == [0, 1, 2, 3, 4]
        assert str(second.value).startswith(str(first.value))
        assert "resume=False" in str(second.value)
        assert "another lr" in str(second.value)
        assert "\n" not in str(second.value)
        with pytest.raises(na.InputError, match="holds a training with lr"):
            train(pixels, {**SMALL, "lr": 0.01}, folder=tmp_path, progress=False)
        with pytest.raises(TrainingError):
            train(pixels, SMALL, folder=tmp_path, resume=False, progress=False)
        assert steps == 2 * [0, 1, 2, 3, 4]
    assert (tmp_path / FAILED).is_file()
    assert not (tmp_path / LOCK).exists()
    result = train(pixels, SMALL, folder=tmp_path, resume=False, progress=False)
    assert len(result.history) == 2
    assert not (tmp_path / FAILED).exists()


def test_with_other_software_a_failed_training_is_tried_again(tmp_path, monkeypatch):
    pixels, _ = pictures()
    with monkeypatch.context() as patched:
        patched.setattr(torch, "__version__", "1.0")
        step = Learner.step
        patched.setattr(Learner, "step", lambda *arguments: step(*arguments) * torch.nan)
        with pytest.raises(TrainingError):
            train(pixels, SMALL, folder=tmp_path, progress=False)
    train(pixels, SMALL, folder=tmp_path, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"history.csv", NETWORK, SETTINGS}


@pytest.mark.parametrize("stops", [True, False])
def test_without_the_stop_gradient_it_collapses_and_that_is_told(stops):
    """Chen & He 2021, figure 2: SimSiam's loss falls to -1 without it, and its outputs lose their spread."""
    pytest.importorskip("lightly")
    pixels = np.random.default_rng(0).integers(0, 256, (128, 8, 8, 3), dtype=np.uint8)
    settings = {**SMALL, "objective": "simsiam", "epochs": 12, "lr": 0.2, "width": 4, "evaluate_every": 12}
    settings |= {"options": {"stop_gradient": stops}, "projector_out": 32}
    result = train(pixels, settings, progress=False)
    last = result.history.iloc[-1]
    assert (result.collapsed == "") == stops
    assert (last["loss"] < -0.98) != stops
    assert last["collapsed"] == result.collapsed
    if not stops:
        assert result.collapsed.startswith("projector: one dimension")
        assert np.isnan(last["alpha: projector"])


def test_what_cannot_be(tmp_path):
    pixels, labels = pictures()
    for message, content, keywords in (
        ("there are 60 images to learn from, fewer than one batch of 64", {"batch_size": 64}, {}),
        (r"54 images to learn from \(6 more", {"batch_size": 64}, {"labels": labels}),
        ("Supervised needs the number of classes", {"objective": "supervised"}, {}),
        ("ema is 0.5, but spectral has no target network", {"ema": 0.5}, {}),
        ("all images to learn from have the label '0'", {}, {"labels": labels * 0}),
        ("the test images have no labels", {}, {"labels": labels, "test": pixels}),
        ("the test images have the label '5'", {}, {"labels": labels, "test": (pixels, labels + 5)}),
        ("of another type", {}, {"labels": labels, "test": (pixels, labels.astype(str))}),
        ("labels of test have shape", {}, {"labels": labels, "test": (pixels, labels[1:])}),
        ("unknown setting 'epoch'", {"epoch": 1}, {}),
        ("the device 'cuda:99' cannot be used", {"device": "cuda:99"}, {}),
    ):
        with pytest.raises(na.InputError, match=message):
            train(pixels, {**SMALL, **content}, progress=False, folder=tmp_path, **keywords)
    assert list(tmp_path.iterdir()) == []
