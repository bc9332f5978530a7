"""The kind ``readouts``: the numbers of ``na.readout`` and of the spectrum, from one pass and one decomposition."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.results import run_table
from neuroalpha.runs.task_columns import task_results

TASK = '[[tasks]]\nkind = "readouts"\nimages = ["train"]\ntest = "test"\n'
LAYERS = '[[layers]]\nselect = ["0", "4"]\nreduce = "flatten"\n'


@pytest.fixture
def sets(place):
    return place.labelled("train", 80) + place.labelled("test", 50, seed=2)


def results(place, out="run"):
    found = {names["layer"]: result for names, result in task_results(RunFolder.open(place.folder / out))}
    assert list(found) == ["0", "4"], na.zoo_status(place.folder / out)["reason"].tolist()
    return found


def features(place, name, layer):
    model = na.load_code(f"{place.folder / 'nets.py'}:small", allow=True, options={"width": 4})[0]
    shown = na.images(place.folder / f"{name}.npz", key="images", label_key="labels")
    return na.extract(model, shown, [layer], progress=False)


def test_scores_and_spectrum(place, sets):
    extra = 'classifiers = ["ridge", "knn", "logistic"]\nbootstrap = 50\nseed = 3\n'
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + extra))
    found = results(place)
    assert list(found) == ["0", "4"]
    for layer, result in found.items():
        train, test = features(place, "train", layer), features(place, "test", layer)
        own = na.readout(train, test, n_boot=50, seed=3)
        for name in ("accuracy", "accuracy_low", "calibration_error", "calibration_error_high", "nll", "brier"):
            assert float(result[name]) == pytest.approx(float(own[name]), rel=1e-6)
        np.testing.assert_allclose(result["eigenvalue"], own["eigenvalue"], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(result["criterion"], own["criterion"], rtol=1e-6)
        for kind in ("knn", "logistic"):
            assert float(result[f"{kind}_accuracy"]) == float(
                na.readout(train, test, classifier=kind, n_boot=0).accuracy
            )
        assert 0 < float(result["theory_error"]) < 3


def test_alpha_without_a_spectra_task(place, sets):
    """The table takes alpha from the readouts' own decomposition, the same number."""
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK), "alone")
    place.run(
        place.plan(
            place.small(4),
            images=sets,
            layers=LAYERS,
            tasks=TASK + TASK.replace("readouts", "spectra").replace('test = "test"\n', "draws = 0\n"),
        ),
        "both",
    )
    alone, both = (run_table(place.folder / out) for out in ("alone", "both"))
    assert alone["images"].unique().tolist() == ["train"] == both["images"].unique().tolist()
    np.testing.assert_allclose(alone["alpha"], both["alpha"], rtol=1e-6)
    assert alone["accuracy"].tolist() == both["accuracy"].tolist()
    assert alone["family"].unique().tolist() == ["nets"]


def test_labels_are_in_the_key(place, sets):
    def keys(out):
        run = RunFolder.open(place.folder / out)
        return {job["key"] for group in run.groups() for job in run.jobs(group["key"])["jobs"]}

    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK), "one")
    held = dict(np.load(place.folder / "test.npz"))
    np.savez(place.folder / "test.npz", images=held["images"], labels=held["labels"][::-1])
    place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK), "two")
    assert not keys("one") & keys("two")


def test_a_finished_run_does_nothing_again(place, sets):
    plan = place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK)
    assert place.run(plan).n_done == 2
    before = place.times()
    assert place.run(plan).n_done == 0
    assert place.times() == before


def test_a_layer_that_cannot_be_read_leaves_the_others_alone(place, sets):
    layers = '[[layers]]\nselect = ["first", "second"]\nreduce = "mean"\n'
    done = place.run(place.plan(place.odd("nan"), images=sets, layers=layers, tasks=TASK))
    assert (done.n_done, done.n_failed) == (1, 1)
    (row,) = na.zoo_status(place.folder / "run").to_dict("records")
    assert "layer 'second': NaN or infinite activations for 80 of 80 training images" in row["reason"]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ('test = ""\n', "expected the name of an"),
        ('test = "tst"\n', "names the images 'tst'; did you mean 'test'"),
        ('test = "test"\nclassifiers = ["knn"]\n', "leaves out 'ridge'"),
        ('test = "test"\nclassifiers = ["ridge", "svm"]\n', "has 'svm' among its classifiers"),
        ('test = "test"\npenalties = [0]\n', "expected a list of positive numbers"),
        ('test = "test"\nselect = "cv"\n', "expected 'gcv' or 'loo'"),
        ('test = "test"\nimages = ["trian"]\n', r"is for the images 'trian'; did you mean 'train'"),
    ],
)
def test_refused_plans(place, sets, task, said):
    with pytest.raises(na.InputError, match=said):
        place.run(place.plan(place.small(4), images=sets, tasks='[[tasks]]\nkind = "readouts"\n' + task))


def test_images_without_labels(place):
    images = '[[images]]\nsource = "pictures"\n' + place.labelled("train")
    with pytest.raises(na.InputError, match="the images 'pictures' have no labels, which a readout needs"):
        place.run(place.plan(place.small(4), images=images, tasks=TASK.replace('"test"', '"pictures"')))


def test_one_class_only(place):
    images = place.labelled("train", classes=("ash",)) + place.labelled("test")
    with pytest.raises(na.InputError, match=r"readouts of 'train', tested on 'test': .* one class only"):
        place.run(place.plan(place.small(4), images=images, tasks=TASK))


def test_the_training_images_are_no_test(place, sets):
    with pytest.raises(na.InputError, match=r"would be tested on 'test', the same images; say in \[\[tasks\]\]"):
        place.run(
            place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK.replace('images = ["train"]\n', ""))
        )


def test_two_tasks_of_a_kind(place, sets):
    with pytest.raises(na.InputError, match=r"several .* of kind 'readouts' for the images 'train'"):
        place.run(place.plan(place.small(4), images=sets, layers=LAYERS, tasks=TASK + TASK + "seed = 1\n"))
