"""Which classes tell most about a similarity, against scikit-learn and a planted class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

import neuroalpha as na
from neuroalpha.theory.triplets.top_classes import class_information, mutual_information, top_class_labels


@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0, 1))
def test_mutual_information_against_scikit_learn(seed, n_bins, shared):
    rng = np.random.default_rng(seed)
    one = rng.normal(size=90)
    two = shared * one + (1 - shared) * rng.normal(size=90)
    bins = [
        np.searchsorted(np.quantile(x, np.linspace(0, 1, n_bins + 1)[1:-1]), x, side="right") for x in (one, two)
    ]  # continuous numbers: no edges coincide
    expected = mutual_info_score(*bins) / np.log(2)
    assert mutual_information(one, two, n_bins) == pytest.approx(expected, abs=1e-9)
    assert mutual_information(two, one, n_bins) == pytest.approx(expected, abs=1e-9)


def test_the_planted_class_is_kept_whatever_the_order_of_points():
    rng = np.random.default_rng(3)
    position = rng.random(50)
    labels = np.c_[rng.random(50), rng.random(50), position]
    similarity = -np.abs(position[:, None] - position)
    told = class_information(labels, similarity)
    assert told.argmax() == 2
    order = rng.permutation(50)
    np.testing.assert_allclose(class_information(labels[order], similarity[np.ix_(order, order)]), told, atol=1e-12)
    kept = top_class_labels(labels, 1, similarity)
    assert np.isnan(kept[:, :2]).all()
    np.testing.assert_array_equal(kept[:, 2], position)
    np.testing.assert_array_equal(top_class_labels(labels, 3, similarity), labels)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: top_class_labels(np.eye(3), 4, np.eye(3)), "sparsity is 4 with 3 classes"),
        (lambda: class_information(np.ones((1, 2)), np.ones((1, 1))), r"similarity has shape \(1, 1\)"),
        (lambda: class_information(np.eye(3), np.full((3, 3), np.inf)), "not finite"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
