"""clid: scikit-learn's classifier on the same halves, clusters that can and cannot be learnt, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.clid import clid, learnability, over_models
from neuroalpha.spectrum.labelfree.twonn import intrinsic_dimension


def test_scikit_learns_classifier_on_the_same_halves():
    x = np.random.default_rng(0).normal(size=(200, 20)) + 0.2
    direction = x / np.linalg.norm(x, axis=1, keepdims=True)
    label = KMeans(14, n_init=1, random_state=3).fit_predict(direction)
    order = np.random.default_rng(3).permutation(200)
    model = KNeighborsClassifier(1, metric="cosine").fit(x[order[:100]], label[order[:100]])
    found = clid(x, seed=3)
    assert found.cluster == pytest.approx(model.score(x[order[100:]], label[order[100:]]))
    assert found.dimension == intrinsic_dimension(x)
    assert found.score == pytest.approx(found.cluster + found.dimension / 20)


def test_separate_clusters_are_learnt_and_white_noise_less():
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(10, 30)), 40, axis=0)
    tight = learnability(centres + 0.01 * rng.normal(size=(400, 30)), 10, 0)
    white = learnability(rng.normal(size=(400, 30)), 10, 0)
    assert tight > 0.95
    assert 1 / 10 < white < 0.6


def test_expressiveness_counts():
    """Two representations with perfectly learnable clusters: the one of higher dimension has the higher score."""
    rng = np.random.default_rng(1)
    centres = np.repeat(rng.normal(size=(10, 30)), 40, axis=0)
    flat = centres + 0.01 * rng.normal(size=(400, 2)) @ rng.normal(size=(2, 30))
    full = centres + 0.01 * rng.normal(size=(400, 30))
    assert clid(full, n_clusters=10).dimension > 3 * clid(flat, n_clusters=10).dimension
    assert clid(full, n_clusters=10).score > clid(flat, n_clusters=10).score


def test_a_dimension_above_the_number_of_units_counts_as_one():
    found = clid(np.random.default_rng(0).normal(size=(200, 6)) + 0.2)
    assert found.dimension > 6
    assert found.score == found.cluster + 1


def test_a_seed_repeats_itself_and_another_differs():
    x = np.random.default_rng(0).normal(size=(150, 5))
    assert clid(x, seed=1) == clid(x, seed=1)
    assert len({clid(x, seed=seed).cluster for seed in range(6)}) > 1


def test_no_clusters_in_what_is_alike():
    found = clid(np.ones((20, 3)))
    assert np.isnan(found.score)
    assert np.isnan(found.cluster)
    assert np.isnan(found.dimension)
    few = np.repeat(np.eye(3), 20, axis=0)  # three distinct rows for eight clusters
    assert clid(few).cluster == 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_rotation_and_scale_leave_it(seed, scale):
    rng = np.random.default_rng(seed)
    centres = np.repeat(3 * np.eye(5), 20, axis=0)
    x = centres + 0.05 * rng.normal(size=(100, 5))
    turned = clid(x @ ortho_group.rvs(5, random_state=rng) * scale, n_clusters=5)
    assert turned.cluster == pytest.approx(clid(x, n_clusters=5).cluster)
    assert turned.dimension == pytest.approx(clid(x, n_clusters=5).dimension, rel=1e-5)


def test_over_models():
    found = over_models([0.5, np.nan, 0.75, 0.1], [2.0, np.nan, 6.0, 3.0])
    np.testing.assert_allclose(found, [0.5, np.nan, 1.75, 0.35])
    np.testing.assert_allclose(over_models([0.5, 0.6], [3, 3]), [0.5, 0.6])
    assert np.isnan(over_models([np.nan], [np.nan])).all()
    with pytest.raises(InputError, match="shapes"):
        over_models([1.0, 2.0], [1.0])


def test_bad_input():
    x = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(InputError, match="at least 4 rows"):
        clid(x[:3])
    with pytest.raises(InputError, match="n_clusters is 21 for 20 stimuli"):
        clid(x, n_clusters=21)
    with pytest.raises(InputError, match=r"n_clusters is 1\.5"):
        clid(x, n_clusters=1.5)
    with pytest.raises(InputError, match="seed is None"):
        clid(x, seed=None)
