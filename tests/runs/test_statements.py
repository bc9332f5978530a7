"""What a run says of the claims: from its folder to statistics, sentences and figures, in Python and in the shell."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.runs.statements import rank_windows, relate_run, write_statements

LAYERS = '[[layers]]\nselect = ["0", "4"]\nreduce = "flatten"\n'
TASKS = """
[[tasks]]
images = ["train"]
draws = 0
[[tasks]]
kind = "shifts"
images = ["train"]
test = "test"
corruptions = ["fog"]
severities = [3]
natural = ["wood"]
bootstrap = 20
[[tasks]]
kind = "noise"
images = ["train"]
test = "test"
levels = [0.0, 0.4]
noises = ["symmetric"]
draws = 2
bootstrap = 20
"""
QUICK = {"n_bootstrap": 20, "n_permutations": 20}


@pytest.fixture
def folder(place):
    """A run of six small models."""
    images = place.labelled("train", 80) + place.labelled("test", 60, seed=2) + place.labelled("wood", 60, seed=3)
    models = [place.small(width) + f'\nlabel = "w{width}"\nfamily = "{"ab"[width % 2]}"' for width in range(3, 9)]
    place.run(place.plan(*models, images=images, layers=LAYERS, tasks=TASKS))
    return place.folder / "run"


def test_from_the_folder_to_files(folder, tmp_path, cli):
    found = relate_run(folder, "ood", **QUICK)
    assert {"accuracy", "accuracy: wood", "effective robustness: fog"} <= set(found.sentences)
    windows = set(found.table["window"].dropna())
    assert {"auto", "2-12"} <= windows  # of the plan
    assert {"1-10", "2-10"} <= windows  # and all others
    assert set(found.points["family"]) == {"a", "b"}
    assert set(found.points["model"]) == {f"w{width}" for width in range(3, 9)}
    written = write_statements(found, tmp_path)
    names = {path.name for path in written}
    assert {"statistics.csv", "overview.csv", "points.csv", "sentences.txt"} <= names
    assert sum(name.startswith(("points_accuracy", "points-accuracy")) and name.endswith(".png") for name in names)
    assert len(pd.read_csv(tmp_path / "statistics.csv")) == len(found.table)
    assert "effective robustness: fog" in (tmp_path / "sentences.txt").read_text()

    out = tmp_path / "noise"
    code, said, err = cli("compare", "noise", folder, "--window", "2:12", "--out", out, "--json")
    assert code == 0, err
    told = json.loads(said)
    assert set(told["sentences"]) == {"noise_area: symmetric", "noise_drop: symmetric", "memorisation: symmetric"}
    assert {row["target"] for row in told["overview"]} == set(told["sentences"])
    assert "3 targets were looked at" in told["summary"][0]
    assert {row["window"] for row in told["statistics"]} == {"2-12"}
    assert (out / "statistics.csv").is_file()

    code, said, _ = cli("compare", "ood", folder, "--window", "2:12", "--control", "log parameters")
    assert code == 0
    assert said.startswith("alpha and accuracy under shift: ")
    assert "\naccuracy\n  " in said

    report = na.write_report(folder)
    assert folder / "statistics.csv" in report
    page = (folder / "report.html").read_text()
    assert "effective robustness: fog" in page
    assert "noise_area: symmetric" in page


def test_refused(place, tmp_path, cli, bad):
    bad(cli("compare", "ood", tmp_path), "is not the folder of a run")
    place.run(place.plan(place.small(4)))
    bad(cli("compare", "ood", place.folder / "run"), "has no readouts; add [[tasks]]")
    bad(cli("compare", "ood", place.folder / "run", "--window", "3"), "--window is '3'; expected FIRST:LAST")


def test_windows_are_inside_the_spectrum_and_long_enough():
    for n in (12, 50, 2000):
        for first, last in rank_windows(n):
            assert last <= n
            assert last >= 3 * first
    assert rank_windows(9) == []
