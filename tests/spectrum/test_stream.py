"""stream_spectrum: equals eigenspectrum of the whole, whatever comes in; jackknife; bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.spectrum import stream
from neuroalpha.spectrum.resample import standard_error


def batches(x, size=17):
    return (x[start : start + size] for start in range(0, len(x), size))


def whole(x, **options):
    return na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(len(x))), n_draws=0, **options)


@settings(max_examples=25)
@given(
    n=st.integers(2, 80),
    p=st.integers(1, 30),
    size=st.integers(1, 90),
    center=st.booleans(),
    stage=st.integers(1, 5000),
    seed=st.integers(0, 99),
)
def test_equals_eigenspectrum(n, p, size, center, stage, seed):
    x = np.random.default_rng(seed).normal(size=(n, p)) + 3
    kept, stream.STAGE_BYTES = stream.STAGE_BYTES, stage
    try:
        found = na.stream_spectrum(batches(x, size), center=center)
    finally:
        stream.STAGE_BYTES = kept
    expected = whole(x, center=center)
    largest = float(expected.eigenvalue.max())
    np.testing.assert_allclose(found.eigenvalue, expected.eigenvalue, rtol=1e-10, atol=1e-13 * largest)
    for name in ("estimator", "n_stimuli", "n_neuroids", "center", "n_draws"):
        assert found.attrs[name] == expected.attrs[name]


def test_numpy_torch_and_dask_batches():
    import torch

    dask_array = pytest.importorskip("dask.array")
    x = np.random.default_rng(0).normal(size=(90, 12))
    expected = whole(x).eigenvalue
    for made in (
        [torch.from_numpy(part) for part in batches(x)],
        [dask_array.from_array(part) for part in batches(x)],
        [part.tolist() for part in batches(x)],
    ):
        np.testing.assert_allclose(na.stream_spectrum(made).eigenvalue, expected, rtol=1e-11)


def test_a_generator_may_fill_the_same_array_again():
    x = np.random.default_rng(0).normal(size=(60, 5))
    buffer = np.empty((10, 5))

    def reused():
        for part in batches(x, 10):
            buffer[:] = part
            yield buffer

    np.testing.assert_allclose(na.stream_spectrum(reused()).eigenvalue, whole(x).eigenvalue, rtol=1e-11)


def test_relu_like_float32_against_svd():
    """Means 150 times the spread, power-law spectrum: both precisions below 1e-5 at every rank."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 400)) * np.arange(1, 401) ** -0.5
    x = x @ np.linalg.qr(rng.normal(size=(400, 400)))[0]
    x = (x + 150 * x.std() * rng.random(400)).astype(np.float32)
    exact = np.linalg.svd(x.astype(np.float64) - x.mean(axis=0, dtype=np.float64), compute_uv=False) ** 2 / 2999
    np.testing.assert_allclose(na.stream_spectrum(batches(x, 500)).eigenvalue, exact, rtol=1e-9)
    single = na.stream_spectrum(batches(x, 500), precision="float32")
    np.testing.assert_allclose(single.eigenvalue, exact, rtol=1e-5)
    assert single.attrs["precision"] == "float32"


def test_jackknife_is_the_formula_and_the_spread_over_samples():
    rng = np.random.default_rng(0)
    scale = np.array([3.0, 2.0, 1.0, 0.5])
    x = rng.normal(size=(400, 4)) * scale
    found = na.stream_spectrum(batches(x, 64), n_draws=10, seed=4)
    dealt = np.random.default_rng(4).integers(10, size=400)  # does not depend on the batches
    leave_out = np.array([whole(x[dealt != g]).eigenvalue.values for g in range(10)])
    np.testing.assert_allclose(found.eigenvalue_draw, leave_out, rtol=1e-10)
    formula = np.sqrt(9 / 10 * ((leave_out - leave_out.mean(axis=0)) ** 2).sum(axis=0))
    claimed = standard_error(found.eigenvalue_draw.values, found.attrs["draw_fraction"])
    np.testing.assert_allclose(claimed, formula, rtol=1e-10)
    # Variance of a normal sample's eigenvalue: 2 lambda^2 / n.
    claimed = np.mean(
        [
            standard_error(one.eigenvalue_draw.values, one.attrs["draw_fraction"])
            for one in (
                na.stream_spectrum([np.random.default_rng(run).normal(size=(400, 4)) * scale], n_draws=20)
                for run in range(20)
            )
        ],
        axis=0,
    )
    np.testing.assert_allclose(claimed, scale**2 * np.sqrt(2 / 400), rtol=0.2)


def test_keeps_labels():
    found = na.stream_spectrum([np.eye(4)], attrs={"identifier": "toy", "layer": "fc"})
    assert (found.attrs["identifier"], found.attrs["layer"]) == ("toy", "fc")


@pytest.mark.parametrize(
    ("given_batches", "options", "message"),
    [
        ([], {}, "at least 2 rows, the batches hold 0"),
        ([np.ones((1, 3))], {}, "at least 2 rows, the batches hold 1"),
        ([np.ones((4, 3)), np.ones((4, 2))], {}, "batch 1 has 2 neuroids, the ones before have 3"),
        ([np.ones((4, 3, 2))], {}, r"batch 0 has shape \(4, 3, 2\)"),
        ([np.where(np.eye(4) > 0, [1, 2, np.nan, 4], 1.0)], {}, "1 of 4 neuroids hold NaN or infinite"),
        ([np.where(np.eye(4) > 0, [1, np.inf, np.nan, 4], 1.0)], {}, "the first is column 1"),
        ([np.eye(4)], {"n_draws": 3}, "n_draws is 3"),
        ([np.eye(4)], {"precision": "half"}, "precision is 'half'"),
        ([np.eye(4)], {"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_bad_input(given_batches, options, message):
    with pytest.raises(na.InputError, match=message):
        na.stream_spectrum(given_batches, **options)


@pytest.mark.parametrize(
    ("given_batches", "options", "message"),
    [
        (None, {}, "batches is NoneType"),
        (5, {}, "batches is int"),
        ("file.npy", {}, "batches is str"),
        (na.make_assembly(np.eye(4), stimulus_id=np.arange(4)), {}, "for an assembly use eigenspectrum"),
        ([np.eye(4) * 1j], {}, "batch 0 holds complex128 values"),
        ([np.full((4, 3), "a")], {}, "batch 0 holds <U1 values"),
        ([np.eye(4)[:, :0]], {}, "batch 0 has no neuroids"),
        ([np.ones((4, 3)), np.ones((4, 3))], {}, "all 3 neuroids are constant"),
        ([np.eye(4)], {"seed": None}, "seed is None"),
        ([np.eye(4)], {"n_draws": 20.0}, "n_draws is 20.0"),
        ([np.eye(4)], {"center": "no"}, "center is 'no'"),
        ([np.eye(4)], {"attrs": {"layers": ["a"]}}, "attribute 'layers' is list"),
        ([np.eye(4)], {"attrs": "fc"}, "attrs is 'fc'"),
    ],
)
def test_what_is_no_stream_is_refused(given_batches, options, message):
    with pytest.raises(na.InputError, match=message):
        na.stream_spectrum(given_batches, **options)


def constant_columns(made, **options):
    """What is said of constant columns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        na.stream_spectrum(made, **options)
    return [str(each.message) for each in caught]


@settings(max_examples=40)
@given(
    n=st.integers(2, 200),
    p=st.integers(1, 12),
    rare=st.floats(0, 0.2),
    size=st.integers(1, 90),
    kind=st.sampled_from(["float64", "float32", "int16", "bool"]),
    torch_batches=st.booleans(),
    seed=st.integers(0, 999),
)
def test_constant_columns_are_those_whose_values_are_all_equal(n, p, rare, size, kind, torch_batches, seed):
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((n, p)) < rare / n, 1.0, 0.0) + rng.integers(0, 2, size=p) * (kind != "bool")
    x = x.astype(kind)
    constant = np.flatnonzero((x == x[0]).all(axis=0))
    made, options = batches(x, size), {}
    if torch_batches:
        torch = pytest.importorskip("torch")
        made, options = (torch.from_numpy(part) for part in made), {"device": "cpu"}
    if constant.size == p:
        with pytest.raises(na.InputError, match=f"all {p} neuroids are constant"):
            na.stream_spectrum(made, **options)
        return
    told = constant_columns(made, **options)
    assert len(told) == bool(constant.size)
    if constant.size:
        assert f"{constant.size} of {p} neuroids are constant" in told[0]
        assert f"the first is column {constant[0]};" in told[0]


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_digit_that_varies_is_no_constant_column_however_large_the_mean(precision):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 5)).astype(np.float32)
    x[:, 1] = np.float32(1e6) * (1 + rng.random())  # constant, and no round number
    x[:, 3] = x[0, 1]
    x[-1, 3] = np.nextafter(x[0, 1], np.float32(np.inf))  # a last digit, in the last row
    (told,) = constant_columns(batches(x, 300), precision=precision)
    assert "1 of 5 neuroids are constant" in told
    assert "the first is column 1;" in told
    x[0, 1] = np.nextafter(x[0, 1], np.float32(0))
    assert not constant_columns(batches(x, 300), precision=precision)


def test_a_column_of_nan_is_refused_and_not_constant():
    x = np.random.default_rng(0).normal(size=(20, 3))
    x[:, 1] = np.nan
    with pytest.raises(na.InputError, match=r"1 of 3 neuroids hold NaN or infinite values .* column 1"):
        na.stream_spectrum(batches(x))


@pytest.mark.parametrize("device", [None, "cpu"])
def test_constant_columns_are_told_over_all_batches(device):
    x = np.random.default_rng(0).normal(size=(30, 6))
    x[:, 4] = 7.5
    x[:15, 2], x[15:, 2] = 0.0, 1.0  # constant in each batch only
    if device is not None:
        torch = pytest.importorskip("torch")
        x = torch.from_numpy(x)
    with pytest.warns(UserWarning, match="1 of 6 neuroids are constant .* first is column 4"):
        found = na.stream_spectrum([x[:15], x[15:]], device=device)
    assert found.attrs["device"] == (device or "numpy")
