"""Kernel of collapse: rounding of each type of number, one dimension, and what is neither."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.spectrum.labelfree.collapse import above_rounding, resolution, why
from neuroalpha.spectrum.labelfree.eigenvalues import centred


def spectrum(x):
    square = float((x.astype(np.float64) ** 2).mean())
    return above_rounding(centred(x), square, *x.shape, resolution(x))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(300, 20), (30, 200)])
def test_a_constant_that_was_rounded_does_not_vary(dtype, shape):
    rng = np.random.default_rng(0)
    constant = rng.uniform(0.5, 2, size=shape[1])
    shaken = constant * (1 + np.finfo(dtype).eps * rng.uniform(-0.5, 0.5, size=shape))
    assert not spectrum(shaken.astype(dtype)).any()
    assert why(spectrum(shaken.astype(dtype)), 20).startswith("collapsed: all stimuli")


def test_float32_values_in_float64_are_still_rounded_to_float32():
    rng = np.random.default_rng(0)
    shaken = (rng.uniform(0.5, 2, size=30) * (1 + 1e-7 * rng.normal(size=(100, 30)))).astype(np.float32)
    assert resolution(shaken.astype(np.float64)) == resolution(shaken)
    assert not spectrum(shaken.astype(np.float64)).any()
    # What float64 does resolve counts.
    fine = rng.uniform(0.5, 2, size=30) * (1 + 1e-7 * rng.normal(size=(100, 30)))
    assert spectrum(fine).all()
    assert why(spectrum(fine), 30) == ""


def test_a_healthy_spectrum_loses_nothing():
    x = np.random.default_rng(0).normal(size=(500, 60)) * np.arange(1, 61) ** -1.5 + 1
    np.testing.assert_array_equal(spectrum(x.astype(np.float32)), centred(x.astype(np.float32)))


def test_one_dimension():
    assert why(np.array([1.0, 0.0]), 2) == "collapsed: one of 2 dimensions holds all the variance"
    assert why(np.array([1.0, 0.0005]), 8) == "collapsed: one of 8 dimensions holds 99.95 % of the variance"
    assert why(np.array([1.0, 0.01]), 8) == ""
