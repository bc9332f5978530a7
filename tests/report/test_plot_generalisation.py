"""The figure of predicted and measured learning curves."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report.plot_generalisation import generalisation
from neuroalpha.theory.generalisation import predict_generalisation


def labelled():
    x = np.random.default_rng(0).normal(size=(120, 40)) * np.arange(1, 41) ** -0.5
    labels = np.where(x[:, 0] + x[:, 1] > 0, "a", "b")
    return na.make_assembly(
        x, stimulus_id=np.arange(120), presentation={"label": labels}, attrs={"identifier": "cost $"}
    )


def test_shows_predictions_and_measurement():
    result = predict_generalisation(labelled(), n_train=[10, 30, 60], measure=True, n_draws=3)
    ax = generalisation(result)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(names) == sorted(
        [
            "measured, 3 draws",
            "eigenvalues and alignment",
            "power law and alignment",
            "eigenvalues alone",
            "alpha alone",
        ]
    )
    drawn = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_allclose(drawn["eigenvalues and alignment"].get_ydata(), result["error"])
    np.testing.assert_allclose(drawn["alpha alone"].get_ydata(), result["error_alpha_only"])
    (box,) = ax.containers
    np.testing.assert_allclose(box[0].get_ydata(), result["measured_error"])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    low, high = ax.get_ylim()
    assert low < result["measured_error"].min()
    assert high > 1
    assert f"cost \\$\nalpha {result.attrs['alpha']:.2f} (ranks 4-20)" in ax.get_title()


def test_without_measurement_and_on_given_axes():
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert generalisation(predict_generalisation(labelled(), n_train=[20]), ax=ax) is ax
    assert not ax.containers
    ax.figure.canvas.draw()


def test_bad_input():
    with pytest.raises(na.InputError, match="expected the result of predict_generalisation, got str"):
        generalisation("x")  # type: ignore[arg-type]
