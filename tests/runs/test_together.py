"""Processes on one model: torchrun and one process give the same bits, and what cannot be together is refused."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.runs.together import Together, check_shards, join_processes, present

TASKS = "[[tasks]]\ndraws = 6\nshards = 2\n"


def test_alone(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    with join_processes("") as team:
        assert team == Together() == present()
    assert team.leads
    assert team.led(lambda: [1]) == [1]
    assert team.device("cuda") == "cuda"


def test_devices(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert Together(4, 3).device("cuda") == "cuda:3"
    assert Together(4, 3).device("cpu") == "cpu"


def test_shards_are_those_of_the_processes():
    check_shards(5, 1)
    check_shards(2, 2)
    with pytest.raises(na.InputError, match="2 processes run together, but the plan asks for shards = 3"):
        check_shards(3, 2)


def test_torchrun(place):
    """Two gloo processes, one model that fails, one bad layer; bitwise as one process with as many shards."""
    models = (place.small(4), place.odd("nan"), 'name = "cifar:resnet20"', place.odd("raise"))
    layers = '[[layers]]\nselect = ["0", "first", "second", "layer1", "avgpool"]\n'
    plan = place.plan(*models, layers=layers, tasks=TASKS)
    process = place.start(
        "--standalone", "--nproc-per-node", 2, "-m", "neuroalpha", "zoo", "run", plan, "--out", "run",
        "--allow-code", first=("-m", "torch.distributed.run"),
    )  # fmt: skip
    out, said = process.communicate(timeout=120)
    table = na.zoo_status(place.folder / "run")
    assert table["state"].tolist() == ["done", "failed", "done", "failed"], said
    assert out.count("4 models on image sets") == 1  # one speaks, and its code counts
    assert process.returncode == 1
    assert (place.folder / "run" / "report.html").is_file()
    place.run(plan, "one")
    assert place.results() == place.results("one")
    assert len(place.results()) == 4
