from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.eigenflow.arguments import as_settings, changes, coordinates, starting_eigenvalues
from neuroalpha.theory.eigenflow.settings import FlowSetting


def test_one_setting_or_several():
    assert as_settings("cosine", {}) == [FlowSetting("cosine")]
    assert as_settings(FlowSetting(), {"ema": 2.0}) == [FlowSetting(ema=2.0)]
    several = as_settings(np.array(["cosine", "euclidean iso"]), {"power": 0.5})
    assert several == [FlowSetting("cosine", power=0.5), FlowSetting(variant="iso", power=0.5)]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ([], "no setting was given"),
        (["cosine", FlowSetting("cosine")], "listed twice"),
        (None, "setting is None; expected a FlowSetting or one of 'euclidean'"),
        (3, "setting is 3; expected"),
        (True, "setting is True; expected"),
        (["cosine", 3], "setting is 3; expected"),
        ("cosin", "did you mean 'cosine'"),
    ],
)
def test_bad_settings(setting, said):
    with pytest.raises(na.InputError, match=said):
        as_settings(setting, {})


def test_what_was_given_and_how_it_is_told():
    assert changes(power=0.0, ema=None) == {"power": 0.0}
    told = coordinates([FlowSetting(), FlowSetting("cosine", "iso", 0.5, ema=2)])
    assert told["setting"].tolist() == ["euclidean", "cosine iso, power 0.5, ema 2"]
    assert told["power"][1].tolist() == [1.0, 0.5]
    np.testing.assert_array_equal(told["ema"][1], [np.nan, 2.0])


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ([-0.1, 1.0], "eigenvalue -0.1 of start is below 0"),
        ([[1.0]], r"start has shape \(1, 1\); expected eigenvalues"),
        (1.0, r"as \[1.0\]"),
        ([np.nan, 1.0], "start holds 1 NaN"),
        ([1j], "start is complex numbers"),
        ([True], "start is booleans"),
        ("large", "start is text"),
        ([], r"start has shape \(0,\)"),
    ],
)
def test_bad_eigenvalues(start, said):
    with pytest.raises(na.InputError, match=said):
        starting_eigenvalues(start)
