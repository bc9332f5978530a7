"""Counts of triplets, against loops over every triple of items."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.triplets import counts

SIZES = [(n, k) for n in range(1, 11) for k in range(1, 8)]


def answered(labels):
    """Ask every question about points and centroids, one after the other."""
    n, k = labels.shape
    total = 0
    for anchor in range(n + k):
        for near, far in permutations(range(n + k), 2):
            if anchor < n and near >= n and far >= n:
                total += labels[anchor, near - n] > labels[anchor, far - n]
            elif anchor >= n and near < n and far < n:
                total += labels[near, anchor - n] > labels[far, anchor - n]
    return int(total)


def spread_pattern(n, k, kept):
    """Every class given equally often: go round the classes."""
    given_entries = np.zeros((n, k), dtype=bool)
    for i in range(n):
        given_entries[i, [(i * kept + step) % k for step in range(kept)]] = True
    return given_entries


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_formulas_equal_an_enumeration(n, k):
    labels = np.random.default_rng(n * 100 + k).random((n, k))
    one_hot = np.eye(k)[np.arange(n) % k]
    assert counts.soft(n, k) == answered(labels)
    assert counts.hard(n, k) == answered(one_hot)
    for kept in range(1, k + 1):
        pattern = spread_pattern(n, k, kept)
        assert (
            counts.sparse(n, k, kept) == counts.sparse_from_pattern(pattern) == answered(np.where(pattern, labels, 0))
        )
        dropped = np.where(np.arange(k) < kept, labels, np.nan)
        assert counts.top_class(n, k, kept) == answered(dropped)


@pytest.mark.parametrize("n", range(1, 9))
def test_pairs_equal_an_enumeration(n):
    ratings = np.random.default_rng(n).random((n, n))
    ratings = ratings + ratings.T
    asked = sum(ratings[a, i] > ratings[a, j] for a, i, j in permutations(range(n), 3))
    assert counts.pairwise(n) == asked == counts.all_questions(n)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(sum))
def test_any_class_sizes(sizes):
    labels = np.eye(len(sizes))[np.repeat(np.arange(len(sizes)), sizes)]
    assert counts.hard_from_sizes(sizes) == answered(labels)


@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 6))
def test_any_pattern(seed, n, k):
    rng = np.random.default_rng(seed)
    pattern = rng.random((n, k)) < 0.5
    assert counts.sparse_from_pattern(pattern) == answered(np.where(pattern, rng.random((n, k)) + 1, 0))


@given(st.integers(1, 10**6), st.integers(1, 1000))
def test_relations_between_the_signals(n, k):
    assert counts.sparse(n, k, k) == counts.top_class(n, k, k) == counts.soft(n, k)
    assert counts.hard(n, k) == counts.hard_from_sizes(counts.balanced_sizes(n, k))
    assert counts.soft(n, k) * 2 == k * n * (k + n - 2)
    assert counts.hard(n, k) <= counts.hard_paper(n, k)
    assert (counts.hard(n, k) == counts.hard_paper(n, k)) == (n % k == 0)
    assert counts.hard(n, k) <= counts.sparse(n, k, 1)
    if k > 1:
        kept = k // 2
        assert counts.sparse(n, k, kept) <= counts.sparse(n, k, kept + 1)
        assert counts.top_class(n, k, kept) <= counts.sparse(n, k, kept)


def test_numbers_of_the_sources():
    assert counts.hard(10, 40) == 480  # the formula for whole class sizes says 487.5
    assert counts.hard_paper(10, 40) == Fraction(975, 2)
    assert counts.sparse(60, 12, 4) == 14160
    assert counts.all_questions(90, 90) == 3 * 180 * 179 * 178 // 6


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: counts.soft(0, 3), "n_items is 0"),
        (lambda: counts.soft(-5, 3), "n_items is -5"),
        (lambda: counts.hard(5, 2.5), "n_classes is 2.5"),
        (lambda: counts.sparse(5, 3, 4), "sparsity is 4 with 3 classes"),
        (lambda: counts.sparse(5, 3, 0), "sparsity is 0"),
        (lambda: counts.hard_from_sizes([3, -1]), "a class size is -1"),
        (lambda: counts.hard_from_sizes([0, 0]), "n_items is 0"),
        (lambda: counts.sparse_from_pattern(np.ones((2, 2))), "expected booleans"),
        (lambda: counts.all_questions(-1), "n_items is -1"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
