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
    assert fit.n_used < 12
    assert fit.alpha == pytest.approx(1, abs=0.1)
    folded = na.fit_alpha(spectrum(values), negative="abs")
    assert (folded.method, folded.n_negative) == ("wls", fit.n_negative)


@pytest.mark.parametrize(("n_stimuli", "n_neuroids", "ranks"), [(300, 82, (4, 41)), (1200, 1100, (11, 200))])
def test_interval_has_the_width_of_the_sampling_spread(n_stimuli, n_neuroids, ranks):
    """New stimuli and neurons of one large population each time: the interval's sd against the spread that results."""
    n_population, runs = 3000, 24
    axes = np.random.default_rng(99).normal(size=(400, n_population)) * np.arange(1, 401)[:, None] ** -0.5
    alphas, widths = [], []
    for run in range(runs):
        rng = np.random.default_rng(run)
        neurons = rng.choice(n_population, n_neuroids, replace=False)
        x = rng.normal(size=(n_stimuli, 400)) @ axes[:, neurons]
        assembly = na.make_assembly(x, stimulus_id=np.arange(n_stimuli))
        full = na.fit_alpha(na.eigenspectrum(assembly, n_draws=16 if run < 6 else 0, seed=run), ranks)
        alphas.append(full.alpha)
        if run < 6:
            widths.append((full.high - full.low) / 2 / 2.131)  # Student t, 15 degrees of freedom
    ratio = np.mean(widths) / np.std(alphas, ddof=1)
    assert 0.5 < ratio < 2.0, ratio
