"""Figures of held-out spectra show what the spectra hold."""

from __future__ import annotations

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.report import plot_heldout


def spectrum(**how):
    recording, _ = na.simulate_recording(1.0, 120, 60, signal_fraction=0.4, spontaneous=False, seed=0)
    return na.heldout_spectrum(recording["responses"], n_draws=8, n_permutations=100, **how)


def dots(ax, hollow):
    """Positions of the bins, or of those drawn hollow over them."""
    lines = [line for line in ax.lines if line.get_marker() == "o"]
    return [line.get_xydata() for line in lines if (line.get_markerfacecolor() == "white") == hollow]


def test_bins_band_null_and_fit_are_drawn():
    made = spectrum()
    made["bin_eigenvalue"][:] = 1 / made.bin_rank.values
    made["p_value"][-2:] = 0.2
    fit = na.fit_alpha(made, (2, 20))
    ax = plot_heldout.heldout(made, fit)
    positive, inside = made.bin_eigenvalue.values > 0, made.p_value.values > 0.05
    bins = np.stack([made.bin_rank.values, made.bin_eigenvalue.values], axis=1)
    np.testing.assert_allclose(dots(ax, False)[0], bins[positive])
    hollow = dots(ax, True)
    assert (positive & inside).any()
    np.testing.assert_allclose(hollow[0], bins[positive & inside])
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[0] == "null, 95 %"
    assert any(text.startswith(f"alpha {fit.alpha:.2f}") for text in texts)
    line = next(line for line in ax.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(line.get_ydata(), fit.predict(np.arange(2, 21)))


def test_bins_at_or_below_zero_are_counted_not_hidden():
    made = spectrum()
    made["bin_eigenvalue"][:] = 1 / made.bin_rank.values
    made["bin_eigenvalue"][-2:] = -0.1
    ax = plot_heldout.heldout(made)
    assert any(
        f"bins (2 of {made.sizes['bin']} at or below zero)" == text.get_text() for text in ax.get_legend().get_texts()
    )
    triangles = next(line for line in ax.lines if line.get_marker() == "v")
    np.testing.assert_allclose(triangles.get_xdata(), made.bin_rank.values[-2:])
    assert (triangles.get_ydata() == ax.get_ylim()[0]).all()


def test_a_spectrum_without_draws_or_null_is_drawn_too():
    net = na.make_assembly(np.random.default_rng(0).normal(size=(60, 20)), stimulus_id=np.arange(60))
    ax = plot_heldout.heldout(na.heldout_spectrum(net, net, n_draws=0, n_permutations=0))
    assert "null, 95 %" not in [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(dots(ax, False)[0]) == 4
    assert dots(ax, True) == []


def test_spectral_correlation_and_undefined_bins():
    net = na.make_assembly(np.random.default_rng(0).normal(size=(200, 10)), stimulus_id=np.arange(200))
    made = na.spectral_correlation(net, net, n_draws=8)
    made["r"][-1] = np.nan
    ax = plot_heldout.spectral_correlation(made)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["undefined: 1 bin"]
    drawn = ax.containers[0].lines[0]
    np.testing.assert_allclose(drawn.get_ydata(), made.r.values[:-1])
    assert ax.get_ylim()[1] > 1


def test_axes_are_those_given():
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert plot_heldout.heldout(spectrum(), ax=ax) is ax


def test_bad_input():
    net = na.make_assembly(np.random.default_rng(0).normal(size=(30, 5)), stimulus_id=np.arange(30))
    with pytest.raises(na.InputError, match="expected a spectrum with bins"):
        plot_heldout.heldout(na.eigenspectrum(net, n_draws=0))
    with pytest.raises(na.InputError, match="expected the result of"):
        plot_heldout.spectral_correlation(net)


def test_a_fit_that_is_none_is_refused():
    net = na.make_assembly(np.random.default_rng(0).normal(size=(40, 10)), stimulus_id=np.arange(40))
    spectrum = na.heldout_spectrum(net, net, n_draws=0, n_permutations=0)
    with pytest.raises(na.InputError, match="fit is float; expected the result of"):
        plot_heldout.heldout(spectrum, 1.0)
