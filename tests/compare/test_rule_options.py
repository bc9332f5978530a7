"""Options of rules: what is filled in, what is kept, what is refused."""

from __future__ import annotations

import copy
import inspect
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.compare.halving_rule import HalvingRule
from neuroalpha.compare.improvement_rule import LEAST
from neuroalpha.compare.rule_options import DEFAULTS, positive, rule_options
from neuroalpha.compare.selection_trials import improvement_trials, interval_trials


@pytest.mark.parametrize(
    ("rule", "runs"), [("interval", interval_trials), ("improvement", improvement_trials), ("halving", HalvingRule)]
)
def test_defaults_are_those_of_the_rule_itself(rule, runs):
    found = rule_options(rule, None)
    assert found == rule_options(rule, {}) == rule_options(rule, found)
    parameters = inspect.signature(runs).parameters
    assert found == {name: parameters[name].default for name in found}
    assert len(found) == len(DEFAULTS[rule]) > 0


def test_given_options_win_and_defaults_stay():
    before = copy.deepcopy(DEFAULTS)
    found = rule_options("improvement", {"first": np.int64(4), "stop": Fraction(1, 4)})
    assert found == {"first": 4, "least": LEAST, "stop": 0.25}
    assert (type(found["first"]), type(found["stop"])) == (int, float)
    assert rule_options("halving", {"lengths": [0.5, 1]}) == {"lengths": (0.5, 1)}
    found["first"] = 99
    assert before == DEFAULTS


def test_positive_is_zero_or_more():
    assert (positive(0, "tolerance"), positive(np.float32(0.5), "tolerance")) == (0.0, 0.5)
    for wrong in (-1e-9, np.nan, np.inf, True, "1", None):
        with pytest.raises(na.InputError, match=r"tolerance is .*; expected a number of at least 0"):
            positive(wrong, "tolerance")


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("interval", {"tops": 3}, "'tops' is no option of the rule 'interval'; it has batch, top; did you mean 'top'"),
        ("halving", {"batch": 3}, "'batch' is no option of the rule 'halving'; it has lengths"),
        ("random", {"seed": 3}, "'seed' is no option of the rule 'random'; it has none$"),
        ("interval", {"top": 2.0}, "top is 2.0; expected a whole number of at least 1"),
        ("improvement", {"first": 0}, "first is 0"),
        ("improvement", {"least": True}, "least is True"),
        ("improvement", {"stop": -0.1}, "stop is -0.1; expected a number of at least 0"),
        ("halving", {"lengths": ()}, "rising shares"),
        ("halving", {"lengths": (0.5, 0.5, 1)}, "rising shares"),
        ("halving", {"lengths": (0.0, 1)}, "rising shares"),
        ("halving", {"lengths": (0.5, 0.9)}, "that end with 1"),
        ("halving", {"lengths": "half"}, "rising shares"),
    ],
)
def test_bad_input(rule, options, message):
    with pytest.raises(na.InputError, match=message):
        rule_options(rule, options)


def test_lengths_that_are_no_list():
    table = pd.DataFrame({"model": list("abc"), "alpha": [1.0, 2, 3], "accuracy": [70.0, 80, 75]})
    with pytest.raises(na.InputError, match="lengths are"):
        na.compare_rules(table, ["alpha"], orders=2, options={"halving": {"lengths": 0.5}})


def test_options_that_are_no_mapping():
    with pytest.raises(na.InputError, match="expected a mapping such as"):
        rule_options("interval", ["batch"])
