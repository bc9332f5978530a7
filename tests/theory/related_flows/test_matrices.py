"""Two matrices are taken apart in the eigenvectors that they share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.theory.related_flows.matrices import shared_modes

NAMES = ("predictor", "correlation")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(0, 4), min_size=2, max_size=6))
def test_pairs_of_eigenvalues_come_back(seed, drawn):
    # Few whole numbers, so that either matrix has equal eigenvalues now and then.
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(len(drawn), len(drawn))))[0]
    p, s = rng.integers(0, 3, len(drawn)) / 2, np.array(drawn, dtype=float)
    found = shared_modes((turn * p) @ turn.T, (turn * s) @ turn.T, NAMES)
    given_pairs, pairs = (
        sorted(zip(two.round(8) + 0.0, one.round(8) + 0.0, strict=True)) for one, two in ((p, s), found)
    )
    np.testing.assert_allclose(pairs, given_pairs, atol=1e-7)
    assert (np.diff(found[1]) <= 1e-9).all()


def test_matrices_without_common_eigenvectors_are_refused():
    one, two = np.diag([1.0, 2.0]), np.array([[1.0, 0.5], [0.5, 1.0]])
    # Their commutator is 0.5 off the diagonal.
    with pytest.raises(na.InputError, match=r"have different eigenvectors \(their products differ by 0\.5\)"):
        shared_modes(one, two, NAMES)
    with pytest.raises(na.InputError, match=r"predictor has shape \(2, 2\) and correlation \(3, 3\)"):
        shared_modes(one, np.eye(3), NAMES)


def test_zero_matrices_have_modes():
    first, second = shared_modes(np.zeros((2, 2)), np.diag([1.0, 3.0]), NAMES)
    np.testing.assert_array_equal(first, [0, 0])
    np.testing.assert_allclose(second, [3, 1])
