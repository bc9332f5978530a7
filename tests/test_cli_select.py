"""``neuroalpha select``: from a table, and with readouts as they are asked for."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    alpha = rng.uniform(0.5, 2.5, 40)
    frame = pd.DataFrame({"model": [f"m{number}" for number in range(40)], "alpha": alpha})
    frame.assign(accuracy=0.9 - 0.1 * np.abs(alpha - 1)).to_csv(tmp_path / "zoo.csv", index=False)
    return tmp_path / "zoo.csv"


def test_the_best_is_found_with_few_readouts(cli, table, tmp_path):
    code, out, _ = cli("select", table, "--budget", "20", "--json")
    assert code == 0
    told = json.loads(out)
    best = pd.read_csv(table)["accuracy"].max() * 100
    assert told["readouts"] <= 20
    assert told["accuracy"] > best - 1
    assert sum(model["status"] == "read out" for model in told["models"]) == told["readouts"]
    code, out, _ = cli("select", table, "--rule", "random", "--budget", "3", "--out", tmp_path / "out")
    assert code == 0
    assert "selection.csv" in out
    assert (pd.read_csv(tmp_path / "out" / "selection.csv")["status"] == "read out").sum() == 3


def test_all_rules_are_compared(cli, table, tmp_path, monkeypatch):
    from neuroalpha.compare import rule_comparison

    whole = rule_comparison.compare_rules
    monkeypatch.setattr(rule_comparison, "compare_rules", lambda *a, **k: whole(*a, **{**k, "orders": 20}))
    code, out, _ = cli("select", table, "--compare", "--out", tmp_path / "out", "--json")
    assert code == 0
    rules = pd.DataFrame(json.loads(out)["rules"])
    assert {"interval", "improvement", "random"} <= set(rules["rule"])
    assert (tmp_path / "out" / "rules.png").stat().st_size > 10_000


def test_what_is_missing(cli, bad, table, tmp_path):
    bad(cli("select", table, "--score", "rankme"), "no column 'rankme'")
    bad(cli("select", table, "--accuracy", "acc"), "no column 'acc'", "--plan")
    bad(cli("select", tmp_path / "none.csv"), "no table or run")
    bad(cli("select", table, "--plan", "sweep.toml"), "give the folder of the run")
    bad(cli("select", table, "--rule", "intervals"), "intervals")


def test_equal_and_missing_scores(cli, bad, table):
    frame = pd.read_csv(table)
    frame.assign(alpha=1.0).to_csv(table, index=False)
    code, out, err = cli("select", table, "--budget", "5")
    assert code in (0, 2)
    assert "equal" in out + err or "same" in out + err
    frame.assign(alpha=np.nan).to_csv(table, index=False)
    bad(cli("select", table), "alpha")


def test_models_of_a_run_are_read_out_as_they_are_chosen(cli, bad, sweep_file, tmp_path):
    from neuroalpha.runs.run import run_zoo
    from neuroalpha.runs.select_run import without_readouts
    from neuroalpha.runs.sweep_plan import sweep_plan

    path = sweep_file("lr = [0.02, 0.05, 0.1]")
    run_zoo(without_readouts(sweep_plan(path, threads=1)), tmp_path / "run", progress=False)
    bad(cli("select", tmp_path / "run"), "no column 'accuracy'")
    code, out, _ = cli(
        "select", tmp_path / "run", "--plan", path, "--rule", "random", "--budget", "2", "--json"
    )  # fmt: skip
    assert code == 0
    told = json.loads(out)
    assert told["readouts"] == 2
    assert 0 < told["accuracy"] <= 100
