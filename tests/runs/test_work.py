"""What a worker does: faults of a model stay with it, faults of the folder end the run."""

from __future__ import annotations

import json
import resource

import pytest

import neuroalpha as na
from neuroalpha.runs.folder import FolderError, RunFolder
from neuroalpha.runs.status import why, zoo_status
from neuroalpha.runs.work import work

LAYERS = '[[layers]]\nselect = ["first", "second", "0"]\nreduce = "mean"\n'


def reasons(place, out="run"):
    table = zoo_status(place.folder / out)
    return dict(zip(table["model"], zip(table["state"], table["done"], table["reason"], strict=True), strict=True))


def test_each_failure_stays_with_its_model(place, tmp_path):
    (place.folder / "bad.pt").write_bytes(b"nothing")
    place.plan(
        place.small(4), place.odd("raise"), place.odd("nan"), 'checkpoints = "bad.pt"', place.small(5), layers=LAYERS
    )
    text = (place.folder / "plan.toml").read_text()
    text = text.replace('what = "nan" }', 'what = "nan" }\n[[models]]\n' + place.odd("constant"))
    # all of them are called nets.py:odd: titles are told apart by the reasons
    (place.folder / "plan.toml").write_text(text)
    done = place.run(place.folder / "plan.toml")
    assert (done.n_groups, done.n_failed) == (6, 4)
    table = zoo_status(place.folder / "run")
    assert table["state"].tolist() == ["done", "failed", "failed", "failed", "failed", "done"]
    assert table["done"].tolist() == [1, 0, 1, 1, 0, 1]
    raised, nan, constant, bad = table["reason"][1:5]
    assert "no such thing" in raised
    assert "\n" not in raised
    assert nan.startswith("layer 'second':")
    assert "NaN" in nan
    assert constant.startswith("layer 'second':")
    assert "bad.pt" in bad
    assert len(place.results()) == 4
    # nothing is tried again unless asked for
    before = place.times()
    assert place.run(place.folder / "plan.toml").n_kept == 6
    again = place.run(place.folder / "plan.toml", retry_failed=True)
    assert (again.n_kept, again.n_failed, again.n_done) == (2, 4, 0)
    assert place.times() == before


def test_mended_code_is_another_group_and_the_old_failure_is_forgotten(place):
    plan = place.plan(place.odd("raise"), layers=LAYERS)
    assert place.run(plan).n_failed == 1
    nets = place.folder / "nets.py"
    nets.write_text(nets.read_text().replace('if self.what == "raise"', 'if self.what == "never"'))
    done = place.run(plan)  # without retry_failed
    assert (done.n_failed, done.n_done) == (0, 1)
    assert zoo_status(place.folder / "run")["state"].tolist() == ["done"]


def test_what_failed_outside_the_model_is_tried_again_on_demand(place, monkeypatch):
    import neuroalpha.networks.spectra as spectra

    plan = place.plan(place.small(4))
    with monkeypatch.context() as patch:
        patch.setattr(spectra, "collect_spectra", lambda *_, **__: 1 / 0)
        assert place.run(plan).n_failed == 1
    assert reasons(place)["nets.py:small"][2] == "ZeroDivisionError: division by zero"
    assert "Traceback" in RunFolder(place.folder / "run").failure(zoo_key(place))["traceback"]
    assert place.run(plan).n_done == 0
    done = place.run(plan, retry_failed=True)
    assert (done.n_failed, done.n_done) == (0, 6)
    assert reasons(place)["nets.py:small"] == ("done", 6, "")


def zoo_key(place):
    return RunFolder(place.folder / "run").groups()[0]["key"]


def test_a_full_disk_ends_the_run_and_marks_nothing_as_failed(place):
    plan = place.plan(place.small(4), place.small(5))
    place.run(place.plan(place.small(4), name="first"))
    before = place.results()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))  # results are larger, notes are not
    try:
        with pytest.raises(na.InputError, match=r"could not write .*\.nc: File too large; .*free space"):
            place.run(plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert place.results() == before
    assert zoo_status(place.folder / "run")["state"].tolist() == ["done", "waiting"]
    assert not list((place.folder / "run" / "results").glob(".*"))
    assert place.run(plan).n_done == 6


def test_another_folder_or_version_under_the_same_path_is_refused(place):
    place.run(place.plan(place.small(4)))
    path = str(place.folder / "run")
    settings = {"run_id": RunFolder(path).start["id"], "version": na.__version__, "threads": 1}
    with pytest.raises(FolderError, match="does not see the run"):
        work({}, str(place.folder), settings)
    with pytest.raises(FolderError, match="does not see the run"):
        work({}, path, {**settings, "run_id": "0"})
    with pytest.raises(FolderError, match="a worker has neuroalpha"):
        work({}, path, {**settings, "version": "0"})


def test_the_same_task_twice_is_done_once(place):
    done = place.run(place.plan(place.small(4), tasks="[[tasks]]\ndraws = 6\n" * 2))
    assert done.n_done == 6
    assert len(place.results()) == 6


def test_costs_are_noted_beside_the_results(place):
    place.run(place.plan(place.small(4)))
    (path,) = (place.folder / "run" / "costs").glob("*.json")
    cost = json.loads(path.read_text())
    assert cost["title"] == "nets.py:small on pictures"
    assert cost["seconds"] >= cost["cost_seconds_forward"] > 0
    assert cost["cost_expected_bytes"] > 0
    assert not any(name.startswith("cost") for result in na.read_results(place.folder / "run").values()
                   for name in result.attrs)  # fmt: skip


def test_why_without_a_failure(place):
    place.run(place.plan(place.small(4)))
    assert why(RunFolder(place.folder / "run"), "nothing") == "unknown"
