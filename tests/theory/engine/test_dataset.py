"""Comparisons as one Dataset: settings of different sizes side by side, and the table of errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import neuroalpha as na
from neuroalpha.theory.engine.comparison import compare
from neuroalpha.theory.engine.dataset import comparison_dataset, error_table
from neuroalpha.theory.engine.dynamics import Dynamics


def decay(name: str, n: int) -> Dynamics:
    rates = np.arange(1, n + 1)
    return Dynamics(
        name,
        (np.ones(n),),
        lambda state, size, index: (state[0] * (1 - size * rates),),
        lambda state: state[0],
        lambda times: np.exp(-np.asarray(times)[:, None] * rates),
    )


@pytest.fixture
def made():
    short, long = compare(decay("one", 1), (0.01, 0.001), [0.5, 1.0]), compare(decay("three", 3), (0.1, 0.01), [1.0])
    return comparison_dataset([short, long], {"source": "a test"}, {"one": 0.035}), (short, long)


def test_settings_of_different_sizes(made):
    dataset, (short, long) = made
    assert dataset.attrs["source"] == "a test"
    assert dataset.attrs["version"] == na.__version__
    np.testing.assert_array_equal(dataset["predicted"].sel(setting="one").values[:, :1], short.predicted)
    np.testing.assert_array_equal(dataset["simulated"].sel(setting="three").values[:, :1], long.simulated)
    assert np.isnan(dataset["predicted"].sel(setting="one").values[:, 1:]).all()
    assert np.isnan(dataset["time"].sel(setting="three").values[1])


def test_error_table(made):
    dataset, (short, long) = made
    table = error_table(dataset).set_index("setting")
    for name, each in (("one", short), ("three", long)):
        assert table.loc[name, "max_error"] == each.max_error[0]
        assert table.loc[name, "max_error_smaller"] == each.max_error[1]
        assert table.loc[name, "mean_error_smaller"] == each.mean_error[1]
        assert table.loc[name, "ratio"] == each.ratio
    assert table.loc["one", "target"] == 0.035
    assert np.isnan(table.loc["three", "target"])
    assert table.loc["three", ["step_size", "smaller_step"]].tolist() == [0.1, 0.01]


def test_it_survives_a_file(made, tmp_path):
    dataset = made[0]
    dataset.assign_coords(setting=dataset["setting"].astype(str)).to_netcdf(tmp_path / "made.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "made.nc", engine="h5netcdf") as back:
        assert error_table(back)["ratio"].tolist() == error_table(dataset)["ratio"].tolist()


def test_something_else_is_refused():
    with pytest.raises(na.InputError, match="compares theory and simulation"):
        error_table(xr.Dataset({"eigenvalue": ("component", [1.0])}))
