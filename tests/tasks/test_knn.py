"""Nearest neighbours: votes against scikit-learn's classifier and a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from neuroalpha.spectrum import blocks
from neuroalpha.tasks.decomposition import decompose_and_project
from neuroalpha.tasks.knn import fit_neighbours


def problem(shape=(80, 6), seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(4, size=shape[0])
    centres = rng.normal(size=(4, shape[1]))
    return rng.normal(size=shape) + centres[codes], codes, rng.normal(size=(30, shape[1])) + centres[codes[:30]]


@pytest.mark.parametrize("shape", [(80, 6), (30, 60)])
@pytest.mark.parametrize("n_neighbours", [1, 7, 20])
def test_against_scikit_learn_on_centred_features(shape, n_neighbours):
    x, codes, test = problem(shape)
    decomposition, projected = decompose_and_project(x)
    votes = fit_neighbours(projected, codes, 4, n_neighbours).votes(decomposition.project(test))
    middle = x.mean(axis=0)
    expected = KNeighborsClassifier(n_neighbours, metric="cosine").fit(x - middle, codes)
    np.testing.assert_allclose(votes / n_neighbours, expected.predict_proba(test - middle))
    np.testing.assert_array_equal(votes.argmax(axis=1), expected.predict(test - middle))


def test_votes_by_a_loop_in_blocks(monkeypatch):
    x, codes, test = problem()
    neighbours = fit_neighbours(x, codes, 4, 5)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8 * 80 * 4)
    found = neighbours.votes(test)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    for row, one in enumerate(test):
        near = np.argsort(-(unit @ one))[:5]
        np.testing.assert_array_equal(found[row], np.bincount(codes[near], minlength=4))


@given(seed=st.integers(0, 300), shift=st.floats(-20, 20), scale=st.floats(0.1, 10))
def test_what_changes_nothing(seed, shift, scale):
    x, codes, test = problem((40, 7), seed)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(7, 7)))[0]
    order = rng.permutation(40)
    votes = []
    for given_, labels, shown in (
        (x, codes, test),
        (scale * (x[order] @ rotation + shift), codes[order], scale * (test @ rotation + shift)),
    ):
        decomposition, projected = decompose_and_project(given_)
        votes.append(fit_neighbours(projected, labels, 4, 5).votes(decomposition.project(shown)))
    np.testing.assert_array_equal(votes[1], votes[0])
