"""calibrate: intervals that hold the truth, what it takes from a recording, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.spectrum.calibration_cell import Plan, read_alpha
from neuroalpha.spectrum.calibration_curve import Curve, invert


def test_interval_covers_the_truth(tiny):
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


def test_uneven_repeats_and_missing_trials(tiny):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(60, 40)) * np.arange(1, 41) ** -0.5
    shown = np.r_[np.full(30, 5), np.full(30, 7)]
    ids = np.repeat(np.arange(60), shown)
    values = signal[ids] + 0.3 * rng.normal(size=(ids.size, 40))
    values[::50, 0] = np.nan
    blank = np.full((3, 40), np.nan)  # presentations that were not recorded
    assembly = na.make_assembly(np.vstack([values, blank]), stimulus_id=np.r_[ids, [0, 1, 2]])
    result = tiny(assembly, signal_fraction=None)
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


def test_coverage_of_the_estimators_own_interval(tiny):
    options = {"n_draws": 6, "n_shuffles": 1}
    result = tiny(estimator_options=options, n_simulations=5)
    assert result.curve["coverage"].between(0, 1).all()
    ends = result.simulations[result.simulations["true_alpha"] == 1.0]
    assert result.curve["coverage"][1] == ((ends["low"] <= 1) & (ends["high"] >= 1)).mean()
    assert tiny().curve["coverage"].isna().all()


def test_observed_outside_the_curve_is_said(tiny):
    low = tiny(observed=-5.0)
    assert np.isnan(low.alpha)
    assert "-5.000 is below what any alpha on the grid gives" in low.note
    both = tiny(observed=-5.0, noise=("white", "aligned"))
    assert "white noise: " in both.note
    assert "aligned noise: " in both.note
    nothing = tiny()
    assert np.isnan(nothing.alpha)
    assert nothing.note == ""


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
def test_bad_input(tiny, sizes, changes, message, count):
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


def test_open_interval_is_said(tiny):
    assert "interval open below; add smaller alphas" in tiny(observed=0.55, alphas=(0.5, 0.6, 0.7)).note
    outside = tiny(observed=0.4, alphas=(0.5, 0.6, 0.7)).note
    assert outside.count("add smaller alphas") == 1
    assert "interval open below" in outside
