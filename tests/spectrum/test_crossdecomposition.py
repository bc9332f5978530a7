"""The cross-decomposition kernels against loops over stimuli, closed forms and simulations of unrelated populations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from neuroalpha.spectrum import crossdecomposition as kernel
from neuroalpha.spectrum.powerlaw import geometric_bins


def related(n_stimuli=40, p=12, q=15, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n_stimuli, 6)) * np.arange(1, 7) ** -0.5
    x, y = (shared @ rng.normal(size=(6, n)) + noise * rng.normal(size=(n_stimuli, n)) for n in (p, q))
    return x - x.mean(axis=0), y - y.mean(axis=0)


def explicit(x, y, fold, size):
    """The definition, stimulus by stimulus and neuroid by neuroid, without any change of coordinates."""
    total, weight = np.zeros(size), 0.0
    for one in sorted(set(fold)):
        train = [s for s in range(len(x)) if fold[s] != one]
        mean_x = sum(x[s] for s in train) / len(train)
        mean_y = sum(y[s] for s in train) / len(train)
        cross = sum(np.outer(x[s] - mean_x, y[s] - mean_y) for s in train)
        u, _, vt = np.linalg.svd(cross, full_matrices=False)
        for s in range(len(x)):
            if fold[s] == one:
                for k in range(size):
                    total[k] += ((x[s] - mean_x) @ u[:, k]) * ((y[s] - mean_y) @ vt[k])
                weight += 1 + 1 / len(train)
    return total / weight


@pytest.mark.parametrize(("p", "q"), [(12, 15), (90, 70), (12, 90), (90, 12), (40, 40), (1, 90)])
def test_reduced_coordinates_equal_the_definition(p, q):
    x, y = related(p=p, q=q)
    fold = kernel.assign_folds(40, 4, np.random.default_rng(1))
    size = kernel.n_components(fold, p, q)
    assert size == min(29, p, q)
    made = kernel.heldout_covariance(kernel.coordinates(x), kernel.coordinates(y), fold, size)
    np.testing.assert_allclose(made, explicit(x, y, fold, size), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n_neuroids", [10, 40, 300])
def test_coordinates_keep_all_products(n_neuroids):
    x, _ = related(p=n_neuroids)
    reduced = kernel.coordinates(x)
    assert reduced.shape[1] <= min(40, n_neuroids)
    np.testing.assert_allclose(reduced @ reduced.T, x @ x.T, rtol=1e-10, atol=1e-10)


def test_folds_are_even_and_random():
    fold = kernel.assign_folds(83, 8, np.random.default_rng(0))
    assert sorted(np.bincount(fold)) == [10] * 5 + [11] * 3
    assert not np.array_equal(fold, kernel.assign_folds(83, 8, np.random.default_rng(1)))


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([(12, 15), (60, 15), (60, 70)]), st.floats(0.1, 10.0))
def test_rotation_and_scale_of_either_side(seed, shape, scale):
    x, y = related(p=shape[0], q=shape[1], seed=seed)
    rng = np.random.default_rng(seed)
    fold = kernel.assign_folds(40, 5, rng)
    size = kernel.n_components(fold, *shape)

    def value(x, y):
        return kernel.heldout_covariance(kernel.coordinates(x), kernel.coordinates(y), fold, size)

    expected = value(x, y)
    turn_x, turn_y = (ortho_group.rvs(n, random_state=int(seed)) for n in shape)
    turned = value(x @ turn_x * scale, y @ turn_y)
    np.testing.assert_allclose(turned, scale * expected, rtol=1e-6, atol=1e-8 * scale * np.abs(expected).max())
    np.testing.assert_allclose(value(y, x), expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.floats(-1e3, 1e3))
def test_an_offset_is_no_covariance_and_a_joint_order_no_matter(seed, offset):
    x, y = related(seed=seed)
    rng = np.random.default_rng(seed)
    fold, order = kernel.assign_folds(40, 5, rng), rng.permutation(40)
    expected = kernel.heldout_covariance(x, y, fold, 12)
    np.testing.assert_allclose(kernel.heldout_covariance(x + offset, y - offset, fold, 12), expected, atol=1e-8)
    np.testing.assert_allclose(
        kernel.heldout_covariance(x[order], y[order], fold[order], 12), expected, rtol=1e-7, atol=1e-9
    )


def test_one_neuroid_a_side_gives_its_covariance():
    """With one neuroid a side there is no axis to find: only the sign of the training covariance, here positive."""
    x, y = related(p=1, q=1, n_stimuli=400, noise=0.1)
    y = y * np.sign((x * y).sum())
    fold = kernel.assign_folds(400, 8, np.random.default_rng(0))
    made = kernel.heldout_covariance(x, y, fold, 1)[0]
    assert made == pytest.approx(float((x * y).sum()) / 399, rel=0.03)


def test_the_divisor_makes_a_known_axis_unbiased():
    """One neuroid, few stimuli: without the 1 + 1/n the mean over runs would read 1.33, 9 standard errors high."""
    rng = np.random.default_rng(0)
    fold = np.arange(4)
    runs = []
    for _ in range(4000):
        x = rng.normal(size=(4, 1))
        runs.append(kernel.heldout_covariance(x, x, fold, 1)[0])
    assert np.mean(runs) == pytest.approx(1.0, abs=4 * np.std(runs) / np.sqrt(len(runs)))


def test_unrelated_populations_average_to_zero_at_every_rank():
    rng = np.random.default_rng(0)
    runs = []
    for _ in range(250):
        x, y = rng.normal(size=(2, 32, 20)) * np.arange(1, 21) ** -0.5
        runs.append(kernel.heldout_covariance(x, y, kernel.assign_folds(32, 4, rng), 20))
    z = np.mean(runs, axis=0) / (np.std(runs, axis=0, ddof=1) / np.sqrt(len(runs)))
    assert np.abs(z).max() < 4  # 20 ranks
    assert np.std(runs) > 0.001  # and it was not zero to begin with


def test_directions_without_covariance_are_exactly_zero():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(60, 5))
    for p, q in ((20, 30), (80, 90)):
        x, y = shared @ rng.normal(size=(5, p)), shared @ rng.normal(size=(5, q))
        fold = kernel.assign_folds(60, 6, rng)
        made = kernel.heldout_covariance(kernel.coordinates(x), kernel.coordinates(y), fold, 15)
        assert (made[5:] == 0).all()
        assert (made[:5] != 0).all()


def test_fixed_null_equals_shuffling_the_scores():
    x, y = related()
    bins = geometric_bins(1, 12, 3)
    scores = list(kernel.heldout_scores(x, y, kernel.assign_folds(40, 4, np.random.default_rng(1)), 12))
    null = kernel.null_fixed(scores, bins, 7, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    expected = np.zeros((7, len(bins)))
    for fold in scores:
        orders = rng.permuted(np.tile(np.arange(10), (7, 1)), axis=1)
        for number, order in enumerate(orders):
            covariance = sum(fold.x[s] * fold.y[order[s]] for s in range(10))
            expected[number] += [covariance[ranks - 1].mean() for ranks in bins]
    np.testing.assert_allclose(null, expected / (40 * (1 + 1 / 30)), rtol=1e-10, atol=1e-12)
    kept = np.array([kernel.bin_means(kernel.pool(scores), bins)])
    assert (kept[:, 0] > null[:, 0]).all()


def test_refitted_null_equals_the_estimate_of_shuffled_stimuli():
    x, y = related()
    fold, bins = kernel.assign_folds(40, 4, np.random.default_rng(1)), geometric_bins(1, 12, 3)
    order = np.random.default_rng(2).permutation(40)
    null = kernel.null_refitted(x, y, fold, bins, [order])
    expected = explicit(x, y[order], fold, 12)
    np.testing.assert_allclose(null[0], [expected[ranks - 1].mean() for ranks in bins], rtol=1e-7, atol=1e-9)


def test_fixed_null_is_too_narrow_by_about_the_widening():
    """Against unrelated populations drawn anew: their spread over the fixed null's, and what `widening` says of it."""
    rng = np.random.default_rng(0)
    bins = geometric_bins(1, 15, 3)
    estimates, spread, claimed = [], [], []
    for run in range(150):
        x, y = rng.normal(size=(2, 48, 15))
        fold = kernel.assign_folds(48, 8, rng)
        scores = list(kernel.heldout_scores(x, y, fold, 15))
        null = kernel.null_fixed(scores, bins, 50, rng)
        estimates.append(kernel.bin_means(kernel.pool(scores), bins) - null.mean(axis=0))
        spread.append(null.var(axis=0))
        if run < 20:
            claimed.append(kernel.widening(x, y, fold, bins, [rng.permutation(48) for _ in range(12)]))
    true = np.sqrt(np.mean(np.var(estimates, axis=0) / np.mean(spread, axis=0)))
    assert true > 1.3
    assert np.mean(claimed) == pytest.approx(true, rel=0.12)


def test_cross_and_within_take_sides_from_different_repeats():
    rng = np.random.default_rng(0)
    a, b = [rng.normal(size=(40, 6)) for _ in "ab"], [rng.normal(size=(40, 8)) for _ in "ab"]
    fold, bins = kernel.assign_folds(40, 4, rng), geometric_bins(1, 6, 3)

    def value(x, y):
        return kernel.bin_means(explicit(x, y, fold, 6), bins)

    two = kernel.cross_and_within(a, b, fold, bins)
    np.testing.assert_allclose(two[0], (value(a[0], b[1]) + value(a[1], b[0])) / 2, atol=1e-10)
    np.testing.assert_allclose(two[1:], [value(*a), value(*b)], atol=1e-10)
    one = kernel.cross_and_within(a, b[:1], fold, bins)
    np.testing.assert_allclose(one[0], (value(a[0], b[0]) + value(a[1], b[0])) / 2, atol=1e-10)
    np.testing.assert_allclose(one[2], value(b[0], b[0]), atol=1e-10)
