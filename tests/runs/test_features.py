"""Responses that the readouts of a model share: taken once, in portions that fit, decomposed once."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.runs import features
from neuroalpha.runs.group import make_groups, make_subject
from neuroalpha.runs.models import expand_models
from neuroalpha.runs.pictures import survey_images
from neuroalpha.runs.plan import read_plan

LAYERS = '[[layers]]\nselect = ["0", "2", "4"]\nreduce = "flatten"\n'
TASKS = '[[tasks]]\nkind = "readouts"\nimages = ["train"]\ntest = "test"\n'


@pytest.fixture
def subject(place):
    images = place.labelled("train", 70) + place.labelled("test", 40, seed=2)
    plan = read_plan(place.plan(place.small(4), images=images, layers=LAYERS, tasks=TASKS))
    (group,) = make_groups(plan, expand_models(plan, True), survey_images(plan, False, False))
    return make_subject(group, True)


def settings(memory=None):
    return {"batch_size": 16, "device": "", "memory": memory}


@pytest.fixture
def passes(monkeypatch):
    """Count how often the model is shown a set."""
    seen = []
    true = features.stream

    def counting(subject, layers, images, settings):
        seen.append([layer.name for layer in layers])
        return true(subject, layers, images, settings)

    monkeypatch.setattr(features, "stream", counting)
    return seen


def test_numbers(subject):
    train, test = (
        na.extract(subject.model, images, ["0", "2", "4"], progress=False)
        for images in (subject.images, subject.open("test"))
    )
    for layer, ready in features.prepare(subject, subject.layers, "test", settings()):
        mine = (train.layer == layer.name).values
        x, y = train.values[:, mine].astype(float), test.values[:, mine].astype(float)
        found = ready.decomposition
        np.testing.assert_allclose(ready.train, (x - x.mean(0)) @ found.vectors, atol=1e-6)
        np.testing.assert_allclose(ready.test, (y - x.mean(0)) @ found.vectors, atol=1e-6)
        np.testing.assert_allclose(np.diag(ready.train.T @ ready.train), found.values, rtol=1e-6)
        assert ready.classes.train.shape == (70,)


def test_the_next_task_finds_them_there(subject, passes):
    list(features.prepare(subject, subject.layers, "test", settings()))
    assert passes == [["0", "2", "4"], ["0", "2", "4"]]  # training and test images, once each
    again = list(features.prepare(subject, subject.layers[1:], "test", settings()))
    assert len(passes) == 2
    assert [layer.name for layer, _ in again] == ["2", "4"]


def test_what_does_not_fit_is_done_in_portions_and_again(subject, passes):
    bound = 110 * 4 * 81 * 4 * 3  # about one wide layer
    first = {
        layer.name: ready.train for layer, ready in features.prepare(subject, subject.layers, "test", settings(bound))
    }
    assert len(passes) > 2
    assert sorted(name for shown in passes[::2] for name in shown) == ["0", "2", "4"]
    whole = features.prepare(subject, subject.layers, "test", settings())
    for layer, ready in whole:
        np.testing.assert_array_equal(first[layer.name], ready.train)


def test_labels_are_checked_before_the_model_runs(subject, passes, monkeypatch):
    monkeypatch.setattr(features, "labels_of", lambda images, name: np.array(["ash"] * len(images)))
    with pytest.raises(na.InputError, match="one class only"):
        list(features.prepare(subject, subject.layers, "test", settings()))
    assert passes == []
