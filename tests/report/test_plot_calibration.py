"""The figure of a calibration: curves, the observed value, its inverse, open ends."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report.plot_calibration import calibration


@pytest.fixture(scope="module")
def result():
    return na.calibrate((40, 50), signal_fraction=0.5, noise=("white", "independent"), alphas=(0.5, 1.0, 1.5),
                        ranks=(2, 12), n_simulations=5, observed=0.6, progress=False, n_jobs=1)  # fmt: skip


def test_shows_curves_observation_and_answer(result):
    ax = calibration(result)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[0] == "no bias"
    answers = result.calibrated.set_index("noise")["alpha"]
    assert names[1:] == [f"{name} noise: alpha {answers[name]:.2f}" for name in ("white", "independent")]
    drawn = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(drawn[names[1]].get_ydata(), result.curve["mean"][:3])
    texts = [text.get_text() for text in ax.texts]
    assert "observed 0.60" in texts
    assert any(text.startswith(f"calibrated {result.alpha:.2f}") for text in texts)
    assert "ranks 2-12" in ax.get_ylabel()


def test_without_observation_and_on_given_axes(result):
    import dataclasses

    import matplotlib.pyplot as plt

    bare = dataclasses.replace(result, observed=np.nan, alpha=np.nan, low=np.nan, high=np.nan,
                               calibrated=result.calibrated.assign(alpha=np.nan))  # fmt: skip
    ax = plt.subplots()[1]
    assert calibration(bare, ax=ax) is ax
    assert not ax.texts
    opened = dataclasses.replace(result, low=-np.inf)
    assert any("[open, " in text.get_text() for text in calibration(opened).texts)


def test_observed_value_is_inside_the_axes_and_repeats_are_short(result):
    import dataclasses

    for observed in (-2.0, 3.0):
        low, high = calibration(dataclasses.replace(result, observed=observed)).get_ylim()
        assert low < observed < high
    title = calibration(dataclasses.replace(result, n_repeats=2.0833333)).get_title()
    assert "2.1 repeats" in title
    assert "2 repeats" in calibration(result).get_title()


def test_bad_input():
    with pytest.raises(na.InputError, match="expected the result of neuroalpha\\.calibrate, got int"):
        calibration(3)  # type: ignore[arg-type]
