"""Spectral correlation: the ratio by its definition, populations that share all or nothing, undefined bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

import neuroalpha as na
from neuroalpha.spectrum import crossdecomposition as kernel
from neuroalpha.spectrum.powerlaw import geometric_bins


def assembly(values, ids=None, **more):
    return na.make_assembly(values, stimulus_id=np.arange(len(values)) if ids is None else ids, **more)


def explicit(x, y, fold, size):
    """The definition, written for one pair of matrices (stimulus, neuroid)."""
    total, weight = np.zeros(size), 0.0
    for one in np.unique(fold):
        train, test = fold != one, fold == one
        mean_x, mean_y = x[train].mean(axis=0), y[train].mean(axis=0)
        u, _, vt = np.linalg.svd((x[train] - mean_x).T @ (y[train] - mean_y))
        for s in np.flatnonzero(test):
            total += ((x[s] - mean_x) @ u[:, :size]) * ((y[s] - mean_y) @ vt[:size].T)
        weight += test.sum() * (1 + 1 / train.sum())
    return total / weight


def test_spectral_correlation_is_the_ratio_of_spectra():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(80, 10)) * np.arange(1, 11) ** -0.5
    a = rng.normal(size=(2, 80, 10)) * 0.2 + shared
    net = shared @ rng.normal(size=(10, 15))
    names = [f"{i:02}" for i in range(80)]
    made = na.spectral_correlation(na.read_array(a, stimulus_id=names), assembly(net, names), n_draws=0)
    fold = kernel.assign_folds(80, 8, np.random.default_rng(0))
    bins = geometric_bins(1, 10, 3)
    cross = sum(explicit(half, net, fold, 10) for half in a) / 2
    parts = [kernel.bin_means(v, bins) for v in (cross, explicit(*a, fold, 10), explicit(net, net, fold, 10))]
    np.testing.assert_allclose([made.cross, made.within_a, made.within_b], parts, rtol=1e-7)
    np.testing.assert_allclose(made.r, parts[0] / np.sqrt(parts[1] * parts[2]), rtol=1e-7)
    assert (made.attrs["n_repeats_a"], made.attrs["n_repeats_b"], made.attrs["n_bins_undefined"]) == (2, 1, 0)
    assert made.n_components.values.sum() == 10


def test_spectral_correlation_of_like_and_unlike_populations():
    rng = np.random.default_rng(0)
    power = np.arange(1, 31) ** -0.5
    signal = rng.normal(size=(400, 30)) * power
    other = rng.normal(size=(400, 30)) * power

    def recorded(signal, noise):
        seen = signal @ ortho_group.rvs(30, random_state=1) + noise * rng.normal(size=(2, 400, 30))
        return na.read_array(seen)

    like = na.spectral_correlation(recorded(signal, 0.1), recorded(signal, 0.1), n_draws=12)
    unlike = na.spectral_correlation(recorded(signal, 0.1), recorded(other, 0.1), n_draws=12)
    np.testing.assert_allclose(like.r, 1.0, atol=0.05)
    assert np.abs(unlike.r).max() < 0.2
    assert (like.r_low[:3] < like.r[:3]).all()
    assert (unlike.r_low[:3] < 0.1).all()


def test_bins_without_reliable_variance_are_undefined_and_counted():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 40)) * 2
    a, b = (na.read_array(signal + rng.normal(size=(2, 200, 40))) for _ in "ab")
    with pytest.warns(UserWarning, match=r"undefined in \d of \d bins of ranks"):
        made = na.spectral_correlation(a, b, n_draws=12)
    assert made.r[0] == pytest.approx(1.0, abs=0.1)
    assert made.attrs["n_bins_undefined"] == int(np.isnan(made.r).sum()) >= 2
    assert np.isnan(made.r_low[np.isnan(made.r)]).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_recording_agrees_with_itself_where_its_heldout_spectrum_is_above_the_null(seed):
    """Few stimuli and few neuroids hold most of the variance, as in cortex: leaving some out moves it, but it repeats.

    The last bin is out of reach of the draws, and judged all the same.
    """
    rng = np.random.default_rng(seed)
    signal = rng.standard_t(3, size=(50, 100)) * np.arange(1, 101) ** -0.5
    mixed = signal @ ortho_group.rvs(100, random_state=seed) * rng.lognormal(0, 1.2, size=100)
    recording = na.read_array(mixed + 0.5 * mixed.std() * rng.normal(size=(2, 50, 100)))
    for folds in (5, 8):
        spectrum = na.heldout_spectrum(recording, folds=folds, n_draws=0, seed=seed)
        made = na.spectral_correlation(recording, recording, folds=folds, n_draws=8, seed=seed)
        above = spectrum.p_value.values <= 0.05
        assert above[:2].all()
        np.testing.assert_array_equal(np.isfinite(made.r), above)
        np.testing.assert_allclose(made.r[above], 1.0, rtol=1e-6)


def test_noise_is_undefined_in_the_bins_that_no_draw_reaches():
    rng = np.random.default_rng(0)
    a, b = (na.read_array(rng.normal(size=(2, 60, 80))) for _ in "ab")
    with pytest.warns(UserWarning, match="undefined in"):
        made = na.spectral_correlation(a, b, n_draws=8)
    assert np.isnan(made.r[-1])
    assert made.attrs["n_bins_undefined"] >= 0.8 * made.sizes["bin"]


def test_copies_are_told():
    x, names = np.random.default_rng(0).normal(size=(60, 10)), np.arange(60)
    with pytest.warns(UserWarning, match="60 of 60 repeated stimuli have presentations that are copies"):
        na.spectral_correlation(na.read_array(np.stack([x, x]), stimulus_id=names), assembly(x, names), n_draws=0)


def test_result_is_reproducible_and_survives_a_file(tmp_path):
    recording, _ = na.simulate_recording(1.0, 40, 20, signal_fraction=0.5, spontaneous=False, seed=0)
    made = na.spectral_correlation(recording["responses"], recording["responses"], folds=4, n_draws=5)
    assert na.load(na.save(made, tmp_path / "correlation.nc")).identical(made)
    assert made.identical(na.spectral_correlation(recording["responses"], recording["responses"], folds=4, n_draws=5))
    assert made.attrs["estimator"] == "spectral correlation"


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.floats(0.1, 100.0), st.floats(0.1, 100.0))
def test_units_rotations_and_the_order_of_arguments_do_not_matter(seed, scale, other):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(48, 9))
    y = x[:, :6] + rng.normal(size=(48, 6))
    made = na.spectral_correlation(assembly(x), assembly(y), folds=4, n_draws=0)
    turned = assembly(scale * x @ ortho_group.rvs(9, random_state=seed))
    again = na.spectral_correlation(assembly(other * y), turned, folds=4, n_draws=0)
    np.testing.assert_allclose(again.r, made.r, rtol=1e-6, atol=1e-9)


def test_bad_input():
    x = np.random.default_rng(0).normal(size=(20, 5))
    once = assembly(x)
    with pytest.raises(na.InputError, match="bins_per_decade is 0"):
        na.spectral_correlation(once, once, bins_per_decade=0)
    with pytest.raises(na.InputError, match="expected an assembly"):
        na.spectral_correlation(once, x)
    for option, value in (("folds", "8"), ("folds", 8.0), ("seed", None), ("n_draws", 5.5), ("fraction", "half")):
        with pytest.raises(na.InputError, match=f"^{option} is {value!r}; expected"):
            na.spectral_correlation(once, once, **{option: value})
    with pytest.raises(na.InputError, match="no stimulus_id in common"):
        na.spectral_correlation(once, assembly(x, [f"x{i}" for i in range(20)]))
    with pytest.raises(na.InputError, match="too few for 8 folds"):
        na.spectral_correlation(once[:10], once[:10])
