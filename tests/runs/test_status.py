"""Status: a run's folder tells it, also of runs that are over; the middle of a run is in test_run."""

from __future__ import annotations

import json
import os
import platform

import pytest

import neuroalpha as na
from neuroalpha.runs.folder import RunFolder


def test_states(place):
    place.run(place.plan(place.small(4), place.small(5)))
    run = RunFolder(place.folder / "run")
    first, second = (group["key"] for group in run.groups())
    assert na.zoo_status(run.path)["state"].tolist() == ["done", "done"]
    next((run.path / "results").glob("[!.]*.nc")).unlink()
    table = na.zoo_status(run.path)
    assert sorted(table["state"]) == ["done", "waiting"]
    assert sorted(table["done"]) == [5, 6]
    run.write_failure(first, "title", {}, "why", "")
    assert na.zoo_status(run.path).loc[0, ["state", "reason"]].tolist() == ["failed", "why"]
    mark = {"host": platform.node(), "pid": os.getpid(), "since": 0}
    (run.path / "running" / f"{second}.json").write_text(json.dumps(mark))
    assert "running" not in na.zoo_status(run.path)["state"].tolist()  # no run holds the folder
    with RunFolder.take(run.path, 1, 1):
        (run.path / "running" / f"{second}.json").write_text(json.dumps(mark))
        assert na.zoo_status(run.path)["state"][1] == "running"
        (run.path / "running" / f"{second}.json").write_text(json.dumps({**mark, "pid": 2**22 + 1}))
        assert na.zoo_status(run.path)["state"][1] != "running"  # a worker that was killed
        (run.path / "running" / f"{second}.json").write_text(json.dumps({**mark, "host": "elsewhere", "since": 9e12}))
        assert na.zoo_status(run.path)["state"][1] == "running"  # whatever its clock says


def test_no_run(tmp_path):
    with pytest.raises(na.InputError, match="is not the folder of a run"):
        na.zoo_status(tmp_path)
