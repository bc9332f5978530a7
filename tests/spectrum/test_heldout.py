"""Held-out spectra: simulated truths, invariances, labels, and what bad input gets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, ortho_group

import neuroalpha as na
from neuroalpha.spectrum import crossdecomposition as kernel
from neuroalpha.spectrum.powerlaw import geometric_bins

QUICK = {"n_draws": 0, "n_permutations": 0}


def assembly(values, ids=None, **more):
    return na.make_assembly(values, stimulus_id=np.arange(len(values)) if ids is None else ids, **more)


def simulated(n_stimuli=200, n_neuroids=100, **how):
    recording, truth = na.simulate_recording(1.0, n_stimuli, n_neuroids, spontaneous=False, **how)
    return recording["responses"], truth


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


@pytest.mark.parametrize("n_neuroids", [30, 90])
def test_repeats_of_one_recording_by_the_definition(n_neuroids):
    responses, _ = simulated(60, n_neuroids, signal_fraction=0.5, seed=0)
    made = na.heldout_spectrum(responses, folds=6, **QUICK)
    halves = na.repeats(responses.isel(presentation=~responses.blank.values), 2).values.astype(float)
    fold = kernel.assign_folds(60, 6, np.random.default_rng(0))
    expected = explicit(halves[0], halves[1], fold, made.sizes["component"])
    np.testing.assert_allclose(made.eigenvalue, expected, rtol=1e-6, atol=1e-8)
    assert made.sizes["component"] == min(49, n_neuroids)


def test_two_populations_are_matched_by_stimulus_and_averaged_over_repeats():
    rng = np.random.default_rng(0)
    values, net = rng.normal(size=(3, 40, 7)), rng.normal(size=(40, 9))
    values += net[:, :7]
    names = np.array([f"image{i:02}" for i in range(40)])
    order = rng.permutation(120)
    neural = assembly(values.reshape(-1, 7)[order], np.tile(names, 3)[order])
    turned = rng.permutation(40)
    made = na.heldout_spectrum(neural, assembly(net[turned], names[turned]), folds=4, **QUICK)
    fold = kernel.assign_folds(40, 4, np.random.default_rng(0))
    np.testing.assert_allclose(made.eigenvalue, explicit(values.mean(axis=0), net, fold, 7), rtol=1e-8, atol=1e-10)
    assert (made.attrs["n_neuroids_a"], made.attrs["n_neuroids_b"], made.attrs["n_neuroids"]) == (7, 9, 7)


def test_noise_free_population_gives_pca_and_the_truth():
    rng = np.random.default_rng(0)
    truth = np.arange(1, 61) ** -1.0
    net = assembly(rng.normal(size=(1500, 60)) * np.sqrt(truth))
    made = na.heldout_spectrum(net, net, n_draws=0, n_permutations=100)
    pca = na.eigenspectrum(net, n_draws=0)
    np.testing.assert_allclose(made.eigenvalue[:20], pca.eigenvalue[:20], rtol=0.1)
    np.testing.assert_allclose(made.bin_eigenvalue, [truth[b - 1].mean() for b in geometric_bins(1, 60, 3)], rtol=0.08)
    assert made.eigenvalue.sum() == pytest.approx(float(pca.eigenvalue.sum()), rel=0.01)  # axes are complete
    assert na.fit_alpha(made, (3, 30)).alpha == pytest.approx(1.0, abs=0.04)
    assert made.attrs["n_bins_above_null"] == made.sizes["bin"]


def test_a_planted_shared_subspace_is_recovered_among_private_variance():
    """Two shared dimensions of covariance 2 and 1, five times as much private variance: 2, 1, then nothing."""
    rng = np.random.default_rng(0)
    strength = np.sqrt([2.0, 1.0])
    values = []
    for run in range(20):
        shared = rng.normal(size=(400, 2)) * strength
        axes = [ortho_group.rvs(20, random_state=run + 100 * side)[:2] for side in range(2)]
        x, y = (shared @ one + 0.8 * rng.normal(size=(400, 20)) for one in axes)
        values.append(na.heldout_spectrum(assembly(x), assembly(y), **QUICK).eigenvalue.values)
    mean, error = np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(20)
    # Axes from 350 noisy stimuli miss a few per cent; nothing is added.
    assert (mean[:2] < np.array([2.0, 1.0]) + 2 * error[:2]).all()
    np.testing.assert_allclose(mean[:2], [2.0, 1.0], rtol=0.08)
    assert np.abs(mean[2:] / error[2:]).max() < 4


def test_p_values_of_unrelated_populations_are_near_uniform():
    rng = np.random.default_rng(0)
    found = {null: [] for null in ("fixed", "widened")}
    for run in range(120):
        x, y = (assembly(rng.normal(size=(60, 16)) * np.arange(1, 17) ** -0.5) for _ in "ab")
        for null, values in found.items():
            made = na.heldout_spectrum(x, y, n_draws=0, n_permutations=100, null=null, seed=run)
            values.append(made.p_value.values)
    below = {null: np.mean(np.array(values) <= 0.05) for null, values in found.items()}
    assert 0.005 < below["widened"] < 0.06  # 480 values, correlated within a run
    assert below["fixed"] > 0.08  # what the docstring says of the published null
    assert kstest(np.array(found["widened"])[:, 1], "uniform").pvalue > 0.001


def test_refitted_null_is_exact_and_agrees_with_the_widened_one():
    rng = np.random.default_rng(1)
    x, y = (assembly(rng.normal(size=(60, 12))) for _ in "ab")
    refit = na.heldout_spectrum(x, y, n_draws=0, n_permutations=300, null="refit")
    wide = na.heldout_spectrum(x, y, n_draws=0, n_permutations=300)
    assert wide.attrs["null_widening"] > 1.2
    ratio = ((wide.null_high - wide.null_low) / (refit.null_high - refit.null_low)).mean()
    assert float(ratio) == pytest.approx(1.0, abs=0.3)


def test_noise_never_raises_the_spectrum_and_lowers_its_tail():
    runs = []
    for seed in range(4):
        responses, truth = simulated(300, 120, signal_fraction=0.3, noise="white", seed=seed)
        made = na.heldout_spectrum(responses, seed=seed, **QUICK)
        runs.append([made.eigenvalue[a - 1 : b].sum() for a, b in ((1, 10), (11, 40), (41, 120))])
    true = np.array([truth.eigenvalue[a - 1 : b].sum() for a, b in ((1, 10), (11, 40), (41, 120))])
    ratio = np.mean(runs, axis=0) / true
    error = np.std(runs, axis=0, ddof=1) / true / 2
    assert (ratio < 1 + 3 * error).all()
    assert ratio[0] > 0.7
    assert ratio[2] < 0.5


def test_simulated_alpha_one():
    """Without noise within .06; with half the variance noise the attenuated tail reads .9 to 1.4, as documented."""
    responses, _ = simulated(400, 250, signal_fraction=1.0, noise="white", seed=0)
    assert na.fit_alpha(na.heldout_spectrum(responses, **QUICK), (5, 60)).alpha == pytest.approx(1.0, abs=0.06)
    for noise in ("white", "aligned", "independent"):
        responses, _ = simulated(400, 250, signal_fraction=0.5, noise=noise, seed=0)
        fit = na.fit_alpha(na.heldout_spectrum(responses, **QUICK), (5, 60))
        assert 0.9 < fit.alpha < 1.4


def test_interval_comes_from_draws_and_negative_values_are_binned():
    responses, _ = simulated(200, 150, signal_fraction=0.15, noise="white", seed=1)
    made = na.heldout_spectrum(responses, n_permutations=0, n_draws=16)
    assert (made.eigenvalue < 0).any()
    fit = na.fit_alpha(made, (3, 75))
    assert fit.method == "binned"
    assert fit.low < fit.alpha < fit.high
    assert (made.bin_low < made.bin_eigenvalue)[:4].all()
    assert np.isnan(made.bin_low[-1])  # past the subsamples' ranks


def test_draws_are_the_estimate_on_submatrices_with_the_same_folds():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 40, 12)) + rng.normal(size=(40, 12)) * 2
    made = na.heldout_spectrum(na.read_array(x), folds=4, n_draws=5, n_permutations=0, fraction=0.5, seed=7)
    rng = np.random.default_rng(7)
    fold = kernel.assign_folds(40, 4, rng)
    for draw in made.eigenvalue_draw.values:
        stimuli, neuroids = (np.sort(rng.choice(n, n // 2, replace=False)) for n in (40, 12))
        chosen = x[:, stimuli][:, :, neuroids]
        expected = explicit(chosen[0], chosen[1], fold[stimuli], 6) * 2  # half of the neuroids, scaled to all
        np.testing.assert_allclose(draw[:6], expected, rtol=1e-7, atol=1e-9)
        assert np.isnan(draw[6:]).all()


@pytest.mark.parametrize("shape", [(30, 12), (30, 50)])
def test_drawing_stimuli_only_needs_no_new_coordinates(shape):
    """The shortcut for whole populations equals the way for drawn neuroids."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=shape) for _ in "ab")
    made = na.heldout_spectrum(
        assembly(x), assembly(y), folds=3, n_draws=5, n_permutations=0, resample="stimulus", fraction=0.5
    )
    rng = np.random.default_rng(0)
    order = np.argsort(np.arange(30).astype(str))
    fold = kernel.assign_folds(30, 3, rng)
    stimuli = np.sort(rng.choice(30, 15, replace=False))
    size = min(kernel.n_components(fold[stimuli], shape[1]), made.sizes["component"])
    expected = explicit(x[order][stimuli], y[order][stimuli], fold[stimuli], size)
    np.testing.assert_allclose(made.eigenvalue_draw[0, :size], expected, rtol=1e-7, atol=1e-9)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(0.1, 100.0))
def test_rotation_order_and_scale_change_nothing_else(seed, scale):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(36, 4))
    x, y = (shared @ rng.normal(size=(4, n)) + rng.normal(size=(36, n)) for n in (5, 50))
    ids = np.array([f"s{i}" for i in range(36)])
    expected = na.heldout_spectrum(assembly(x, ids), assembly(y, ids), folds=4, **QUICK).eigenvalue
    one, two = rng.permutation(36), rng.permutation(36)
    turned = y @ ortho_group.rvs(50, random_state=seed)
    made = na.heldout_spectrum(assembly(scale * x[one], ids[one]), assembly(turned[two], ids[two]), folds=4, **QUICK)
    np.testing.assert_allclose(made.eigenvalue, scale * expected, rtol=1e-6, atol=1e-7 * scale)


def test_result_tells_how_it_was_made_and_survives_a_file(tmp_path):
    responses, _ = simulated(40, 20, signal_fraction=0.5, seed=0)
    made = na.heldout_spectrum(responses, folds=5, n_permutations=30, n_draws=5, seed=3)
    assert na.load(na.save(made, tmp_path / "spectrum.nc")).identical(made)
    assert made.identical(na.heldout_spectrum(responses, folds=5, n_permutations=30, n_draws=5, seed=3))
    assert not made.equals(na.heldout_spectrum(responses, folds=5, n_permutations=30, n_draws=5, seed=4))
    wanted = {"estimator": "heldout", "n_folds": 5, "n_permutations": 30, "null": "widened", "n_stimuli": 40, "seed": 3}
    assert {name: made.attrs[name] for name in wanted} == wanted
    assert made.bin_first[0] == 1
    assert made.bin_last[-1] == made.sizes["component"]


def test_missing_values_count_as_the_mean_and_are_counted():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 4))
    gap = np.where(np.arange(4) == 1, np.nan, x)
    gap[1:, 1] = x[1:, 1]
    made = na.heldout_spectrum(assembly(gap), assembly(x), folds=3, **QUICK)
    filled = np.where(np.isnan(gap), np.nanmean(gap, axis=0), gap)
    np.testing.assert_allclose(
        made.eigenvalue, na.heldout_spectrum(assembly(filled), assembly(x), folds=3, **QUICK).eigenvalue, rtol=1e-9
    )
    assert made.attrs["n_missing_filled"] == 1


def test_bad_input():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 5))
    once = assembly(x)
    with pytest.raises(na.InputError, match="no stimulus occurs twice"):
        na.heldout_spectrum(once)
    with pytest.raises(na.InputError, match=r"no stimulus_id in common \(a: '0', '1', .*; b: 'x0'"):
        na.heldout_spectrum(once, assembly(x, [f"x{i}" for i in range(20)]))
    with pytest.raises(na.InputError, match="20 stimuli are too few for 11 folds of at least 2; use folds=10"):
        na.heldout_spectrum(once, once, folds=11)
    with pytest.raises(na.InputError, match="folds is 1"):
        na.heldout_spectrum(once, once, folds=1)
    with pytest.raises(na.InputError, match="null is 'permutation'; expected one of"):
        na.heldout_spectrum(once, once, null="permutation")
    with pytest.raises(na.InputError, match="n_permutations is -1"):
        na.heldout_spectrum(once, once, n_permutations=-1)
    with pytest.raises(na.InputError, match="bins_per_decade is 0"):
        na.heldout_spectrum(once, once, bins_per_decade=0)
    with pytest.raises(na.InputError, match="expected an assembly"):
        na.heldout_spectrum(once, x)
    with pytest.raises(na.InputError, match="1 of 5 neuroids hold infinite values"):
        na.heldout_spectrum(once, assembly(np.where(np.arange(5) == 2, np.inf, x)))


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("folds", 8.0),
        ("folds", "8"),
        ("folds", True),
        ("n_permutations", "9"),
        ("n_permutations", 0.5),
        ("bins_per_decade", 2.5),
        ("n_draws", None),
        ("fraction", "half"),
        ("seed", None),
        ("seed", -1),
    ],
)
def test_numbers_of_the_wrong_kind(option, given):
    x = np.random.default_rng(0).normal(size=(2, 20, 5))
    with pytest.raises(na.InputError, match=f"^{option} is {given!r}; expected"):
        na.heldout_spectrum(na.read_array(x), **{option: given})
