"""Whole runs: killed and resumed, two at once, damaged, interrupted; always the same bytes in the end."""

from __future__ import annotations

import json
import os
import signal

import pytest

import neuroalpha as na
from neuroalpha.runs import group as group_module
from neuroalpha.runs import work as work_module
from neuroalpha.runs.results import run_table
from neuroalpha.runs.status import zoo_status


def states(place, out="run"):
    return zoo_status(place.folder / out)["state"].tolist()


def test_killed_and_resumed(place, until):
    """SIGKILL in the middle of the second of three models, while a second run knocks at the door."""
    plan = place.plan(place.small(4), place.small(5, hold=True), place.small(6))
    place.run(plan, "whole")
    place.hold.touch()
    process = place.start("zoo", "run", plan, "--out", "run", "--allow-code", "--json")
    run = place.folder / "run"
    until(lambda: run.is_dir() and (run / "groups.json").exists() and states(place)[:2] == ["done", "running"])
    table = zoo_status(run)
    assert table["state"].tolist() == ["done", "running", "waiting"]
    assert table["jobs"].tolist() == [6, -1, -1]
    assert f"process {process.pid} on" in table["reason"][1]
    with pytest.raises(na.InputError, match=rf"a run is going on in .* \(process {process.pid} on .*--out"):
        place.run(plan)
    second = place.start("zoo", "run", plan, "--out", "run", "--allow-code")
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2
    assert [line for line in said.splitlines() if line.startswith("neuroalpha: a run is going on in run (process")]
    assert process.poll() is None  # the first is unharmed
    assert states(place)[:2] == ["done", "running"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert states(place) == ["done", "waiting", "waiting"]
    (run / "results" / ".0123.nc.abc.part.nc").write_bytes(b"\x89HDF half")  # as a kill while writing leaves
    before = place.times()
    assert len(before) == 6
    place.hold.unlink()
    done = place.run(plan)
    assert (done.n_kept, done.n_done, done.n_failed) == (1, 12, 0)
    after = place.times()
    assert {name: after[name] for name in before} == before
    assert place.results() == place.results("whole")
    assert states(place) == ["done"] * 3
    assert run_table(run).to_csv() == run_table(place.folder / "whole").to_csv()


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_and_resumed(place, until, workers):
    plan = place.plan(place.small(4), place.small(5, hold=True), place.small(6, hold=True))
    place.hold.touch()
    process = place.start(
        "zoo", "run", plan, "--out", "run", "--allow-code", "--workers", workers, "--memory", "100 MB"
    )
    run = place.folder / "run"
    until(lambda: run.is_dir() and (run / "groups.json").exists() and states(place)[:2] == ["done", "running"])
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert place.hold.exists()  # it did not wait for the models
    assert not list((run / "running").iterdir())
    assert "failed" not in states(place)
    place.hold.unlink()
    assert place.run(plan, memory="100 MB").n_done == 12
    place.run(plan, "whole", memory="100 MB")
    assert place.results() == place.results("whole")


def test_finished_models_are_not_built_again(place, monkeypatch):
    plan = place.plan(place.small(4), place.small(5))
    place.run(plan)
    built = []
    real = group_module.build_model
    monkeypatch.setattr(group_module, "build_model", lambda spec, *how: built.append(spec.name) or real(spec, *how))
    assert place.run(plan).n_kept == 2
    assert built == []
    assert place.run(place.plan(place.small(4), place.small(5), place.small(6))).n_done == 6
    assert len(built) == 1


def test_several_threads_give_the_same_bytes(place):
    plan = place.plan(*(place.small(width) for width in (3, 4, 5, 6, 7)))
    place.run(plan, "one")
    done = place.run(plan, "several", workers=3)
    assert done.n_done == 30
    assert place.results("one") == place.results("several")


def test_more_threads_than_one_in_several_workers_are_refused(place):
    plan = place.plan(place.small(3), run="[run]\nthreads = 2\n")
    with pytest.raises(na.InputError, match="jobs take 2 threads each"):
        place.run(plan, workers=2)
    place.run(place.plan(place.small(3), run=""), "new", workers=2)  # left out: one thread each
    assert json.loads((place.folder / "new" / "run.json").read_text())["threads"] == 1


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_result_is_told_and_done_again(place, damage):
    plan = place.plan(place.small(4), place.small(5))
    place.run(plan)
    good, before = place.results(), place.times()
    name = sorted(good)[3]
    path = place.folder / "run" / "results" / name
    content = bytearray(good[name])
    at = len(content) // 2 if damage == "cut" else content.rfind(na.load(path).eigenvalue.values[0].tobytes())
    content[at] ^= 1
    path.write_bytes(content[:at] if damage == "cut" else content)
    with pytest.raises(na.InputError, match=name if damage == "cut" else "is damaged; run again"):
        na.read_results(place.folder / "run")
    with pytest.warns(UserWarning, match=name):
        done = place.run(plan)
    assert (done.n_done, done.n_kept) == (1, 1)
    assert place.results() == good
    after = place.times()
    assert {each for each in before if before[each] != after[each]} == {name}


def test_the_plan_may_change(place):
    place.run(place.plan(place.small(4), place.small(5)))
    before = place.times()
    done = place.run(place.plan(place.small(5), place.small(6), layers='[[layers]]\nselect = ["0", "2"]\n'))
    assert done.n_done == 4  # flattened now
    assert len(na.read_results(place.folder / "run")) == 4  # those of the plan as it is
    assert place.run(place.plan(place.small(4), place.small(5))).n_done == 0
    assert {name: place.times()[name] for name in before} == before
    assert len(na.read_results(place.folder / "run")) == 12


def test_windows_change_the_table_and_no_result(place):
    plan = place.plan(place.small(5))
    place.run(plan)
    before = place.times()
    assert set(run_table(place.folder / "run")["window"]) == {"auto", "2-12"}
    plan.write_text(plan.read_text().replace("[2, 12]", "[3, 11]"))
    assert place.run(plan).n_done == 0
    assert set(run_table(place.folder / "run")["window"]) == {"auto", "3-11"}
    assert place.times() == before


@pytest.mark.filterwarnings("ignore:1 of 24")
def test_unreadable_images_are_refused_before_the_work(place):
    (place.folder / "pictures" / "07.png").write_bytes((place.folder / "pictures" / "07.png").read_bytes()[:99])
    plan = place.plan(place.small(4))
    with pytest.raises(na.InputError, match=r"1 of 24 images.*07\.png.*--skip-bad-images"):
        place.run(plan)
    assert not place.results()
    assert place.run(plan, skip_bad_images=True).n_done == 6
    assert {found.attrs["n_stimuli"] for found in na.read_results(place.folder / "run").values()} == {23}


def test_refused_before_anything_is_written(place):
    plan = place.plan(place.small(4))
    with pytest.raises(na.InputError, match="--allow-code"):
        na.run_zoo(plan, place.folder / "run", progress=False)
    with pytest.raises(na.InputError, match="memory is 'much'"):
        place.run(plan, memory="much")
    with pytest.raises(na.InputError, match="workers"):
        place.run(plan, workers=0)
    with pytest.raises(na.InputError, match="is a file, but a folder is needed"):
        place.run(plan, "nets.py")
    with pytest.raises(na.InputError, match="holds other files and is no run"):
        place.run(plan, "pictures")
    assert not (place.folder / "run").exists()


def test_the_first_run_decides_threads_and_memory(place, monkeypatch):
    seen = []
    real = work_module.work

    def note(payload, path, settings):
        seen.append((settings["threads"], settings["memory"]))
        return real(payload, path, settings)

    monkeypatch.setattr("neuroalpha.runs.run.work", note)
    cores = len(os.sched_getaffinity(0))
    place.run(place.plan(place.small(3), run='[run]\nmemory = "50 MB"\n'))
    place.run(place.plan(place.small(4), run=""))
    place.run(place.plan(place.small(5), run=""), memory="60 MB")
    assert seen == [(cores, 50_000_000), (cores, 50_000_000), (cores, 60_000_000)]
