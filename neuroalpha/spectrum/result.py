"""The labelled spectrum: an ``xarray.Dataset`` over ``component`` that knows how it was made."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha._text import first_few
from neuroalpha.assembly import clean_attrs
from neuroalpha.errors import InputError
from neuroalpha.spectrum.resample import standard_error

# What an assembly says of itself and every spectrum made from it repeats.
INHERITED = (
    "identifier", "units", "source", "licence", "preprocessing", "model", "layer", "region", "n_stimuli_dropped",
)  # fmt: skip


def make_spectrum(
    eigenvalue: np.ndarray,
    draws: np.ndarray | None,
    inherited: dict[str, str | int | float],
    **how: str | int | float,
) -> xr.Dataset:
    """Label eigenvalues (component,) and their subsample draws (draw, component); ``how`` becomes attrs."""
    spectrum = xr.Dataset(
        {"eigenvalue": ("component", np.asarray(eigenvalue, dtype=np.float64))},
        coords={"rank": ("component", np.arange(1, eigenvalue.size + 1))},
        attrs={
            **clean_attrs({name: inherited[name] for name in INHERITED if name in inherited}),
            **how,
            "n_draws": 0 if draws is None else int(draws.shape[0]),
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )
    if draws is not None and draws.shape[0] > 1:
        spectrum["eigenvalue_draw"] = (("draw", "component"), draws)
        half = 1.96 * standard_error(draws, float(how["draw_fraction"]))
        spectrum["eigenvalue_low"] = ("component", eigenvalue - half)
        spectrum["eigenvalue_high"] = ("component", eigenvalue + half)
    return spectrum


def check_spectrum(spectrum: xr.Dataset) -> xr.Dataset:
    """Return ``spectrum`` if it is one, else say what it lacks."""
    known = isinstance(spectrum, xr.Dataset) and {"eigenvalue", "rank"} <= set(spectrum.variables)
    if not known or spectrum["eigenvalue"].dims != ("component",):
        raise InputError(
            f"expected a spectrum (Dataset with 'eigenvalue' and 'rank' over 'component'), got "
            f"{type(spectrum).__name__}; make one with eigenspectrum or cvpca"
        )
    return spectrum


def numerical_rank(spectrum: xr.Dataset) -> int:
    """How many leading components carry anything: up to the last eigenvalue that is not exactly zero."""
    nonzero = np.flatnonzero(spectrum["eigenvalue"].values != 0)
    return int(nonzero[-1]) + 1 if nonzero.size else 0


def pad(draw: np.ndarray, size: int) -> np.ndarray:
    """Fill a draw's eigenvalues with NaN up to the size of the full spectrum."""
    return np.r_[draw[:size], np.full(max(0, size - draw.size), np.nan)]


def check_values(means: np.ndarray, missing: np.ndarray, n_rows: int, names: np.ndarray) -> int:
    """Refuse neuroids without a single value and infinite ones; return how many missing entries count as the mean.

    ``means`` and ``missing`` (neuroid,) as of :func:`neuroalpha.spectrum.gram.column_means`, from ``n_rows`` rows.
    """
    empty = missing == n_rows
    if empty.any():
        raise InputError(
            f"{int(empty.sum())} of {means.size} neuroids are NaN in every presentation: neuroid_id "
            f"{first_few(names[empty])}; drop them: assembly.isel(neuroid=~np.isnan(assembly).all('presentation'))"
        )
    infinite = ~np.isfinite(means)
    if infinite.any():
        raise InputError(
            f"{int(infinite.sum())} of {means.size} neuroids hold infinite values: neuroid_id "
            f"{first_few(names[infinite])}; drop them, or extract activations in float32"
        )
    share = float(missing.mean()) / n_rows
    if share > 0.01:
        warnings.warn(
            f"{share:.0%} of the entries are missing and count as their neuroid's mean: eigenvalues come out smaller "
            "by about twice that share, and alpha a little lower",
            stacklevel=3,
        )
    return int(missing.sum())
