"""Mined triplets, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.triplets.mining import compare_all, count_triplets, flip_triplets, mine_triplets


def loops(labels):
    n, k = labels.shape
    rows = [(i, n + a, n + b) for i in range(n) for a in range(k) for b in range(k) if labels[i, a] > labels[i, b]]
    return rows, [(n + c, i, j) for c in range(k) for i in range(n) for j in range(n) if labels[i, c] > labels[j, c]]


def ragged(seed, n, k):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (n, k)).astype(float)  # many ties
    labels[rng.random((n, k)) < 0.2] = np.nan
    return labels


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 7))
def test_all_ways_agree_with_loops(seed, n, k):
    labels = ragged(seed, n, k)
    at_points, at_centroids = loops(labels)
    mined = mine_triplets(labels)
    assert mined.dtype == np.int32
    assert sorted(map(tuple, mined.tolist())) == sorted(at_points + at_centroids)
    assert count_triplets(labels) == (len(at_points), len(at_centroids))
    assert count_triplets(labels).total == len(mined)
    dense = compare_all(labels)
    assert {(i, n + a, n + b) for i, a, b in np.argwhere(dense.at_points).tolist()} == set(at_points)
    assert {(n + c, i, j) for c, i, j in np.argwhere(dense.at_centroids).tolist()} == set(at_centroids)


@given(st.integers(0, 10**6), st.integers(1, 60))
def test_a_sample_is_a_part_without_repetition(seed, limit):
    labels = ragged(seed, 6, 5)
    everything = set(map(tuple, mine_triplets(labels).tolist()))
    some = list(map(tuple, mine_triplets(labels, limit=limit, seed=seed).tolist()))
    assert len(set(some)) == len(some) == min(limit, len(everything))
    assert set(some) <= everything
    np.testing.assert_array_equal(some, mine_triplets(labels, limit=limit, seed=seed))


def test_every_triplet_is_sampled_equally_often():
    labels = np.array([[3.0, 2.0, 1.0], [1.0, 5.0, 5.0], [0.0, 1.0, np.nan]])
    everything = list(map(tuple, mine_triplets(labels).tolist()))
    seen = dict.fromkeys(everything, 0)
    for seed in range(1000):
        for triplet in mine_triplets(labels, limit=4, seed=seed).tolist():
            seen[tuple(triplet)] += 1
    expected = 4000 / len(everything)
    assert sum((times - expected) ** 2 / expected for times in seen.values()) < 3 * len(everything)


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 6))
def test_orders_and_monotone_changes_of_labels_do_not_matter(seed, n, k):
    labels = ragged(seed, n, k)
    rng = np.random.default_rng(seed)
    shuffled = labels[rng.permutation(n)][:, rng.permutation(k)]
    assert count_triplets(shuffled) == count_triplets(labels) == count_triplets(np.exp(labels) - 7)


def test_hard_zeros_make_no_constraints():
    hard = np.eye(4)[[0, 1, 2, 3, 0]]
    mined = mine_triplets(hard)
    near_is_own = [hard[i, near - 5] == 1 for i, near, _ in mined[mined[:, 0] < 5].tolist()]
    assert len(near_is_own) == 5 * 3
    assert all(near_is_own)


def test_a_sample_of_a_large_matrix_is_cheap():
    labels = np.random.default_rng(0).random((2000, 50))
    assert count_triplets(labels).total == 2000 * 50 * 2048 // 2
    some = mine_triplets(labels, limit=5000)
    assert some.shape == (5000, 3)
    for anchor, near, far in some[:200].tolist():
        one, two = (labels[anchor, near - 2000], labels[anchor, far - 2000]) if anchor < 2000 else (
            labels[near, anchor - 2000], labels[far, anchor - 2000],
        )  # fmt: skip
        assert one > two


def test_flips_turn_the_stated_share_round():
    mined = mine_triplets(np.random.default_rng(1).random((30, 20)))
    flipped = flip_triplets(mined, 0.3, seed=4)
    turned = (flipped != mined).any(axis=1)
    assert turned.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / len(mined)))
    np.testing.assert_array_equal(flipped[turned], mined[turned][:, [0, 2, 1]])
    np.testing.assert_array_equal(flip_triplets(mined, 0.0), mined)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mine_triplets(np.ones(3)), r"shape \(3,\)"),
        (lambda: mine_triplets(np.array([["a"]])), "does not hold numbers"),
        (lambda: mine_triplets(np.array([[np.inf, 1.0]])), "infinite"),
        (lambda: mine_triplets(np.ones((2, 2)), limit=-1), "limit is -1"),
        (lambda: mine_triplets(np.random.default_rng(0).random((3000, 30))), "too many to list"),
        (lambda: mine_triplets(np.eye(3), limit=2, seed=None), "seed is None"),
        (lambda: count_triplets(np.ones((0, 3))), r"shape \(0, 3\)"),
        (lambda: flip_triplets(np.ones((2, 2)), 0.1), "anchor, near, far"),
        (lambda: flip_triplets(np.ones((2, 3)), -0.1), "error is -0.1"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
