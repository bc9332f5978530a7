"""Options that all readouts share."""

from __future__ import annotations

import pytest

import neuroalpha as na
from neuroalpha.runs.task_options import READOUT, check_readout, check_texts

GOOD = {**READOUT, "test": "val"}


@pytest.mark.parametrize("change", [{}, {"penalties": [1, 0.5]}, {"select": "loo"}])
def test_accepted(change):
    assert check_readout({**GOOD, **change}, "here") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test": ""}, "here has test ''; expected the name"),
        ({"test": 3}, "here has test 3"),
        ({"select": "best"}, "select 'best'; expected 'gcv' or 'loo'"),
        ({"penalties": 1.0}, "penalties 1.0; expected a list"),
        ({"penalties": [0.0]}, "positive numbers"),
        ({"penalties": [float("nan")]}, "positive numbers"),
        ({"penalties": [True]}, "positive numbers"),
    ],
)
def test_refused(change, said):
    with pytest.raises(na.InputError, match=said):
        check_readout({**GOOD, **change}, "here")


def test_lists_of_texts():
    assert check_texts({"noises": ["a"]}, "noises", "here", ["a", "b"]) is None
    with pytest.raises(na.InputError, match="has 'aa' among its noises"):
        check_texts({"noises": ["aa"]}, "noises", "here", ["a", "b"])
    with pytest.raises(na.InputError, match="expected a list of texts"):
        check_texts({"noises": "a"}, "noises", "here")
