"""Plans: what is read, what is refused, and what an error suggests."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.runs.plan import make_plan, read_plan

GOOD = {
    "models": [{"name": "cifar:*"}],
    "images": [{"source": "pictures"}],
    "layers": [{"select": "layer?"}],
}


def changed(table: str, **values):
    entries = GOOD.get(table, [{}]) if table != "run" else {}
    new = {**entries, **values} if table == "run" else [{**entries[0], **values}]
    return {**GOOD, table: new}


def test_defaults(tmp_path):
    plan = make_plan(GOOD, tmp_path)
    assert plan.layers[0].select == ("layer?",)
    assert plan.layers[0].reduce == "flatten"
    assert [task.kind for task in plan.tasks] == ["spectra"]
    assert plan.tasks[0].options["draws"] == 10
    assert plan.windows == ("auto",)
    assert plan.settings.batch_size == 64


def test_paths_start_at_the_plan(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "p.toml").write_text(
        '[[models]]\nname="cifar:resnet20"\n[[images]]\nsource="../x"\n[[layers]]\nselect="*"\n'
    )
    monkeypatch.chdir(tmp_path)
    plan = read_plan("here/p.toml")
    assert plan.path("../x").resolve() == tmp_path / "x"
    assert str(plan.path("/abs")) == "/abs"
    assert "~" not in str(plan.path("~/x"))


@pytest.mark.parametrize(
    ("table", "wrong", "meant"),
    [
        ("models", "nam", "name"),
        ("models", "excludes", "exclude"),
        ("images", "souce", "source"),
        ("layers", "selects", "select"),
        ("tasks", "draw", "draws"),
        ("tasks", "estimater", "estimator"),
        ("run", "batchsize", "batch_size"),
    ],
)
def test_unknown_keys_suggest_the_nearest(tmp_path, table, wrong, meant):
    with pytest.raises(na.InputError, match=f"unknown key '{wrong}'; did you mean .*'{meant}'"):
        make_plan(changed(table, **{wrong: "x"}), tmp_path)


def test_unknown_table_suggests_the_nearest(tmp_path):
    with pytest.raises(na.InputError, match="unknown key 'layer'; did you mean 'layers'"):
        make_plan({**GOOD, "layer": []}, tmp_path)


@pytest.mark.parametrize(
    ("table", "values", "said"),
    [
        ("models", {"name": 3}, "name in .* is 3; expected text"),
        ("models", {"seed": -1}, "seed in .* is -1; expected a whole number of at least 0"),
        ("models", {"seed": True}, "seed in .* is True"),
        ("models", {"num_classes": 0}, "at least 1"),
        ("models", {"exclude": [3]}, "expected text or a list of texts"),
        ("models", {"options": 3}, "expected a table"),
        ("models", {"name": ""}, "needs one of name, checkpoints"),
        ("models", {"code": "a.py:f"}, "needs one of name, checkpoints"),
        ("models", {"options": {"a": 1}}, "options, which are for code"),
        ("models", {"checkpoints": "x", "weights": "y"}, "weights beside checkpoints"),
        ("images", {"limit": 0}, "limit in .* is 0; expected a whole number of at least 1"),
        ("images", {"limit": 2.5}, "limit in .* is 2.5"),
        ("images", {"size": [1, 2, 3]}, "number of pixels"),
        ("images", {"crop": [0, 4]}, "number of pixels"),
        ("layers", {"select": []}, "expected text or a list of texts"),
        ("layers", {"pick": 0}, "at least 1"),
        ("layers", {"reduce": "men"}, "no reduction 'men'; did you mean 'mean'"),
        ("layers", {"channels": "middle"}, "channels"),
        ("tasks", {"kind": "spectrum"}, "kind 'spectrum'; did you mean 'spectra'"),
        ("tasks", {"kind": ["spectra"]}, "kind"),
        ("tasks", {"estimator": "pcaa"}, "estimator 'pcaa'; did you mean 'pca'"),
        ("tasks", {"estimator": ["pca"]}, "estimator"),
        ("tasks", {"estimator": "cvpca"}, "compares repeated presentations"),
        ("tasks", {"draws": 3}, "at least 5"),
        ("tasks", {"draws": "ten"}, "whole number"),
        ("tasks", {"center": 1}, "true or false"),
        ("tasks", {"precision": "float16"}, "float64"),
        ("tasks", {"shards": 0}, "shards"),
        ("run", {"batch_size": 0}, "at least 1"),
        ("run", {"threads": "two"}, "whole number"),
        ("run", {"memory": 0}, "size as '2 GB'"),
    ],
)
def test_wrong_values(tmp_path, table, values, said):
    with pytest.raises(na.InputError, match=said) as error:
        make_plan(changed(table, **values), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("windows", [[], "auto", [[3, 2]], [[0, 5]], [[1, 2, 3]], ["all"], [[1.0, 5.0]], 3])
def test_wrong_windows(tmp_path, windows):
    with pytest.raises(na.InputError, match="windows in the plan is"):
        make_plan({**GOOD, "windows": windows}, tmp_path)


def test_windows(tmp_path):
    assert make_plan({**GOOD, "windows": ["auto", [4, 40], "auto"]}, tmp_path).windows == ("auto", (4, 40))


@pytest.mark.parametrize("missing", ["models", "images", "layers"])
def test_missing_tables(tmp_path, missing):
    with pytest.raises(na.InputError, match=rf"at least one \[\[{missing}\]\]"):
        make_plan({name: value for name, value in GOOD.items() if name != missing}, tmp_path)


@pytest.mark.parametrize(("table", "key"), [("images", "source"), ("layers", "select")])
def test_missing_keys(tmp_path, table, key):
    with pytest.raises(na.InputError, match=f"lacks '{key}'"):
        make_plan({**GOOD, table: [{}]}, tmp_path)


def test_files_that_are_no_plans(tmp_path):
    with pytest.raises(na.InputError, match="cannot read the plan"):
        read_plan(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("models = [")
    with pytest.raises(na.InputError, match="is not TOML"):
        read_plan(tmp_path / "bad.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(na.InputError, match="cannot read the plan"):
        read_plan(tmp_path / "bytes.toml")


def test_tasks_for_some_image_sets(tmp_path):
    content = {
        **GOOD,
        "images": [{"source": "a/train.npz"}, {"source": "b", "name": "test"}, {"source": "c", "name": "sketch"}],
        "tasks": [
            {"images": "t*"},
            {"kind": "shifts", "images": ["train"], "test": "test", "natural": ["sketch"], "published": ["sets/C"]},
        ],
    }
    first, second = make_plan(content, tmp_path).tasks
    assert first.images == ("t*",)
    assert second.images == ("train",)
    assert second.options["published"] == [str(tmp_path / "sets" / "C")]  # paths start at the plan
    assert make_plan(GOOD, tmp_path).tasks[0].images == ("*",)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"images": ["trian"]}, "is for the images 'trian'"),
        ({"kind": "readouts", "test": "picture"}, "names the images 'picture'; did you mean 'pictures'"),
        ({"kind": "shifts", "test": "pictures", "natural": ["none"]}, "names the images 'none'"),
        ({"kind": "reedouts"}, "did you mean 'readouts'"),
        ({"kind": "noise", "tset": "pictures"}, "did you mean 'test'"),
    ],
)
def test_tasks_that_cannot_be(tmp_path, task, said):
    with pytest.raises(na.InputError, match=said):
        make_plan({**GOOD, "tasks": [task]}, tmp_path)
