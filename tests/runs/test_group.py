"""One model on one image set: its layers, and keys that hold what a result depends on, and nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import neuroalpha as na
from neuroalpha.runs import spectra
from neuroalpha.runs.group import Group, make_groups, make_subject
from neuroalpha.runs.models import expand_models
from neuroalpha.runs.pictures import survey_images
from neuroalpha.runs.plan import read_plan

IMAGES = '[[images]]\nsource = "pictures"\n'
LAYERS = '[[layers]]\nselect = ["0", "4"]\n'


def groups(place, *models, allow_code=True, **tables):
    plan = read_plan(place.plan(*models, **tables))
    return make_groups(plan, expand_models(plan, allow_code), survey_images(plan, False, False))


def keys(place, model=None, images=IMAGES, layers=LAYERS, tasks="", run=""):
    (group,) = groups(place, model or place.small(4), images=images, layers=layers, tasks=tasks, run=run)
    return {job.layer: job.key for jobs in make_subject(group, True).jobs() for job in jobs}


@pytest.fixture
def base(place):
    return keys(place)


def test_the_same_plan_has_the_same_keys(place, base):
    assert keys(place) == base
    assert len(set(base.values())) == 2  # the layer counts


@pytest.mark.parametrize(
    "change",
    [
        {"run": '[run]\nbatch_size = 3\nmemory = "1 GB"\nthreads = 2\ndevice = "cpu"\nscratch = "/tmp"\n'},
        {"images": IMAGES + 'name = "another"\n'},
        {"images": IMAGES + "limit = 24\n"},
        {"images": IMAGES + "limit = 99\n"},
        {"layers": '[[layers]]\nselect = ["?"]\n'},
        {"tasks": "[[tasks]]\ndraws = 10\n"},
    ],
)
def test_what_does_not_change_a_result_does_not_change_its_key(place, base, change):
    found = keys(place, **change)
    assert {layer: found[layer] for layer in base} == base


@pytest.mark.parametrize(
    "change",
    [
        {"images": IMAGES + "size = 20\n"},
        {"images": IMAGES + "crop = 12\n"},
        {"images": IMAGES + 'normalize = "none"\n'},
        {"images": IMAGES + "limit = 20\n"},
        {"images": IMAGES + "limit = 20\nsample_seed = 0\n"},
        {"tasks": "[[tasks]]\ndraws = 12\n"},
        {"tasks": "[[tasks]]\nseed = 1\n"},
        {"tasks": "[[tasks]]\ncenter = false\n"},
        {"tasks": '[[tasks]]\nprecision = "float32"\n'},
        {"tasks": "[[tasks]]\nshards = 2\n"},
    ],
)
def test_what_changes_a_result_changes_its_key(place, base, change):
    assert not set(keys(place, **change).values()) & set(base.values())


def test_every_option_of_the_estimator_is_in_the_key(place, base, monkeypatch):
    other = {"draws": 20, "center": False, "seed": 9, "precision": "float32", "shards": 3, "estimator": "other"}
    assert set(other) == set(spectra.OPTIONS)
    subject = make_subject(groups(place, place.small(4), layers=LAYERS, tasks="")[0], True)
    found = {spectra.jobs(subject, {**spectra.OPTIONS, name: value})[0].key for name, value in other.items()}
    assert len(found | {base["0"]}) == len(other) + 1


def test_reduction(place, base):
    found = keys(place, layers=LAYERS + 'reduce = "mean"\n')
    assert found["0"] != base["0"]
    assert found["4"] == base["4"]  # a vector has nothing to reduce
    assert keys(place, layers=LAYERS + 'reduce = "project:3"\n')["4"] != base["4"]
    assert keys(place, layers=LAYERS + 'channels = "last"\n')["0"] != base["0"]


def test_format_and_version(place, base, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(spectra, "FORMAT", spectra.FORMAT + 1)
        assert not set(keys(place).values()) & set(base.values())
    monkeypatch.setattr(na, "__version__", "another")
    assert not set(keys(place).values()) & set(base.values())


def test_one_pixel(place, base):
    path = place.folder / "pictures" / "05.png"
    pixels = np.array(Image.open(path))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    assert not set(keys(place).values()) & set(base.values())


def test_code_counts_by_its_content(place, base):
    text = (place.folder / "nets.py").read_text()
    (place.folder / "nets.py").write_text(text.replace("nn.ReLU()", "nn.GELU()"))  # the same weights
    assert not set(keys(place).values()) & set(base.values())


def test_checkpoints_count_by_their_weights(place):
    layers = '[[layers]]\nselect = "avgpool"\n'
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.save(na.load_model("cifar:resnet20", seed=seed).state_dict(), place.folder / f"{name}.pt")
    model = 'name = "cifar:resnet20"\ncheckpoints = "{}.pt"'
    a, b, c = (keys(place, model.format(name), layers=layers) for name in "abc")
    assert a == b  # the name of a file is no part of a result
    assert a != c
    assert keys(place, 'name = "cifar:resnet20"', layers=layers) == a
    assert keys(place, 'name = "cifar:resnet20"\nseed = 1', layers=layers) == c


def test_own_preprocessing_of_a_model(place):
    (group,) = groups(place, 'code = "nets.py:own"', layers=LAYERS)
    subject = make_subject(group, True)
    assert subject.images.batch(0, 24).min() == -0.5
    first = {job.key for job in subject.jobs()[0]}
    text = (place.folder / "nets.py").read_text()
    (place.folder / "nets.py").write_text(text.replace("/ 255 - 0.5", "/ 255"))
    again = {job.key for job in make_subject(group, True).jobs()[0]}
    assert not first & again


def test_groups(place):
    images = IMAGES + 'models = "cifar:*"\n' + IMAGES + 'name = "few"\nlimit = 9\n'
    layers = '[[layers]]\nselect = "avgpool"\nmodels = "*20"\n[[layers]]\nselect = "0"\n'
    found = groups(place, 'name = "cifar:resnet20"', place.small(4), images=images, layers=layers)
    assert [(group.model.name, group.pictures.name, group.layers.select) for group in found] == [
        ("cifar:resnet20", "pictures", ("avgpool",)),
        ("cifar:resnet20", "few", ("avgpool",)),
        ("nets.py:small", "few", ("0",)),
    ]
    for group in found:
        assert Group.of(json.loads(json.dumps(group.payload()))) == group
    with pytest.raises(na.InputError, match=r"no \[\[layers\]\] entry is for 'cifar:resnet20'"):
        groups(place, 'name = "cifar:resnet20"', layers='[[layers]]\nselect = "*"\nmodels = "timm:*"\n')
    with pytest.raises(na.InputError, match=r"no \[\[images\]\] entry is for 'cifar:resnet20'"):
        groups(place, 'name = "cifar:resnet20"', images=IMAGES + 'models = "timm:*"\n')


def test_tasks_and_their_image_sets(place):
    images = place.labelled("train") + place.labelled("test", seed=2) + place.labelled("other", seed=3)
    tasks = '[[tasks]]\nimages = ["train"]\n[[tasks]]\nkind = "readouts"\nimages = ["train"]\ntest = "test"\n'
    (group,) = groups(place, place.small(4), images=images, tasks=tasks)
    assert group.pictures.name == "train"
    assert [each.name for each in group.beside] == ["test"]
    assert group.images("test").name == "test"
    assert Group.of(json.loads(json.dumps(group.payload()))) == group
    subject = make_subject(group, True)
    assert len(subject.open("test")) == 60
    assert subject.labels["family"] == "nets"
    (again,) = groups(
        place, place.small(4), images=images.replace('"test"', '"exam"', 1), tasks=tasks.replace('"test"', '"exam"')
    )
    assert again.key != group.key  # a name in the table
    assert [[job.key for job in jobs] for jobs in make_subject(again, True).jobs()] == [
        [job.key for job in jobs] for jobs in subject.jobs()
    ]  # but no other result
    with pytest.raises(na.InputError, match=r"no \[\[tasks\]\] entry is for the images of"):
        groups(
            place, place.small(4), images=images.replace("[[images]]", '[[images]]\nmodels = "cifar:*"', 1), tasks=tasks
        )


def test_layers(place):
    def chosen(layers):
        (group,) = groups(place, place.small(4), layers=layers)
        return [layer.name for layer in make_subject(group, True).layers]

    assert chosen('[[layers]]\nselect = ["4", "0", "none"]\n') == ["0", "4"]  # in the order of the model
    assert chosen('[[layers]]\nselect = "*"\n') == ["0", "1", "2", "3", "4", "output"]
    assert chosen('[[layers]]\nselect = "*"\npick = 3\n') == ["0", "2", "output"]
    assert chosen('[[layers]]\nselect = "*"\npick = 1\n') == ["output"]
    assert len(chosen('[[layers]]\nselect = "*"\npick = 99\n')) == 6
    with pytest.raises(na.InputError, match=r"nets\.py:small has no layer that fits 'fc'"):
        chosen('[[layers]]\nselect = "fc"\n')


def test_unknown_device(place):
    (group,) = groups(place, place.small(4), layers=LAYERS)
    with pytest.raises(na.InputError, match="the device 'nonsense' cannot be used here"):
        make_subject(group, True, "nonsense")
