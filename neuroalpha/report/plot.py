"""Figures: spectra with their fits, alpha by layer, alpha by window. Matplotlib, colour-blind safe, log-log."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.spectrum.fit import AlphaFit
from neuroalpha.spectrum.result import check_spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's palette, distinguishable under the common colour-vision deficiencies; black stays for truth and
# reference lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#5F5F5F")


def spectra(
    spectra: Sequence[xr.Dataset] | xr.Dataset,
    fits: Sequence[AlphaFit | None] | AlphaFit | None = None,
    labels: Sequence[str] | None = None,
    *,
    truth: xr.Dataset | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw eigenspectra on log-log axes, each with its fitted line, window and interval.

    Eigenvalues are shown as shares of their sum, so that populations of any unit can be compared. A band is the 95 %
    interval of each eigenvalue; values at or below zero cannot be drawn on a log axis and are counted in the legend.

    Parameters
    ----------
    spectra : Dataset or sequence of Dataset
    fits : sequence of AlphaFit, optional
        One for each spectrum, or None; the line is drawn over its window only.
    labels : sequence of str, optional
        Default: the spectra's layer, region or identifier.
    truth : Dataset, optional
        A known spectrum, drawn in black.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When the numbers of spectra, fits and labels differ.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(60, 40)), stimulus_id=np.arange(60))
    >>> spectrum = na.eigenspectrum(x)
    >>> ax = na.plot.spectra(spectrum, na.fit_alpha(spectrum, "auto"))
    >>> ax.get_xlabel()
    'rank'
    """
    many = [spectra] if isinstance(spectra, xr.Dataset) else list(spectra)
    lines = [fits] * len(many) if fits is None or isinstance(fits, AlphaFit) else list(fits)
    for spectrum in many:
        check_spectrum(spectrum)
    names = [label_of(s) for s in many] if labels is None else [str(label) for label in labels]
    if not many or not len(many) == len(lines) == len(names):
        raise InputError(
            f"got {len(many)} spectra, {len(lines)} fits and {len(names)} labels; give one of each for every spectrum"
        )
    ax = ax or _axes(6.4, 4.6 + 0.2 * len(many))  # the legend stands below, a line for each
    curves = []
    for index, (spectrum, fit, name) in enumerate(zip(many, lines, names, strict=True)):
        colour, style = colour_of(index)
        rank, share, low, high = shares(spectrum)
        hidden = int((share <= 0).sum())
        text = name if fit is None else f"{name}: {alpha_text(fit)}"
        text += f" ({hidden} values <= 0)" if hidden else ""
        curves += ax.plot(
            rank, np.where(share > 0, share, np.nan), color=colour, ls=style, lw=1.2, label=_literal(text)
        )
        if low is not None and high is not None:
            floor = np.nanmin(share[share > 0]) / 10
            ax.fill_between(rank, np.maximum(low, floor), np.maximum(high, floor), color=colour, alpha=0.2, lw=0)
        if fit is not None:
            window = np.arange(fit.ranks[0], fit.ranks[1] + 1)
            total = float(spectrum["eigenvalue"].sum())
            ax.plot(window, fit.predict(window) / total, color=colour, lw=2.5, ls="--", alpha=0.9)
            for edge in fit.ranks:
                ax.axvline(edge, color=colour, lw=0.6, ls=":", alpha=0.7)
    if truth is not None:
        rank, share, _, _ = shares(truth)
        curves += ax.plot(rank, share, color="black", lw=1, ls="-.", label="truth")
    ax.set(xscale="log", yscale="log", xlabel="rank", ylabel="eigenvalue (share of total variance)")
    ends = [
        fit.predict(np.array(fit.ranks[1])) / float(s["eigenvalue"].sum())
        for s, fit in zip(many, lines, strict=True)
        if fit is not None
    ]
    if ends:  # where rank runs out eigenvalues fall to rounding; the page is for what the fits describe
        ax.set_ylim(bottom=float(min(ends)) / 100)
    # Handed over explicitly: matplotlib leaves labels that begin with an underscore out of a legend of its own making.
    names = [str(curve.get_label()) for curve in curves]
    ax.legend(curves, names, loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=8, frameon=False)
    return ax


def alpha_by_layer(table: pd.DataFrame, *, ax: Axes | None = None, group: str | None = None) -> Axes:
    """Draw alpha with its interval for each row of a table, in order; a line at alpha = 1.

    Parameters
    ----------
    table : DataFrame
        Columns ``name``, ``alpha``, ``low``, ``high``: of ``neuroalpha.compare.measure.to_table``.
    ax : matplotlib Axes, optional
    group : str, optional
        Column whose values get a line each, as the models of a zoo; their layers are then spread evenly over depth 0 to
        1.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> table = pd.DataFrame({"name": ["conv1", "fc"], "alpha": [1.2, 0.9], "low": [1.1, 0.8], "high": [1.3, 1.0]})
    >>> na.plot.alpha_by_layer(table).get_ylabel()
    'alpha'
    """
    missing = {"name", "alpha", "low", "high", *([group] if group else [])} - set(table.columns)
    if missing:
        raise InputError(
            f"the table lacks the column {sorted(missing)[0]!r}; make it with neuroalpha.compare.measure.to_table"
        )
    ax = ax or _axes(max(5.0, 0.5 * len(table)) if group is None else 6.4, 4.4)
    parts = [("", table)] if group is None else list(table.groupby(group, sort=False))
    for index, (name, part) in enumerate(parts):
        x = np.arange(len(part)) if group is None else np.linspace(0, 1, len(part))
        alpha = part["alpha"].to_numpy(dtype=float)
        # An interval that was not computed is drawn as none, not as a gap in the line.
        errors = np.nan_to_num(np.abs(part[["low", "high"]].to_numpy(dtype=float).T - alpha))
        ax.errorbar(
            x,
            alpha,
            yerr=errors,
            color=colour_of(index)[0],
            ls=colour_of(index)[1],
            marker="o",
            ms=4,
            lw=1.2,
            capsize=2,
            label=_literal(name) or None,
        )
    ax.axhline(1, color="black", lw=0.8, ls=":")
    if group is None:
        ax.set_xticks(
            np.arange(len(table)), [_literal(name) for name in table["name"]], rotation=60, ha="right", fontsize=8
        )
        ax.set_xlabel("layer")
    else:
        ax.set_xlabel("depth (first to last recorded layer)")
        ax.legend(frameon=False, fontsize=8)
    ax.set_ylabel("alpha")
    return ax


def window_sensitivity(fit: AlphaFit, *, ax: Axes | None = None) -> Axes:
    """Draw alpha over a grid of windows as a heat map; the window of the fit is framed.

    Parameters
    ----------
    fit : AlphaFit
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(90, 80)), stimulus_id=np.arange(90))
    >>> ax = na.plot.window_sensitivity(na.fit_alpha(na.eigenspectrum(x, n_draws=0), (4, 40)))
    >>> ax.get_xlabel()
    'last rank'
    """
    from matplotlib.patches import Rectangle

    grid = fit.sensitivity.pivot(index="first", columns="last", values="alpha")
    ax = ax or _axes(1.6 + 0.75 * grid.shape[1], 1.6 + 0.45 * grid.shape[0])
    values = grid.to_numpy(dtype=float)
    spread = max(float(np.nanmax(np.abs(values - fit.alpha))), 1e-3)
    image = ax.imshow(values, cmap="PuOr_r", aspect="auto", vmin=fit.alpha - spread, vmax=fit.alpha + spread)
    for row, column in np.argwhere(np.isfinite(values)):
        near = abs(values[row, column] - fit.alpha) < 0.6 * spread
        ax.text(
            column,
            row,
            f"{values[row, column]:.2f}",
            ha="center",
            va="center",
            fontsize=8,
            color="black" if near else "white",
        )
    row, column = [int(r) for r in grid.index].index(fit.ranks[0]), [int(r) for r in grid.columns].index(fit.ranks[1])
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", lw=2))
    ax.set_xticks(range(grid.shape[1]), [str(last) for last in grid.columns])
    ax.set_yticks(range(grid.shape[0]), [str(first) for first in grid.index])
    ax.set(
        xlabel="last rank", ylabel="first rank", title=_literal(f"{fit.identifier or fit.estimator}: alpha by window")
    )
    ax.figure.colorbar(image, ax=ax, label="alpha")
    return ax


def shares(spectrum: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Ranks, eigenvalues as shares of their sum, and the band's ends (or None), all (component,)."""
    total = float(spectrum["eigenvalue"].sum())
    low, high = (
        spectrum[name].values / total if name in spectrum else None for name in ("eigenvalue_low", "eigenvalue_high")
    )
    return spectrum["rank"].values, spectrum["eigenvalue"].values / total, low, high


def colour_of(index: int) -> tuple[str, str]:
    """Colour and line style of the curve with this index; past the palette the colours come again in other styles."""
    return COLOURS[index % len(COLOURS)], ("-", ":", "-.")[index // len(COLOURS) % 3]


def _literal(text: object) -> str:
    """Text that matplotlib shows as it is: a dollar sign would begin a formula."""
    return str(text).replace("$", r"\$")


def label_of(spectrum: xr.Dataset) -> str:
    """A name for a spectrum: what population, then what layer or region of it."""
    attrs = spectrum.attrs
    parts = [str(attrs[name]) for name in ("identifier", "layer", "region") if attrs.get(name)]
    return " ".join(parts) or str(attrs.get("estimator", "spectrum"))


def alpha_text(fit: AlphaFit) -> str:
    """``alpha 1.02 [0.98, 1.06], ranks 11-500``."""
    inside = f" [{fit.low:.2f}, {fit.high:.2f}]" if np.isfinite(fit.low) else ""
    return f"alpha {fit.alpha:.2f}{inside}, ranks {fit.ranks[0]}-{fit.ranks[1]}"


def _axes(width: float, height: float) -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


# Figures that stand in files of their own and use the helpers above.
_ELSEWHERE = {
    "window_band": "plot_fits",
    "models": "plot_fits",
    "heldout": "plot_heldout",
    "spectral_correlation": "plot_heldout",
    "calibration": "plot_calibration",
    "extrapolation": "plot_extrapolation",
    "noise_curves": "plot_noise",
    "generalisation": "plot_generalisation",
    "relation": "plot_relation",
    "relation_by_window": "plot_relation",
    "relation_by_layer": "plot_relation",
    "score_against_accuracy": "plot_sweep",
    "sweep_heatmap": "plot_sweep_map",
    "selection": "plot_selection",
    "training": "plot_training",
    "eigenvalue_traces": "plot_training",
    "eigenspace_figures": "plot_eigenspace",
    "grassmann_figures": "plot_grassmann",
    "supervision_figures": "plot_supervision",
    "recovery_map": "plot_supervision",
    "effective_dimensions": "plot_supervision",
    "sparsity_lines": "plot_supervision",
    "signal_costs": "plot_supervision_costs",
    "preference": "plot_supervision_costs",
}


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(f"neuroalpha.report.{_ELSEWHERE[name]}"), name)
    raise AttributeError(f"module 'neuroalpha.report.plot' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ELSEWHERE])
