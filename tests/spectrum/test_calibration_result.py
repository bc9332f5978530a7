"""What a calibration returns: a table row of its scalars, tables beside it, nothing that can be changed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from neuroalpha.spectrum.calibration_result import Calibration


@pytest.fixture(scope="module")
def result():
    scalars = {
        "alpha": 1.02, "low": -np.inf, "high": 1.2, "note": "aligned noise: nothing", "observed": 0.9, "level": 0.95,
        "estimator": "cvpca", "ranks": (3, 24), "n_stimuli": 120, "n_neuroids": 90, "n_repeats": 2.5,
        "signal_fraction": 0.6, "overlap": np.nan, "aligned_share": 0.8, "n_simulations": 5, "seed": 0,
        "identifier": "toy", "software": "neuroalpha",
    }  # fmt: skip
    tables = {"curve": [1.0, 2.0], "calibrated": [1.0], "simulations": [3.0]}
    frames = {name: pd.DataFrame({"alpha": values}) for name, values in tables.items()}
    return Calibration(**scalars, **frames, noise_power=np.full(90, 1 / 90))


def test_one_row_with_every_scalar(result):
    row = result.to_frame()
    assert len(row) == 1
    tables = {"curve", "calibrated", "simulations", "noise_power"}
    names = [each.name for each in dataclasses.fields(result)]
    assert set(row.columns) == set(names) - tables - {"ranks"} | {"first", "last"}
    assert (row["first"][0], row["last"][0]) == (3, 24)
    for name in set(names) - tables - {"ranks"}:
        value = getattr(result, name)
        assert row[name][0] == value or (np.isnan(row[name][0]) and np.isnan(value))


def test_rows_stack_and_survive_a_file(result, tmp_path):
    other = dataclasses.replace(result, alpha=np.nan, note="")
    both = pd.concat([result.to_frame(), other.to_frame()], ignore_index=True)
    both.to_csv(tmp_path / "rows.csv", index=False)
    read = pd.read_csv(tmp_path / "rows.csv", keep_default_na=True)
    np.testing.assert_array_equal(read["alpha"], [1.02, np.nan])
    np.testing.assert_array_equal(read["low"], [-np.inf, -np.inf])


def test_is_frozen_and_prints_without_its_tables(result):
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.alpha = 2.0
    assert "ranks=(3, 24)" in repr(result)
    assert "curve=" not in repr(result)
    assert "noise_power" not in repr(result)


def test_of_a_calibration(tiny):
    made = tiny(observed=0.9)
    row = made.to_frame()
    assert row["alpha"][0] == made.alpha
    assert (row["first"][0], row["last"][0], row["n_simulations"][0]) == (2, 12, 5)
    assert made.calibrated["low"].min() == made.low
    assert made.calibrated["high"].max() == made.high
    assert len(made.simulations) == 15
