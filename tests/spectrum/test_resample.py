"""Subsampling: the standard error of statistics whose standard error is known."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.spectrum.resample import check_center, check_resampling, interval, standard_error, subsets


@pytest.mark.parametrize("fraction", [0.5, 0.8])
def test_standard_error_of_a_mean(fraction):
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    draws = np.array([x[rows].mean() for rows, _ in subsets(400, 10, 4000, fraction, ("stimulus",), rng)])
    assert standard_error(draws, fraction) == pytest.approx(x.std(ddof=1) / np.sqrt(400), rel=0.05)


def test_two_ways_at_once_adds_both_sources():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=300), rng.normal(size=200)
    x = a[:, None] + b[None, :]
    draws = np.array(
        [x[rows][:, cols].mean() for rows, cols in subsets(300, 200, 3000, 0.5, ("stimulus", "neuroid"), rng)]
    )
    expected = np.sqrt(a.var(ddof=1) / 300 + b.var(ddof=1) / 200)
    assert standard_error(draws, 0.5) == pytest.approx(expected, rel=0.06)


def test_only_named_axes_are_drawn():
    rows, cols = next(iter(subsets(10, 6, 1, 0.5, ("neuroid",), np.random.default_rng(0))))
    np.testing.assert_array_equal(rows, np.arange(10))
    assert cols.size == 3
    assert len(set(cols.tolist())) == 3  # without replacement


def test_interval_centres_on_the_estimate():
    draws = np.random.default_rng(0).normal(5.0, 1.0, size=1000)
    low, high = interval(2.0, draws, 0.5, 0.95)
    assert (low + high) / 2 == pytest.approx(2.0)
    assert (high - low) / 2 == pytest.approx(1.96, rel=0.07)
    assert np.isnan(interval(2.0, draws[:3], 0.5, 0.95)).all()


@pytest.mark.parametrize(
    ("axes", "n_draws", "fraction", "message"),
    [
        (("stimulus",), 32.0, None, "n_draws is 32.0"),
        (("stimulus",), "32", None, "n_draws is '32'"),
        (("stimulus",), None, None, "n_draws is None"),
        (("stimulus",), True, None, "n_draws is True"),
        (("stimulus",), 32, "half", "fraction is 'half'"),
        (("stimulus",), 32, 0.99, "fraction is 0.99"),
        (None, 32, None, "resample is None"),
        ((1, 2), 32, None, "resample is"),
        ((["stimulus"],), 32, None, "resample is"),
        ((), 32, None, "name an axis"),
    ],
)
def test_what_is_no_resampling_is_refused(axes, n_draws, fraction, message):
    with pytest.raises(na.InputError, match=message):
        check_resampling(axes, n_draws, fraction)


@pytest.mark.parametrize("center", ["no", None, 0, 1.0])
def test_center_is_true_or_false(center):
    with pytest.raises(na.InputError, match=r"center is .*; expected True or False"):
        check_center(center)
    assert check_center(np.bool_(True)) is True
