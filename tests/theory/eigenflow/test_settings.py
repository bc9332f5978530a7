from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.theory.eigenflow.settings import NAMES, FlowSetting, as_setting


def test_the_eight_names():
    assert list(NAMES) == [
        "euclidean",
        "euclidean iso",
        "euclidean no predictor",
        "euclidean no stop-gradient",
        "cosine",
        "cosine iso",
        "cosine no predictor",
        "cosine no stop-gradient",
    ]
    assert all(name == setting.name for name, setting in NAMES.items())


def test_a_name_tells_what_is_not_usual():
    setting = as_setting("cosine iso", power=0.5, noise2=0.01, ema=2.0)
    assert setting.name == "cosine iso, power 0.5, noise 2 0.01, ema 2"
    assert FlowSetting("cosine", "no stop-gradient", exact_gradient=True).name.endswith("exact gradient")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loss": "euclidian"}, "did you mean 'euclidean'"),
        ({"variant": "isoloss"}, "variant is 'isoloss'"),
        ({"power": 0.0}, "power is 0.0; expected a finite number above 0"),
        ({"power": float("nan")}, "power is nan"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; expected a finite number of at least 0"),
        ({"noise1": True}, "noise1 is True"),
        ({"noise2": "a"}, "noise2 is 'a'"),
        ({"ema": 0.0}, "ema is 0.0"),
        ({"variant": "no stop-gradient", "ema": 1.0}, "an EMA target gets no gradient"),
        ({"exact_gradient": True}, "exact_gradient is a choice of the cosine loss"),
    ],
)
def test_bad_settings(wrong, said):
    with pytest.raises(na.InputError, match=said):
        FlowSetting(**wrong)


def test_numbers_of_numpy_are_numbers():
    assert FlowSetting(power=np.float32(0.5), noise1=np.int64(1)) == FlowSetting(power=0.5, noise1=1.0)


def test_bad_names():
    with pytest.raises(na.InputError, match="did you mean 'cosine iso'"):
        as_setting("cosine isoo")
    with pytest.raises(na.InputError, match="setting is 3"):
        as_setting(3)
