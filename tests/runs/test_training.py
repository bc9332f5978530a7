"""What the training of a network tells, as results and columns."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.run import run_zoo
from neuroalpha.runs.sweep_plan import sweep_plan
from neuroalpha.runs.task_columns import task_columns, task_results
from neuroalpha.runs.training import columns


def test_history_and_settings_reach_the_columns(sweep_file, tmp_path):
    path = sweep_file("lr = [0.1, 0.2]")
    done = run_zoo(sweep_plan(path, threads=1), tmp_path / "run", progress=False)
    assert done.n_failed == 0
    results = [
        (names, each) for names, each in task_results(RunFolder.open(tmp_path / "run")) if names["kind"] == "train"
    ]
    assert {names["layer"] for names, _ in results} == {"backbone", "projector"}
    for names, result in results:
        history = pd.read_csv(tmp_path / "sweep-trained" / names["model"] / "history.csv", float_precision="round_trip")
        np.testing.assert_allclose(result["loss"], history["loss"])
        np.testing.assert_allclose(result["alpha"], history[f"alpha: {names['layer']}"])
        told = columns(result)
        assert told["final_loss"] == history["loss"].iloc[-1]
        assert told["online_accuracy"] == history["readout_accuracy"].iloc[-1]
        assert told["setting: lr"] in (0.1, 0.2)
        assert json.loads(result.attrs["settings"])["objective"] == "spectral"
    found = task_columns(RunFolder.open(tmp_path / "run"))
    # Of settings, only those are columns that differ between the networks.
    assert [name for name in found if name.startswith("setting: ")] == ["setting: lr"]


def test_a_setting_that_is_a_table_becomes_text():
    told = {"projector_out": 4, "options.base_options": {"temperature": 0.2}, "lr": 0.1}
    attrs = {"final_loss": 8.0, "seconds": 1.0, "training_collapsed": "", "settings": json.dumps(told)}
    found = columns(xr.Dataset(attrs=attrs))
    assert found["setting: options.base_options"] == '{"temperature": 0.2}'
    assert found["setting: lr"] == 0.1
    assert found["final_loss_per_dimension"] == 2.0


def test_networks_that_were_not_trained_here_have_no_training(place):
    place.run(place.plan(place.small(4), tasks='[[tasks]]\nkind = "train"\n' + "[[tasks]]\ndraws = 0\n"))
    kinds = [job["kind"] for job in RunFolder.open(place.folder / "run").jobs(
        RunFolder.open(place.folder / "run").groups()[0]["key"]
    )["jobs"]]  # fmt: skip
    assert set(kinds) == {"spectra"}
