"""One row for each model, and readouts that are made when they are asked for."""

from __future__ import annotations

import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.runs.plan import read_plan
from neuroalpha.runs.run import run_zoo
from neuroalpha.runs.select_run import read_models, reader, without_readouts
from neuroalpha.runs.sweep_plan import sweep_plan


@pytest.fixture
def table(tmp_path):
    rows = [
        (model, layer, window, alpha, 0.5 + number / 10)
        for number, model in enumerate("abc")
        for layer, alpha in (("backbone", 1.0 + number), ("projector", 3.0))
        for window in ("4-100", "11-100")
    ]
    pd.DataFrame(rows, columns=["model", "layer", "window", "alpha", "accuracy"]).to_csv(
        tmp_path / "t.csv", index=False
    )
    return tmp_path / "t.csv"


def test_the_backbone_and_the_first_window_are_taken(table):
    found = read_models(table, ["alpha"], "accuracy")
    assert found["alpha"].tolist() == [1.0, 2.0, 3.0]
    assert set(found["window"]) == {"4-100"}
    assert found["accuracy"].tolist() == pytest.approx([50, 60, 70])
    assert read_models(table, ["alpha"], "accuracy", layer="projector", window="11-100")["alpha"].tolist() == [3.0] * 3


def test_percent_stays_percent(table):
    frame = pd.read_csv(table)
    frame["accuracy"] *= 100
    frame["accuracy at 0.3333"] = frame["accuracy"] - 5
    frame.to_csv(table, index=False)
    found = read_models(table, ["alpha"], "accuracy")
    assert found["accuracy"].tolist() == pytest.approx([50, 60, 70])
    assert found["accuracy at 0.3333"].tolist() == pytest.approx([45, 55, 65])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scores": ["alfa"]}, "no column 'alfa'; did you mean 'alpha'"),
        ({"layer": "bakbone"}, "no layer 'bakbone'; did you mean 'backbone'"),
        ({"images": "test"}, "no column 'images' to choose 'test' from; leave out --images"),
    ],
)
def test_what_is_not_there(table, options, message):
    with pytest.raises(na.InputError, match=message):
        read_models(table, options.pop("scores", ["alpha"]), "accuracy", **options)


def test_files_that_are_no_tables(tmp_path):
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(na.InputError, match=r"cannot read .*empty.csv"):
        read_models(tmp_path / "empty.csv", ["alpha"], "accuracy")
    with pytest.raises(na.InputError, match="no table or run"):
        read_models(tmp_path / "none.csv", ["alpha"], "accuracy")


def test_several_rows_of_a_model(table):
    frame = pd.read_csv(table)
    pd.concat([frame.assign(images="x"), frame.assign(images="y")]).to_csv(table, index=False)
    with pytest.raises(na.InputError, match=r"'a' has 2 rows in .*--images"):
        read_models(table, ["alpha"], "accuracy")


def test_only_survivors_are_read_out(sweep_file, tmp_path):
    plan = sweep_plan(sweep_file("lr = [0.02, 0.05, 0.1]"), threads=1)
    run_zoo(without_readouts(plan), tmp_path / "run", progress=False)
    models = read_models(tmp_path / "run", ["alpha"], "accuracy")
    assert "accuracy" not in models
    asked = []
    readout = reader(plan, tmp_path / "run" / "readouts", "backbone")

    def counted(row):
        asked.append(row["model"])
        return readout(row)

    found = na.select(models, counted, score="alpha", rule="random", budget=2)
    assert found.n_readouts == 2 == len(set(asked))
    status = na.zoo_status(tmp_path / "run" / "readouts").set_index("model")["state"]
    assert sorted(status[name] for name in status.index) == ["done", "done", "waiting"]
    # It is what a run of the whole plan finds.
    run_zoo(plan, tmp_path / "whole", progress=False)
    whole = read_models(tmp_path / "whole", ["alpha"], "accuracy").set_index("model")["accuracy"]
    for name, accuracy in zip(found.names, found.accuracies, strict=True):
        assert accuracy == pytest.approx(whole[name])


def test_plans_that_cannot_be_searched(tmp_path):
    head = '[[models]]\nname = "cifar:resnet20"\n[[images]]\nsource = "x"\n[[layers]]\nselect = "*"\n'
    (tmp_path / "plan.toml").write_text(head)
    with pytest.raises(na.InputError, match=r"no .* of kind 'readouts'"):
        without_readouts(read_plan(tmp_path / "plan.toml"))
    (tmp_path / "plan.toml").write_text(head + '[[tasks]]\nkind = "readouts"\ntest = "x"\n')
    with pytest.raises(na.InputError, match=r"no .* of kind 'spectra'"):
        without_readouts(read_plan(tmp_path / "plan.toml"))
