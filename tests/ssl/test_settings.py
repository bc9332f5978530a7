"""Settings: checked, the same from wherever they come, and a key that tells runs apart."""

from __future__ import annotations

import dataclasses
import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.ssl import optimisers
from neuroalpha.ssl.settings import OPTIMISERS, SCHEDULES, TrainSettings, make_settings

ANOTHER = {
    "objective": "spectral",
    "options": {"mu": 2.0},
    "backbone": "resnet18",
    "width": 8,
    "projector_hidden": 7,
    "projector_out": 7,
    "projector_layers": 3,
    "recipe": "weak",
    "strength": 0.5,
    "size": 16,
    "optimiser": "lars",
    "lr": 0.5,
    "momentum": 0.5,
    "weight_decay": 0.5,
    "batch_size": 7,
    "epochs": 7,
    "warmup": 2.0,
    "schedule": "constant",
    "ema": 0.5,
    "precision": "float32",
    "channels_last": False,
    "deterministic": False,
    "seed": 7,
    "device": "cpu",
    "monitor_last": 7,
    "evaluate_every": 7,
    "evaluate_images": 7,
}


def test_every_setting_changes_the_key_but_the_device():
    assert set(ANOTHER) == {each.name for each in dataclasses.fields(TrainSettings)}
    base = make_settings({"objective": "spectral"})
    for name, value in ANOTHER.items():
        if name == "objective":
            continue
        other = base.changed(**{name: value})
        assert getattr(other, name) == value
        assert (other.key("sha256:0") == base.key("sha256:0")) == (name == "device"), name
    assert base.key("sha256:0") != base.key("sha256:1")
    assert base.key("sha256:0") != make_settings({"objective": "isoloss"}).key("sha256:0")


@given(lr=st.floats(0, 10), epochs=st.integers(1, 1000), mu=st.floats(0.1, 10), width=st.none() | st.integers(1, 64))
def test_they_come_back_from_json(lr, epochs, mu, width):
    settings = make_settings(
        {"objective": "spectral", "lr": lr, "epochs": epochs, "options": {"mu": mu}, "width": width}
    )
    assert make_settings(json.loads(settings.to_json())) == settings


def test_whole_numbers_of_a_file_are_the_floats_they_stand_for():
    table = tomllib.loads('objective = "spectral"\nlr = 1\nweight_decay = 0\n[options]\nmu = 3')
    settings = make_settings(table)
    assert repr(settings) == repr(make_settings({**table, "lr": 1.0, "weight_decay": 0.0, "options": {"mu": 3.0}}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must be a table of names and values, not list"),
        ({"learning_rate": 1}, "unknown setting 'learning_rate'"),
        ({"epoch": 1}, r"unknown setting 'epoch' in the settings; did you mean 'epochs'"),
        ({"objective": "simclrr"}, "expected one of simclr, .*did you mean 'simclr'"),
        ({"objective": ["simclr"]}, "objective in the settings is .*expected one of"),
        ({"backbone": "resnet19"}, "did you mean 'resnet18'"),
        ({"options": {"tau": 1}}, r"simclr has no option 'tau' \(the settings\).*it has: temperature"),
        ({"options": [1]}, "expected a table of the objective's options"),
        ({"options": {"temperature": object()}}, "must be numbers, texts and lists"),
        ({"lr": -1}, "lr in the settings is -1; expected a number from 0"),
        ({"lr": float("nan")}, "expected a number"),
        ({"lr": float("inf")}, "expected a finite number"),
        ({"lr": "fast"}, "lr in the settings is 'fast'"),
        ({"lr": True}, "lr in the settings is True"),
        ({"ema": 1.5}, "ema in the settings is 1.5; expected a number from 0 to 1"),
        ({"momentum": 1.0}, "momentum in the settings is 1.0; expected a number below 1"),
        ({"batch_size": 1}, "whole number of at least 2"),
        ({"epochs": 2.5}, "epochs in the settings is 2.5; expected a whole number"),
        ({"epochs": 3, "warmup": 4}, "warmup in the settings is 4 epochs of 3"),
        ({"channels_last": 1}, "expected true or false"),
        ({"strength": 3}, "strength in the settings is 3; expected a number from 0 to 2.5"),
        ({"recipe": "simclrv2"}, "expected one of simclr, isoloss, weak, none"),
        ({"precision": "float16"}, "expected one of auto, float32, bfloat16"),
        ({"seed": None}, "expected a whole number"),
    ],
)
def test_what_cannot_be(content, message):
    with pytest.raises(na.InputError, match=message) as caught:
        make_settings(content)
    assert "\n" not in str(caught.value)


def test_changed_is_checked_too():
    with pytest.raises(na.InputError, match="lr in changed"):
        TrainSettings().changed(lr=-1)


def test_names_are_those_that_exist():
    assert list(OPTIMISERS) == optimisers.list_optimisers()
    assert SCHEDULES == optimisers.SCHEDULES
