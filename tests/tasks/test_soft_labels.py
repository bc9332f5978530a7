"""Label distributions: each kind against what it should be by hand, entropies, halves of raters, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

import neuroalpha as na
from neuroalpha.tasks.soft_labels import KINDS, label_entropy, soft_labels, split_raters

COUNTS = np.array([[6, 3, 1, 0], [0, 0, 7, 0], [2, 4, 4, 2]])


def test_kinds_by_hand():
    np.testing.assert_allclose(soft_labels(COUNTS)[0], [0.6, 0.3, 0.1, 0.0])
    np.testing.assert_array_equal(soft_labels(COUNTS, "hard").argmax(axis=1), [0, 2, 1])  # of equal ones the first
    sparse = soft_labels(COUNTS, "sparse", top=2)
    np.testing.assert_allclose(sparse[0], [0.6, 0.3, 0.05, 0.05])
    np.testing.assert_allclose(sparse[1], [0, 0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(sparse[2], [1 / 6, 1 / 3, 1 / 3, 1 / 6])
    np.testing.assert_allclose(soft_labels(COUNTS, "sparse", top=1)[0], [0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3])
    np.testing.assert_allclose(soft_labels(COUNTS, "smoothed", smoothing=0.3)[1], [0.1, 0.1, 0.7, 0.1])


@given(
    arrays.arrays(np.int64, st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=st.integers(0, 9)),
    st.sampled_from(KINDS),
    st.integers(0, 5),
)
def test_every_kind_is_a_distribution(counts, kind, seed):
    counts[:, 0] += counts.sum(axis=1) == 0
    labels = soft_labels(counts, kind, smoothing=0.2, seed=seed)
    assert labels.shape == counts.shape
    assert (labels >= 0).all()
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(labels, soft_labels(3 * counts, kind, smoothing=0.2, seed=seed))  # shares matter
    np.testing.assert_array_equal(labels, soft_labels(counts, kind, smoothing=0.2, seed=seed))


@given(arrays.arrays(np.int64, (5, 4), elements=st.integers(0, 9)), st.permutations(range(5)))
def test_images_do_not_touch_each_other(counts, order):
    counts[:, 1] += 1
    for kind in ("soft", "hard", "sparse", "smoothed"):
        np.testing.assert_allclose(soft_labels(counts, kind)[list(order)], soft_labels(counts[list(order)], kind))


@given(arrays.arrays(np.int64, (4, 5), elements=st.integers(0, 9)), st.integers(1, 5))
def test_sparse_keeps_the_largest_and_never_lowers_the_entropy(counts, top):
    counts[:, 0] += 1
    soft, sparse = soft_labels(counts), soft_labels(counts, "sparse", top=top)
    np.testing.assert_allclose(np.sort(sparse)[:, -top:], np.sort(soft)[:, -top:], atol=1e-12)
    assert (label_entropy(sparse) >= label_entropy(soft) - 1e-12).all()
    if top == 5:
        np.testing.assert_allclose(sparse, soft, atol=1e-12)


def test_classes_that_nobody_chose_tie_exactly():
    """Rounding would order images by a class that no rater of theirs chose."""
    counts = np.stack([[a, 51 - a, 0, 0, 0] for a in range(52)])
    assert set(np.unique(soft_labels(counts, "sparse", top=2)[:, 2:])) == {0.0}
    smoothed = soft_labels(counts, "smoothed", smoothing=0.2)
    assert np.unique(smoothed).size == 2


def test_drawn_labels_have_the_mean_that_they_are_drawn_from():
    counts = np.repeat([[6, 3, 1, 0]], 40_000, axis=0)
    rater, noisy = (soft_labels(counts, kind, smoothing=0.2, seed=3) for kind in ("one rater", "noisy"))
    for labels, mean in ((rater, [0.6, 0.3, 0.1, 0.0]), (noisy, [0.8, 0.2 / 3, 0.2 / 3, 0.2 / 3])):
        assert set(np.unique(labels)) == {0.0, 1.0}
        np.testing.assert_allclose(labels.mean(axis=0), mean, atol=0.01)  # 4 standard errors
        assert (labels[:, np.array(mean) == 0] == 0).all()
    assert (soft_labels(counts, "one rater", seed=4) != rater).any()


def test_a_higher_level_moves_the_same_images_and_more():
    counts = np.repeat([[0, 9, 1]], 500, axis=0)
    clean = soft_labels(counts, "hard")
    little, much = (soft_labels(counts, "noisy", smoothing=level, seed=1) for level in (0.1, 0.5))
    moved = (little != clean).any(axis=1)
    np.testing.assert_array_equal(much[moved], little[moved])
    assert 0 < moved.sum() < (much != clean).any(axis=1).sum()
    np.testing.assert_array_equal(soft_labels(counts, "noisy", smoothing=0.0), clean)


def test_shuffled_labels_are_the_hard_ones_dealt_anew():
    counts = np.random.default_rng(0).integers(1, 9, (300, 5))
    hard, shuffled = soft_labels(counts, "hard"), soft_labels(counts, "shuffled", seed=2)
    np.testing.assert_array_equal(hard.sum(axis=0), shuffled.sum(axis=0))
    assert 0.1 < (hard == shuffled).all(axis=1).mean() < 0.35


def test_entropy_against_scipy():
    counts = np.random.default_rng(0).integers(0, 6, (50, 7)) + np.eye(50, 7, dtype=int)
    counts[7:, 0] += 1
    np.testing.assert_allclose(label_entropy(counts), stats.entropy(counts, axis=1), atol=1e-12)
    assert str(label_entropy([[0, 3]])[0]) == "0.0"  # not -0
    smoothed = [label_entropy(soft_labels(np.eye(10), "smoothed", smoothing=eps))[0] for eps in (0.05, 0.2)]
    np.testing.assert_allclose(smoothed, [0.308, 0.940], atol=5e-4)  # what Sucholutsky et al. 2023 print


def test_halves_of_raters():
    counts = np.random.default_rng(0).integers(0, 30, (200, 4)) + 1
    first, second = split_raters(counts, seed=1)
    np.testing.assert_array_equal(first + second, counts)
    np.testing.assert_array_equal(first.sum(axis=1), counts.sum(axis=1) // 2)
    assert min(first.min(), second.min()) >= 0
    np.testing.assert_allclose((first / counts).mean(axis=0), 0.5, atol=0.03)
    assert (split_raters(counts, seed=2)[0] != first).any()


def test_entropies_of_cifar10h(shared_data):
    counts = np.load(shared_data / "cifar10" / "cifar10h_counts.npy", allow_pickle=False)
    entropy = label_entropy(counts)
    found = [entropy.mean(), np.median(entropy), (entropy == 0).mean(), np.sort(entropy)[-200:].mean()]
    np.testing.assert_allclose(found, [0.154, 0.095, 0.439, 1.14], atol=6e-3)


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([[1, -1]], {}, "row 0 are negative, NaN or infinite"),
        ([[1, 1], [np.nan, 1]], {}, "row 1 are negative, NaN"),
        ([[1, 1], [0, 0]], {}, "row 1 has no raters"),
        ([[1], [1]], {}, r"shape \(2, 1\)"),
        ([1, 2], {}, r"shape \(2,\)"),
        ([["a", "b"]], {}, "expected numbers"),
        (COUNTS, {"kind": "sfot"}, "there are no 'sfot' labels.*'soft'"),
        (COUNTS, {"kind": "sparse", "top": 5}, "top is 5, but there are 4 classes"),
        (COUNTS, {"kind": "sparse", "top": 0}, "top is 0; expected a whole number of at least 1"),
        (COUNTS, {"kind": "smoothed", "smoothing": 1.2}, "smoothing is 1.2; expected a number from 0 to 1"),
        (COUNTS, {"seed": None}, "seed is None"),
    ],
)
def test_bad_input(counts, options, message):
    with pytest.raises(na.InputError, match=message) as told:
        soft_labels(counts, **options)
    assert "\n" not in str(told.value)


def test_fractions_cannot_be_split():
    with pytest.raises(na.InputError, match="counts hold fractions"):
        split_raters([[0.5, 0.5]])
