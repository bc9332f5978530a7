"""Figures beside the eigenspace theory: errors of all settings, basins of collapse, stepwise learning, DirectPred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS, _axes
from neuroalpha.report.plot_eigenspace import THEORY, _legend, _modes, _needs, _panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def errors(datasets: xr.Dataset | Sequence[xr.Dataset], *, ax: Axes | None = None) -> Axes:
    """Draw the largest error of every setting at the larger and the smaller step size; parallel bars fall tenfold.

    Parameters
    ----------
    datasets : Dataset or sequence of Dataset
        Of ``compare_eigenspace``, ``compare_related`` or any other comparison with theory.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        For other Datasets.

    Examples
    --------
    >>> import neuroalpha as na
    >>> ax = errors(na.theory.compare_eigenspace(["euclidean", "euclidean iso"]))
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['euclidean', 'euclidean iso']
    """
    many = [datasets] if isinstance(datasets, xr.Dataset) else list(datasets)
    rows: list[tuple[str, np.ndarray, float]] = []
    for dataset in many:
        _needs(dataset, "max_error", "ratio", "setting")
        for name in dataset["setting"].values:
            one = dataset.sel(setting=name)
            rows.append((str(name), one["max_error"].values, float(one["ratio"])))
    ax = ax or _axes(6.8, 1.0 + 0.23 * len(rows))
    floor = min((row[1][row[1] > 0].min() for row in rows if (row[1] > 0).any()), default=1e-6) / 2
    for place, (_, found, ratio) in enumerate(rows):
        shown = np.maximum(found, floor)
        ax.plot(shown, [place] * shown.size, color="grey", lw=1, zorder=1)
        ax.plot(shown[0], place, "o", color=COLOURS[0], label="larger step" if place == 0 else None)
        ax.plot(shown[-1], place, "o", color=COLOURS[1], label="a tenth of it" if place == 0 else None)
        text = "exact" if not found[0] else f"x {ratio:.1f}"
        ax.text(shown.max() * 1.3, place, text, va="center", fontsize=7)
    ax.set(xscale="log", xlabel="largest error against theory", ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=7)
    ax.axvline(0.035, color="black", lw=0.7, ls=":", label="0.035")
    ax.margins(x=0.12)
    ax.legend(fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def basins(dataset: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw where an eigenvalue ends from every start and weight decay: a basin of collapse below the lower root.

    Parameters
    ----------
    dataset : Dataset
        Of ``neuroalpha.theory.collapse_basins``: ``final`` (start, weight_decay) and ``threshold`` (weight_decay,).
        Of several settings each is drawn beside the other.
    ax : matplotlib Axes, optional
        For one setting.

    Returns
    -------
    matplotlib Axes, or an array of them for several settings

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> import neuroalpha as na
    >>> found = na.theory.collapse_basins([0.01, 0.1, 1.0], [0.0, 0.1, 0.2, 0.3])
    >>> basins(found).get_xlabel()
    'weight decay'
    """
    _needs(dataset, "final", "threshold")
    if "setting" in dataset["final"].dims:
        if dataset.sizes["setting"] > 1:
            axes = _panels(dataset.sizes["setting"], ax)
            for place, each in enumerate(axes):
                basins(dataset.isel(setting=place), ax=each)
            return axes  # type: ignore[return-value]
        dataset = dataset.isel(setting=0)
    ax = ax or _axes(4.6, 3.8)
    found = dataset["final"].transpose("start", "weight_decay")
    drawn = ax.pcolormesh(
        dataset["weight_decay"], dataset["start"], found, cmap="viridis", vmin=0, shading="nearest", rasterized=True
    )
    ax.figure.colorbar(drawn, ax=ax, label="final eigenvalue")
    threshold = dataset["threshold"].where(np.isfinite(dataset["threshold"]) & (dataset["threshold"] > 0))
    ax.plot(dataset["weight_decay"], threshold, color="white", lw=1.6, ls="--", label="threshold")
    low, high = float(dataset["start"].min()), float(dataset["start"].max())
    ax.set(yscale="log", xlabel="weight decay", ylabel="eigenvalue at the start", ylim=(low, high))
    if threshold.notnull().any():
        ax.legend(fontsize=7, loc="lower right", labelcolor="white", facecolor="#222222", framealpha=0.6)
    name = dataset["setting"].values if "setting" in dataset.coords else ""
    ax.set_title(str(name), fontsize=8)
    return ax


def stepwise(dataset: xr.Dataset, *, axes: Any = None) -> np.ndarray:
    """Draw stepwise learning: embedding eigenvalues above, the loss below, a column for each start.

    Parameters
    ----------
    dataset : Dataset
        Of ``neuroalpha.theory.compare_related`` with its stepwise settings.
    axes : array of matplotlib Axes, optional
        Two for each stepwise setting: those above first.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset, or one without stepwise settings.

    Examples
    --------
    >>> import neuroalpha as na
    >>> axes = stepwise(na.theory.compare_related(["stepwise aligned"]))
    >>> [ax.get_ylabel() for ax in axes]
    ['embedding eigenvalue', 'loss']
    """
    _needs(dataset, "simulated", "predicted", "step_time_predicted")
    names = [name for name in dataset["setting"].values if str(name).startswith("stepwise")]
    if not names:
        raise InputError("no stepwise setting in the Dataset; make it with compare_related")
    axes = _panels(2 * len(names), axes, across=len(names))
    for place, name in enumerate(names):
        one = dataset.sel(setting=name)
        one = one.isel(time_index=np.isfinite(one["time"].values), mode=np.isfinite(one["step_time_predicted"].values))
        time, curves, theory = one["time"].values, one["simulated"].isel(step=-1).values, one["predicted"].values
        above, below = axes[place], axes[place + len(names)]
        _modes(above, time, curves)
        above.plot(time, theory, **THEORY)
        for when in one["step_time_predicted"].values:
            below.axvline(when, color="grey", lw=0.5, ls=":")
        below.plot(time, ((1 - curves) ** 2).sum(axis=1), color=COLOURS[0], lw=1.8)
        below.plot(time, ((1 - theory) ** 2).sum(axis=1), **THEORY)
        share = float(one["step_time_error"].isel(step=-1))
        above.set(xlabel="time", ylabel="embedding eigenvalue")
        off = f"{100 * share:.2g} % off" if np.isfinite(share) else "not all taken"
        above.set_title(f"{name}: step times {off}", fontsize=8)
        below.set(xlabel="time (dotted: predicted steps)", ylabel="loss")
    _legend(axes[0], "simulated", "theory")
    return axes


def related_traces(dataset: xr.Dataset, *, axes: Any = None) -> np.ndarray:
    """Draw DirectPred's p, s and tau and the supervised strengths, simulated and predicted.

    Parameters
    ----------
    dataset : Dataset
        Of ``neuroalpha.theory.compare_related``.
    axes : array of matplotlib Axes, optional
        One for each setting that is not stepwise.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset, or one with stepwise settings only.

    Examples
    --------
    >>> import neuroalpha as na
    >>> related_traces(na.theory.compare_related(["supervised"]))[0].get_title()
    'supervised'
    """
    _needs(dataset, "simulated", "predicted", "time")
    names = [name for name in dataset["setting"].values if not str(name).startswith("stepwise")]
    if not names:
        raise InputError("only stepwise settings in the Dataset; draw them with stepwise")
    axes = _panels(len(names), axes, across=3)
    for ax, name in zip(axes, names, strict=False):
        one = dataset.sel(setting=name)
        known = np.isfinite(one["time"].values)
        theory = one["predicted"].values[known]
        modes = np.isfinite(theory).all(axis=0)
        time, theory = one["time"].values[known], theory[:, modes]
        curves = one["simulated"].isel(step=0).values[known][:, modes]
        if name == "supervised":
            _modes(ax, time, curves)
            ax.set_ylabel("strength")
        else:
            third = curves.shape[1] // 3
            for place, label in enumerate(("p of the predictor", "s of the features", "tau of the target")):
                part = curves[:, place * third : (place + 1) * third]
                lines = ax.plot(time, part, color=COLOURS[place], lw=1.8, alpha=0.8)
                lines[0].set_label(label)
        ax.plot(time, theory, **THEORY)
        ax.set(xlabel="time", title=str(name))
        ax.title.set_fontsize(8)
    labelled = [ax for ax in axes if ax.get_legend_handles_labels()[0]]
    if labelled:
        labelled[0].legend(fontsize=7, frameon=False)
    return axes


def related_figures(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Draw the figures for which a comparison has settings.

    Parameters
    ----------
    dataset : Dataset
        Of ``neuroalpha.theory.compare_related``, with any settings.

    Returns
    -------
    dict of array of matplotlib Axes
        ``eigenspace-stepwise`` (:func:`stepwise`), ``eigenspace-directpred`` (:func:`related_traces`), or one of both.

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> import neuroalpha as na
    >>> list(related_figures(na.theory.compare_related("supervised")))
    ['eigenspace-directpred']
    """
    _needs(dataset, "simulated", "predicted", "time")
    steps = {str(name).startswith("stepwise") for name in dataset["setting"].values}
    made = {}
    if True in steps:
        made["eigenspace-stepwise"] = stepwise(dataset)
    if False in steps:
        made["eigenspace-directpred"] = related_traces(dataset)
    return made
