"""The command line: every command on real files, JSON that parses, one line and exit code 2 for bad input."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import neuroalpha as na


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    recording, _ = na.simulate_recording(1.0, 120, 150, signal_fraction=0.5, seed=0)
    na.write_stringer(recording, folder / "session.mat")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 200)) * np.arange(1, 201) ** -0.5
    net = na.make_assembly(x, stimulus_id=np.arange(120), neuroid={"layer": ["conv"] * 100 + ["fc"] * 100})
    na.save(net, folder / "net.nc")
    np.save(folder / "counts.npy", rng.normal(size=(60, 90))[..., None] + rng.normal(size=(60, 90, 4)))
    (folder / "images").mkdir()
    for index in range(12):
        Image.fromarray(rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(folder / "images" / f"{index:02d}.png")
    return folder


def test_spectrum_writes_what_it_says(cli, files, tmp_path):
    code, out, err = cli("spectrum", files / "session.mat", "--out", tmp_path / "out", "--json")
    assert code == 0
    assert "neuroalpha: " not in err  # a progress bar may show on a slow machine, a warning may not
    told = json.loads(out)
    row = told["populations"][0]
    assert row["estimator"] == "cvpca"
    assert row["low"] < row["alpha"] < row["high"]
    for path in told["written"]:
        assert (tmp_path / "out").samefile(__import__("pathlib").Path(path).parent)
    table = pd.read_csv(tmp_path / "out" / "alpha.csv")
    assert table.alpha[0] == pytest.approx(row["alpha"])
    assert (tmp_path / "out" / "spectra.png").read_bytes()[:4] == b"\x89PNG"
    again = cli("spectrum", tmp_path / "out" / "V1.spectrum.nc", "--json")[1]
    assert json.loads(again)["populations"][0]["alpha"] == pytest.approx(row["alpha"])


def test_spectrum_of_arrays_and_text(cli, files):
    code, out, _ = cli(
        "spectrum", files / "counts.npy", "--dims", "neuroid,stimulus,repeat", "--ranks", "4:20", "--draws", 0
    )
    assert code == 0
    assert "counts" in out
    assert "4-20" in out


def test_compare_writes_one_page(cli, files, tmp_path):
    page = tmp_path / "page.html"
    code, out, _ = cli(
        "compare", files / "session.mat", files / "net.nc", "--out", page, "--draws", 6, "--title", "A & B"
    )
    assert code == 0
    assert all(name in out for name in ("session V1", "net conv", "net fc"))
    html = page.read_text(encoding="utf-8")
    assert "A &amp; B" in html


def test_extract(cli, files, tmp_path):
    arguments = ("extract", "cifar:resnet20", files / "images", "--size", 32, "--crop", 32)
    code, out, _ = cli(
        *arguments, "--layer", "layer1", "--layer", "layer3", "--reduce", "mean", "--out", tmp_path / "a.nc", "--json"
    )
    assert code == 0
    assert json.loads(out)["neuroids"] == 16 + 64
    net = na.load(tmp_path / "a.nc")
    assert list(dict.fromkeys(net.layer.values.tolist())) == ["layer1", "layer3"]
    code, out, _ = cli(*arguments, "--list-layers", "--json")
    assert "layer3" in {row["layer"] for row in json.loads(out)["layers"]}
    assert "cifar:resnet20" in json.loads(cli("extract", "cifar:*", "--models", "--json")[1])["models"]


def test_version_and_help(cli):
    assert cli("--version")[1].strip() == na.__version__
    code, out, _ = cli("--help")
    assert code == 0
    assert all(command in out for command in ("demo", "data", "spectrum", "extract", "compare"))


def test_bad_recordings(cli, files, tmp_path, bad):
    whole = (files / "session.mat").read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[: len(whole) // 2])
    bad(cli("spectrum", tmp_path / "cut.mat"), "cut.mat", "cut short")
    (tmp_path / "text.mat").write_text("hello")
    bad(cli("spectrum", tmp_path / "text.mat"), "text.mat")
    bad(cli("spectrum", tmp_path / "none.mat"), "no such file")
    once, _ = na.simulate_recording(1.0, 60, 70, n_repeats=1, seed=0)
    na.write_stringer(once, tmp_path / "once.mat")
    bad(cli("spectrum", tmp_path / "once.mat"), "shown twice", "'pca'")
    bad(cli("spectrum", tmp_path / "once.mat", "--estimator", "cvpca"), "no stimulus occurs twice")
    silent = np.random.default_rng(0).normal(size=(2, 60, 50))
    silent[:, :, 7] = np.nan
    np.save(tmp_path / "silent.npy", silent)
    bad(cli("spectrum", tmp_path / "silent.npy"), "1 of 50 neuroids are NaN in every presentation", "07")


def test_bad_targets_are_found_before_the_work(cli, files, tmp_path, monkeypatch, bad):
    def never(*_, **__):
        raise AssertionError("the work began")

    for work in ("neuroalpha.recordings.open.open_responses", "neuroalpha.networks.images.images"):
        monkeypatch.setattr(work, never)
    (tmp_path / "file").write_text("")
    bad(cli("spectrum", files / "net.nc", "--out", tmp_path / "file"), "is a file, but a folder is needed")
    bad(cli("compare", files / "net.nc", files / "net.nc", "--out", tmp_path), "is a folder; give a file name")
    bad(cli("extract", "cifar:resnet20", files / "images", "--layer", "x", "--out", tmp_path), "is a folder")
    bad(cli("spectrum", files), "is a folder")


def test_one_file_twice_keeps_both_results(cli, files, tmp_path):
    told = json.loads(cli("spectrum", files / "net.nc", files / "net.nc", "--draws", 0, "--out", tmp_path, "--json")[1])
    assert [p["name"] for p in told["populations"]] == ["net conv", "net fc", "net conv (2)", "net fc (2)"]
    assert len(set(told["written"])) == len(told["written"]) == 6


def test_array_beside_a_recording(cli, files, tmp_path, bad):
    code, out, _ = cli(
        "compare", files / "session.mat", files / "counts.npy", "--dims", "neuroid, stimulus, repeat",
        "--draws", 0, "--out", tmp_path / "p.html",
    )  # fmt: skip
    assert code == 0, out
    assert "session V1" in out
    assert "counts" in out
    np.save(tmp_path / "one.npy", np.random.default_rng(0).normal(size=(60, 50)))
    bad(cli("spectrum", tmp_path / "one.npy"), "--dims")
    bad(cli("spectrum", tmp_path / "one.npy", "--dims", "stimulus,neuroid"), "shown twice", "'pca'")
    bad(cli("compare", files / "counts.npy", "--dims", "neuroid,stimulus,repeat"), "at least two populations")


def test_bad_windows_and_words(cli, files, bad):
    bad(cli("spectrum", files / "session.mat", "--ranks", "11:5000"), "outside the spectrum", "120")
    bad(cli("spectrum", files / "session.mat", "--ranks", "wide"), "FIRST:LAST")
    bad(cli("spectrum", files / "session.mat", "--by", "reggion"), "did you mean 'region'")
    bad(cli("spectrum", files / "session.mat", "--windw", "3"), "--windw", "--help")
    bad(cli("spectrum", files / "session.mat", "--seed", "-1"), "seed")
    bad(cli("spectrum", files / "session.mat", "--draws", "3"), "at least 5")


def test_bad_networks_and_images(cli, files, tmp_path, bad):
    images = files / "images"
    out = ("--out", tmp_path / "a.nc")
    bad(cli("extract", "cifar:resnet20", images, "--layer", "layer33", *out), "layer33", "layer3")
    bad(cli("extract", "cifar:resnet21", images, "--layer", "layer3", *out), "cifar:resnet20")
    bad(
        cli("extract", "cifar:resnet20", images, "--layer", "layer3", "--out", tmp_path / "no" / "a.nc"),
        "does not exist",
    )
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n not a picture")
    bad(cli("extract", "cifar:resnet20", tmp_path / "pictures", "--layer", "layer3", *out), "broken.png")
    import torch

    torch.save({"state_dict": na.load_model("cifar:resnet32").state_dict()}, tmp_path / "w.th")
    bad(cli("extract", "cifar:resnet20", images, "--layer", "layer3", "--weights", tmp_path / "w.th", *out), "layer1.3")
    assert not (tmp_path / "a.nc").exists()


def test_debug_shows_the_traceback(files):
    command = [sys.executable, "-m", "neuroalpha", "spectrum", str(files / "none.mat")]
    plain = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (plain.returncode, plain.stderr.count("\n")) == (2, 1)
    debug = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=False)
    assert "Traceback" in debug.stderr
    assert "InputError" in debug.stderr


def test_an_unexpected_error_is_one_line_too(cli, files, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr("neuroalpha.compare.measure.measure", fail)
    code, out, err = cli("spectrum", files / "net.nc")
    assert code == 1
    assert out == ""
    assert (
        err.strip()
        == "neuroalpha: unexpected RuntimeError: first line second line; run again with --debug for the traceback"
    )
