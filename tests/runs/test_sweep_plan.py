"""From a sweep file to the plan that trains and measures it."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.runs.results import run_table
from neuroalpha.runs.run import run_zoo
from neuroalpha.runs.sweep_plan import is_sweep, sweep_plan


def test_the_whole_way(sweep_file, tmp_path):
    path = sweep_file('objective = ["spectral", "supervised"]\nlr = [0.05, 0.2]')
    done = run_zoo(sweep_plan(path, threads=1), tmp_path / "run", progress=False)
    assert (done.n_groups, done.n_failed) == (8, 0)
    table = run_table(tmp_path / "run")
    one = table[(table["layer"] == "backbone") & (table["window"] == "auto")]
    assert len(one) == 4
    assert sorted(one["setting: lr"]) == [0.05, 0.05, 0.2, 0.2]
    assert set(one["setting: objective"]) == {"spectral", "supervised"} == set(one["family"])
    for name in ("alpha", "accuracy", "knn_accuracy", "final_loss", "online_accuracy", "rankme", "lidar", "nesum"):
        assert one[name].notna().all(), name
    assert set(one["images"]) == {"test"}
    # A second start trains and measures nothing.
    again = run_zoo(sweep_plan(path, threads=1), tmp_path / "run", progress=False)
    assert (again.n_done, again.n_kept) == (0, 8)


def test_one_more_network_is_one_more_training(sweep_file, tmp_path):
    run_zoo(sweep_plan(sweep_file("lr = 0.1"), threads=1), tmp_path / "run", progress=False)
    again = run_zoo(sweep_plan(sweep_file("lr = [0.1, 0.2]"), threads=1), tmp_path / "run", progress=False)
    assert (again.n_groups, again.n_kept) == (4, 2)


def test_without_labels_there_are_no_readouts(sweep_file):
    path = sweep_file()
    assert {task.kind for task in sweep_plan(path, threads=1).tasks} == {"train", "scores", "spectra", "readouts"}
    path.write_text(path.read_text().replace('label_key = "labels"\n', ""))
    assert {task.kind for task in sweep_plan(path, threads=1).tasks} == {"train", "scores", "spectra"}
    text = path.read_text()
    path.write_text(text[: text.index("[test]")] + text[text.index("[train]") :])
    plan = sweep_plan(path, threads=1)
    assert [entry.called() for entry in plan.images] == ["train"]
    assert all(task.images == ("train",) for task in plan.tasks)


def test_a_sweep_is_told_from_a_plan(sweep_file, tmp_path):
    assert is_sweep(sweep_file())
    (tmp_path / "plan.toml").write_text('[[models]]\nsweep = "sweep.toml"\n')
    assert not is_sweep(tmp_path / "plan.toml")
    assert not is_sweep(tmp_path / "none.toml")


def test_a_loss_that_is_not_finite_stops_that_network_alone(sweep_file, tmp_path):
    path = sweep_file('lr = [0.05, 1e30]\noptimiser = "sgd"')
    done = run_zoo(sweep_plan(path, threads=1), tmp_path / "run", progress=False)
    assert done.n_failed == 2
    status = na.zoo_status(tmp_path / "run")
    assert sorted(status["state"]) == ["done", "done", "failed", "failed"]
    assert status["reason"].str.contains("epoch").sum() == 2
    table = run_table(tmp_path / "run")
    assert table["model"].nunique() == 1


@pytest.mark.parametrize("which", ["images", "test"])
def test_images_that_are_not_there(sweep_file, which):
    path = sweep_file()
    path.write_text(
        path.read_text().replace('source = "test.npz"' if which == "test" else 'source = "train.npz"', 'source = "no"')
    )
    with pytest.raises(na.InputError, match=rf"\[{which}\] of .*no folder or file"):
        sweep_plan(path, threads=1)
