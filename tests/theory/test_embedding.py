"""Embeddings of comparisons, against another implementation; bad input is told in one line."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.embedding import gnmds, recover_similarity
from neuroalpha.theory.triplets.labels import hard_labels, latent_distances, smoothed_labels, soft_labels
from neuroalpha.theory.triplets.latents import cosine_similarity, draw_latents
from neuroalpha.theory.triplets.mining import mine_triplets


def made(n=15, k=6, d=3, seed=0):
    drawn = draw_latents(n, k, d, seed)
    return drawn, soft_labels(latent_distances(drawn.points, drawn.centroids))


def test_labels_and_their_triplets_give_the_same():
    _, labels = made()
    one, two = gnmds(labels, tolerance=1e-3), gnmds(triplets=mine_triplets(labels), tolerance=1e-3)
    assert one.attrs["n_triplets"] == two.attrs["n_triplets"]
    assert one.attrs["objective"] == pytest.approx(two.attrs["objective"], rel=2e-3)
    np.testing.assert_allclose(one.similarity, two.similarity, atol=0.05)
    assert one.kind.values.tolist() == ["point"] * 15 + ["class"] * 6


def test_gram_embedding_and_similarity_belong_together():
    drawn, labels = made(30, 12, 3)
    found = gnmds(labels)
    points = found.embedding.values
    np.testing.assert_allclose(points @ points.T, found.gram, atol=1e-4 * float(found.gram.max()))
    np.testing.assert_allclose(np.diag(found.similarity), 1, atol=1e-9)
    np.testing.assert_allclose(found.gram.sum("item"), 0, atol=1e-6 * float(np.trace(found.gram)))
    upper = np.triu_indices(42, 1)
    assert np.corrcoef(found.similarity.values[upper], cosine_similarity(drawn.items)[upper])[0, 1] > 0.85
    assert found.attrs["gap"] <= found.attrs["tolerance"] == 0.01


def test_agrees_with_cblearn():
    pytest.importorskip("cblearn")
    _, labels = made()
    ours, theirs = gnmds(labels, tolerance=1e-3), gnmds(labels, method="cblearn", n_components=8, seed=1)
    # Another solver of the same objective cannot pass the bound, and ours is at least as good.
    assert theirs.attrs["objective"] >= ours.attrs["bound"]
    assert ours.attrs["objective"] <= theirs.attrs["objective"] * 1.002
    assert theirs.attrs["objective"] <= ours.attrs["objective"] * 1.1
    upper = np.triu_indices(21, 1)
    assert np.corrcoef(ours.similarity.values[upper], theirs.similarity.values[upper])[0, 1] > 0.97
    assert theirs.attrs["satisfied"] == pytest.approx(ours.attrs["satisfied"], abs=0.03)


def test_cblearn_is_asked_for_by_name(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cblearn.embedding", None)
    with pytest.raises(na.InputError, match=r"neuroalpha\[embedding\]"):
        gnmds(made()[1], method="cblearn")


def test_items_that_no_comparison_places_have_no_similarity():
    labels = made()[1]
    labels[:, 2] = np.nan  # a class nobody was asked about
    found = gnmds(labels)
    assert (found.similarity[17].values == 0).all()
    assert np.isfinite(found.similarity).all()


def test_recovered_similarity_and_its_correlation():
    drawn, labels = made(30, 15, 3)
    truth = cosine_similarity(drawn.points)
    soft, hard = (
        recover_similarity(each, truth, name="cosines of the truth") for each in (labels, hard_labels(labels))
    )
    smooth = recover_similarity(smoothed_labels(labels, 0.2))
    np.testing.assert_allclose(smooth.similarity, hard.similarity, atol=1e-6)  # smoothing says nothing new
    assert soft.attrs["correlation"] > 0.8 > hard.attrs["correlation"]
    assert np.isnan(smooth.attrs["correlation"])
    assert soft.attrs["reference"] == "cosines of the truth"
    assert soft.similarity.shape == (30, 30)
    cubed = recover_similarity(labels, truth**3)
    assert cubed.attrs["correlation"] == pytest.approx(soft.attrs["correlation"], abs=1e-6)  # order alone counts


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({}, "give one of the two"),
        ({"labels": [[1.0, 2.0]], "triplets": [[0, 1, 2]]}, "give one of the two"),
        ({"labels": np.ones((4, 3))}, "answer no question"),
        ({"labels": [1.0, 2.0]}, "expected a matrix"),
        ({"triplets": [[0, 1]]}, "triplet, 3"),
        ({"triplets": [[0.0, 1.0, 2.0]]}, "whole numbers"),
        ({"triplets": [[0, 1, 5]], "n_items": 4}, "expected 0 to 3"),
        ({"triplets": [[0, 1, -1]]}, "expected 0 to"),
        ({"triplets": [[0, 1, 1]]}, "three different items"),
        ({"triplets": [[0, 1, 2]], "method": "ste"}, "'kernel' or 'cblearn'"),
        ({"triplets": [[0, 1, 2]], "penalty": 0}, "penalty is 0"),
        ({"triplets": [[0, 1, 2]], "penalty": 1.5}, "penalty is 1.5"),
        ({"triplets": [[0, 1, 2]], "tolerance": 1}, "tolerance is 1"),
        ({"triplets": [[0, 1, 2]], "max_iterations": 0}, "max_iterations is 0"),
        ({"triplets": [[0, 1, 2]], "seed": None}, "seed is None"),
    ],
)
def test_bad_input(how, match):
    with pytest.raises(na.InputError, match=match):
        gnmds(**how)


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        (np.eye(3), r"expected \(15, 15\)"),
        (np.full((15, 15), np.nan), "not finite"),
        (np.arange(225.0).reshape(15, 15), "not symmetric"),
    ],
)
def test_bad_references(reference, match):
    with pytest.raises(na.InputError, match=match):
        recover_similarity(made()[1], reference)
