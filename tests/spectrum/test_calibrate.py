"""calibrate: the same numbers whatever the workers and interruptions, a curve that is inverted soundly, bad input."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.spectrum import calibration_grid
from neuroalpha.spectrum.calibration_cell import Plan, read_alpha
from neuroalpha.spectrum.calibration_curve import Curve, invert

TINY = {
    "signal_fraction": 0.5,
    "noise": "white",
    "alphas": (0.5, 1.0, 1.5),
    "ranks": (2, 12),
    "n_simulations": 5,
    "progress": False,
    "n_jobs": 1,
}


def tiny(sizes=(40, 50), **changes):
    return na.calibrate(sizes, **{**TINY, **changes})


@pytest.fixture
def count(monkeypatch):
    calls = []

    def counted(plan, *task, **kwargs):
        calls.append(task)
        return read_alpha(plan, *task, **kwargs)

    monkeypatch.setattr(calibration_grid, "read_alpha", counted)
    return calls


@pytest.fixture(scope="module")
def recording():
    made = na.simulate_recording(1.0, 120, 90, 2, 0.6, "aligned", False, 3)[0]
    return na.preprocess(made, zscore=None)


def test_number_of_processes_changes_nothing(tmp_path):
    one = tiny(noise=("white", "independent"), seed=4)
    two = tiny(noise=("white", "independent"), seed=4, n_jobs=2, cache=tmp_path)
    pd.testing.assert_frame_equal(one.curve, two.curve, check_exact=True)
    pd.testing.assert_frame_equal(one.simulations, two.simulations, check_exact=True)
    pd.testing.assert_frame_equal(one.curve, tiny(noise=("white", "independent"), seed=4, cache=tmp_path).curve)
    assert not np.allclose(one.curve["mean"], tiny(noise=("white", "independent"), seed=5).curve["mean"])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_killed_run_leaves_no_workers(tmp_path):
    """Killed outright, with no chance to clean up: its workers end by themselves."""
    script = tmp_path / "run.py"
    script.write_text(
        "import multiprocessing, os, signal, time\n"
        "from neuroalpha.spectrum import calibration_grid as grid\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    pool = grid.ProcessPoolExecutor(1, mp_context=context, initializer=grid._start, initargs=(None,))\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    worker = int(told.stdout)
    for _ in range(200):
        if not _alive(worker):
            break
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_cache_is_used_extended_and_keyed_by_content(tmp_path, count):
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


def test_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
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


def test_damaged_cell_is_computed_anew(tmp_path, count):
    whole = tiny(cache=tmp_path)
    sorted(tmp_path.iterdir())[0].write_text('{"half": ')
    with pytest.warns(UserWarning, match="damaged"):
        again = tiny(cache=tmp_path)
    assert len(count) == 15 + 5
    pd.testing.assert_frame_equal(again.curve, whole.curve)
    assert all(json.loads(path.read_text())["key"] == path.stem for path in tmp_path.iterdir())


def test_interval_covers_the_truth():
    """Fresh recordings of the simulated kind, at alphas between the grid's: 95 % of intervals hold them."""
    options = {"n_shuffles": 2}
    made = tiny((60, 80), noise="independent", n_simulations=16, alphas=np.arange(0.4, 2.01, 0.2),
                estimator_options=options, ranks=(3, 15))  # fmt: skip
    curve = Curve(*(made.curve[name].to_numpy() for name in ("true_alpha", "mean", "half")))
    fresh = Plan(np.full(60, 2), 80, 0.5, made.noise_power, "cvpca", (3, 15), {"n_draws": 0, **options}, seed=99)
    truths = np.linspace(0.85, 1.55, 160)
    found = [invert(curve, read_alpha(fresh, 0.0, alpha, i)[0]) for i, alpha in enumerate(truths)]
    held = np.mean([each.low <= alpha <= each.high for each, alpha in zip(found, truths, strict=True)])
    assert 0.91 <= held <= 0.99
    error = np.array([each.alpha for each in found]) - truths
    raw = np.interp(truths, made.curve["true_alpha"], made.curve["bias"])
    assert abs(np.nanmean(error)) < 0.25 * abs(raw.mean())


def test_recording_gives_sizes_share_noise_and_observation(recording):
    result = na.calibrate(recording, ranks=(3, 24), alphas=(0.5, 0.8, 1.1, 1.4), n_simulations=5, progress=False)
    assert (result.n_stimuli, result.n_neuroids, result.n_repeats) == (120, 90, 2)
    assert result.signal_fraction == pytest.approx(0.6, abs=0.05)
    assert result.observed == na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24)).alpha
    assert list(result.calibrated["noise"]) == ["aligned", "0.5 aligned", "independent", "measured"]
    assert result.aligned_share > 0.6  # it is 1
    slope = np.polyfit(np.log(np.arange(1, 31)), np.log(result.noise_power[:30]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.2)
    assert result.low < 1.0 < result.high
    assert abs(result.alpha - 1.0) < 0.15
    row = result.to_frame()
    assert (len(row), row["first"][0], row["estimator"][0]) == (1, 3, "cvpca")


def test_repeats_as_they_come(recording):
    """Halves given, an AlphaFit given, or the whole recording: one answer."""
    options = {"alphas": (0.5, 1.0, 1.5), "noise": "aligned", "n_simulations": 5, "progress": False}
    plain = na.calibrate(recording, ranks=(3, 24), **options)
    halves = na.calibrate(na.repeats(recording), ranks=(3, 24), **options)
    fit = na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24))
    given = na.calibrate(recording, observed=fit, **options)
    for other in (halves, given):
        assert (other.alpha, other.low, other.high) == pytest.approx((plain.alpha, plain.low, plain.high))
        assert other.ranks == (3, 24)


def test_uneven_repeats_and_missing_trials():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(60, 40)) * np.arange(1, 41) ** -0.5
    shown = np.r_[np.full(30, 5), np.full(30, 7)]
    ids = np.repeat(np.arange(60), shown)
    values = signal[ids] + 0.3 * rng.normal(size=(ids.size, 40))
    values[::50, 0] = np.nan
    blank = np.full((3, 40), np.nan)  # presentations that were not recorded
    assembly = na.make_assembly(np.vstack([values, blank]), stimulus_id=np.r_[ids, [0, 1, 2]])
    result = na.calibrate(assembly, **{**TINY, "signal_fraction": None, "ranks": (2, 12), "n_simulations": 5})
    assert result.n_repeats == pytest.approx(6)
    variance = (np.arange(1, 41) ** -1.0).sum()
    assert result.signal_fraction == pytest.approx(variance / (variance + 40 * 0.09), abs=0.06)


def test_network_shown_once_has_no_noise_and_known_bias():
    """PCA of Gaussian samples, alpha 0.5 and 1.0: read as in the table of known biases, and undone."""
    x = np.random.default_rng(1).normal(size=(300, 200)) * np.arange(1, 201) ** -0.25
    result = na.calibrate(na.make_assembly(x, stimulus_id=np.arange(300)), estimator="pca", ranks=(4, 40),
                          alphas=(0.25, 0.5, 0.75, 1.0), n_simulations=8, progress=False)  # fmt: skip
    assert list(result.calibrated["noise"]) == ["none"]
    assert result.observed < 0.46
    assert abs(result.alpha - 0.5) < 0.05
    assert result.low < 0.5 < result.high


def test_coverage_of_the_estimators_own_interval():
    options = {"n_draws": 6, "n_shuffles": 1}
    result = tiny(estimator_options=options, n_simulations=5)
    assert result.curve["coverage"].between(0, 1).all()
    ends = result.simulations[result.simulations["true_alpha"] == 1.0]
    assert result.curve["coverage"][1] == ((ends["low"] <= 1) & (ends["high"] >= 1)).mean()
    assert tiny().curve["coverage"].isna().all()


def test_observed_outside_the_curve_is_said():
    low = tiny(observed=-5.0)
    assert np.isnan(low.alpha)
    assert "-5.000 is below what any alpha on the grid gives" in low.note
    both = tiny(observed=-5.0, noise=("white", "aligned"))
    assert "white noise: " in both.note
    assert "aligned noise: " in both.note
    nothing = tiny()
    assert np.isnan(nothing.alpha)
    assert nothing.note == ""


def test_failing_everywhere_stops_early_and_says_why(count):
    with pytest.raises(na.InputError, match="not above noise"):
        tiny(signal_fraction=1e-7, ranks=(10, 30))
    assert len(count) == 4  # once for each alpha, then once more for the reason


def test_cost_is_told_before(capsys, monkeypatch):
    monkeypatch.setattr(calibration_grid.time, "perf_counter", iter(np.arange(0, 1e4, 1.0)).__next__)
    monkeypatch.setattr(calibration_grid, "_parallel", lambda plan, tasks, workers: iter(()))
    monkeypatch.setattr(calibration_grid, "read_alpha", lambda plan, *task: (1.0, 1.0, 1.0))
    with pytest.raises(KeyError):  # no worker has answered
        tiny(progress=True, n_jobs=2)
    told = capsys.readouterr().err
    assert "14 more simulations of 40 stimuli x 50 neuroids x 2 repeats, 1.0 s each, about 7 s on 2 cores" in told


@pytest.mark.parametrize(
    ("sizes", "changes", "message"),
    [
        ((100.7, 50.2), {}, "n_stimuli is 100.7"),
        ((40, "50"), {}, "n_neuroids is '50'"),
        ((40, 50), {"seed": None}, "seed is None"),
        ((40, 50), {"seed": -1}, "seed is -1"),
        ((40, 50), {"n_simulations": 6.5}, "n_simulations is 6.5"),
        ((40, 50), {"n_simulations": "9"}, "n_simulations is '9'"),
        ((40, 50), {"n_jobs": 1.5}, "n_jobs is 1.5"),
        ((40, 50), {"level": "0.9"}, "level is '0.9'"),
        ((40, 50), {"level": 1.0}, "level is 1.0"),
        ((40, 50), {"signal_fraction": 0}, "signal_fraction is 0"),
        ((40, 50), {"alphas": "many"}, "at least 3 exponents"),
        ((40, 50), {"observed": np.nan}, "observed is nan"),
        ((40, 50), {"observed": np.inf}, "observed is inf"),
        ((40, 50), {"observed": "1"}, "observed is '1'"),
        ((40, 50), {"fit_options": {"ranks": (2, 9)}}, "an argument of its own: give ranks="),
        ((40, 50), {"fit_options": {"weight": "1/n"}}, "did you mean 'weights'"),
        ((40, 50), {"noise": 3}, "noise holds 3"),
        ((40,), {}, "expected an assembly, or sizes"),
        ("abc", {}, "expected an assembly, or sizes"),
        ((1, 50), {}, "cannot simulate 1 stimuli"),
        ((40, 50, 1), {}, "needs repeated stimuli"),
        ((40, 50), {"signal_fraction": None}, "give signal_fraction"),
        ((40, 50), {"signal_fraction": 1.5}, "signal_fraction is 1.5"),
        ((40, 50), {"alphas": (1.0, 0.5, 1.5)}, "increasing order"),
        ((40, 50), {"alphas": (0.5, 1.0)}, "at least 3 exponents"),
        ((40, 50), {"alphas": (0.5, 1.0, np.nan)}, "at least 3 exponents"),
        ((40, 50), {"noise": "pink"}, "noise holds 'pink'"),
        ((40, 50), {"noise": (0.5, 1.5)}, "noise holds 1.5"),
        ((40, 50), {"noise": ()}, "noise is empty"),
        ((40, 50), {"n_simulations": 4}, "at least 5"),
        ((40, 50), {"n_jobs": 0}, "n_jobs is 0"),
        ((40, 50), {"level": 95}, "level is 95"),
        ((40, 50), {"estimator": "cvpac"}, "did you mean 'cvpca'"),
        ((40, 50), {"estimator_options": {"shuffles": 1}}, "does not take"),
        ((40, 50), {"ranks": (2, 60)}, "reach outside"),
        ((12, 12), {"ranks": "auto"}, "no window of ranks"),
    ],
)
def test_bad_input(sizes, changes, message, count):
    with pytest.raises(na.InputError, match=message):
        tiny(sizes, **changes)
    assert not count


def test_bad_recordings(recording):
    noise = np.random.default_rng(0).normal(size=(80, 30))
    unrelated = na.make_assembly(noise - noise.mean(axis=0), stimulus_id=np.tile(np.arange(40), 2))
    flipped = na.make_assembly(np.vstack([noise[:40], -noise[:40]]), stimulus_id=np.tile(np.arange(40), 2))
    with pytest.raises(na.InputError, match="share no signal"):
        na.calibrate(flipped, progress=False)
    once = unrelated.isel(presentation=slice(40))
    with pytest.raises(na.InputError, match="estimator 'pca'"):
        na.calibrate(once, progress=False)
    fit = na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24))
    with pytest.raises(na.InputError, match="made by 'cvpca', but estimator is 'pca'"):
        na.calibrate(recording, estimator="pca", observed=fit, progress=False)
    with pytest.raises(na.InputError, match="fitted to ranks"):
        na.calibrate(recording, observed=fit, ranks=(4, 20), progress=False)


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


def test_observed_fit_has_to_be_of_these_sizes_and_made_alike(recording):
    options = {"alphas": (0.5, 1.0, 1.5), "noise": "aligned", "n_simulations": 5, "progress": False}
    fit = na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24))
    with pytest.raises(na.InputError, match="read from 120 stimuli and 90 neuroids, but 120 and 80"):
        na.calibrate(recording.isel(neuroid=slice(80)), observed=fit, **options)
    with pytest.raises(na.InputError, match="read from 120 stimuli and 90 neuroids, but 60 and 90"):
        na.calibrate((60, 90), observed=fit, signal_fraction=0.5, **options)
    with pytest.raises(na.InputError, match="observed is nan"):
        na.calibrate(recording, observed=dataclasses.replace(fit, alpha=np.nan), **options)
    with pytest.warns(UserWarning, match="fitted with method 'least squares', but .* 'theil-sen'"):
        na.calibrate(recording, observed=fit, fit_options={"method": "theil-sen"}, **options)
    even = na.fit_alpha(na.cvpca(recording, n_draws=0), (3, 24), "uniform")
    with pytest.warns(UserWarning, match="weights 'uniform', but the simulations are fitted with '1/n'"):
        na.calibrate(recording, observed=even, **options)


def test_names_are_checked_before_the_estimator_runs(recording, monkeypatch):
    def fail(name):
        raise AssertionError("the estimator was run")

    monkeypatch.setattr("neuroalpha.spectrum.calibrate.get_estimator", fail)
    for changes, message in (
        ({"noise": "pink"}, "noise holds 'pink'"),
        ({"ranks": (3, 500)}, "reach outside"),
        ({"ranks": (0, 5)}, "not a window"),
        ({"estimator_options": {"shuffles": 1}}, "does not take"),
        ({"fit_options": {"methods": 1}}, "does not take"),
    ):
        with pytest.raises(na.InputError, match=message):
            na.calibrate(recording, progress=False, **changes)


def test_faults_of_the_recording_are_told_once():
    made = na.simulate_recording(1.0, 60, 40, 2, 0.6, "aligned", False, 3)[0]
    made = na.preprocess(made, zscore=None)
    made = made.copy(data=np.where(np.arange(40) == 7, 1.0, made.values).astype(made.dtype))
    with pytest.warns(UserWarning, match="constant") as caught:
        na.calibrate(made, ranks=(2, 12), alphas=(0.5, 1.0, 1.5), noise="white", n_simulations=5, progress=False)
    assert sum("1 of 40 neuroids are constant" in str(each.message) for each in caught) == 1


def test_nothing_to_calibrate():
    values = np.random.default_rng(0).normal(size=(8, 5))
    whole = na.make_assembly(values, stimulus_id=np.repeat(np.arange(4), 2))
    blank = whole.assign_coords(blank=("presentation", np.ones(8, dtype=bool)))
    for assembly in (
        whole.isel(presentation=slice(0)),
        whole.isel(neuroid=slice(0)),
        whole.isel(presentation=slice(2)),
        blank,
        whole * np.nan,
        na.repeats(whole).isel(stimulus=slice(1)),
        na.repeats(whole).isel(stimulus=slice(0)),
    ):
        for estimator in ("cvpca", "pca"):
            if estimator == "pca" and "repeat" in assembly.dims:
                continue
            with pytest.raises(na.InputError):
                na.calibrate(assembly, estimator=estimator, ranks=(1, 3), progress=False)


def test_empty_rows_of_halves_are_no_presentations():
    made = na.preprocess(na.simulate_recording(1.0, 120, 40, 2, 0.6, "aligned", False, 3)[0], zscore=None)
    halves = na.repeats(made)
    values = halves.values.copy()
    values[1, :30] = np.nan
    options = {"ranks": (2, 12), "alphas": (0.5, 1.0, 1.5), "noise": "white", "n_simulations": 5, "progress": False}
    result = na.calibrate(halves.copy(data=values), observed=0.9, **options)
    assert (result.n_stimuli, result.n_repeats) == (90, 2)
    rest = na.calibrate(halves.isel(stimulus=slice(30, None)), observed=0.9, **options)
    assert result.signal_fraction == pytest.approx(rest.signal_fraction, rel=1e-6)


def test_open_interval_is_said():
    assert "interval open below; add smaller alphas" in tiny(observed=0.55, alphas=(0.5, 0.6, 0.7)).note
    outside = tiny(observed=0.4, alphas=(0.5, 0.6, 0.7)).note
    assert outside.count("add smaller alphas") == 1
    assert "interval open below" in outside


def test_two_processes_share_a_cache(tmp_path, monkeypatch):
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
