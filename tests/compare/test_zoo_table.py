"""The tidy table of a zoo: what each row says is what the functions for one spectrum say."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import neuroalpha as na
from neuroalpha.compare.zoo_table import MEASURES, zoo_table


@pytest.fixture(scope="module")
def spectra():
    found = []
    for seed in range(2):
        x = np.random.default_rng(seed).normal(size=(120, 90)) * np.arange(1, 91) ** -0.6
        spectrum = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(120)), n_draws=8)
        found.append(spectrum.assign_attrs(key=f"k{seed}", model="m", layer="l", images="i", depth=0.5))
    return found


def test_rows_are_fits(spectra):
    windows = ["auto", (4, 40)]
    table = zoo_table(iter(spectra), windows)
    assert table["key"].tolist() == ["k0", "k0", "k1", "k1"]
    assert table["window"].tolist() == ["auto", "4-40"] * 2
    for (_, row), (spectrum, window) in zip(
        table.iterrows(), [(each, window) for each in spectra for window in windows], strict=True
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = na.fit_alpha(spectrum, window)
        assert (row["alpha"], row["low"], row["high"], row["r2"]) == (fit.alpha, fit.low, fit.high, fit.r2)
        assert (row["first"], row["last"]) == fit.ranks
        assert (row["alpha_window_min"], row["alpha_window_max"]) == fit.window_range
        found = na.straightness(spectrum, fit.ranks)
        assert (row["verdict"], row["verdict_detail"]) == (found.verdict, found.detail)
        assert [row[name] for name in MEASURES] == [getattr(na.dimensions(spectrum), name) for name in MEASURES]
        assert (row["model"], row["layer"], row["images"], row["depth"]) == ("m", "l", "i", 0.5)
        assert (row["n_stimuli"], row["n_neuroids"]) == (120, 90)


def test_a_window_that_does_not_fit_says_so_and_the_others_go_on(spectra):
    table = zoo_table(spectra, [(50, 500), (4, 40)])
    assert table["verdict"].str.startswith("not fitted: ").tolist() == [True, False] * 2
    assert table.loc[0, ["alpha", "low", "high", "r2"]].isna().all()
    assert (table["first"][0], table["last"][0]) == (-1, -1)
    assert np.isfinite(table["participation_ratio"]).all()


def test_what_is_not_known_is_empty(spectra):
    bare = spectra[0].copy()
    bare.attrs = {"draw_fraction": bare.attrs["draw_fraction"]}
    row = zoo_table([bare], [(4, 40)]).iloc[0]
    assert (row["model"], row["weights"], row["key"]) == ("", "", "")
    assert (row["n_stimuli"], row["seed"]) == (-1, -1)


def test_no_warning_for_thousands_of_fits(spectra):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo_table(spectra, [(4, 20), "auto"])


def test_nothing_to_tabulate():
    with pytest.raises(na.InputError, match="no spectra"):
        zoo_table([])
