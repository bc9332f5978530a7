"""Figures of what supervision signals recover: by size, against effective dimension and sparsity; and all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS, _axes
from neuroalpha.report.plot_supervision_costs import preferences, signal_costs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "^", "D", "v")
WORDS = {
    "rho": "Spearman's rho with the truth",
    "rho_points": "Spearman's rho with the truth, points alone",
    "rho_asked": "Spearman's rho with the truth, points and classes with labels",
    "information_ratio": "information ratio",
    "effective_dimension": "effective dimension",
    "wrong_first": "wrong comparisons of points at a class",
}
SCORED = {"rho": "all points and classes", "rho_points": "the points alone", "rho_asked": "points, classes with labels"}
RANGES = {"rho": (0.0, 1.0), "rho_points": (0.0, 1.0), "rho_asked": (0.0, 1.0), "wrong_first": (0.0, 0.5)}


def recovery_map(
    simulation: xr.Dataset,
    *,
    signal: str,
    d: int | None = None,
    value: str = "rho",
    bar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a measure of a simulation over numbers of points and of classes; mean of repeats.

    Parameters
    ----------
    simulation : Dataset
        Of :func:`neuroalpha.theory.simulate_supervision`.
    signal : str
    d : int, optional
        Latent dimensions; default the first.
    value : {"rho", "rho_points", "rho_asked", "information_ratio", "effective_dimension", "wrong_first"}
    bar : bool
        Draw a colour bar.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When the simulation does not have the signal, d or value.

    Examples
    --------
    >>> from neuroalpha.theory.supervision_simulation import simulate_supervision
    >>> found = simulate_supervision([5, 10], [3, 10], 5, repeats=1, progress=False)
    >>> recovery_map(found, signal="soft").get_title()
    'soft labels, d = 5'
    """
    if value not in simulation:
        raise InputError(f"the simulation has no {value!r}; expected one of {', '.join(WORDS)}")
    d = int(simulation["d"].values[0]) if d is None else d
    for name, wanted in (("signal", signal), ("d", d)):
        if wanted not in simulation[name].values:
            raise InputError(f"the simulation has no {name} {wanted!r}; it has {simulation[name].values.tolist()}")
    cells = simulation[value].sel(signal=signal, d=d).mean("repeat").transpose("k", "n")
    ax = ax or _axes(4.8, 4.2)
    whole = simulation[value].sel(signal=signal).mean("repeat")
    low, high = RANGES.get(value, (float(whole.min()), float(whole.max())))
    image = ax.imshow(cells.values, origin="lower", cmap="viridis", vmin=low, vmax=high)
    for row, column in np.ndindex(cells.shape):
        number = float(cells.values[row, column])
        text = f"{number:.1f}" if value == "effective_dimension" else _short(number)
        light = number < (low + high) / 2
        ax.text(column, row, text, ha="center", va="center", fontsize=7.5, color="white" if light else "black")
    ax.set_xticks(range(cells.sizes["n"]), [str(each) for each in cells["n"].values])
    ax.set_yticks(range(cells.sizes["k"]), [str(each) for each in cells["k"].values])
    ax.set(xlabel="points n", ylabel="classes k", title=f"{signal} labels, d = {d}")
    if bar:
        ax.figure.colorbar(image, ax=ax, label=WORDS.get(value, value), shrink=0.85)
    return ax


def effective_dimensions(simulation: xr.Dataset, *, signal: str = "soft", ax: Axes | None = None) -> Axes:
    """Draw effective dimension against information ratio, a point for each cell (mean of repeats).

    Parameters
    ----------
    simulation : Dataset
        Of :func:`neuroalpha.theory.simulate_supervision`.
    signal : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from neuroalpha.theory.supervision_simulation import simulate_supervision
    >>> found = simulate_supervision([5, 10], [3, 10], 5, repeats=1, progress=False)
    >>> effective_dimensions(found).get_ylabel()
    'effective dimension'
    """
    part = simulation.sel(signal=signal).mean("repeat")
    ax = ax or _axes(5.6, 4.4)
    for index, d in enumerate(part["d"].values):
        ax.scatter(
            part["information_ratio"].sel(d=d).values.ravel(),
            part["effective_dimension"].sel(d=d).values.ravel(),
            color=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
            s=26,
            alpha=0.75,
            linewidths=0,
            label=f"d = {d}",
        )
    r = np.corrcoef(part["information_ratio"].values.ravel(), part["effective_dimension"].values.ravel())[0, 1]
    ax.set(
        xlabel="information ratio",
        ylabel="effective dimension",
        title=f"{signal} labels: r = {r:.2f} over all cells (paper: .734)" if signal == "soft" else f"r = {r:.2f}",
    )
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def sparsity_lines(curves: xr.Dataset, *, value: str = "rho", legend: bool = True, ax: Axes | None = None) -> Axes:
    """Draw what sparse labels, top classes and principal components recover, against how many are kept.

    Parameters
    ----------
    curves : Dataset
        Of :func:`neuroalpha.theory.sparsity_curves`; lines are means of repeats, bands their range.
    value : {"rho", "rho_points", "rho_asked"}
        Over which items: all of them, the points alone, the points and the classes that have labels. Which of sparse
        and top-class labels is above depends on it.
    legend : bool
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When the curves do not have the value.

    Examples
    --------
    >>> from neuroalpha.theory.supervision_simulation import sparsity_curves
    >>> sparsity_lines(sparsity_curves(10, 6, 4, repeats=1, progress=False)).get_xlabel()
    'kept k^ (components, entries, classes)'
    """
    if value not in SCORED or value not in curves:
        raise InputError(f"the curves have no {value!r}; expected one of {', '.join(SCORED)}")
    ax = ax or _axes(5.6, 4.4)
    names = {"pca": "principal components of the truth", "sparse": "sparse labels", "top-class": "top-class labels"}
    for index, name in enumerate(curves["signal"].values):
        rho = curves[value].sel(signal=name).dropna("sparsity", how="all")
        x, colour = rho["sparsity"].values, COLOURS[index % len(COLOURS)]
        mean = rho.mean("repeat").values
        ax.plot(
            x, mean, color=colour, marker=MARKERS[index % len(MARKERS)], ms=4, label=names.get(str(name), str(name))
        )
        ax.fill_between(x, rho.min("repeat").values, rho.max("repeat").values, color=colour, alpha=0.15, lw=0)
    for name, style in (("soft", "--"), ("hard", ":")):
        # Of soft and of hard labels every class has some: what was asked is all.
        level = f"rho_points_{name}" if value == "rho_points" else f"rho_{name}"
        ax.axhline(float(curves[level].mean()), color="black", lw=1, ls=style, label=f"{name} labels")
    where = ", ".join(f"{name} = {curves.attrs[name]}" for name in "nkd" if name in curves.attrs)
    ax.set(xlabel="kept k^ (components, entries, classes)", ylabel=WORDS["rho"], ylim=(None, 1.02))
    ax.set_title(where if value == "rho" else f"{where}: {SCORED[value]}")
    if legend:
        ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def supervision_figures(found: Any) -> dict[str, Any]:
    """Draw every figure that the given results allow, by name.

    Parameters
    ----------
    found : mapping, or an object with ``datasets`` that is one
        Any of "simulation" (of ``simulate_supervision``), "curves" (of ``sparsity_curves``), "preference" (of
        ``preference_map``), "plan" (a SignalPlan).

    Returns
    -------
    dict of matplotlib Figure
        "recovery", "information", "effective-dimension", "sparsity", "preference", "cost-curve".

    Raises
    ------
    InputError
        When there is nothing to draw.

    Examples
    --------
    >>> from neuroalpha.theory.supervision import preference_map
    >>> list(supervision_figures({"preference": preference_map([3, 30], [3, 30])}))
    ['preference']
    """
    results = found if isinstance(found, Mapping) else getattr(found, "datasets", {})
    figures: dict[str, Any] = {}
    if "simulation" in results:
        simulation = results["simulation"]
        figures["recovery"] = _maps(simulation, "rho")
        figures["information"] = _maps(simulation.isel(d=[0]), "information_ratio")
        if "soft" in simulation["signal"].values:
            figures["effective-dimension"] = effective_dimensions(simulation).figure
    if "curves" in results:
        figures["sparsity"] = _sparsities(results["curves"])
    if "preference" in results:
        figures["preference"] = preferences(results["preference"])
    if "plan" in results:
        figures["cost-curve"] = signal_costs(results["plan"]).figure
    if not figures:
        raise InputError(
            f"nothing to draw in {sorted(results)}; expected 'simulation', 'curves', 'preference' or 'plan'"
        )
    return figures


def _sparsities(curves: xr.Dataset) -> Any:
    """A panel for each choice of the items that are scored, on one scale."""
    import matplotlib.pyplot as plt

    values = [value for value in SCORED if value in curves]
    figure, axes = plt.subplots(
        1, len(values), figsize=(4.2 * len(values) + 0.4, 4.2), layout="constrained", sharey=True, squeeze=False
    )
    for value, ax in zip(values, axes[0], strict=True):
        sparsity_lines(curves, value=value, legend=False, ax=ax)
        ax.set_title(SCORED[value], fontsize=10)
    for ax in axes[0, 1:]:
        ax.set_ylabel("")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=9
    )
    figure.suptitle(", ".join(f"{name} = {curves.attrs[name]}" for name in "nkd" if name in curves.attrs), fontsize=11)
    return figure


def _maps(simulation: xr.Dataset, value: str) -> Any:
    """A row for each signal, a column for each d; one colour bar a row."""
    import matplotlib.pyplot as plt

    signals, dimensions = simulation["signal"].values, simulation["d"].values
    across = len(dimensions) > 1
    rows, columns = (len(signals), len(dimensions)) if across else (1, len(signals))
    figure, axes = plt.subplots(rows, columns, figsize=(3.5 * columns + 0.9, 3.4 * rows), layout="constrained")
    grid = np.reshape(np.asarray(axes, dtype=object), (rows, columns))
    for row, signal in enumerate(signals):
        for column, d in enumerate(dimensions):
            ax = grid[row, column] if across else grid[0, row]
            recovery_map(simulation, signal=str(signal), d=int(d), value=value, bar=not across, ax=ax)
            if value == "information_ratio":
                ax.set_title(f"{signal} labels")
        if across:
            figure.colorbar(grid[row, -1].images[0], ax=grid[row, :], label=WORDS[value], shrink=0.9)
    return figure


def _short(number: float) -> str:
    """.83, -.02, 1.0, 0; small positive ones as .003."""
    text = f"{number:.3f}" if 0.0005 <= number < 0.0095 else f"{number:.2f}"
    if float(text) == 0:
        return "0"
    return text.replace("0.", ".", 1) if abs(number) < 0.995 else f"{number:.1f}"
