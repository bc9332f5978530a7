"""Figures show the numbers they were given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroalpha as na
from neuroalpha.report.plot import COLOURS


@pytest.fixture(scope="module")
def measured():
    x = np.random.default_rng(0).normal(size=(90, 120)) * np.r_[np.arange(1, 61), np.arange(1, 61)] ** -0.5
    return na.measure(na.make_assembly(x, stimulus_id=np.arange(90), neuroid={"layer": ["a"] * 60 + ["b"] * 60}))


def test_spectra(measured):
    ax = na.plot.spectra([m.spectrum for m in measured], [m.fit for m in measured], ["one", "two"])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    curve = ax.get_lines()[0]
    share = measured[0].spectrum.eigenvalue.values / measured[0].spectrum.eigenvalue.values.sum()
    np.testing.assert_allclose(curve.get_ydata(), share)
    fitted = ax.get_lines()[1]
    assert (fitted.get_xdata()[0], fitted.get_xdata()[-1]) == measured[0].fit.ranks
    texts = [t.get_text() for t in ax.get_legend().get_texts()]
    assert texts[0].startswith(f"one: alpha {measured[0].fit.alpha:.2f} [")
    assert len(ax.collections) == 2  # a band each


def test_values_below_zero_are_counted():
    spectrum = na.eigenspectrum(
        na.make_assembly(np.random.default_rng(0).normal(size=(40, 30)), stimulus_id=np.arange(40))
    )
    spectrum["eigenvalue"][20:] = -1e-3
    ax = na.plot.spectra(spectrum)
    assert "(10 values <= 0)" in ax.get_legend().get_texts()[0].get_text()


def test_alpha_by_layer(measured):
    table = pd.DataFrame(
        {"name": list("abcd"), "alpha": [1.0, 2, 3, 4], "low": 0.5, "high": np.nan, "model": list("xxyy")}
    )
    ax = na.plot.alpha_by_layer(table)
    assert [t.get_text() for t in ax.get_xticklabels()] == list("abcd")
    grouped = na.plot.alpha_by_layer(table, group="model")
    assert [t.get_text() for t in grouped.get_legend().get_texts()] == ["x", "y"]
    with pytest.raises(na.InputError, match="lacks the column 'alpha'"):
        na.plot.alpha_by_layer(table.drop(columns="alpha"))


def test_window_sensitivity(measured):
    fit = measured[0].fit
    ax = na.plot.window_sensitivity(fit)
    shown = sorted(float(t.get_text()) for t in ax.texts)
    np.testing.assert_allclose(shown, np.sort(fit.sensitivity.alpha), atol=0.006)


def test_mismatched_numbers(measured):
    with pytest.raises(na.InputError, match="got 2 spectra, 1 fits"):
        na.plot.spectra([m.spectrum for m in measured], [measured[0].fit])
    with pytest.raises(na.InputError, match="expected a spectrum"):
        na.plot.spectra([measured[0].fit])


def test_colours_differ_in_brightness_or_hue_for_dichromats():
    """Okabe & Ito's palette keeps its distance when red-green difference is taken away (luma and blue remain)."""
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS]) / 255
    seen = np.column_stack([rgb @ [0.3, 0.59, 0.11], rgb[:, 2]])
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=2) + np.eye(len(rgb))
    assert distance.min() > 0.05


def test_names_are_shown_as_they_are(measured, tmp_path):
    ax = na.plot.spectra([m.spectrum for m in measured], [m.fit for m in measured], ["_hidden", "$a_{$"])
    assert len(ax.get_legend().get_texts()) == 2
    na.plot.alpha_by_layer(pd.DataFrame({"name": ["$x_{$"], "alpha": 1.0, "low": 1.0, "high": 1.0}))
    ax.get_figure().savefig(tmp_path / "a.png")


def test_more_curves_than_colours_differ_in_style(measured):
    ax = na.plot.spectra([measured[0].spectrum] * 10, labels=[str(i) for i in range(10)])
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.get_lines()}
    assert len(looks) == 10
