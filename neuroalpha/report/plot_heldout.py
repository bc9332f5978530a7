"""Figures of held-out spectra: bins with their band, the permutation null and the fit; spectral correlation by rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS, _axes, _literal, alpha_text, label_of
from neuroalpha.spectrum.fit import AlphaFit

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

GREY = COLOURS[7]


def heldout(spectrum: xr.Dataset, fit: AlphaFit | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a held-out spectrum in bins: mean and 95 % interval of each, the permutation null, the fitted line.

    Single components are faint dots behind their bins. Bins at or below zero have no place on a log axis: they stand as
    open triangles at its foot and are counted in the legend. Bins inside the null are hollow.

    Parameters
    ----------
    spectrum : Dataset
        Of :func:`neuroalpha.heldout_spectrum`.
    fit : AlphaFit, optional
        Drawn over its window only.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When the spectrum has no bins.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> net = na.make_assembly(np.random.default_rng(0).normal(size=(60, 20)), stimulus_id=np.arange(60))
    >>> heldout(na.heldout_spectrum(net, net, n_draws=5)).get_ylabel()
    'covariance over held-out stimuli'
    """
    if not isinstance(spectrum, xr.Dataset) or "bin_eigenvalue" not in spectrum:
        raise InputError("expected a spectrum with bins ('bin_eigenvalue'); make one with neuroalpha.heldout_spectrum")
    if fit is not None and not isinstance(fit, AlphaFit):
        raise InputError(f"fit is {type(fit).__name__}; expected the result of neuroalpha.fit_alpha (AlphaFit)")
    ax = ax or _axes(6.4, 4.8)
    rank, mean = spectrum["bin_rank"].values, spectrum["bin_eigenvalue"].values
    positive = mean > 0
    floor = _floor(mean)
    above = spectrum["p_value"].values <= 0.05 if "p_value" in spectrum else np.ones(mean.size, dtype=bool)
    low, high = (spectrum[n].values if n in spectrum else np.full(mean.size, np.nan) for n in ("bin_low", "bin_high"))
    single = spectrum["eigenvalue"].values
    shown = single > floor
    ax.plot(spectrum["rank"].values[shown], single[shown], ".", color=COLOURS[0], ms=3, alpha=0.25, mew=0)
    curves: list[Artist] = []
    if "null_high" in spectrum:
        edges = np.r_[spectrum["bin_first"].values, spectrum["bin_last"].values[-1] + 1] - 0.5
        top = np.maximum(spectrum["null_high"].values, floor)
        curves.append(
            ax.fill_between(
                edges, np.r_[top, top[-1]], floor, step="post", color=GREY, alpha=0.2, lw=0, label="null, 95 %"
            )
        )
    text = "bins" if positive.all() else f"bins ({int((~positive).sum())} of {mean.size} at or below zero)"
    inside = positive & ~above
    curves += ax.plot(rank[positive], mean[positive], "o", ms=6, color=COLOURS[0], zorder=3, label=text)
    if inside.any():
        curves += ax.plot(
            rank[inside], mean[inside], "o", ms=6, color=COLOURS[0], mfc="white", zorder=4, label="inside the null"
        )
    known = positive & np.isfinite(low)
    ax.vlines(rank[known], np.maximum(low[known], floor), high[known], color=COLOURS[0], lw=1.5)
    if not positive.all():  # an empty line that is not clipped would have no place, and break the figure's layout
        foot = np.full(int((~positive).sum()), floor)
        ax.plot(rank[~positive], foot, "v", color=COLOURS[0], mfc="white", clip_on=False)
    if fit is not None:
        window = np.arange(fit.ranks[0], fit.ranks[1] + 1)
        curves += ax.plot(window, fit.predict(window), color=COLOURS[1], lw=2.2, ls="--", label=alpha_text(fit))
    units = spectrum.attrs.get("units")
    unit = _literal(f" ({units} squared)") if units else ""
    ax.set(yscale="log", ylabel="covariance over held-out stimuli" + unit)
    ax.set_title(_literal(label_of(spectrum)), fontsize=9)
    _rank_axis(ax, spectrum)
    ax.set_ylim(bottom=floor)
    # A spectrum falls, so the upper right is free. Handed over explicitly: a label may begin with an underscore.
    ax.legend(curves, [str(curve.get_label()) for curve in curves], loc="upper right", fontsize=8, frameon=False)
    return ax


def spectral_correlation(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw the spectral correlation of two populations by rank, with its interval; lines at 0 and 1.

    Bins that are undefined, because one population repeats nothing there, are marked at the foot.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.spectral_correlation`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When ``result`` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> net = na.make_assembly(np.random.default_rng(0).normal(size=(60, 20)), stimulus_id=np.arange(60))
    >>> spectral_correlation(na.spectral_correlation(net, net, n_draws=5)).get_xlabel()
    'rank'
    """
    if not isinstance(result, xr.Dataset) or not {"r", "bin_rank"} <= set(result.variables):
        raise InputError("expected the result of neuroalpha.spectral_correlation (Dataset with 'r' over 'bin')")
    ax = ax or _axes(6.4, 4.4)
    rank, r = result["bin_rank"].values, result["r"].values
    known = np.isfinite(r)
    errors = np.abs(np.stack([result["r_low"].values, result["r_high"].values]) - r)
    for level in (0, 1):
        ax.axhline(level, color="black", lw=0.8, ls=":")
    ax.errorbar(
        rank[known],
        r[known],
        yerr=np.nan_to_num(errors[:, known]),
        color=COLOURS[2],
        marker="o",
        ms=6,
        lw=1.2,
        capsize=2,
    )
    reach = np.nan_to_num(np.r_[r, result["r_low"].values, result["r_high"].values], nan=0.0)
    bottom, top = max(float(reach.min()), -1.0) - 0.1, min(max(float(reach.max()), 1.0), 2.0) + 0.1
    if not known.all():
        number = int((~known).sum())
        text = f"undefined: {number} {'bin' if number == 1 else 'bins'}"
        ax.plot(rank[~known], np.full(number, bottom), "x", color=GREY, clip_on=False, label=text, zorder=3)
        ax.legend(fontsize=8, frameon=False)
    ax.set(ylabel="spectral correlation", ylim=(bottom, top))
    _rank_axis(ax, result)
    ax.set_title(_literal(str(result.attrs.get("identifier", ""))), fontsize=9)
    return ax


def _rank_axis(ax: Axes, result: xr.Dataset) -> None:
    """Log axis of ranks from 1 on, labels at the decades only: those between would run into each other."""
    from matplotlib.ticker import NullFormatter

    ax.set(xscale="log", xlabel="rank", xlim=(0.8, 1.2 * float(result["bin_last"].values[-1])))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _floor(mean: np.ndarray) -> float:
    """Foot of the log axis: a third of the smallest bin that is positive and not tiny beside the largest."""
    usable = mean[mean > max(mean.max(), 0.0) * 1e-6]
    return float(usable.min()) / 3 if usable.size else 1e-12
