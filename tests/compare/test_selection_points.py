"""The table of models, scores and accuracies: who stays, in which unit, and which shorter readouts are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.selection_points import length_columns, selection_points

ACCURACY = np.array([80.0, np.nan, 90.0, 85.0, np.inf])


def table(scale=1.0):
    return pd.DataFrame({
        "model": list("abcde"), "alpha": [1.0, 2.0, np.nan, -np.inf, 3.0], "top.1": scale * ACCURACY,
        "top.1 at 0.5": scale * (ACCURACY - 10), "top.1 at .25": scale * (ACCURACY - 30),
        "topX1 at 0.1": 1.0, "top.1 at 0.5 again": 1.0, "top.1 at 1": 1.0,
    }, index=[3, 3, 5, 6, 7])  # fmt: skip


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_models_with_an_accuracy_stay_in_percent(scale):
    found = selection_points(table(scale), ["alpha", "alpha"], "top.1")
    assert found.frame["model"].tolist() == ["a", "c", "d"]
    assert found.frame.index.tolist() == [0, 2, 3]  # places in the table, whatever its index
    np.testing.assert_allclose(found.accuracies, [80, 90, 85], rtol=1e-15)
    np.testing.assert_array_equal(found.values(["alpha"])[:, 0], [1, np.nan, np.nan])
    assert found.scores == ("alpha",)
    left, without, same = found.notes
    assert left == "2 models without top.1 left out: 'b', 'e'."
    assert without.startswith("2 models without alpha (collapsed or not measured)")
    assert without.endswith(": 'c', 'd'.")
    assert same == "alpha is 1 for all models that have it: it can choose nothing."


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_shorter_readouts_in_rising_order_and_the_same_unit(scale):
    given = table(scale)
    points = selection_points(given, ["alpha"], "top.1")
    wanted = np.array([80.0, 90, 85]) - np.array([[30.0], [10], [0]])
    named = {1: "top.1", "0.5": "top.1 at 0.5", 0.25: "top.1 at .25"}
    for lengths in ("auto", named):
        found, values = length_columns(given, points, "top.1", lengths)
        assert found == (0.25, 0.5, 1.0)
        np.testing.assert_allclose(values, wanted, rtol=1e-12)
    alone, values = length_columns(given, points, "top.1", {})
    assert alone == (1.0,)
    np.testing.assert_allclose(values, wanted[2:])


@pytest.mark.parametrize(
    ("change", "lengths", "message"),
    [
        ({"model": list("aabcd")}, {}, "1 model of the table has several rows: 'a'; keep one row a model"),
        ({"top.1": [50, *[np.nan] * 4]}, {}, "1 row of the table have a number in 'top.1'; selection needs two"),
        ({"alpha": "low"}, {}, "column 'alpha' holds no numbers"),
        ({}, {0.5: "top.1 at 0.6"}, "no column 'top.1 at 0.6'; did you mean"),
        ({}, {0: "top.1"}, "0 is no length of a readout; expected a share of a whole one, between 0 and 1"),
        ({}, {float("nan"): "top.1"}, "nan is no length"),
        ({}, {0.5: "alpha"}, "some models have no accuracy at length 0.5; halving needs it for every model"),
    ],
)
def test_bad_input(change, lengths, message):
    given = table().assign(**change)
    with pytest.raises(na.InputError, match=message):
        length_columns(given, selection_points(given, ["alpha"], "top.1"), "top.1", lengths)


@pytest.mark.parametrize("lengths", [{"short": "accuracy"}, {None: "accuracy"}])
def test_a_length_that_is_no_number(lengths):
    table = pd.DataFrame({"model": ["a", "b"], "alpha": [1.0, 2.0], "accuracy": [70.0, 80.0]})
    with pytest.raises(na.InputError, match="is no length of a readout"):
        na.compare_rules(table, ["alpha"], lengths=lengths, orders=2)


def test_a_column_of_no_length_at_all():
    table = pd.DataFrame({"model": ["a", "b"], "alpha": [1.0, 2.0], "accuracy": [70.0, 80.0]})
    with pytest.raises(na.InputError, match="is no length of a readout"):
        na.compare_rules(table.assign(**{"accuracy at 0.0": 1.0}), ["alpha"], orders=2)
