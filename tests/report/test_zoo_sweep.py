"""What figures and the page know of a sweep's table: settings, scores, accuracies, how objectives look."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.report.zoo_sweep import (
    LOOKS,
    accuracies_of,
    collapsed,
    column,
    group_of,
    label_of,
    looks_of,
    scores_of,
    settings_of,
    sweep_data,
)

NAMES = st.lists(st.sampled_from([*LOOKS, "mine", "yours", "<b>", "a", "b", "c", "d", "e", "f", "g"]), min_size=1)


@given(NAMES, NAMES)
def test_known_objectives_look_the_same_in_every_figure(some, others):
    first, second = looks_of(some), looks_of([*some, *others])
    for name in set(some) & set(LOOKS):
        assert first[name] == second[name] == LOOKS[name]


@given(NAMES)
def test_looks_of_one_figure_differ_and_do_not_depend_on_the_order(names):
    looks = looks_of(names)
    assert list(looks) == sorted(set(names))
    assert looks == looks_of(names[::-1])
    assert len({(look.colour, look.marker) for look in looks.values()}) == len(looks)


def test_nine_objectives_have_a_colour_each():
    assert len({look.colour for look in list(LOOKS.values())[:9]}) == 9
    assert len({(look.colour, look.style) for look in LOOKS.values()}) == len(LOOKS)
    unknown = looks_of(["simclr", "mine"])["mine"]
    assert unknown.colour != LOOKS["simclr"].colour


def test_settings_are_those_that_differ():
    table = pd.DataFrame({
        "setting: objective": ["a", "b"], "setting: lr": [0.1, 0.1], "setting: options.temperature": [0.5, np.nan],
        "setting: width": [16, 32], "setting: norm": [True, False], "lr": [1, 2],
    })  # fmt: skip
    assert settings_of(table) == ["setting: objective", "setting: width", "setting: norm"]
    assert settings_of(table.iloc[:1]) == []


def test_scores_and_accuracies_hold_numbers():
    table = pd.DataFrame({
        "knn_accuracy": [0.1, np.nan], "accuracy": [0.2, 0.3], "accuracy: fog": 0.1, "online_accuracy": ["x", "y"],
        "lidar": [np.nan, np.nan], "rankme": [1, 2], "alpha": [1.0, np.nan], "accuracy_low": [0.1, 0.2], "clid": "high",
    })  # fmt: skip
    assert scores_of(table) == ["alpha", "rankme"]
    assert accuracies_of(table) == ["accuracy", "knn_accuracy", "accuracy: fog"]
    assert group_of(table) == ""
    assert group_of(table.assign(objective="a")) == "objective"
    assert group_of(table.assign(objective="a", **{"setting: objective": "b"})) == "setting: objective"


def test_columns_by_their_short_names():
    table = pd.DataFrame({"setting: lr": [1], "setting: options.temperature": [0.5], "lr": [2]})
    assert column(table, "lr") == "lr"
    assert column(table, "temperature") == column(table, "options.temperature") == "setting: options.temperature"
    assert label_of("setting: options.temperature") == "temperature"
    with pytest.raises(na.InputError, match="no column 'temprature'; did you mean"):
        column(table, "temprature")
    with pytest.raises(na.InputError, match=r"expected the sweep's table .* got list"):
        column([], "lr")


def test_what_says_that_a_model_collapsed():
    said = ["", None, np.nan, "collapsed: one dimension", "False", False, True, "no", 0, 1]
    assert collapsed(pd.DataFrame({"collapsed": said})).tolist() == [False] * 3 + [True] + [False] * 2 + [True] + [
        False
    ] * 2 + [True]
    assert not collapsed(pd.DataFrame({"alpha": [1, 2]})).any()


def test_what_the_page_is_told():
    table = pd.DataFrame({
        "setting: objective": ["simclr", "<script>"], "setting: lr": [0.1, 0.2], "layer": ["projector", "backbone"],
        "alpha": [1.0, np.nan], "collapsed": ["", "yes"], "accuracy": [0.5, 0.1],
    })  # fmt: skip
    told = sweep_data(table)
    assert told["layer"] == "backbone"
    assert told["layers"] == ["backbone", "projector"]
    assert told["collapsed"] == [1]
    assert told["looks"]["simclr"] == {"colour": LOOKS["simclr"].colour, "mark": "circle"}
    assert [each["name"] for each in told["settings"]] == ["setting: objective", "setting: lr"]
    assert told["accuracies"] == [{"name": "accuracy", "label": "accuracy of the readout"}]
    plain = sweep_data(table.drop(columns=["setting: objective", "layer"]))
    assert (plain["group"], plain["layers"], list(plain["looks"])) == ("", [""], [""])
    assert sweep_data(table.drop(columns=["setting: objective", "setting: lr"])) is None
