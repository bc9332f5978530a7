"""``neuroalpha data``: cards listed and shown, files fetched or the way by hand told."""

from __future__ import annotations

import json


def test_data(cli, bad, tmp_path):
    names = {row["name"] for row in json.loads(cli("data", "list", "--json")[1])["data"]}
    assert {"cifar10", "stringer2019_natimg2800"} <= names
    code, out, _ = cli("data", "show", "stringer2019_natimg2800", "--path", tmp_path)
    assert code == 0
    assert "10.25378/janelia.6845348" in out
    assert "missing" in out
    assert json.loads(cli("data", "show", "cifar10", "--path", tmp_path, "--json")[1])["name"] == "cifar10"
    bad(cli("data", "show", "cifar11"), "cifar10")
    bad(cli("data", "fetch", "stringer2019_natimg2800", "--path", tmp_path), str(tmp_path), "janelia.6845348")


def test_a_file_put_there_by_hand_is_verified_and_used(cli, bad, tmp_path):
    name = "natimg2800_M170714_MP032_2017-09-14.mat"
    (tmp_path / name).write_bytes(b"not what was published")
    shown = json.loads(cli("data", "show", "stringer2019_natimg2800", "--path", tmp_path, "--json")[1])
    assert {s["name"]: s["state"] for s in shown["here"]}[name] == "wrong size"
    bad(cli("data", "fetch", "stringer2019_natimg2800", "--files", name, "--path", tmp_path), name)
    # A recording of a set whose names are known by pattern only is accepted as it is.
    (tmp_path / "ori32_M170604_MP031_2017-06-26.mat").write_bytes(b"x")
    code, out, err = cli("data", "fetch", "stringer2019_ori32", "--path", tmp_path)
    assert code == 0, err
    assert "ori32_M170604_MP031_2017-06-26.mat" in out
    assert "not verified" in err
