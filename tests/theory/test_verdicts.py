"""Sentences of the theories' checks: misses are told as misses, and what is told is what was found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neuroalpha.theory import verdicts


def table(**columns) -> pd.DataFrame:
    plain = {
        "setting": ["a", "b"],
        "step_size": [0.01, 0.1],
        "smaller_step": [0.001, 0.01],
        "max_error": [0.02, 0.2],
        "max_error_smaller": [0.002, 0.02],
        "ratio": [10.0, 10.0],
        "target": [0.035, 0.035],
    }
    return pd.DataFrame(plain | columns)


def test_the_target_is_judged_at_its_step_size():
    said = verdicts.of_target(table())[0]
    assert said == "2 of 2 settings stay within an error of 0.035 at step size 0.01 or below."
    assert "1 of 2 settings" in verdicts.of_target(table(max_error_smaller=[0.002, 0.04]))[0]
    assert "not: b (0.04)" in verdicts.of_target(table(max_error_smaller=[0.002, 0.04]))[0]
    assert "not: a (0.05)" in verdicts.of_target(table(max_error=[0.05, 0.2]))[0]
    assert verdicts.of_target(table().drop(columns="target")) == []


def test_a_setting_that_only_ran_with_larger_steps_is_named():
    said = verdicts.of_target(table(smaller_step=[0.001, 1.0], step_size=[0.01, 10.0]))[0]
    assert said.endswith("or at a larger one: b (1).")


def test_a_ratio_that_is_not_ten_is_named():
    assert verdicts.of_ratios(table(ratio=[10.0, 1.0]))[0].endswith("in 1 of 2 settings; not: b (1).")
    assert verdicts.of_ratios(table(ratio=[np.nan, np.nan])) == []


def related(errors, missed=0) -> xr.Dataset:
    return xr.Dataset(
        {
            "step_time_error": (("setting", "step"), np.array(errors)),
            "steps_missed": (("setting", "step"), np.where(np.isfinite(errors), 0.0, missed)),
            "step_size": (("setting", "step"), np.full((len(errors), 2), [0.01, 0.001])),
        },
        coords={"setting": [f"s{place}" for place in range(len(errors))]},
    )


def test_step_times():
    found = verdicts.step_times(related([[0.01, 0.001], [0.03, 0.025], [np.nan, np.nan]]))
    assert found["setting"].tolist() == ["s0", "s0", "s1", "s1"]
    said = verdicts.of_step_times(found)[0]
    assert "within 2% of theory on average in 2 of 4 runs" in said
    assert "farthest is s1 with 3.00%" in said
    assert verdicts.of_step_times(verdicts.step_times(related([[np.nan, np.nan]]))) == []


def test_steps_that_did_not_come_are_told():
    said = verdicts.of_step_times(verdicts.step_times(related([[0.01, np.nan]], missed=3)))
    assert said[0] == "In 1 of 2 runs of stepwise learning some steps did not come."
    assert "in 1 of 2 runs" in said[1]
    assert verdicts.of_step_times(verdicts.step_times(related([[np.nan, np.nan]], missed=1))) == [
        "In 2 of 2 runs of stepwise learning some steps did not come."
    ]


def test_trace():
    dataset = xr.Dataset(
        {
            "trace_drift": (("setting", "step"), [[0.5, 0.5], [1e-3, 1e-4]]),
            "step_size": (("setting", "step"), [[0.01, 0.001], [0.1, 0.01]]),
        },
        coords={"setting": ["euclidean", "cosine"]},
    )
    said = verdicts.of_trace(dataset)[0]
    assert said.endswith("a share of 0.001 at step size 0.1, 0.0001 at step size 0.01.")
    assert verdicts.of_trace(dataset.isel(setting=[0])) == []


def test_closed_forms_and_thresholds_hold():
    differ = float(verdicts.of_closed_forms().split("differ by ")[1].split()[0])
    assert differ < 1e-8
    assert "at 12 of 12 weight decays below 1/4; at 0.26 every mode collapses" in verdicts.of_thresholds()


def test_a_wrong_threshold_would_show(monkeypatch):
    from neuroalpha.theory.eigenflow import basins

    right = basins.fixed_points
    monkeypatch.setattr(basins, "fixed_points", lambda setting: (1.1 * right(setting)[0], right(setting)[1]))
    assert "at 0 of 12" in verdicts.of_thresholds()


@pytest.mark.parametrize("naive", [True, False])
def test_ends_of_flows(naive):
    linear = xr.Dataset(
        {
            "loss_simulated": (("setting", "step", "time_index"), [[[0.0, -1.0], [0.0, -1.999]]]),
            "limit_loss": ("setting", [-2.0]),
        }
    )
    ratio = xr.Dataset(
        {"participation_simulated": (("step", "time_index"), [[3.0, 1.5], [3.0, 1.0]]), "w": ("output", [1, 2, 3])}
    )
    said = verdicts.of_limits({"linear": linear} | ({"naive": ratio} if naive else {}))
    assert said[0] == "The loss ends within 0.001 of the sum of the lowest eigenvalues."
    assert len(said) == 1 + naive
    if naive:
        assert said[1].endswith("of 3 outputs goes from 3 to 1.")
