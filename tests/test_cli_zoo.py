"""``neuroalpha zoo`` and ``neuroalpha report``: what they print, their exit codes, one line for what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import neuroalpha as na

PLAN = """
[[models]]
{model}
[[images]]
source = "noise.npy"
[[layers]]
select = ["layer3", "avgpool"]
reduce = "mean"
[[tasks]]
draws = 5
[run]
threads = 1
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("noise.npy", np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8))

    def write(model='name = "cifar:resnet20"', extra=""):
        (tmp_path / "plan.toml").write_text(PLAN.format(model=model) + extra)
        return "plan.toml"

    return write


def test_run_status_report(cli, plan, tmp_path):
    code, out, _ = cli("zoo", "run", plan())
    assert code == 0
    assert "1 models on image sets: 0 finished before, 2 results added" in out
    for name in ("table.csv", "report.html"):
        assert (tmp_path / "plan-run" / name).is_file()
    code, out, _ = cli("zoo", "run", "plan.toml", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["results_added"], told["groups_kept"], told["groups_failed"]) == (0, 1, 0)
    assert cli("zoo", "status", "plan-run")[1].strip() == "1 done"
    (row,) = json.loads(cli("zoo", "status", "plan-run", "--json")[1])["groups"]
    assert (row["state"], row["done"], row["jobs"]) == ("done", 2, 2)
    code, out, _ = cli("report", "plan-run", "--out", "page.html", "--title", "Mine", "--json")
    assert code == 0
    assert "page.html" in json.loads(out)["written"]
    assert "<title>Mine" in (tmp_path / "page.html").read_text()


def test_dry_run(cli, plan, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = cli("zoo", "run", plan(), "--dry-run")
    assert code == 0
    assert "1 models on image sets, 2 jobs, 2 to do: about" in out
    (row,) = json.loads(cli("zoo", "run", "plan.toml", "--dry-run", "--json")[1])["groups"]
    assert (row["jobs"], row["to_do"], row["problem"]) == (2, 2, "")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "plan.toml"])


def test_failures_exit_with_1_and_are_mended(cli, plan, tmp_path):
    (tmp_path / "nets").mkdir()
    for name in ("good", "a b<c>"):
        torch.save(na.load_model("cifar:resnet20").state_dict(), tmp_path / "nets" / f"{name}.pt")
    good = (tmp_path / "nets" / "a b<c>.pt").read_bytes()
    (tmp_path / "nets" / "a b<c>.pt").write_bytes(good[:1000])
    code, out, err = cli(
        "zoo", "run", plan('name = "cifar:resnet20"\ncheckpoints = "nets"'), "--out", "o u t", "--json"
    )
    assert code == 1
    told = json.loads(out)
    assert (told["groups"], told["groups_failed"], told["results_added"]) == (2, 1, 2)
    assert "1 of 2 failed, wholly or in part: `neuroalpha zoo status o u t` says why" in err
    code, out, _ = cli("zoo", "status", "o u t")
    assert out.startswith("1 done, 1 failed")
    assert "a b<c>.pt" in out
    page = (tmp_path / "o u t" / "report.html").read_text()
    assert "a b&lt;c&gt;.pt" in page
    assert "a b<c>" not in page
    (tmp_path / "nets" / "a b<c>.pt").write_bytes(good)
    code, out, _ = cli("zoo", "run", "plan.toml", "--out", "o u t", "--retry-failed")
    assert code == 0
    assert cli("zoo", "status", "o u t")[1].strip() == "2 done"


def test_all_fail(cli, plan, tmp_path):
    (tmp_path / "bad.pt").write_bytes(b"")
    code, out, err = cli("zoo", "run", plan('name = "cifar:resnet20"\ncheckpoints = "bad.pt"'), "--json")
    assert code == 1
    assert json.loads(out)["written"] == []
    assert "1 of 1 failed" in err


def test_bad_input(cli, bad, plan, tmp_path):
    bad(cli("zoo", "run", "none.toml"), "cannot read the plan none.toml")
    bad(cli("zoo", "run", plan('nam = "x"')), "unknown key 'nam'; did you mean 'name'")
    bad(cli("zoo", "run", plan('name = "cifar:resnet21"')), "did you mean", "'cifar:resnet20'")
    bad(cli("zoo", "run", plan('code = "nets.py:f"')), "--allow-code")
    bad(cli("zoo", "run", plan(), "--join", "none.csv"), "there is no table none.csv to join")
    bad(cli("zoo", "run", plan(), "--memory", "much"), "memory is 'much'")
    bad(cli("zoo", "run", plan(), "--out", "noise.npy"), "is a file, but a folder is needed")
    bad(cli("zoo", "run", plan(), "--out", "/sys/nothing"), "/sys/nothing")
    bad(cli("zoo", "status", "."), "is not the folder of a run")
    bad(cli("report", "."), "is not the folder of a run")
    assert not (tmp_path / "plan-run").exists()


def test_unreadable_images(cli, bad, plan, tmp_path):
    from PIL import Image

    for index in range(30):
        pixels = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index:02d}.png")
    (tmp_path / "12.png").write_bytes((tmp_path / "12.png").read_bytes()[:150])
    plan()
    text = (tmp_path / "plan.toml").read_text()
    (tmp_path / "plan.toml").write_text(text.replace("noise.npy", "."))
    bad(cli("zoo", "run", "plan.toml"), "1 of 30 images", "12.png", "--skip-bad-images")
    code, _, err = cli("zoo", "run", "plan.toml", "--skip-bad-images")
    assert code == 0
    assert "neuroalpha: warning: 1 of 30 images" in err


def test_help_does_not_load_dask_or_torch():
    code = (
        "import sys\nfrom neuroalpha.cli import app\n"
        "try:\n    app(['zoo', 'run', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'dask', 'distributed', 'torch', 'pandas.core'} & set(sys.modules)\n"
        "assert not heavy - {'pandas.core'}, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_run_without_spectra_says_why_there_is_no_table(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    text = '[[models]]\nname = "cifar:resnet20"\n[[layers]]\nselect = "avgpool"\n'
    for name in ("train", "test"):
        np.savez(name, x=rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8), y=["cat", "dog"] * 10)
        text += f'[[images]]\nsource = "{name}.npz"\nkey = "x"\nlabel_key = "y"\n'
    task = '[[tasks]]\nkind = "noise"\nimages = "train"\ntest = "test"\nnoises = ["symmetric"]\ndraws = 1\n'
    (tmp_path / "plan.toml").write_text(text + task)
    code, out, err = cli("zoo", "run", "plan.toml")
    assert code == 0
    assert "1 results added" in out
    assert "there is no table yet; add [[tasks]] of kind 'spectra' or 'readouts'" in err
    (tmp_path / "plan.toml").write_text(text + task + task.partition("noises")[0].replace("noise", "readouts"))
    assert "table yet" not in cli("zoo", "run", "plan.toml")[2]
    assert (tmp_path / "plan-run" / "table.csv").is_file()
