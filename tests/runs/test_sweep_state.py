"""Sentences about a sweep."""

from __future__ import annotations

from neuroalpha.runs.results import run_table
from neuroalpha.runs.run import run_zoo
from neuroalpha.runs.sweep_plan import sweep_plan
from neuroalpha.runs.sweep_state import told_of_sweep

FALLS = """
objective = "simsiam"
options.stop_gradient = false
options.predictor = "none"
optimiser = "sgd"
epochs = 60
lr = {}
"""


def test_a_collapse_is_told_and_has_no_alpha(sweep_file, tmp_path):
    run_zoo(sweep_plan(sweep_file("lr = 0.05", FALLS.format("[0.3]")), threads=1), tmp_path / "run", progress=False)
    said = told_of_sweep(tmp_path / "run")
    assert said[0] == "2 networks trained"
    assert said[1].startswith("1 of them collapsed in their ")
    assert "simsiam-" in said[1]
    table = run_table(tmp_path / "run")
    fallen = table["family"] == "simsiam"
    fallen &= table["layer"] == "projector"  # its backbone still varies
    assert table.loc[fallen, "alpha"].isna().all()
    assert table.loc[fallen, "verdict"].str.contains("collapsed|one dimension|alike").all()
    assert table.loc[(table["layer"] == "backbone") & (table["window"] == "auto"), "alpha"].notna().all()


def test_a_sweep_of_collapsed_networks_says_so(sweep_file, tmp_path):
    run_zoo(sweep_plan(sweep_file(FALLS.format("[0.3, 0.2]")), threads=1), tmp_path / "run", progress=False)
    assert any(each.startswith("every network collapsed in its projector") for each in told_of_sweep(tmp_path / "run"))
