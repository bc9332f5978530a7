"""What the zoo's page takes from tables of tasks: targets and their groups, noise curves, statistics, sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroalpha as na
from neuroalpha.report.zoo_page import complete
from neuroalpha.report.zoo_tasks import GROUPS, noise_data, sentences_data, statistics_data, targets


def table_of(*names, **more):
    base = {"key": ["a", "b"], "model": ["m", "n"], "images": "i", "layer": "l", "alpha": [0.9, 1.1]}
    return complete(pd.DataFrame({**base, **{name: [0.5, 0.6] for name in names}, **more}))


@pytest.mark.parametrize(
    ("name", "group", "better"),
    [
        ("accuracy", "readout", "higher"),
        ("knn_accuracy", "readout", "higher"),
        ("calibration_error", "readout", "lower"),
        ("corruption_accuracy", "shifts", "higher"),
        ("mean_corruption_error", "shifts", "lower"),
        ("relative_drop", "shifts", "lower"),
        ("accuracy: gaussian_noise", "shifts", "higher"),
        ("accuracy: CIFAR-10.1", "shifts", "higher"),
        ("accuracy: severity 3", "shifts", "higher"),
        ("accuracy: symmetric 0.4", "accuracy under label noise", "higher"),
        ("accuracy: human worse_label", "accuracy under label noise", "higher"),
        ("effective robustness: fog: 3", "effective robustness", "higher"),
        ("noise_area: symmetric", "label noise", "higher"),
        ("theory_error", "theory", "lower"),
        ("theory_error_alpha_only", "theory", "lower"),
        ("theory_error_spectrum_only", "theory", "lower"),
        ("theory_error_alignment", "theory", "lower"),
        ("noise_drop: human worst", "label noise", "lower"),
        ("memorisation: instance", "label noise", "lower"),
    ],
)
def test_group_of_a_column(name, group, better):
    (found,) = targets(table_of(name))
    assert (found["name"], found["group"], found["better"]) == (name, group, better)
    assert "low" not in found


def test_a_noise_of_ones_own_is_no_shift():
    name = "accuracy: coarse 0.2"
    assert targets(table_of(name))[0]["group"] == "shifts"
    assert targets(table_of(name), ["coarse"])[0]["group"] == "accuracy under label noise"
    grouped = {one["name"]: one["group"] for one in targets(table_of(name, "noise_area: coarse"))}
    assert grouped[name] == "accuracy under label noise"


def test_ends_of_intervals_are_no_targets_themselves():
    shift = "accuracy: fog"
    frame = table_of(
        "accuracy", "accuracy_low", "accuracy_high", shift, f"{shift}_low", f"{shift}_high", "relative_drop"
    )
    found = targets(frame)
    assert [one["name"] for one in found] == ["accuracy", shift, "relative_drop"]
    assert [(one.get("low"), one.get("high")) for one in found[:2]] == [
        ("accuracy_low", "accuracy_high"),
        (f"{shift}_low", f"{shift}_high"),
    ]
    assert [one["label"] for one in found] == ["accuracy", shift, "relative drop"]


def test_what_is_no_target():
    frame = table_of(
        "parameters", "r2", "participation_ratio", "theory_errors", family=["x", "y"], knn_accuracy=["high", "low"]
    )
    assert targets(frame) == []
    assert targets(table_of(accuracy=[np.nan, np.nan])) == []


def test_published_accuracies_need_a_second_one():
    assert targets(table_of("results-imagenet top1")) == []
    names = ["results-imagenet top1", "results-imagenetv2 top1"]
    assert [one["name"] for one in targets(table_of(*names))] == names
    assert [one["group"] for one in targets(table_of("results-imagenet top1", "accuracy"))] == ["readout", "published"]
    assert [one["label"] for one in targets(table_of(*names))] == names


def test_targets_stand_by_group():
    names = [
        "memorisation: symmetric",
        "x top1",
        "accuracy: fog",
        "accuracy",
        "theory_error",
        "effective robustness: fog",
    ]
    found = [one["group"] for one in targets(table_of(*names))]
    assert found == sorted(found, key=GROUPS.index)


CURVES = pd.DataFrame(
    [
        {"key": key, "noise": noise, "level": level, "accuracy": 0.9 - level / 2, "low": 0.1, "high": 0.95}
        for key in "ab"
        for noise in ("symmetric", "human")
        for level in (0.4, 0.0, 0.2)
    ]
)


@given(st.permutations(range(len(CURVES))))
def test_curves_do_not_depend_on_the_order_of_rows(order):
    found = noise_data(CURVES.iloc[order], ["a", "b"])
    assert len(found) == 4
    by_name = {(one["key"], one["noise"]): one for one in found}
    for (key, noise), one in by_name.items():
        rows = CURVES[(CURVES["key"] == key) & (CURVES["noise"] == noise)].sort_values("level")
        assert one["level"] == rows["level"].tolist()
        assert one["accuracy"] == pytest.approx(rows["accuracy"].tolist())
        assert one["high"] == [0.95] * 3
        assert "memorisation" not in one


def test_curves_of_other_keys_and_unknown_numbers():
    curves = CURVES.assign(memorisation=np.nan)
    curves.loc[curves["level"] == 0.4, "memorisation"] = 0.25
    curves.loc[0, "accuracy"] = np.inf
    first, second = noise_data(curves, ["a"])
    assert (first["key"], second["key"]) == ("a", "a")
    assert first["accuracy"] == [0.9, 0.8, None]
    assert first["memorisation"] == [None, None, 0.25]
    assert noise_data(None, ["a"]) == noise_data(CURVES.iloc[:0], ["a"]) == []


def test_bad_curves():
    with pytest.raises(na.InputError, match="no column 'accuracy'; did you mean 'acuracy'"):
        noise_data(CURVES.rename(columns={"accuracy": "acuracy"}), ["a"])
    with pytest.raises(na.InputError, match="two accuracies of 'a' at 'symmetric' noise"):
        noise_data(pd.concat([CURVES, CURVES.iloc[:1]]), ["a"])
    with pytest.raises(na.InputError, match="keys 'a', 'b', and none is a key of the table"):
        noise_data(CURVES, ["c"])
    with pytest.raises(na.InputError, match="1 rows of the noise curves have no level"):
        noise_data(CURVES.assign(level=[np.nan, *CURVES["level"][1:]]), ["a"])


def test_statistics_keep_every_column_and_number():
    table = pd.DataFrame(
        {
            "note": ["few", None],
            "extra": [1.0, 2.5],
            "y": ["accuracy", "relative_drop"],
            "p": [0.01, np.nan],
            "value": ["0.5", 0.25],
            "statistic": "spearman",
            "window": [(1, 10), "auto"],
        },
        index=[7, 7],
    )
    told = statistics_data(table)
    assert told["order"] == ["target", "window", "statistic", "value", "p", "extra", "note"]
    assert told["n"] == 2
    columns = told["columns"]
    assert columns["value"] == {"numbers": [0.5, 0.25]}
    assert columns["p"] == {"numbers": [0.01, None]}
    assert columns["extra"] == {"numbers": [1, 2.5]}
    assert columns["note"] == {"values": ["few", ""], "at": [0, 1]}
    assert columns["window"]["values"] == ["(1, 10)", "auto"]
    assert statistics_data(None) is None
    assert statistics_data(table.iloc[:0]) is None
    assert "y" in table.columns


@pytest.mark.parametrize("name", ["target", "statistic", "value"])
def test_bad_statistics(name):
    table = pd.DataFrame({"target": ["a"], "statistic": ["b"], "value": [1.0]})
    with pytest.raises(na.InputError, match=f"the statistics have no column '{name}'"):
        statistics_data(table.drop(columns=name))


def test_sentences():
    assert sentences_data(None) == sentences_data([]) == sentences_data({}) == sentences_data({"a": []}) == []
    assert sentences_data(["One.", "Two."]) == [("", ["One.", "Two."])]
    assert sentences_data({"a": "One.", "b": ("Two.", "Three.")}) == [("a", ["One."]), ("b", ["Two.", "Three."])]
