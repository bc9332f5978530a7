"""Figures of fits show the numbers of the fits."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report import plot_fits


@pytest.fixture(scope="module")
def assembly():
    x = np.random.default_rng(0).normal(size=(160, 120)) * np.arange(1, 121) ** -0.5
    return na.make_assembly(x, stimulus_id=np.arange(160), attrs={"identifier": "cost $1$"})


def test_window_band(assembly):
    fit = na.fit_alpha(na.eigenspectrum(assembly, n_draws=8), (4, 40))
    ax = plot_fits.window_band(fit)
    by_first, by_last = ax.get_lines()[:2]
    table = fit.sensitivity
    for curve, fixed, varies in ((by_first, ("last", 40), "first"), (by_last, ("first", 4), "last")):
        side = table[table[fixed[0]] == fixed[1]].sort_values(varies)
        np.testing.assert_array_equal(curve.get_xdata(), side[varies])
        np.testing.assert_allclose(curve.get_ydata(), side["alpha"])
    assert len(ax.collections) == 2  # a band each
    assert 40 in ax.get_xticks()
    without = plot_fits.window_band(na.fit_alpha(na.eigenspectrum(assembly, n_draws=0), (4, 40)))
    assert len(without.collections) == 0
    plt.close("all")


def test_models(assembly):
    found = na.compare_models(assembly, (3, 35), n_splits=3, n_simulations=2)
    ax = plot_fits.models(found)
    measured, *curves = ax.get_lines()
    np.testing.assert_allclose(np.log(measured.get_ydata()), found.points["log_eigenvalue"])
    residuals = ax.figure.axes[-1].get_lines()[1:]
    assert len(curves) == len(residuals) == 4
    for name, curve, residual in zip(found.laws, curves, residuals, strict=True):
        np.testing.assert_allclose(np.log(curve.get_ydata()), found.points[name])
        np.testing.assert_allclose(residual.get_ydata(), found.points["log_eigenvalue"] - found.points[name])
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[1] == f"power law ({found.table.heldout_error[0]:.3f})"
    given = plt.subplots()[1]
    assert plot_fits.models(
        na.compare_models(assembly, (3, 35), ("power", "cutoff"), n_splits=3, bias="none"), ax=given
    )
    assert len(given.get_lines()) == 3
    given.figure.savefig("/dev/null", format="png")
    plt.close("all")


def test_other_objects_are_refused(assembly):
    spectrum = na.eigenspectrum(assembly, n_draws=0)
    with pytest.raises(na.InputError, match=r"expected the result of neuroalpha.fit_alpha \(AlphaFit\), got Dataset"):
        plot_fits.window_band(spectrum)
    with pytest.raises(na.InputError, match=r"expected the result of neuroalpha.compare_models .*, got AlphaFit"):
        plot_fits.models(na.fit_alpha(spectrum, (4, 40)))
