"""Folders of trainings: taken over only where they are of the same one, and read without running code."""

from __future__ import annotations

import json

import pytest
import torch

import neuroalpha as na
from neuroalpha.ssl.settings import make_settings
from neuroalpha.ssl.state import NETWORK, SETTINGS, claim, load_trained, read_network, save_network
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
    (tmp_path / "history.csv").touch()
    assert claim(tmp_path, other, resume=False) == other
    assert [path.name for path in tmp_path.iterdir()] == [SETTINGS]


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
