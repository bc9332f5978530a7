"""Agreement of similarities and effective dimension, against scipy and known latents."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from neuroalpha.theory.triplets.effective import (
    component_correlations,
    effective_dimension,
    similarity_correlation,
    wrong_shares,
)
from neuroalpha.theory.triplets.labels import hard_labels, latent_distances, proximity_labels, soft_labels
from neuroalpha.theory.triplets.latents import cosine_similarity, draw_latents, gram_similarity


def test_correlation_is_spearmans_of_the_upper_triangles():
    rng = np.random.default_rng(0)
    one, two = rng.uniform(-1, 1, size=(2, 12, 12))
    upper = np.triu_indices(12, 1)
    assert similarity_correlation(one, two) == pytest.approx(spearmanr(one[upper], two[upper])[0], abs=1e-12)
    assert similarity_correlation(one, np.exp(9 * two) * 1e6) == pytest.approx(similarity_correlation(one, two))


def test_last_digits_of_recovered_cosines_are_no_order():
    rng = np.random.default_rng(1)
    truth, tied = rng.random((2, 10, 10))
    tied = tied.round(1)
    clean = similarity_correlation(tied, truth)
    assert similarity_correlation(tied + 1e-8 * rng.normal(size=(10, 10)), truth) == pytest.approx(clean, abs=1e-12)
    assert np.isnan(similarity_correlation(np.ones((5, 5)), truth[:5, :5]))
    assert np.isnan(similarity_correlation(truth[:5, :5], np.zeros((5, 5))))


def test_components_of_latents_of_known_rank():
    rng = np.random.default_rng(2)
    items = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 20))
    found = component_correlations(items)
    assert found.size == 20
    np.testing.assert_allclose(found[2:], 1, atol=1e-9)
    assert (found[:2] < 0.999).all()
    assert effective_dimension(items, 1.0) == 3
    for q in (1, 2):
        assert effective_dimension(items, found[q - 1] - 1e-9) == q
    assert effective_dimension(items, -0.2) == effective_dimension(items, float("nan")) == 0


def test_components_of_all_items_scored_on_the_first():
    items = np.random.default_rng(4).normal(size=(20, 6))
    values, vectors = np.linalg.eigh(items.T @ items)
    upper = np.triu_indices(12, 1)
    for q, found in enumerate(component_correlations(items, n_scored=12), 1):
        kept = items @ vectors[:, np.argsort(-values)[:q]]
        expected = spearmanr(cosine_similarity(kept[:12])[upper], cosine_similarity(items[:12])[upper])[0]
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_fewer_than_three_items_have_no_correlation():
    assert all(np.isnan(similarity_correlation(np.eye(n), np.eye(n))) for n in (1, 2))


def test_wrong_shares_equal_a_loop_and_proximity_is_clean():
    drawn = draw_latents(7, 4, 3, seed=3)
    distance = latent_distances(drawn.points, drawn.centroids)
    labels = soft_labels(distance)
    first = second = made_first = made_second = 0
    for c in range(4):
        for i in range(7):
            for j in range(7):
                if labels[i, c] > labels[j, c]:
                    made_first += 1
                    first += distance[i, c] > distance[j, c]
    for i in range(7):
        for c in range(4):
            for e in range(4):
                if labels[i, c] > labels[i, e]:
                    made_second += 1
                    second += distance[i, c] > distance[i, e]
    assert second == 0  # along a row the softmax keeps the order
    expected = (first / made_first, 0.0, first / (made_first + made_second))
    assert wrong_shares(labels, distance) == pytest.approx(expected)
    assert wrong_shares(proximity_labels(distance), distance) == (0, 0, 0)
    assert np.isnan(wrong_shares(np.ones((3, 2)), distance[:3, :2])).all()


@pytest.mark.parametrize("d", [5, 25, 125])
def test_soft_labels_contradict_a_sixth_or_so_of_the_distances_of_points(d):
    drawn = draw_latents(90, 30, d, seed=0)
    distance = latent_distances(drawn.points, drawn.centroids)
    assert 0.14 < wrong_shares(soft_labels(distance), distance)[0] < 0.28
    hard = wrong_shares(hard_labels(soft_labels(distance)), distance)[0]
    assert 0.03 < hard < 0.11 if d == 5 else hard <= 0.003


def test_similarities_of_vectors_and_of_gram_matrices():
    vectors = np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0], [-3.0, -4.0]])
    expected = [[1, 0.8, 0, -1], [0.8, 1, 0, -0.8], [0, 0, 0, 0], [-1, -0.8, 0, 1]]
    np.testing.assert_allclose(cosine_similarity(vectors), expected, atol=1e-12)
    np.testing.assert_allclose(gram_similarity(vectors @ vectors.T), expected, atol=1e-12)
