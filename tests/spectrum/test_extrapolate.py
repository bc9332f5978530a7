"""extrapolate: nearer to a known truth than all the data, subsets as promised, windows, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na


def samples(alpha=1.0, n=400, d=200, seed=0, **kwargs):
    x = np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1) ** (-alpha / 2)
    return na.make_assembly(x, stimulus_id=np.arange(n), **kwargs)


def quick(assembly, **changes):
    return na.extrapolate(assembly, **{"axis": "stimulus", "n_draws": 0, "progress": False, **changes})


@pytest.mark.parametrize("alpha", [0.5, 0.75, 1.0])
def test_goes_nearer_to_the_truth_than_all_the_data(alpha):
    """Gaussian samples of covariance diag(i^-alpha), D = 512: the known bias (low, larger for small alpha) shrinks."""
    result = quick(samples(alpha, 2000, 512), ranks=(4, 64), n_subsets=4)
    line = result.lines.iloc[0]
    means = result.table.groupby("size")["alpha"].mean()
    assert list(means.index) == [250, 500, 1000, 2000]
    assert (np.diff(means) > 0).all()
    assert line["alpha_full"] == means.iloc[-1]
    assert abs(line["alpha"] - alpha) < 0.7 * abs(line["alpha_full"] - alpha)
    assert line["smallest"] == 500
    assert line["slope"] < 0


@pytest.mark.parametrize("shape", [(800, 200), (600, 600)])
def test_window_by_rule_goes_nearer_to_the_truth(shape):
    lines = pd.concat([quick(samples(0.75, *shape, seed=seed), n_subsets=3).lines for seed in range(6)])
    assert abs(lines["alpha"].mean() - 0.75) < 0.7 * abs(lines["alpha_full"].mean() - 0.75)


def test_subsets_are_subsets_of_the_right_size():
    recording = na.preprocess(na.simulate_recording(1.0, 160, 100, 2, 0.7, "white", False, 0)[0], zscore=None)
    result = na.extrapolate(recording, ranks=(3, 12), n_subsets=3, n_draws=0, progress=False)
    assert result.estimator == "cvpca"
    counts = result.table.groupby(["axis", "size"])["subset"].count()
    assert counts["stimulus"].to_dict() == {160: 1, 80: 3, 40: 3}
    assert counts["neuroid"].to_dict() == {100: 1, 50: 3, 25: 3}
    part = result.table.query("axis == 'stimulus' and size == 40").iloc[0]
    assert (part["n_stimuli"], part["n_neuroids"], part["fraction"], part["first"], part["last"]) == (
        40,
        100,
        0.25,
        3,
        12,
    )
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(1, 25, 2)))
    chosen = np.sort(rng.choice(100, 25, replace=False))
    by_hand = na.fit_alpha(na.cvpca(recording.isel(neuroid=chosen), n_draws=0), (3, 12)).alpha
    assert result.table.query("axis == 'neuroid' and size == 25 and subset == 2")["alpha"].item() == by_hand


def test_repeats_of_a_stimulus_stay_together_and_halves_are_the_same():
    recording = na.preprocess(na.simulate_recording(1.0, 120, 60, 2, 0.7, "white", False, 0)[0], zscore=None)
    options = {"ranks": (3, 12), "n_subsets": 3, "n_draws": 0, "axis": "stimulus", "progress": False}
    whole, halves = na.extrapolate(recording, **options), na.extrapolate(na.repeats(recording), **options)
    np.testing.assert_allclose(whole.table["alpha"], halves.table["alpha"], rtol=1e-9)
    assert (whole.table["n_stimuli"] == whole.table["size"]).all()


def test_seed_and_rows():
    one, two = quick(samples(), seed=3), quick(samples(), seed=3)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert not np.allclose(one.table["alpha"], quick(samples(), seed=4).table["alpha"])
    row = one.to_frame()
    assert (row["estimator"].item(), row["seed"].item(), row["axis"].item()) == ("pca", 3, "stimulus")


def test_intervals_widen_that_of_the_whole():
    result = na.extrapolate(samples(), ranks=(3, 20), n_draws=12, n_subsets=4, progress=False)
    half = (result.full.high - result.full.low) / 2
    lines = result.lines.set_index("axis")
    assert list(lines.index) == ["stimulus", "neuroid", "both"]
    wide = (lines["high"] - lines["low"]) / 2
    assert (wide > half).all()
    assert (wide < 2 * half).all()
    shift = (lines["alpha"] - lines["alpha_full"])[["stimulus", "neuroid"]].sum()
    assert lines["alpha"]["both"] == pytest.approx(result.full.alpha + shift)
    assert wide["both"] > wide[["stimulus", "neuroid"]].max()
    assert quick(samples()).lines["low"].isna().all()


def test_interval_is_over_what_is_subsampled():
    whole = samples()
    one = quick(whole, ranks=(3, 20), n_draws=12)
    by_hand = na.fit_alpha(na.eigenspectrum(whole, n_draws=12, resample="stimulus"), (3, 20))
    assert (one.full.low, one.full.high) == pytest.approx((by_hand.low, by_hand.high))
    given = quick(whole, ranks=(3, 20), n_draws=12, estimator_options={"resample": "neuroid"})
    assert given.full.low != pytest.approx(one.full.low, abs=1e-6)


def test_windows():
    assert quick(samples(n=800), ranks="fixed").ranks == "4-25"
    changing = quick(samples(n=800), ranks="stringer2019", n_subsets=2)
    assert changing.ranks == "stringer2019"
    last = changing.table.groupby("size")["last"].first()
    assert last.to_dict() == {800: 110, 400: 110, 200: 110, 100: 55, 50: 28}
    assert (changing.table["first"] == 11).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"axis": "time"}, "axis is 'time'"),
        ({"axis": ()}, "axis is"),
        ({"ranks": "auto"}, "expected \\(first, last\\), 'fixed' or 'stringer2019'"),
        ({"ranks": (3, 150)}, "leave 0 sizes of stimuli"),
        ({"ranks": (3, 250)}, "reach outside"),
        ({"n_subsets": 1}, "at least 2"),
        ({"n_subsets": 2.5}, "n_subsets is 2.5"),
        ({"n_draws": "8"}, "n_draws is '8'"),
        ({"n_draws": -1}, "n_draws is -1"),
        ({"level": None}, "level is None"),
        ({"seed": None}, "seed is None"),
        ({"seed": -1}, "seed is -1"),
        ({"fit_options": {"ranks": (3, 20)}}, "an argument of its own"),
        ({"fit_options": {"level": 0.9}}, "an argument of its own"),
        ({"fit_options": {"weight": 1}}, "did you mean 'weights'"),
        ({"level": 5}, "level is 5"),
        ({"estimator": "cvpac"}, "did you mean 'cvpca'"),
        ({"estimator_options": {"seeds": 1}}, "does not take"),
        ({"estimator": "cvpca"}, "no stimulus occurs twice"),
    ],
)
def test_bad_input(changes, message):
    with pytest.raises(na.InputError, match=message):
        quick(samples(), **changes)


def test_too_small_or_no_recording():
    with pytest.raises(na.InputError, match="name one yourself"):
        quick(samples(n=20, d=20))
    with pytest.raises(na.InputError, match="expected"):
        quick(np.zeros((4, 4)))


def test_stimuli_shown_once_are_left_out_and_said_once():
    recording = na.preprocess(na.simulate_recording(1.0, 120, 60, 2, 0.7, "white", False, 0)[0], zscore=None)
    ids = recording.stimulus_id.values.astype(str)
    names = np.unique(ids)
    second = recording.repetition.values > 0
    once = second & np.isin(ids, names[:20])
    blank = second & np.isin(ids, names[20:30])
    values = np.where(blank[:, None], np.nan, recording.values)
    mixed = recording.copy(data=values.astype(recording.dtype)).isel(presentation=np.flatnonzero(~once))
    options = {"estimator": "cvpca", "ranks": (2, 10), "n_subsets": 2}
    with pytest.warns(UserWarning, match="fewer than 2") as caught:
        result = quick(mixed, **options)
    told = [str(each.message) for each in caught]
    assert sum("30 of 120 stimuli have fewer than 2 usable presentations" in text for text in told) == 1
    assert sum("stimuli" in text for text in told) == 1
    kept = quick(recording.isel(presentation=np.flatnonzero(np.isin(ids, names[30:]))), **options)
    pd.testing.assert_frame_equal(result.table, kept.table)
    halves = na.repeats(recording)
    holes = halves.values.copy()
    holes[1, :30] = np.nan
    with pytest.warns(UserWarning, match="30 of 120 stimuli have fewer"):
        assert quick(halves.copy(data=holes), **options).table["n_stimuli"].max() == 90


def test_warnings_of_the_whole_are_heard_once():
    """Constant neuroids, and moments that contradict a power law."""
    constant = samples()
    constant = constant.copy(data=np.where(np.arange(200) == 3, 1.0, constant.values))
    with pytest.warns(UserWarning, match="constant") as caught:
        quick(constant)
    assert [str(each.message)[:31] for each in caught] == ["1 of 200 neuroids are constant "]
    rng = np.random.default_rng(0)
    power = np.r_[np.full(20, 1.0), np.full(80, 0.001)]
    signal = rng.normal(size=(400, 100)) * np.sqrt(power)
    trials = np.vstack([signal, signal]) + 0.05 * rng.normal(size=(800, 100))
    bent = na.make_assembly(trials, stimulus_id=np.tile(np.arange(400), 2))
    with pytest.warns(UserWarning, match="contradict") as caught:
        quick(bent, estimator="meme", ranks=(2, 20), n_subsets=2)
    assert sum("contradict" in str(each.message) for each in caught) == 1


def test_nothing_to_extrapolate():
    for empty in (samples().isel(presentation=slice(0)), samples().isel(neuroid=slice(0))):
        with pytest.raises(na.InputError):
            quick(empty)
