"""A readout on responses, and matching the labels of a set to its classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from neuroalpha.tasks.decomposition import decompose
from neuroalpha.tasks.linear_readout import answers, linear_readout
from neuroalpha.tasks.ridge import RidgeReadouts

NAMES = np.array(["cat", "cow", "dog"])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(80, 12)) + 5, rng.integers(3, size=(2, 80)), rng.normal(size=(30, 12)) + 5


def fitted(x, codes, penalties, which=0):
    found = decompose(x)
    fit = RidgeReadouts(found, found.project(x)).fit(codes, 3, penalties)
    return linear_readout(found, fit, NAMES, which)


@pytest.mark.parametrize("which", [0, 1])
def test_it_says_what_scikit_learn_says(data, which):
    x, codes, new = data
    readout = fitted(x, codes, [2.5], which)
    oracle = RidgeClassifier(alpha=2.5).fit(x, codes[which])
    np.testing.assert_allclose(readout.decisions(new), oracle.decision_function(new), atol=1e-10)
    np.testing.assert_array_equal(readout.decisions(new).argmax(axis=1), oracle.predict(new))
    assert readout.penalty == 2.5


def test_it_holds_no_eigenvectors(data):
    x, codes, _ = data
    readout = fitted(x, codes, [2.5])
    assert readout.weights.shape == (12, 3)
    assert readout.decomposition.vectors.size == readout.decomposition.values.size == 0


def test_labels_are_matched_by_name():
    found = answers(["dog", "fox", "cat", "eel", "dog"], NAMES)
    assert found.rows.tolist() == [0, 2, 4]
    assert found.codes.tolist() == [2, 0, 2]
    assert found.among.tolist() == [0, 2]
    assert found.dropped == ("eel", "fox")


def test_numbers_are_names_too():
    assert answers(np.array([1.0, 0.0]), np.array(["0", "1"])).codes.tolist() == [1, 0]
