"""Label noise: exact counts, where labels go, levels nested, what it may depend on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import neuroalpha as na
from neuroalpha.tasks.label_noise import (
    CIFAR10_PAIRS,
    asymmetric,
    check_levels,
    flip_rates,
    instance_dependent,
    resolve_pairs,
    symmetric,
    transition_matrix,
)

LEVELS = np.array([0.0, 0.1, 0.2, 0.4, 0.6, 0.8])
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def make(kind, codes, levels, n_classes, seed=0, pairs=None, features=None):
    rng = np.random.default_rng(seed)
    if kind == "symmetric":
        return symmetric(codes, levels, n_classes, rng)
    if kind == "asymmetric":
        return asymmetric(codes, levels, pairs, n_classes, rng)
    if features is None:
        features = np.random.default_rng(1).normal(size=(codes.size, 6))
    return instance_dependent(features, codes, levels, n_classes, rng)


@pytest.mark.parametrize("kind", ["symmetric", "asymmetric", "instance"])
def test_level_zero_changes_nothing_and_levels_are_nested(kind):
    codes = np.random.default_rng(0).integers(5, size=700)
    noisy = make(kind, codes, LEVELS, 5)
    assert noisy.shape == (6, 700)
    np.testing.assert_array_equal(noisy[0], codes)
    for lower, higher in pairwise(noisy):
        wrong = lower != codes
        np.testing.assert_array_equal(higher[wrong], lower[wrong])
        assert (higher != codes).sum() > wrong.sum()
    np.testing.assert_array_equal(make(kind, codes, 0.4, 5), noisy[3])  # a level alone is the same labels
    assert not np.array_equal(make(kind, codes, 0.4, 5, seed=1), noisy[3])
    np.testing.assert_array_equal(codes, np.random.default_rng(0).integers(5, size=700))  # left as it was given


@given(
    n=st.integers(1, 200), n_classes=st.integers(2, 7), level=st.floats(0, 0.99), seed=st.integers(0, 99),
)  # fmt: skip
def test_symmetric_changes_exactly_as_many_as_asked(n, n_classes, level, seed):
    codes = np.random.default_rng(seed).integers(n_classes, size=n)
    noisy = make("symmetric", codes, level, n_classes, seed)
    assert abs((noisy != codes).sum() - level * n) <= 0.5 + 1e-9
    assert 0 <= noisy.min() <= noisy.max() < n_classes
    turned = make("symmetric", (codes + 1) % n_classes, level, n_classes, seed)
    np.testing.assert_array_equal(turned, (noisy + 1) % n_classes)


def test_symmetric_is_uniform_over_images_and_other_classes():
    codes = np.repeat(np.arange(4), 10_000)
    noisy = make("symmetric", codes, 0.3, 4)
    wrong = noisy != codes
    for own in range(4):
        went = np.bincount(noisy[wrong & (codes == own)], minlength=4)
        assert went[own] == 0
        assert stats.chisquare(np.delete(went, own)).pvalue > 0.001
    assert stats.chisquare(wrong.reshape(40, -1).sum(axis=1)).pvalue > 0.001


@given(
    sizes=st.lists(st.integers(0, 40), min_size=3, max_size=6), level=st.floats(0, 0.99), seed=st.integers(0, 99),
    order=st.randoms(use_true_random=False),
)  # fmt: skip
def test_asymmetric_follows_the_pairs_whatever_classes_are_called(sizes, level, seed, order):
    n_classes = len(sizes)
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(n_classes), sizes))
    pairs = np.random.default_rng(seed).integers(n_classes, size=n_classes)
    noisy = make("asymmetric", codes, level, n_classes, seed, pairs)
    for own in range(n_classes):
        labels = noisy[codes == own]
        assert set(labels) <= {own, pairs[own]}
        if pairs[own] != own:
            assert abs((labels != own).sum() - level * sizes[own]) <= 0.5 + 1e-9
    name = np.array(order.sample(range(n_classes), n_classes))
    named = np.empty(n_classes, dtype=int)
    named[name] = name[pairs]
    np.testing.assert_array_equal(make("asymmetric", name[codes], level, n_classes, seed, named), name[noisy])


def test_asymmetric_without_pairs_goes_to_the_next_class():
    codes = np.repeat(np.arange(3), 10)
    matrix = transition_matrix(codes, make("asymmetric", codes, 0.4, 3), 3)
    np.testing.assert_allclose(matrix, [[0.6, 0.4, 0], [0, 0.6, 0.4], [0.4, 0, 0.6]])


def test_instance_rates_are_a_truncated_normal_distribution():
    uniform = np.linspace(0.001, 0.999, 50)
    rates = flip_rates(uniform, LEVELS[1:])
    for level, rate in zip(LEVELS[1:], rates, strict=True):
        exact = stats.truncnorm(-level / 0.1, (1 - level) / 0.1, loc=level, scale=0.1)
        np.testing.assert_allclose(rate, exact.ppf(uniform), rtol=1e-9)
    codes = np.zeros(40_000, dtype=int)
    share = (make("instance", codes, LEVELS[1:], 3) != 0).mean(axis=1)
    means = [stats.truncnorm(-p / 0.1, (1 - p) / 0.1, loc=p, scale=0.1).mean() for p in LEVELS[1:]]
    np.testing.assert_allclose(share, means, atol=0.01)
    assert means[0] == pytest.approx(0.129, abs=5e-4)  # as the docstring says
    assert means[-1] == pytest.approx(0.794, abs=5e-4)


def test_instance_noise_has_the_probabilities_of_its_softmax():
    # One feature, -1 or +1 after centring and scaling: logits are -w and +w, so that the product of the probabilities
    # of the two kinds of image is the same for every class they can become.
    kind = np.repeat([0, 1], 150_000)
    noisy = make("instance", np.zeros(kind.size, dtype=int), 0.6, 4, features=np.array([[5.0], [9.0]])[kind])
    one, two = (np.bincount(noisy[(kind == each) & (noisy != 0)], minlength=4)[1:] for each in (0, 1))
    product = (one / one.sum()) * (two / two.sum())
    np.testing.assert_allclose(product / product.mean(), 1, atol=0.04)
    assert np.ptp(one / one.sum()) > 0.1  # which classes do differ in


def test_instance_noise_depends_on_the_image_and_symmetric_noise_does_not():
    codes = np.repeat([0, 1], 3000)
    features = np.random.default_rng(0).normal(size=(6000, 4))
    side = features[:, 0] > 0

    def dependence(noisy):
        chosen = (codes == 0) & (noisy != 0)
        return stats.chi2_contingency([np.bincount(noisy[chosen & (side == s)], minlength=5)[1:] for s in (0, 1)])[1]

    assert dependence(make("instance", codes, 0.4, 5, features=features)) < 1e-6
    assert dependence(make("symmetric", codes, 0.4, 5)) > 0.001
    shuffled = np.random.default_rng(1).permutation(features)
    assert dependence(make("instance", codes, 0.4, 5, features=shuffled)) > 0.001
    # Classes have weights of their own: the same images of another class become other classes.
    went = [np.bincount(make("instance", np.full(6000, own), 0.6, 5, features=features), minlength=5) for own in (0, 1)]
    assert abs(went[0][2] - went[1][2]) > 100


@given(scale=st.floats(1e-3, 1e3), offset=st.floats(-100, 100), seed=st.integers(0, 20))
def test_instance_noise_knows_neither_unit_nor_offset(scale, offset, seed):
    codes = np.random.default_rng(seed).integers(4, size=50)
    features = np.random.default_rng(seed).normal(size=(50, 3))
    plain = make("instance", codes, 0.5, 4, seed, features=features)
    np.testing.assert_array_equal(make("instance", codes, 0.5, 4, seed, features=features * scale + offset), plain)


def test_constant_features_leave_chance():
    noisy = make("instance", np.zeros(9000, dtype=int), 0.5, 4, features=np.ones((9000, 2)))
    assert stats.chisquare(np.bincount(noisy[noisy != 0])[1:]).pvalue > 0.001


def test_transition_matrix_counts():
    clean, noisy = np.random.default_rng(0).integers(3, size=(2, 60))
    matrix = transition_matrix(clean, noisy, 4)
    for one in range(3):
        for two in range(4):
            assert matrix[one, two] == pytest.approx(np.mean(noisy[clean == one] == two))
    assert np.isnan(matrix[3]).all()


def test_pairs_of_cifar10_are_known_by_name():
    targets, told = resolve_pairs(None, CIFAR10)
    assert told == "CIFAR-10, Patrini et al. 2017"
    changed = {CIFAR10[i]: CIFAR10[j] for i, j in enumerate(targets) if i != j}
    assert changed == CIFAR10_PAIRS
    other = [{"airplane": "plane", "automobile": "car"}.get(name, name) for name in CIFAR10[::-1]]
    targets, told = resolve_pairs(None, other)
    assert told.startswith("CIFAR-10")
    assert [other[targets[other.index(name)]] for name in ("truck", "bird", "ship")] == ["car", "plane", "ship"]
    np.testing.assert_array_equal(resolve_pairs(None, ["a", "b", "c"])[0], [1, 2, 0])
    np.testing.assert_array_equal(resolve_pairs({2: 0}, ["0", "1", "2"])[0], [0, 1, 0])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: check_levels([0.2, 1.0]), "from 0 to below 1, got 1; write 40 % as 0.4"),
        (lambda: check_levels(-0.1), "got -0.1"),
        (lambda: check_levels([np.nan]), "got nan"),
        (lambda: check_levels("many"), "noise levels are 'many'"),
        (lambda: symmetric(np.zeros(4, dtype=int), 40, 2, np.random.default_rng(0)), "got 40"),
        (lambda: resolve_pairs({"cat": "dgo"}, ["cat", "dog"]), "'dgo', which is no class; did you mean 'dog'"),
        (lambda: resolve_pairs({"cat": "cat"}, ["cat", "dog"]), "mistakes no class for another"),
    ],
)
def test_bad_input(call, text):
    with pytest.raises(na.InputError, match=text):
        call()
