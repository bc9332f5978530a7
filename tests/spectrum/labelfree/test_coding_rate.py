"""coding_rate: numpy's log determinant, closed forms, invariants, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from neuroalpha.errors import InputError
from neuroalpha.spectrum.labelfree.coding_rate import coding_rate


def data(seed, n=40, p=8):
    return np.random.default_rng(seed).normal(size=(n, p)) + 1


@pytest.mark.parametrize("shape", [(40, 8), (8, 40)])
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("distortion", [0.01, 0.5])
def test_log_determinant_on_the_side_of_the_stimuli(shape, normalise, distortion):
    x = data(0, *shape)
    z = x / np.sqrt((x**2).sum(axis=1, keepdims=True)) if normalise else x
    n, p = shape
    expected = np.linalg.slogdet(np.eye(n) + p / (n * distortion) * z @ z.T)[1] / 2
    assert coding_rate(x, distortion=distortion, normalise=normalise) == pytest.approx(expected, rel=1e-10)


def test_closed_forms():
    one = np.outer(np.arange(1.0, 9), np.ones(5))
    assert coding_rate(one) == pytest.approx(np.log(1 + 5 / 0.01) / 2)
    axes = np.tile(np.eye(5), (7, 1))
    assert coding_rate(axes) == pytest.approx(5 / 2 * np.log(1 + 1 / 0.01))
    assert coding_rate(axes, distortion=1) == pytest.approx(5 / 2 * np.log(2))
    assert coding_rate(np.zeros((4, 3))) == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_invariants(seed, scale):
    x = data(seed, 20, 6)
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(0.1, 10, size=(20, 1))
    turned = rng.permutation(x * lengths) @ ortho_group.rvs(6, random_state=rng) * scale
    assert coding_rate(turned) == pytest.approx(coding_rate(x), rel=1e-9)
    assert np.log(1 + 6 / 0.01) / 2 <= coding_rate(x) <= 3 * np.log(1 + 1 / 0.01)


@pytest.mark.parametrize("wrong", [0, -0.1, "small", np.nan])
def test_bad_distortion(wrong):
    with pytest.raises(InputError, match="distortion is"):
        coding_rate(data(0), distortion=wrong)
