"""fit_alpha: what it returns, when it warns, what it refuses, and intervals that have the right width."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na


def spectrum(values, **attrs):
    values = np.asarray(values, dtype=float)
    return xr.Dataset(
        {"eigenvalue": ("component", values)}, {"rank": ("component", np.arange(1, values.size + 1))}, attrs
    )


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5])
def test_exact_spectrum(alpha):
    fit = na.fit_alpha(spectrum(np.arange(1, 601) ** -alpha))
    assert abs(fit.alpha - alpha) < 1e-12
    assert (fit.ranks, fit.n_used, fit.n_negative, fit.method, fit.weights) == ((11, 500), 490, 0, "wls", "1/n")
    assert fit.r2 == pytest.approx(1)
    assert np.isnan(fit.low)
    assert np.isnan(fit.high)
    np.testing.assert_allclose(fit.predict(np.array([1, 10])), [1, 10**-alpha], rtol=1e-9)
    np.testing.assert_allclose(fit.sensitivity.alpha, alpha, atol=1e-10)
    assert len(fit.sensitivity) >= 9


def test_argument_is_not_changed():
    """The published scripts shift the caller's ranks by one at every call."""
    ranks = [11, 100]
    values = np.random.default_rng(0).random(200) + 0.1
    first = na.fit_alpha(spectrum(values), ranks).alpha
    assert ranks == [11, 100]
    assert na.fit_alpha(spectrum(values), ranks).alpha == first


def test_one_table_row():
    row = na.fit_alpha(spectrum(np.arange(1, 601) ** -1.0, identifier="toy", estimator="pca")).to_frame()
    assert row.shape[0] == 1
    assert row.loc[0, ["first", "last", "identifier"]].tolist() == [11, 500, "toy"]
    assert "sensitivity" not in row


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ((11, 700), r"ranks 11 to 700 reach outside the spectrum \(it has 600 components\)"),
        ((0, 50), "not a window"),
        ((50, 51), "not a window"),
        ((50, 20), "not a window"),
        ("all", "expected \\(first, last\\)"),
        (11, "expected \\(first, last\\)"),
    ],
)
def test_bad_windows(ranks, message):
    with pytest.raises(na.InputError, match=message):
        na.fit_alpha(spectrum(np.arange(1, 601) ** -1.0), ranks)


def test_other_bad_input():
    exact = spectrum(np.arange(1, 601) ** -1.0)
    with pytest.raises(na.InputError, match="weights is 'n'"):
        na.fit_alpha(exact, weights="n")
    with pytest.raises(na.InputError, match="expected a spectrum"):
        na.fit_alpha(exact.eigenvalue)
    with pytest.raises(na.InputError, match="only 100 of its 600 eigenvalues are above rounding"):
        na.fit_alpha(spectrum(np.r_[np.arange(1, 101) ** -1.0, np.zeros(500)]))
    with pytest.raises(na.InputError, match="not above noise"):
        na.fit_alpha(spectrum(-(np.arange(1, 601) ** -1.0)))


def test_auto_window_is_the_published_one_for_large_recordings():
    exact = np.arange(1, 2801) ** -1.0
    assert na.fit_alpha(spectrum(exact, n_stimuli=2800, n_neuroids=9000), "auto").ranks == (11, 500)
    assert na.fit_alpha(spectrum(exact[:600], n_stimuli=600, n_neuroids=1200), "auto").ranks == (11, 120)
    assert na.fit_alpha(spectrum(exact[:82], n_stimuli=300, n_neuroids=82), "auto").ranks == (4, 41)
    with pytest.raises(na.InputError, match="no window"):
        na.fit_alpha(spectrum(exact[:10], n_stimuli=10, n_neuroids=10), "auto")


def test_warns_past_half():
    exact = spectrum(np.arange(1, 601) ** -1.0, n_stimuli=601, n_neuroids=900)
    with pytest.warns(UserWarning, match="reach past half"):
        na.fit_alpha(exact, (11, 400))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        na.fit_alpha(exact, (11, 300))


def test_negative_eigenvalues_are_counted_and_binned():
    rng = np.random.default_rng(0)
    values = np.arange(1, 601) ** -1.0 + rng.normal(size=600) * 0.004
    fit = na.fit_alpha(spectrum(values))
    assert fit.method == "binned"
    assert fit.n_negative == int((values[10:500] <= 0).sum()) > 0
    assert 3 <= fit.n_used < 12
    assert fit.alpha == pytest.approx(1, abs=0.1)
    by_precision = na.fit_alpha(spectrum(values), weights="inverse variance")
    assert by_precision.weights == "inverse variance"
    assert by_precision.alpha == pytest.approx(1, abs=0.1)
    folded = na.fit_alpha(spectrum(values), negative="abs")
    assert (folded.method, folded.n_negative) == ("wls", fit.n_negative)


def test_sensitivity_matches_single_fits():
    values = np.random.default_rng(0).random(300) + 0.1
    values[250] = -1
    fit = na.fit_alpha(spectrum(values), (10, 140))
    for row in fit.sensitivity.itertuples():
        alone = na.fit_alpha(spectrum(values), (row.first, row.last))
        assert (row.alpha, row.r2, row.n_negative) == (alone.alpha, alone.r2, alone.n_negative)
        assert np.isnan([row.low, row.high]).all()  # a spectrum without draws
    assert (fit.sensitivity["last"] <= 150).all()  # half of 300


def test_draws_with_negative_values_never_stop_a_fit():
    rank = np.arange(1, 101)
    exact = spectrum(rank**-1.0, draw_fraction=0.8)
    draws = np.tile(rank**-1.0, (32, 1)) * np.random.default_rng(0).normal(1, 0.05, size=(32, 100))
    exact["eigenvalue_draw"] = (("draw", "component"), draws)
    plain = na.fit_alpha(exact, (20, 60))
    exact["eigenvalue_draw"][3, 30] = -1e-9
    touched = na.fit_alpha(exact, (20, 60))
    assert touched.method == "wls"
    assert touched.alpha == plain.alpha
    assert (touched.high - touched.low) / (plain.high - plain.low) == pytest.approx(1, abs=0.4)


def test_point_estimate_does_not_depend_on_the_draws():
    recording, _ = na.simulate_recording(1.0, 200, 300, signal_fraction=0.03, noise="white", spontaneous=False, seed=0)
    v1 = na.preprocess(recording, zscore=None)
    with_draws, without = (na.fit_alpha(na.cvpca(v1, n_draws=n), (4, 60)) for n in (8, 0))
    assert with_draws.method == "binned"
    assert with_draws.alpha == without.alpha
    assert np.isfinite(with_draws.low)


def test_no_interval_beyond_what_subsamples_hold():
    x = na.make_assembly(np.random.default_rng(0).normal(size=(90, 100)), stimulus_id=np.arange(90))
    made = na.eigenspectrum(x, n_draws=6, fraction=0.5)
    with pytest.warns(UserWarning, match="no interval: ranks 4 to 60"):
        fit = na.fit_alpha(made, (4, 60))
    assert np.isnan(fit.low)
    assert fit.n_draws == 0


@pytest.mark.parametrize(("n_stimuli", "n_neuroids", "limit"), [(200, 100, 50), (100, 200, 50), (101, 101, 50)])
def test_warns_exactly_past_half_of_the_smaller(n_stimuli, n_neuroids, limit):
    values = np.arange(1, min(n_stimuli, n_neuroids) + 1) ** -1.0
    exact = spectrum(values, n_stimuli=n_stimuli, n_neuroids=n_neuroids)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        na.fit_alpha(exact, (4, limit))
    with pytest.warns(UserWarning, match="reach past half"):
        na.fit_alpha(exact, (4, limit + 1))


def width_ratio(measure_once, runs=24, with_draws=8):
    """Mean standard error that the interval claims, over the standard deviation of alpha from run to run."""
    fits = [measure_once(run, 20 if run < with_draws else 0) for run in range(runs)]
    claimed = np.mean(
        [(fit.high - fit.low) / 2 / 2.093 for fit in fits[:with_draws]]
    )  # Student t, 19 degrees of freedom
    return claimed / np.std([fit.alpha for fit in fits], ddof=1)


AXES = np.random.default_rng(99).normal(size=(400, 3000)) * np.arange(1, 401)[:, None] ** -0.5


@pytest.mark.parametrize(("n_stimuli", "n_neuroids", "ranks"), [(300, 82, (4, 41)), (300, 500, (11, 100))])
def test_pca_interval_has_the_width_of_the_sampling_spread(n_stimuli, n_neuroids, ranks):
    """New stimuli and neurons of one large population in each run."""

    def once(run, n_draws):
        rng = np.random.default_rng(run)
        x = rng.normal(size=(n_stimuli, 400)) @ AXES[:, rng.choice(3000, n_neuroids, replace=False)]
        assembly = na.make_assembly(x, stimulus_id=np.arange(n_stimuli))
        return na.fit_alpha(na.eigenspectrum(assembly, n_draws=n_draws, seed=run), ranks)

    assert 0.75 < width_ratio(once) < 1.6


@pytest.mark.parametrize(("resample", "most"), [(("stimulus",), 1.7), (("stimulus", "neuroid"), 2.1)])
def test_cvpca_interval_has_the_width_of_the_sampling_spread(resample, most):
    """White noise, signal variance one half; drawing stimuli and neuroids at once counts it up to 1.5 times."""

    def once(run, n_draws):
        rng = np.random.default_rng(run)
        neurons = np.arange(300) if resample == ("stimulus",) else rng.choice(3000, 300, replace=False)
        signal = rng.normal(size=(200, 400)) @ AXES[:, neurons]
        x = signal / signal.std() + rng.normal(size=(2, 200, 300))
        return na.fit_alpha(na.cvpca(na.read_array(x), n_draws=n_draws, resample=resample, seed=run), (6, 60))

    assert 0.75 < width_ratio(once) < most


@pytest.mark.parametrize("method", ["least squares", "theil-sen", "windowed median"])
def test_methods_agree_on_an_exact_law_and_its_draws(method):
    rank = np.arange(1, 301)
    exponents = np.random.default_rng(0).normal(1, 0.03, size=32)
    exact = spectrum(rank**-1.0, draw_fraction=0.5)
    exact["eigenvalue_draw"] = (("draw", "component"), rank ** -exponents[:, None])
    fit = na.fit_alpha(exact, (11, 150), method=method)
    assert fit.method == ("wls" if method == "least squares" else method)
    assert fit.alpha == pytest.approx(1, abs=1e-9)
    half = np.std(exponents, ddof=1) * 2.0395  # Student t, 31 degrees of freedom; half-samples
    np.testing.assert_allclose([fit.low, fit.high], [1 - half, 1 + half], atol=1e-3)
    assert fit.n_draws == 32
    table = fit.sensitivity
    assert (table.low < table.alpha).all()
    assert (table.alpha < table.high).all()
    own = table[(table["first"] == 11) & (table["last"] == 150)].iloc[0]
    assert (own.alpha, own.low, own.high) == (fit.alpha, fit.low, fit.high)


@pytest.mark.parametrize("method", ["theil-sen", "windowed median"])
def test_robust_methods_resist_a_spike_and_count_what_they_used(method):
    values = np.arange(1, 601) ** -1.0
    values[10:13] *= 20
    plain, robust = na.fit_alpha(spectrum(values)), na.fit_alpha(spectrum(values), method=method)
    assert abs(plain.alpha - 1) > 0.2
    assert abs(robust.alpha - 1) < 0.01
    assert robust.n_used == 17
    values[400] = -1.0
    with_negative = na.fit_alpha(spectrum(values), method=method)
    assert (with_negative.n_negative, with_negative.method) == (1, method)


def test_bad_methods():
    exact = spectrum(np.arange(1, 601) ** -1.0)
    with pytest.raises(na.InputError, match="method is 'median'; expected one of"):
        na.fit_alpha(exact, method="median")
    with pytest.raises(na.InputError, match="weights is 'uniform' with method 'theil-sen'"):
        na.fit_alpha(exact, weights="uniform", method="theil-sen")
    with pytest.raises(na.InputError, match="not above noise"):
        na.fit_alpha(spectrum(-(np.arange(1, 601) ** -1.0)), method="theil-sen")


def test_inverse_variance_takes_errors_from_draws_where_there_are_any():
    x = np.random.default_rng(0).normal(size=(300, 200)) * np.arange(1, 201) ** -0.5
    made = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(300)), n_draws=16)
    with_draws = na.fit_alpha(made, (4, 60), weights="inverse variance")
    by_scatter = na.fit_alpha(made.drop_vars("eigenvalue_draw"), (4, 60), weights="inverse variance")
    assert with_draws.alpha != by_scatter.alpha
    assert with_draws.alpha == pytest.approx(1, abs=0.15)
    # A spectrum's other fits do not look at its draws.
    assert na.fit_alpha(made, (4, 60)).alpha == na.fit_alpha(made.drop_vars("eigenvalue_draw"), (4, 60)).alpha


def test_a_cut_spectrum_is_not_taken_for_one_of_low_rank():
    x, _ = na.simulate_recording(1.0, n_stimuli=303, n_neuroids=400, signal_fraction=1.0, seed=0)
    halves = na.repeats(na.preprocess(x))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*copies")
        cut = na.cvpca(halves, n_draws=0, n_components=60)
        whole = na.cvpca(halves, n_draws=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # rank 60 is no half of 60
        fit = na.fit_alpha(cut, "auto")
        assert fit.ranks == na.fit_alpha(whole, "auto").ranks == (11, 60)
        assert fit.alpha == pytest.approx(na.fit_alpha(whole, "auto").alpha, rel=1e-9)
        assert fit.sensitivity["last"].max() == 60
    with pytest.raises(na.InputError, match="cut at n_components=60"):
        na.fit_alpha(cut, (11, 80))


def matched(model="power"):
    """A spectrum as MEME makes them: a law at every rank, of more neuroids than stimuli."""
    rank = np.arange(1, 201)
    attrs = {"estimator": "meme", "model": model, "n_stimuli": 60, "n_neuroids": 200, "p_value": 0.25}
    value = rank**-1.0 if model == "power" else np.where(rank < 20, rank**-0.7, 20**0.8 * rank**-1.5)
    return xr.Dataset({"eigenvalue": ("component", value)}, {"rank": ("component", rank)}, attrs)


def test_a_law_that_was_matched_has_no_r2_and_no_range_of_windows():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = na.fit_alpha(matched(), (1, 200))
    assert fit.alpha == pytest.approx(1.0)
    assert np.isnan([fit.r2, *fit.window_range]).all()
    assert fit.sensitivity["r2"].isna().all()
    row = fit.to_frame().iloc[0]
    assert row["p_value"] == fit.p_value == 0.25
    assert np.isnan(row["alpha_window_min"])
    broken = na.fit_alpha(matched("broken"), (1, 200))
    assert broken.r2 < 1
    assert broken.window_range[0] < broken.alpha < broken.window_range[1]
    assert np.isnan(na.fit_alpha(matched().assign_attrs(estimator="pca"), (1, 20)).p_value)


@pytest.mark.parametrize("level", ["95", None, 1, 0.2])
def test_level_is_a_share(level):
    with pytest.raises(na.InputError, match="level is"):
        na.fit_alpha(matched(), (1, 200), level=level)
