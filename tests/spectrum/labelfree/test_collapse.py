"""Kernel of collapse: rounding of each type of number, images alike, one dimension or a few, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from neuroalpha.spectrum.labelfree.collapse import ALIKE, ONE, above_rounding, resolution, why_collapsed
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
    assert why_collapsed(shaken.astype(dtype)) == "all images alike, but for rounding"


def test_float32_values_in_float64_are_still_rounded_to_float32():
    rng = np.random.default_rng(0)
    shaken = (rng.uniform(0.5, 2, size=30) * (1 + 1e-7 * rng.normal(size=(100, 30)))).astype(np.float32)
    assert resolution(shaken.astype(np.float64)) == resolution(shaken)
    assert not spectrum(shaken.astype(np.float64)).any()
    # What float64 does resolve counts.
    fine = rng.uniform(0.5, 2, size=30) * (1 + 1e-7 * rng.normal(size=(100, 30)))
    assert spectrum(fine).all()
    assert why_collapsed(fine) == "all images alike: their variance is 1e-14 of the mean square"


def test_a_healthy_spectrum_loses_nothing():
    x = np.random.default_rng(0).normal(size=(500, 60)) * np.arange(1, 61) ** -1.5 + 1
    np.testing.assert_array_equal(spectrum(x.astype(np.float32)), centred(x.astype(np.float32)))


def outputs(n=300, p=20, scale=1.0):
    return np.random.default_rng(0).normal(size=(n, p)) * scale


def with_ratio(ratio, n=200, p=40):
    """Features (n, p) of exactly this participation ratio: all dimensions but the first have the same variance."""
    rng = np.random.default_rng(1)
    k = p - 1  # (1 + k s)^2 / (1 + k s^2) = ratio
    s = np.roots([k**2 - ratio * k, 2 * k, 1 - ratio]).max()
    white = rng.normal(size=(n, p))
    white = np.linalg.qr(white - white.mean(0))[0]
    return white * np.sqrt(np.r_[1.0, np.full(k, s)]) @ ortho_group.rvs(p, random_state=2)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.zeros((5, 3)), "all values are 0"),
        (np.ones((5, 3)), "all images alike, but for rounding"),
        (5 + 1e-3 * outputs(), "all images alike: their variance is 4e-08 of the mean square"),
        (np.full((5, 3), np.nan), "values that are not finite"),
        (np.array([[1.0, np.inf], [0, 1]]), "values that are not finite"),
        (outputs(300, 1) * np.ones((1, 20)), "one dimension: the participation ratio is 1.00"),
        (outputs(20, 1) * np.ones((1, 200)), "one dimension: the participation ratio is 1.00"),
        (outputs(300, 20, [1.0] * 3 + [0.0] * 17), "only 3 of 20 dimensions vary, too few for an exponent"),
    ],
)
def test_what_has_collapsed(values, why):
    assert why_collapsed(values) == why


@settings(max_examples=30)
@given(rank=st.integers(4, 20), scale=st.floats(1e-3, 1e3), offset=st.floats(0, 10))
def test_what_has_not(rank, scale, offset):
    """Four dimensions are enough, whatever the scale and the offset (which leaves some thousandths of the square)."""
    assert why_collapsed(scale * (offset + outputs(300, 20, [1.0] * rank + [0.0] * (20 - rank)))) == ""


def test_few_dimensions_of_few_are_no_collapse():
    """15 units have no window even if all vary, 16 do."""
    for p, collapsed in ((2, False), (15, False), (16, True)):
        assert (why_collapsed(outputs(300, p, [1.0] * 2 + [0.0] * (p - 2))) != "") == collapsed
    assert why_collapsed(outputs(50, 1)) == ""


@pytest.mark.parametrize("n", [10, 300])  # fewer and more images than units
@pytest.mark.parametrize("small", [0.05, 0.2, 0.5])
def test_the_ratio_is_that_of_the_eigenvalues(n, small):
    values = outputs(n, 20, [1.0] + [small] * 19) + 1
    eigenvalue = np.linalg.eigvalsh(np.cov(values.T))
    ratio = eigenvalue.sum() ** 2 / (eigenvalue**2).sum()
    assert why_collapsed(values) == (f"one dimension: the participation ratio is {ratio:.2f}" if ratio < ONE else "")


@pytest.mark.parametrize(("ratio", "collapsed"), [(1.03, True), (1.099, True), (1.101, False), (1.2, False)])
def test_from_which_ratio_it_is_one_dimension(ratio, collapsed):
    said = why_collapsed(with_ratio(ratio))
    assert said == (f"one dimension: the participation ratio is {ratio:.2f}" if collapsed else "")


@pytest.mark.parametrize(("factor", "collapsed"), [(0.98, True), (1.02, False)])
def test_from_which_variance_images_are_alike(factor, collapsed):
    """Offset 1 and entries of variance v: v / (1 + v) of the mean square."""
    share = factor * ALIKE
    values = outputs(4000, 50)
    values = (values - values.mean(0)) / values.std() * np.sqrt(share / (1 - share)) + 1
    assert why_collapsed(values).startswith("all images alike: their variance is 1e-04") == collapsed
    assert (why_collapsed(values) == "") != collapsed
