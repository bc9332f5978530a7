"""Models and their scores in every form they are given in, and who cannot be considered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.candidates import candidates

TABLE = pd.DataFrame({"model": ["a", "b", "c"], "alpha": [1.0, np.nan, 3.0], "rankme": [5, 6, 7]}, index=[7, 8, 9])


def read(models, score, *, needed=True, single=False, **given):
    return candidates(models, score, needed=needed, single=single, **given)


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (TABLE, ["a", "b", "c"]),
        (TABLE[["alpha"]], ["7", "8", "9"]),
        ({"a": 1, "b": None, 3: "x"}, ["a", "b", "3"]),
        (("a", 2, np.int64(5)), ["a", "2", "5"]),
        ([{"net": 1}, {"net": 1}, {"net": 2}], ["0", "1", "2"]),
    ],
)
def test_names_and_scores_in_every_form(models, names):
    wanted = np.array([0.5, -1.0, 2.0])
    for given in (wanted, wanted[:, None], list(wanted), dict(zip(names, wanted, strict=True))):
        found = read(models, given)
        assert found.names == names
        assert list(found.scores) == ["score"]
        np.testing.assert_array_equal(found.scores["score"], wanted)
    asked = []
    found = read(models, lambda model: asked.append(model) or len(asked))
    assert found.scores["score"].tolist() == [1, 2, 3]
    assert all(one is other for one, other in zip(asked, found.models, strict=True))  # each once, in their order


def test_several_scores_keep_their_columns():
    by_name = read(TABLE, ["rankme", "alpha"])
    pd.testing.assert_frame_equal(by_name.scores, TABLE[["rankme", "alpha"]].astype(float).reset_index(drop=True))
    assert list(read(["a", "b"], np.eye(2)).scores) == ["score 1", "score 2"]


def test_who_lacks_a_score_is_out_where_the_rule_needs_it():
    values = np.array([[1, 2], [np.nan, 2], [np.inf, np.nan], [3, 2]])
    found = read(list("abcd"), values)
    assert set(found.unusable) == set(np.flatnonzero(~np.isfinite(values).all(axis=1)))
    assert found.unusable[2].startswith("no score 1 and no score 2 (")
    assert found.notes == ["score 2 is the same for every model and can choose nothing: the order was random."]
    kept = read(list("abcd"), values, needed=False)
    assert (kept.unusable, kept.notes) == ({}, [])
    np.testing.assert_array_equal(kept.scores, values)


@pytest.mark.parametrize(
    ("models", "score", "message"),
    [
        (pd.DataFrame({"model": ["a", "b", "a"]}), [1, 2, 3], "1 name of models occur several times: 'a'"),
        (TABLE, np.zeros((3, 0)), r"score has shape \(3, 0\) for 3 models"),
        (TABLE, {"a": 1, "c": 1}, "1 model have no score in the mapping: 'b'"),
        (TABLE, [np.nan, np.inf, -np.inf], "none of 3 models has a score"),
    ],
)
def test_bad_input(models, score, message):
    with pytest.raises(na.InputError, match=message):
        read(models, score)


def test_a_series_goes_by_its_names():
    given = pd.Series([0.1, 0.9], index=["b", "a"])
    found = na.select(["a", "b"], lambda model: {"a": 80.0, "b": 70.0}[model], score=given, rule="random", budget=None)
    assert found.to_frame().set_index("model")["score"].to_dict() == {"a": 0.9, "b": 0.1}
    found = na.select([1, 2], float, score={1: 0.5, 2: 0.6}, rule="random", budget=None)
    assert found.to_frame()["score"].tolist() == [0.5, 0.6]
