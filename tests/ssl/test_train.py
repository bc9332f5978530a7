"""Training from images to a network, with a folder that a killed process leaves in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.state import CHECKPOINT, NETWORK, SETTINGS, load_trained
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
