"""``neuroalpha ssl``: one network, a sweep, what is wrong with them."""

from __future__ import annotations

import json

import pandas as pd


def test_objectives_are_listed(cli):
    code, out, _ = cli("ssl", "objectives")
    assert code == 0
    assert "isoloss" in out
    assert json.loads(cli("ssl", "objectives", "--json")[1])["objectives"]["spectral"] == {"mu": 1.0}


def test_one_network(cli, sweep_file, tmp_path):
    path = sweep_file()
    code, out, _ = cli("ssl", "train", path)
    assert code == 0
    assert "spectral, 2 epochs" in out
    history = pd.read_csv(tmp_path / "sweep-trained" / "history.csv", float_precision="round_trip")
    told = json.loads(cli("ssl", "train", path, "--json")[1])  # trained already: read back
    assert told["last_epoch"]["loss"] == history["loss"].iloc[-1]
    assert told["collapsed"] == ""


def test_a_sweep(cli, sweep_file, tmp_path):
    path = sweep_file("lr = [0.05, 0.1]")
    code, out, _ = cli("ssl", "sweep", path, "--out", tmp_path / "run", "--dry-run", "--json")
    assert code == 0
    groups = json.loads(out)["groups"]
    assert len(groups) == 4
    assert all(group["seconds"] > 0 for group in groups)
    assert not (tmp_path / "sweep-trained").joinpath(groups[0]["model"]).exists()
    code, out, _ = cli("ssl", "sweep", path, "--out", tmp_path / "run", "--threads", "1")
    assert code == 0
    assert out.startswith("2 networks trained\n")
    assert (tmp_path / "run" / "report.html").is_file()
    told = json.loads(cli("ssl", "sweep", path, "--out", tmp_path / "run", "--threads", "1", "--json")[1])
    assert (told["groups"], told["results_added"], told["said"]) == (4, 0, ["2 networks trained"])


def test_labels_can_be_left_alone(cli, sweep_file, tmp_path):
    path = sweep_file("lr = [0.05, 0.1]")
    cli("ssl", "sweep", path, "--out", tmp_path / "run", "--threads", "1", "--no-readouts")
    table = pd.read_csv(tmp_path / "run" / "table.csv")
    assert "accuracy" not in table
    assert table["alpha"].notna().any()
    code, out, _ = cli(
        "select", tmp_path / "run", "--plan", path, "--budget", "1", "--rule", "random", "--window", "auto"
    )
    assert code == 0
    assert "1 readout" in out


def test_a_network_that_fails_is_told_and_the_rest_goes_on(cli, sweep_file, tmp_path):
    path = sweep_file('optimiser = "sgd"\nlr = [0.05, 1e30]')
    code, out, err = cli("ssl", "sweep", path, "--out", tmp_path / "run", "--threads", "1")
    assert code == 1
    assert "1 networks trained" in out
    assert "2 of 4 failed" in err
    assert "lr" in cli("zoo", "status", tmp_path / "run")[1]


def test_bad_files(cli, bad, sweep_file, tmp_path):
    bad(cli("ssl", "sweep", tmp_path / "none.toml"), "cannot read the sweep")
    path = sweep_file("lr = [0.05, 0.1]")
    bad(cli("ssl", "train", path), "describes 2 networks", "neuroalpha ssl sweep")
    path.write_text(path.read_text().replace('objective = "spectral"', 'objective = "spectrl"'))
    bad(cli("ssl", "sweep", path, "--dry-run"), "spectrl", "did you mean 'spectral'")
    (tmp_path / "held").write_text("x")
    bad(cli("ssl", "sweep", sweep_file(), "--out", tmp_path / "held"), "is a file")
