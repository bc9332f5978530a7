from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.spectrum.result import make_spectrum
from neuroalpha.theory.eigenflow.settings import NAMES, FlowSetting
from neuroalpha.theory.eigenflow.solve import flow
from neuroalpha.theory.eigenspace import collapse_basins, eigenvalue_flow, sample_flow, time_to_reach

START, TIMES = [1.2, 0.6, 0.3], [0.0, 1.0, 10.0]


def test_flow_is_labelled_and_says_how_it_was_made(tmp_path):
    found = eigenvalue_flow(START, TIMES, ["euclidean", "cosine"], noise2=0.01, ema=2.0)
    assert found.eigenvalue.dims == ("setting", "time", "mode")
    assert found.setting.values.tolist() == [f"{loss}, noise 2 0.01, ema 2" for loss in ("euclidean", "cosine")]
    assert found.mode.values.tolist() == [1, 2, 3]
    assert found.noise2.values.tolist() == [0.01, 0.01]
    assert "2212.04858" in found.attrs["source"]
    assert found.attrs["version"] == na.__version__
    np.testing.assert_array_equal(
        found.eigenvalue[0], flow(np.array(START), np.array(TIMES), FlowSetting(noise2=0.01, ema=2.0))
    )
    found.to_netcdf(tmp_path / "flow.nc", engine="h5netcdf")
    again = xr.load_dataset(tmp_path / "flow.nc", engine="h5netcdf")
    np.testing.assert_array_equal(again.eigenvalue, found.eigenvalue)


def test_all_eight_names_and_a_spectrum_as_start():
    spectrum = make_spectrum(np.array(START), None, {})
    found = eigenvalue_flow(spectrum, [0.0, 0.3], list(NAMES))
    assert found.setting.values.tolist() == list(NAMES)
    np.testing.assert_array_equal(found.eigenvalue.isel(time=0), np.tile(START, (8, 1)))
    assert np.isnan(found.ema).all()
    same = eigenvalue_flow(xr.DataArray(START, dims="mode"), [0.0, 0.3], ["euclidean", "cosine"])
    np.testing.assert_array_equal(found.eigenvalue.sel(setting=["euclidean", "cosine"]), same.eigenvalue)


def test_basins_are_where_the_flow_ends():
    starts, decays = np.geomspace(0.02, 2, 7), np.array([0.0, 0.1, 0.2, 0.3])
    found = collapse_basins(starts, decays, ["euclidean", "euclidean iso"])
    for decay in decays:
        late = eigenvalue_flow(starts, [500.0], ["euclidean", "euclidean iso"], weight_decay=float(decay))
        final = found.final.sel(weight_decay=decay)
        np.testing.assert_allclose(late.eigenvalue.isel(time=0), final, atol=1e-6)
    assert found.collapsed.dtype == bool
    np.testing.assert_allclose(found.threshold[0], [0, (1 - np.sqrt(0.6)) / 2, (1 - np.sqrt(0.2)) / 2, np.inf])
    assert found.threshold[1].values.tolist() == [0, 0, 0, 0]
    assert "weight_decay" in found.indexes


def test_time_to_reach():
    found = time_to_reach([0.1, 0.01, 0.0], 0.99, ["euclidean iso", "cosine"], until=50.0)
    np.testing.assert_allclose(found.time[0, :2], np.log(99 * np.array([9, 99])) / 2)
    assert np.isinf(found.time[:, 2]).all()
    assert np.isinf(found.time[1]).all()  # the mean is far below the level
    back = eigenvalue_flow([0.1], [float(found.time[0, 0])], "euclidean iso")
    np.testing.assert_allclose(back.eigenvalue, 0.99)


def test_samples_move_with_the_network():
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((400, 3)) * np.sqrt(START)
    found = sample_flow(responses, START, [0.5, 2.0], ["euclidean", "cosine"], weight_decay=0.02)
    assert found.response.dims == ("setting", "time", "sample", "mode")
    course = eigenvalue_flow(START, [0.5, 2.0], ["euclidean", "cosine"], weight_decay=0.02).eigenvalue
    np.testing.assert_allclose(found.eigenvalue, course)
    ratio = (found.response**2).mean("sample") / (responses**2).mean(axis=0)
    np.testing.assert_allclose(ratio, course / np.array(START), rtol=1e-10)
    wanted = course[0, 0] * (1 - course[0, 0]) - 0.02  # of the response, with clean views: p (1 - p) z - w z
    np.testing.assert_allclose(found.velocity[0, 0], found.response[0, 0] * wanted)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: eigenvalue_flow([-1.0], TIMES), "below 0: a covariance has none"),
        (lambda: eigenvalue_flow(START, [1.0, 0.5]), "times do not rise"),
        (lambda: eigenvalue_flow(START, TIMES, "euclidaen"), "did you mean 'euclidean'"),
        (lambda: eigenvalue_flow(START, TIMES, weight_decay=-0.1), "weight_decay is -0.1"),
        (lambda: eigenvalue_flow(START, TIMES, power=0), "power is 0"),
        (lambda: eigenvalue_flow("large", TIMES), "start is text"),
        (lambda: eigenvalue_flow(1.0, TIMES), r"as \[1.0\]"),
        (lambda: eigenvalue_flow([1j, 1.0], TIMES), "start is complex numbers"),
        (lambda: eigenvalue_flow(START, [-1.0, 1.0]), "times begin at -1"),
        (lambda: eigenvalue_flow(START, "ab"), "times is text"),
        (lambda: eigenvalue_flow(START, TIMES, None), "setting is None"),
        (lambda: eigenvalue_flow(START, TIMES, 3), "setting is 3"),
        (lambda: eigenvalue_flow(START, TIMES, True), "setting is True"),
        (lambda: collapse_basins([0.1], []), r"weight_decay has shape \(0,\)"),
        (lambda: collapse_basins([0.1], [[0.1]]), r"weight_decay has shape \(1, 1\)"),
        (lambda: collapse_basins([0.1], [True]), "weight_decay is booleans"),
        (lambda: eigenvalue_flow(xr.Dataset({"alpha": 1.0}), TIMES), "has no 'eigenvalue'"),
        (lambda: collapse_basins(START, [0.1], "cosine"), "'cosine' has no basins"),
        (lambda: collapse_basins(START, [-0.1]), "weight_decay is -0.1"),
        (lambda: time_to_reach(START, 0.0), "level is 0.0"),
        (lambda: time_to_reach(START, True), "level is True"),
        (lambda: time_to_reach(START, 1.0, until=float("inf")), "until is inf"),
        (lambda: sample_flow([[1.0, 2.0]], START, TIMES), r"responses have shape \(1, 2\) for 3 eigenvalues"),
        (lambda: sample_flow(np.full((2, 3), 1j), START, TIMES), "responses is complex numbers"),
        (lambda: sample_flow(np.full((2, 3), np.nan), START, TIMES), "responses holds 6 NaN"),
        (lambda: sample_flow(np.ones((2, 3)), START, TIMES, view2=np.ones((1, 3))), "view2 have shape"),
        (lambda: sample_flow(np.ones((2, 3)), START, TIMES, FlowSetting(ema=1.0)), "without a target network"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(na.InputError, match=said):
        call()
