"""The exponential of the entropy: scipy's, equal shares, products of shares, what has no shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

import neuroalpha as na
from neuroalpha.spectrum.labelfree.entropy import check_epsilon, exp_entropy

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=12).map(np.array).filter(lambda values: values.max() > 1e-6)


@settings(max_examples=40, deadline=None)
@given(VALUES, st.integers(1, 5), st.floats(1e-6, 1e6))
def test_scipys_entropy_and_what_leaves_it(values, copies, scale):
    expected = np.exp(entropy(values))
    assert exp_entropy(values) == pytest.approx(expected, rel=1e-9)
    assert exp_entropy(scale * values[::-1]) == pytest.approx(expected, rel=1e-9)
    # Each share split into equal ones: as many times more; shares of zero add nothing.
    assert exp_entropy(np.repeat(values, copies)) == pytest.approx(copies * expected, rel=1e-9)
    assert exp_entropy(np.append(values, np.zeros(3))) == pytest.approx(expected, rel=1e-9)
    assert 1 - 1e-9 <= exp_entropy(values) <= np.count_nonzero(values) * (1 + 1e-9)


def test_independent_shares_multiply():
    one, other = np.array([4.0, 2, 1, 0.5]), np.array([3.0, 3, 1])
    assert exp_entropy(np.outer(one, other).ravel()) == pytest.approx(exp_entropy(one) * exp_entropy(other), rel=1e-12)


def test_epsilon_is_added_to_shares_that_then_add_up_to_more_than_one():
    share = 0.25 + 0.01
    assert exp_entropy(np.full(4, 7.0), 0.01) == pytest.approx(share ** (-4 * share), rel=1e-12)
    # A share of zero is then one of epsilon.
    expected = 1.01**-1.01 * 0.01**-0.01
    assert exp_entropy(np.array([5.0, 0.0]), 0.01) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("values", [np.zeros(3), np.array([]), np.array([1.0, np.nan]), np.array([1.0, -2.0])])
def test_nothing_to_share_is_nan(values):
    assert np.isnan(exp_entropy(values))


def test_epsilon_is_checked_by_name():
    for sound in (0, 1e-7, np.float32(0.5), np.int64(2)):
        found = check_epsilon(sound)
        assert type(found) is float
        assert found == float(sound)
    for wrong in (-1e-9, np.nan, np.inf, True, "0", None, [0.1]):
        with pytest.raises(na.InputError, match=r"delta is .*; expected a number of at least 0"):
            check_epsilon(wrong, "delta")
