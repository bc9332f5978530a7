"""The kind ``noise``: the numbers of ``na.noise_robustness``, the same wrong labels for every model."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.runs import noise
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.group import make_groups, make_subject
from neuroalpha.runs.models import expand_models
from neuroalpha.runs.pictures import survey_images
from neuroalpha.runs.plan import read_plan
from neuroalpha.runs.results import run_table
from neuroalpha.runs.task_columns import noise_frame, task_results

HEAD = '[[tasks]]\nkind = "noise"\nimages = ["train"]\ntest = "test"\n'
TASK = HEAD + "levels = [0.0, 0.2, 0.4]\ndraws = 2\nbootstrap = 40\n"
LAYERS = '[[layers]]\nselect = ["0", "4"]\nreduce = "flatten"\n'


@pytest.fixture
def sets(place):
    return place.labelled("train", 80) + place.labelled("test", 50, seed=2)


@pytest.fixture
def human(place, sets):
    """Labels of which a third is wrong."""
    labels = np.load(place.folder / "train.npz")["labels"].copy()
    labels[::3] = "elm"
    np.savez(place.folder / "human.npz", worst=labels)
    return labels


def results(place, out="run"):
    found = {names["layer"]: result for names, result in task_results(RunFolder.open(place.folder / out))}
    assert list(found) == ["0", "4"], na.zoo_status(place.folder / out)["reason"].tolist()
    return found


def test_numbers(place, sets, human):
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + 'human = ["human.npz"]\nseed = 5\n'))
    model = na.load_code(f"{place.folder / 'nets.py'}:small", allow=True, options={"width": 4})[0]
    plan = read_plan(place.folder / "plan.toml")
    (group,) = make_groups(plan, expand_models(plan, True), survey_images(plan, False, False))
    small = noise.small_pictures(make_subject(group, True))
    for layer, result in results(place).items():
        train, test = (
            na.extract(model, na.images(place.folder / f"{name}.npz", key="images", label_key="labels"), [layer])
            for name in ("train", "test")
        )
        own = na.noise_robustness(
            train, test, levels=[0, 0.2, 0.4], n_seeds=2, human={"worst": human}, instance_features=small, n_boot=40,
            seed=5, progress=False,
        )  # fmt: skip
        for name in own.data_vars:
            np.testing.assert_allclose(result[name], own[name], rtol=1e-6, atol=1e-9, err_msg=str(name))


def test_small_pictures_are_means_of_pixels(place, sets):
    images = sets.replace('"labels"', '"labels"\nsize = 16\nnormalize = "none"')
    plan = read_plan(place.plan(place.small(4), images=images, tasks=TASK))
    (group,) = make_groups(plan, expand_models(plan, True), survey_images(plan, False, False))
    found = noise.small_pictures(make_subject(group, True))
    pixels = na.images(place.folder / "train.npz", key="images", size=16, normalize=None).batch(0, 80).numpy()
    expected = pixels.reshape(80, 3, 8, 2, 8, 2).mean(axis=(3, 5)).reshape(80, -1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_table_and_curves(place, sets, human):
    spectra = '[[tasks]]\nimages = ["train"]\ndraws = 0\n'
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=spectra + TASK + 'human = ["human.npz"]\n'))
    table = run_table(place.folder / "run")
    found = results(place)
    for row in table.to_dict("records"):
        result = found[row["layer"]]
        at = result.sel(noise="symmetric", level=0.4)
        assert row["noise_area: symmetric"] == float(result["noise_area"].sel(noise="symmetric"))
        assert row["noise_drop: symmetric"] == float(at["noise_drop"])
        assert row["accuracy: symmetric 0.4"] == float(at["accuracy_mean"])
        assert row["memorisation: symmetric"] == pytest.approx(float(at["memorisation"].mean()))
        assert row["accuracy: human worst"] == float(result["human_accuracy"][0])
    curves = noise_frame(RunFolder.open(place.folder / "run"), table)
    assert set(curves["noise"]) == {"symmetric", "asymmetric", "instance", "human"}
    assert set(curves["key"]) == set(table["key"])
    one = curves[(curves["layer"] == "4") & (curves["noise"] == "asymmetric")].sort_values("level")
    np.testing.assert_allclose(one["accuracy"], found["4"]["accuracy_mean"].sel(noise="asymmetric"))
    human_points = curves[(curves["layer"] == "4") & (curves["noise"] == "human")].sort_values("level")
    assert human_points["level"].tolist() == [0.0, float(found["4"]["human_wrong"][0])]


def test_human_labels_that_change_are_noticed(place, sets, human):
    plan = place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + 'human = ["human.npz"]\n')
    assert place.run(plan).n_done == 2
    assert place.run(plan).n_done == 0
    np.savez(place.folder / "human.npz", worst=human[::-1])
    assert place.run(plan).n_done == 2


def test_label_sets_that_are_wrong_equally_often_make_one_point(place, sets, human):
    true = np.load(place.folder / "train.npz")["labels"]
    np.savez(place.folder / "human.npz", worst=human, again=human, right=true)
    spectra = '[[tasks]]\nimages = ["train"]\ndraws = 0\n'
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=spectra + TASK + 'human = ["human.npz"]\n'))
    curves = noise_frame(RunFolder.open(place.folder / "run"), run_table(place.folder / "run"))
    one = curves[(curves["layer"] == "4") & (curves["noise"] == "human")]
    assert sorted(one["level"]) == [0.0, float((human != true).mean())]
    assert na.write_report(place.folder / "run")  # the page takes them


def test_human_labels_are_in_the_key(place, sets, human):
    plan = place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + 'human = ["human.npz"]\n')
    place.run(plan)
    before = set(place.results())
    np.savez(place.folder / "human.npz", worst=human[::-1])
    place.run(plan, "again")
    assert not before & set(place.results("again"))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ('noises = ["symmetrical"]\n', "has 'symmetrical' among its noises; did you mean 'symmetric'"),
        ("levels = [0, 1.5]\n", "1.5"),
        ('levels = "all"\n', "expected numbers from 0 to below 1"),
        ("draws = 0\n", "draws in .* is 0"),
        ("noises = []\n", "asks for no noise"),
    ],
)
def test_refused_plans(place, sets, task, said):
    with pytest.raises(na.InputError, match=said):
        place.run(place.plan(place.small(4), images=sets, tasks=HEAD + task))


def test_human_labels_that_do_not_fit(place, sets, human):
    def run(file):
        tasks = TASK + f'human = ["{file}"]\n'
        place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=tasks))

    np.savez(place.folder / "human.npz", worst=human[:-1])
    with pytest.raises(na.InputError, match="79"):
        run("human.npz")
    np.savez(place.folder / "human.npz", worst=np.where(human == "elm", "yew", human))
    with pytest.raises(na.InputError, match="classes that the training images lack: 'yew'"):
        run("human.npz")
    np.savez(place.folder / "human.npz", worst=human, clean_label=human)
    with pytest.raises(na.InputError, match=r"the true labels given and those of .* agree for"):
        run("human.npz")
    with pytest.raises(na.InputError, match="cannot read the human labels"):
        run("none.npz")
