"""Label matrices, against closed forms and the facts that the theory rests on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import mutual_info_score

import neuroalpha as na
from neuroalpha.theory.triplets import counts, labels
from neuroalpha.theory.triplets.mining import compare_all, count_triplets
from neuroalpha.theory.triplets.top_classes import class_information, mutual_information, top_class_labels


def latents(seed=0, n=40, k=6, d=5):
    rng = np.random.default_rng(seed)
    centroids = rng.normal(size=(k, d))
    points = centroids[np.arange(n) % k] + rng.normal(size=(n, d))
    return points, centroids


def test_soft_and_hard_labels_against_other_code():
    points, centroids = latents()
    distances = labels.latent_distances(points, centroids)
    np.testing.assert_allclose(distances, np.linalg.norm(points[:, None] - centroids, axis=2))
    soft = labels.soft_labels(distances)
    np.testing.assert_allclose(soft, softmax(-distances, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(labels.hard_labels(soft).argmax(axis=1), distances.argmin(axis=1))
    np.testing.assert_array_equal(labels.hard_labels(soft).sum(axis=1), 1)
    np.testing.assert_allclose(labels.soft_labels(distances + 1e4), soft)  # no underflow


@given(st.integers(0, 10**6))
def test_proximity_is_true_everywhere_and_the_softmax_only_along_rows(seed):
    distances = labels.latent_distances(*latents(seed, n=20))
    true = compare_all(-distances)
    clean, soft = compare_all(labels.proximity_labels(distances)), compare_all(labels.soft_labels(distances))
    for found in (clean, soft):
        np.testing.assert_array_equal(found.at_points, true.at_points)
    np.testing.assert_array_equal(clean.at_centroids, true.at_centroids)


def test_share_of_wrong_comparisons_down_the_columns_of_soft_labels():
    wrong = []
    for seed in range(20):
        distances = labels.latent_distances(*latents(seed, n=60, k=12, d=5))
        true, soft = compare_all(-distances).at_centroids, compare_all(labels.soft_labels(distances)).at_centroids
        wrong.append((soft & ~true).sum() / soft.sum())
    assert 0.14 < np.mean(wrong) < 0.28


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_sparse_labels_keep_the_largest(seed, kept):
    soft = labels.soft_labels(labels.latent_distances(*latents(seed)))
    sparse, spread = labels.sparse_labels(soft, kept), labels.sparse_labels(soft, kept, spread=True)
    assert ((sparse > 0).sum(axis=1) == kept).all()
    np.testing.assert_allclose(np.sort(sparse, axis=1)[:, -kept:], np.sort(soft, axis=1)[:, -kept:])
    np.testing.assert_allclose(spread.sum(axis=1), 1)
    assert count_triplets(sparse).total == counts.sparse_from_pattern(labels.largest_entries(soft, kept))
    assert count_triplets(spread).at_points == count_triplets(sparse).at_points


def test_smoothing_adds_no_information_and_has_the_entropies_of_the_paper():
    hard = labels.class_labels(np.arange(50) % 10, 10)
    for smoothing, entropy in ((0.05, 0.308), (0.2, 0.940)):
        smooth = labels.smoothed_labels(hard, smoothing)
        assert -(smooth * np.log(smooth)).sum(axis=1).mean() == pytest.approx(entropy, abs=5e-4)
        assert count_triplets(smooth) == count_triplets(hard)
        np.testing.assert_allclose(smooth.sum(axis=1), 1)


def test_noise_of_labels():
    soft = labels.soft_labels(labels.latent_distances(*latents()))
    np.testing.assert_allclose(labels.noisy_labels(soft, 0.0), soft)
    noisy = labels.noisy_labels(soft, 0.5, seed=3)
    np.testing.assert_allclose(noisy.sum(axis=1), 1)
    change = np.log(noisy / soft)
    change -= change.mean(axis=1, keepdims=True)
    assert change.std() == pytest.approx(0.5 * np.sqrt(5 / 6), rel=0.15)
    wrong = [
        (compare_all(labels.noisy_labels(soft, sd, seed=1)).at_points & compare_all(-soft).at_points).sum()
        for sd in (0.1, 0.5, 2.0)
    ]
    assert wrong == sorted(wrong)
    np.testing.assert_array_equal(labels.noisy_labels(np.eye(3), 1.0), np.eye(3))


def test_mutual_information_against_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = x + rng.normal(size=400)
    cut = [np.searchsorted(np.quantile(v, np.linspace(0, 1, 9)[1:-1]), v, side="right") for v in (x, y)]
    assert mutual_information(x, y) == pytest.approx(mutual_info_score(*cut) / np.log(2))


def test_top_classes_are_those_that_follow_the_similarity():
    rng = np.random.default_rng(2)
    position = rng.random(60)
    similarity = -np.abs(position[:, None] - position)
    matrix = np.c_[rng.random(60), position, rng.random(60), position + 0.3 * rng.normal(size=60)]
    told = class_information(matrix, similarity)
    assert set(np.argsort(told)[-2:]) == {1, 3}
    kept = top_class_labels(matrix, 2, similarity)
    assert np.isnan(kept).all(axis=0).tolist() == [True, False, True, False]
    assert count_triplets(kept).total == counts.top_class(60, 4, 2)
    assert count_triplets(np.nan_to_num(kept)).total > counts.top_class(60, 4, 2)  # zeros in their place add false ones


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: labels.latent_distances(np.ones((2, 3)), np.ones((2, 4))), "points have 3 dimensions and centroids 4"),
        (lambda: labels.soft_labels(np.array([[np.nan, 1.0]])), "missing entries"),
        (lambda: labels.class_labels(np.array([0, 3]), 3), "go from 0 to 3"),
        (lambda: labels.class_labels(np.array([0.5]), 3), "whole numbers"),
        (lambda: labels.sparse_labels(np.eye(3), 4), "sparsity is 4 with 3 classes"),
        (lambda: labels.sparse_labels(-np.eye(3), 1), "go down to -1"),
        (lambda: labels.smoothed_labels(np.eye(3), 1.5), "smoothing is 1.5"),
        (lambda: labels.smoothed_labels(np.ones((3, 1)), 0.5), "one class"),
        (lambda: labels.noisy_labels(np.eye(3), -1.0), "sd is -1.0"),
        (lambda: labels.noisy_labels(-np.eye(3), 1.0), "go down to -1"),
        (lambda: top_class_labels(np.eye(3), 2, np.eye(2)), "similarity has shape"),
        (lambda: top_class_labels(np.eye(3), 2, np.full((3, 3), np.nan)), "not finite"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
