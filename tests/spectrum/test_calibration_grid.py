"""The grid of simulations: the same numbers whatever the workers and interruptions; a cache; workers that end."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.spectrum import calibration_grid
from neuroalpha.spectrum.calibration_cell import Plan, read_alpha


def test_estimates_are_those_of_single_simulations():
    plan = Plan(np.full(40, 2), 50, 0.5, np.full(50, 1 / 50), "cvpca", (2, 12), {"n_draws": 0, "n_shuffles": 2})
    cells = [("white", 0.5), (0.0, 1.5)]
    found = calibration_grid.run_grid(plan, cells, 3, n_jobs=1)
    assert list(found) == cells
    for cell, estimates in found.items():
        np.testing.assert_array_equal(estimates, [read_alpha(plan, *cell, index) for index in range(3)])


@pytest.mark.parametrize(
    ("seconds", "told"), [(7.4, "7 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (9000, "2.5 h")]
)
def test_durations_in_words(seconds, told):
    assert calibration_grid._duration(seconds) == told


def test_number_of_processes_changes_nothing(tiny, tmp_path):
    one = tiny(noise=("white", "independent"), seed=4)
    two = tiny(noise=("white", "independent"), seed=4, n_jobs=2, cache=tmp_path)
    pd.testing.assert_frame_equal(one.curve, two.curve, check_exact=True)
    pd.testing.assert_frame_equal(one.simulations, two.simulations, check_exact=True)
    pd.testing.assert_frame_equal(one.curve, tiny(noise=("white", "independent"), seed=4, cache=tmp_path).curve)
    assert not np.allclose(one.curve["mean"], tiny(noise=("white", "independent"), seed=5).curve["mean"])


def test_cache_is_used_extended_and_keyed_by_content(tiny, tmp_path, count):
    first = tiny(cache=tmp_path)
    assert len(count) == 15
    pd.testing.assert_frame_equal(tiny(cache=tmp_path, observed=0.7, level=0.9).simulations, first.simulations)
    assert len(count) == 15
    more = tiny(cache=tmp_path, n_simulations=6)
    assert len(count) == 18
    kept = more.simulations[more.simulations["simulation"] < 5].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, first.simulations)
    tiny(cache=tmp_path, seed=1)
    assert len(count) == 33
    tiny(cache=tmp_path, signal_fraction=0.4)
    assert len(count) == 48


def test_interrupted_run_goes_on_where_it_stopped(tiny, tmp_path, monkeypatch):
    whole, done = tiny(), []

    def stops(plan, *task):
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(task)
        return read_alpha(plan, *task)

    monkeypatch.setattr(calibration_grid, "read_alpha", stops)
    with pytest.raises(KeyboardInterrupt):
        tiny(cache=tmp_path)
    rest = []
    monkeypatch.setattr(
        calibration_grid, "read_alpha", lambda plan, *task: rest.append(task) or read_alpha(plan, *task)
    )
    resumed = tiny(cache=tmp_path)
    assert len(rest) == 15 - 7
    assert not set(rest) & set(done)
    pd.testing.assert_frame_equal(resumed.curve, whole.curve)


def test_damaged_cell_is_computed_anew(tiny, tmp_path, count):
    whole = tiny(cache=tmp_path)
    sorted(tmp_path.iterdir())[0].write_text('{"half": ')
    with pytest.warns(UserWarning, match="damaged"):
        again = tiny(cache=tmp_path)
    assert len(count) == 15 + 5
    pd.testing.assert_frame_equal(again.curve, whole.curve)
    assert all(json.loads(path.read_text())["key"] == path.stem for path in tmp_path.iterdir())


def test_two_processes_share_a_cache(tiny, tmp_path, monkeypatch):
    """While one run is between two simulations another finishes all: nothing of it is lost."""
    ran = []

    def other_runs_first(plan, *task):
        if not ran:
            ran.append(task)
            tiny(cache=tmp_path, n_simulations=7)
        return read_alpha(plan, *task)

    monkeypatch.setattr(calibration_grid, "read_alpha", other_runs_first)
    tiny(cache=tmp_path)
    held = [json.loads(path.read_text())["value"] for path in tmp_path.iterdir()]
    assert [sorted(each) for each in held] == [list("0123456")] * 3


def test_failing_everywhere_stops_early_and_says_why(tiny, count):
    with pytest.raises(na.InputError, match="not above noise"):
        tiny(signal_fraction=1e-7, ranks=(10, 30))
    assert len(count) == 4  # once for each alpha, then once more for the reason


def test_cost_is_told_before(tiny, capsys, monkeypatch):
    monkeypatch.setattr(calibration_grid.time, "perf_counter", iter(np.arange(0, 1e4, 1.0)).__next__)
    monkeypatch.setattr(calibration_grid, "in_processes", lambda *_: iter(()))
    monkeypatch.setattr(calibration_grid, "read_alpha", lambda plan, *task: (1.0, 1.0, 1.0))
    with pytest.raises(KeyError):  # no worker has answered
        tiny(progress=True, n_jobs=2)
    told = capsys.readouterr().err
    assert "14 more simulations of 40 stimuli x 50 neuroids x 2 repeats, 1.0 s each, about 7 s on 2 cores" in told


@pytest.mark.parametrize("guard", ["", "if __name__ == '__main__':\n    "])
def test_workers_do_not_run_the_script_again(tmp_path, guard):
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\n"
        "import neuroalpha as na\n"
        "print('ran', __file__ == sys.argv[0], flush=True)\n"
        f"{guard}result = na.calibrate((40, 50), signal_fraction=0.5, noise='white', alphas=(0.5, 1.0, 1.5), "
        "ranks=(2, 12), n_simulations=5, n_jobs=2, progress=False)\n"
        "print('ran' if 'result' in dir() else 'no result', __file__ == sys.argv[0])\n"
    )
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.split("\n") == ["ran True", "ran True", ""]
