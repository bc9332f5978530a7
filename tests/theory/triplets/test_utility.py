"""The three utilities, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

import neuroalpha as na
from neuroalpha.theory.triplets.utility import utility_of


@given(st.floats(-2, 2))
def test_utilities_are_those_of_scipy(score):
    x = np.array([[score]])
    np.testing.assert_array_equal(utility_of(x, "linear"), x)
    np.testing.assert_allclose(utility_of(x, "sigmoid"), expit(x))
    np.testing.assert_allclose(utility_of(x, "logit"), logit(np.clip(x, 1e-6, 1 - 1e-6)))
    np.testing.assert_array_equal(utility_of(x, np.square), x**2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: utility_of(np.ones(2), "logistic"), "did you mean 'logit'"),
        (lambda: utility_of(np.ones(2), lambda x: x[:1]), "one finite number"),
        (lambda: utility_of(np.zeros(2), lambda x: x + np.nan), "one finite number"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
