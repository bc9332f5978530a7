"""Whole numbers that a small integer type spoiled are named, on numpy and dask alike; sound counts are not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.assembly import numbered
from neuroalpha.spectrum.checks import check_responses


@pytest.fixture(params=["numpy", "dask"])
def kind(request):
    return request.param


def wrap(array, kind):
    if kind == "numpy":
        return array
    rows, neuroids = array.shape[-2] // 4 + 1, array.shape[-1] // 2 - 1
    return array.chunk({array.dims[-2]: rows, "neuroid": neuroids})


def trials(values, kind="numpy", **kwargs):
    """Two presentations of each stimulus."""
    ids = np.tile(numbered("", len(values) // 2), 2)
    return wrap(na.make_assembly(values, stimulus_id=ids, **kwargs), kind)


def halves(x, kind):
    coords = {
        "stimulus_id": ("stimulus", numbered("", x.shape[1])),
        "neuroid_id": ("neuroid", numbered("", x.shape[2])),
    }
    return wrap(xr.DataArray(x, dims=("repeat", "stimulus", "neuroid"), coords=coords), kind)


def quiet(responses):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return check_responses(responses, needs_repeats=True)


@pytest.mark.parametrize(("limit", "spread"), [(127, 60), (255, 90), (32_767, 15_000), (65_535, 30_000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_cut_off_at_the_limit_of_their_type(kind, limit, spread, dtype):
    counts = np.round(np.random.default_rng(0).exponential(spread, size=(400, 30)))
    saturated = np.minimum(counts, limit)
    with pytest.warns(UserWarning, match=f"values are exactly {limit}, the largest of an integer type"):
        found = check_responses(trials(saturated.astype(dtype), kind), needs_repeats=True)
    assert found.n_at_limit == (counts >= limit).sum()
    assert quiet(trials(counts, kind)).n_at_limit == 0
    assert quiet(trials(np.minimum(counts, limit) * 1.01, kind)).n_at_limit == 0  # no whole numbers any more


def test_an_even_range_that_ends_at_a_limit_is_not_cut_off(kind):
    levels = np.random.default_rng(0).integers(0, 128, size=(400, 30))
    assert (levels == 127).sum() > 50
    assert quiet(trials(levels, kind)).n_at_limit == 0


def test_limits_of_32_bits_survive_float32():
    x = np.random.default_rng(0).exponential(1e9, size=(200, 20)).round()
    cut = np.minimum(x, 2_147_483_647)
    for dtype in (np.float32, np.float64):
        with pytest.warns(UserWarning, match="largest of an integer type"):
            check_responses(trials(cut.astype(dtype)), needs_repeats=True)


def test_integer_repeats_cut_off(kind):
    x = np.minimum(np.random.default_rng(0).exponential(90, size=(2, 100, 20)), 255).astype(np.uint8)
    with pytest.warns(UserWarning, match="exactly 255"):
        check_responses(halves(x, kind), needs_repeats=True)


def test_differences_wrapped_in_an_unsigned_type(kind):
    rng = np.random.default_rng(0)
    for dtype in (np.uint8, np.uint16, np.uint32):
        evoked, baseline = rng.poisson(8, size=(2, 200, 20)).astype(dtype)
        with pytest.warns(UserWarning, match="wrapped around in an unsigned integer type"):
            check_responses(trials(evoked - baseline, kind), needs_repeats=True)
        assert quiet(trials(evoked.astype(float) - baseline, kind)).n_at_limit == 0


@pytest.mark.parametrize(("dtype", "spread"), [(np.uint8, 30), (np.uint16, 7000)])
def test_wide_differences_wrapped_in_an_unsigned_type(kind, dtype, spread):
    """They fill more than the lowest and highest quarter of the range; what remains empty tells."""
    exact = np.random.default_rng(0).normal(0, spread, size=(200, 20)).round()
    assert np.abs(exact).max() > np.iinfo(dtype).max / 4
    with pytest.warns(UserWarning, match="wrapped around in an unsigned integer type"):
        check_responses(trials(np.mod(exact, np.iinfo(dtype).max + 1), kind), needs_repeats=True)


@pytest.mark.parametrize(("dtype", "level"), [(np.int8, 40), (np.int16, 8192)])
def test_sums_wrapped_around_a_signed_type_whatever_the_units(kind, dtype, level):
    parts = np.random.default_rng(0).poisson(level, size=(4, 200, 20)).astype(dtype)
    with pytest.warns(UserWarning, match=f"fill the range of a signed .*largest value {np.iinfo(dtype).max}"):
        check_responses(trials(parts.sum(axis=0, dtype=dtype).astype(float) * 1.0, kind), needs_repeats=True)
    quiet(trials(parts.sum(axis=0, dtype=float) - 2.0 * level, kind))


def test_negative_counts(kind):
    total = np.random.default_rng(0).poisson(90, size=(2, 100, 20)).astype(np.int8).sum(axis=0, dtype=np.int8)
    with pytest.warns(UserWarning, match="units say 'spike count', but the smallest value is -"):
        check_responses(trials(total, kind, attrs={"units": "spike count"}), needs_repeats=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(5, 60))
def test_long_tails_below_a_limit_are_no_wrap(seed, mean):
    counts = np.random.default_rng(seed).exponential(mean, size=(400, 20)).round()
    quiet(trials(np.where(counts > 250, 0, counts)))
