"""The kind ``shifts``: the numbers of ``na.shift_accuracy``, corrupted images made once for all models."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import neuroalpha as na
from neuroalpha.runs import shifts
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.results import run_table
from neuroalpha.runs.task_columns import task_results

TASK = '[[tasks]]\nkind = "shifts"\nimages = ["train"]\ntest = "test"\n'
FOG = 'corruptions = ["fog", "*noise"]\nseverities = [1, 5]\nbootstrap = 40\n'
LAYERS = '[[layers]]\nselect = ["0", "4"]\nreduce = "flatten"\n'


@pytest.fixture
def sets(place):
    return place.labelled("train", 80) + place.labelled("test", 50, seed=2) + place.labelled("wood", 40, seed=3)


def results(place, out="run"):
    found = {names["layer"]: result for names, result in task_results(RunFolder.open(place.folder / out))}
    assert list(found) == ["0", "4"], na.zoo_status(place.folder / out)["reason"].tolist()
    return found


def shown(place, name):
    return na.images(place.folder / f"{name}.npz", key="images", label_key="labels")


def test_numbers(place, sets):
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + FOG + 'natural = ["wood"]\n'))
    model = na.load_code(f"{place.folder / 'nets.py'}:small", allow=True, options={"width": 4})[0]
    own = na.shift_accuracy(
        model, shown(place, "train"), shown(place, "test"), ["0", "4"], "flatten", corruptions=["fog", "*noise"],
        severities=[1, 5], natural={"wood": shown(place, "wood")}, n_boot=40, progress=False,
    )  # fmt: skip
    for layer, result in results(place).items():
        for name in own[layer].data_vars:
            if own[layer][name].dtype.kind == "f":
                np.testing.assert_allclose(result[name], own[layer][name], rtol=1e-6, err_msg=str(name))
        assert result["natural"].values.tolist() == ["wood"]


def test_columns(place, sets):
    spectra = '[[tasks]]\nimages = ["train"]\ndraws = 0\n'
    plan = place.plan(place.small(4), images=sets, layers=LAYERS, tasks=spectra + TASK + FOG + 'natural = ["wood"]\n')
    place.run(plan)
    table = run_table(place.folder / "run")
    found = results(place)
    for row in table.to_dict("records"):
        result = found[row["layer"]]
        assert row["accuracy: fog"] == float(result["kind_accuracy"].sel(corruption="fog"))
        assert row["accuracy: wood"] == float(result["natural_accuracy"][0])
        assert row["corruption_accuracy"] == pytest.approx(float(result["corruption_accuracy"].mean()))
        assert row["mean_corruption_error"] == pytest.approx(1 - row["corruption_accuracy"])
        assert row["accuracy"] == float(result["accuracy"])


def test_published_folders(place, sets):
    folder = place.folder / "Wood-C"
    folder.mkdir()
    held = np.load(place.folder / "test.npz")
    changed = [na.corrupt(held["images"], "fog", severity) for severity in range(1, 6)]
    np.save(folder / "fog.npy", np.concatenate(changed))
    codes = np.searchsorted(["ash", "elm", "fir"], held["labels"])
    np.save(folder / "labels.npy", np.tile(codes, 5))
    extra = 'corruptions = ["fog"]\npublished = ["Wood-C"]\nclasses = ["ash", "elm", "fir"]\n'
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + extra))
    for result in results(place).values():
        assert result["natural"].values.tolist() == [f"Wood-C: fog/{severity}" for severity in range(1, 6)]
        np.testing.assert_array_equal(result["natural_accuracy"], result["corruption_accuracy"].values[0])
        columns = shifts.columns(result)
        assert columns["accuracy: Wood-C"] == columns["accuracy: Wood-C fog"]
        assert columns["accuracy: Wood-C"] == pytest.approx(float(result["kind_accuracy"][0]))
        assert columns["clean accuracy: Wood-C"] == pytest.approx(float(result["accuracy"]))
        assert columns["n_images: Wood-C"] == columns["n_test"] == 50


def test_a_published_folder_that_changes_is_noticed(place, sets):
    folder = place.folder / "more"
    for name in ("ash", "elm"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    extra = 'corruptions = []\npublished = ["more"]\n'
    plan = place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + extra)
    with pytest.warns(UserWarning, match="answers are among the 2 of 3"):
        assert place.run(plan).n_done == 2
    assert place.run(plan).n_done == 0
    Image.fromarray(255 - pixels).save(folder / "elm" / "2.png")
    assert place.run(plan).n_done == 2


def test_what_is_wrong_with_one_task_leaves_the_others_alone(place, sets):
    """A published image that cannot be read shows when it is."""
    folder = place.folder / "more"
    for name in ("ash", "elm"):
        (folder / name).mkdir(parents=True)
        Image.fromarray(np.zeros((20, 20, 3), dtype=np.uint8)).save(folder / name / "0.png")
    content = (folder / "elm" / "0.png").read_bytes()
    (folder / "elm" / "0.png").write_bytes(content[: len(content) * 2 // 3])
    readouts = TASK.replace("shifts", "readouts")
    extra = 'corruptions = []\npublished = ["more"]\n'
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + extra + readouts))
    found = [names["kind"] for names, _ in task_results(RunFolder.open(place.folder / "run"))]
    assert found == ["readouts", "readouts"]
    (row,) = na.zoo_status(place.folder / "run").to_dict("records")
    assert "elm/0.png" in row["reason"]


def test_fewer_classes(place):
    images = place.labelled("train", 80) + place.labelled("test", 50, seed=2)
    images += place.labelled("pair", 30, seed=4, classes=("ash", "elm", "oak"))
    plan = place.plan(
        place.small(4), images=images, layers=LAYERS, tasks=TASK + 'corruptions = []\nnatural = ["pair"]\n'
    )
    with pytest.warns(UserWarning, match="images of classes not trained: 'oak'; answers are among the 2 of 3"):
        place.run(plan)
    for result in results(place).values():
        assert int(result["natural_classes"][0]) == 2
        assert result["natural_dropped"].values.tolist() == ["oak"]
        assert int(result["natural_images"][0]) < 30


def test_files_of_published_sets_are_in_the_key(place):
    folder = place.folder / "set"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = shifts.content_of(str(folder))
    assert shifts.content_of(str(folder)) == first
    (folder / "a").write_text("2")
    assert shifts.content_of(str(folder)) != first
    with pytest.raises(na.InputError, match="no folder"):
        shifts.content_of(str(folder / "none"))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ('corruptions = ["fogg"]\n', "no corruption 'fogg'"),
        ("corruptions = []\n", "asks for no shift"),
        ("severities = [6]\n", "whole numbers from 1 to 5"),
        ('natural = ["wod"]\n', "names the images 'wod'; did you mean 'wood'"),
        ("natural = 3\n", "expected a list of texts"),
        ("bootstrap = 0\n", "n_boot is 0"),
        ('natural = ["wood", "wood"]\n', "has a shift called 'wood', which another has"),
        ('published = ["a/fog"]\n', "has a shift called 'fog'"),
        ('natural = ["train"]\n', "'train' is the images that the readouts are trained on"),
    ],
)
def test_refused_plans(place, sets, task, said):
    with pytest.raises(na.InputError, match=said):
        place.run(place.plan(place.small(4), images=sets, tasks=TASK + task))
