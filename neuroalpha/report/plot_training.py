"""Figures of training: loss, alpha, effective rank and accuracies over epochs, and an operator's eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.errors import InputError, nearest
from neuroalpha.report.plot import _literal
from neuroalpha.report.plot_noise import SCALE
from neuroalpha.report.zoo_columns import numbers
from neuroalpha.report.zoo_sweep import looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 16  # names up to which each has a line in the legend
GREY = "#b5b5b5"
STYLES = ("-", "--", ":", "-.")
UNLIKE = 0.2  # one run's range of losses as a share of all runs' range, below which losses are drawn as shares
PANELS = (  # what the panel says, columns (a prefix ends with ": "), and how each column is called
    ("loss", {"loss": ""}),
    ("alpha", {"alpha: ": ""}),
    ("effective rank", {"effective_rank: ": ""}),
    ("accuracy", {"readout_accuracy": "online readout", "knn_accuracy": "kNN"}),
)


def training(
    history: pd.DataFrame | Sequence[pd.DataFrame] | Mapping[str, pd.DataFrame],
    labels: Sequence[str] | None = None,
    *,
    ax: Sequence[Axes] | np.ndarray | None = None,
) -> np.ndarray:
    """Draw training over epochs: loss, alpha and effective rank of each layer, accuracies of online readout and kNN.

    Runs of one label share a colour, that of the objective where the label is one's name (and the same as in the
    figures of a sweep). Layers, and the two accuracies, differ in line style. Losses of objectives with unlike scales
    are each drawn from their least (0) to their greatest value (1), and the axis says so. A gap in alpha is an epoch at
    which the layer had collapsed.

    Parameters
    ----------
    history : DataFrame, sequence or mapping of them
        Column ``epoch`` and, as known, ``loss``, ``alpha: <layer>``, ``effective_rank: <layer>``, ``readout_accuracy``
        and ``knn_accuracy``: of ``TrainResult.history``. A panel without any is left out.
    labels : sequence of str, optional
        One for each history. Default: the keys of a mapping, else their numbers.
    ax : sequence of matplotlib Axes, optional
        One for each panel. Default: a new figure.

    Returns
    -------
    array of matplotlib Axes

    Raises
    ------
    InputError
        For no history, one without ``epoch`` or anything to draw, or numbers of labels or axes that differ.

    Examples
    --------
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> history = pd.DataFrame({"epoch": [1, 2], "loss": [5.0, 4.5], "alpha: backbone": [1.6, 1.3]})
    >>> [panel.get_ylabel() for panel in na.plot.training(history)]
    ['loss', 'alpha']
    """
    runs, names = _runs(history, labels)
    panels = [(what, found) for what, wanted in PANELS if (found := _columns_of(runs, wanted))]
    if not panels:
        raise InputError("the histories hold no loss, alpha, effective rank or accuracy over epochs: nothing to draw")
    axes = _axes_of(ax, len(panels))
    looks, told = _looks(names)
    for panel, (what, columns) in zip(axes, panels, strict=True):
        scaled = what == "loss" and _are_unlike(runs)
        for run, name in zip(runs, names, strict=True):
            for index, column in enumerate(columns):
                if column not in run.columns:
                    continue
                y = numbers(run[column])
                if scaled:
                    least, most = np.nanmin(y), np.nanmax(y)
                    y = (y - least) / (most - least if most > least else 1.0)
                colour, line = looks[name]
                few, lone = len(runs) <= 12, np.isfinite(y).sum() <= 2
                panel.plot(
                    run["epoch"], y, color=colour, ls=STYLES[index % len(STYLES)] if len(columns) > 1 else line,
                    lw=1.5 if few else 0.9, alpha=0.9 if few else 0.7, zorder=1 + (colour != GREY),
                    marker="o" if lone else "", ms=3,
                )  # fmt: skip
        if what == "alpha":
            panel.axhline(1, color="black", lw=0.8, ls=":")
        panel.set(xlabel="epoch", ylabel="loss (each rescaled to 0\N{EN DASH}1)" if scaled else what)
        if len(columns) > 1:
            _styles(panel, list(columns.values()))
    if len(set(names)) > 1:
        _names(axes, looks, told, ax is None)
    return axes


def eigenvalue_traces(eigenvalues: xr.DataArray, *, every: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw eigenvalues over epochs on a logarithmic axis, a line for every k-th component, coloured by rank.

    Of the predictor's or the correlation matrix's eigenvalues that objectives of the DirectPred family report: a mode
    that is learnt rises to its fixed point; lines that stay below are modes that training does not recruit.

    Parameters
    ----------
    eigenvalues : DataArray
        Dims ``epoch`` and ``component``, in falling order along component: ``TrainResult.eigenvalues``.
    every : int, optional
        Which components are drawn: ranks 1, 1 + every, ... Default: so that at most 30 are.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When the dims are others, ``every`` is below 1, or no eigenvalue is positive.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import neuroalpha as na
    >>> found = xr.DataArray(np.geomspace(1, 1e-3, 20).reshape(2, 10), dims=("epoch", "component"))
    >>> na.plot.eigenvalue_traces(found, every=3).get_ylabel()
    'eigenvalue'
    """
    if not isinstance(eigenvalues, xr.DataArray) or set(eigenvalues.dims) != {"epoch", "component"}:
        given = getattr(eigenvalues, "dims", type(eigenvalues).__name__)
        raise InputError(f"expected eigenvalues as a DataArray with dims ('epoch', 'component'), got {given}")
    n_components = eigenvalues.sizes["component"]
    step = max(1, -(-n_components // 30)) if every is None else every
    if step < 1:
        raise InputError(f"every is {every}; expected a step between ranks of at least 1")
    values = eigenvalues.transpose("epoch", "component").values.astype(float)
    if not (values > 0).any():
        raise InputError("no eigenvalue is positive, so there is nothing to draw on a logarithmic axis")
    from matplotlib import cm, colors

    import neuroalpha.report.plot as plot

    panel = ax or plot._axes(6.4, 4.4)
    ranks = np.asarray(eigenvalues["rank"]) if "rank" in eigenvalues.coords else np.arange(1, n_components + 1)
    epochs = eigenvalues["epoch"].values if "epoch" in eigenvalues.coords else np.arange(values.shape[0])
    norm = colors.LogNorm(1, max(n_components, 2))
    scale = cm.ScalarMappable(norm, colors.LinearSegmentedColormap.from_list("rank", SCALE))
    for place in range(0, n_components, step):
        y = np.where(values[:, place] > 0, values[:, place], np.nan)
        panel.plot(
            epochs,
            y,
            color=scale.to_rgba(np.asarray(ranks[place], dtype=float)),
            lw=1.1,
            marker="o" if len(epochs) < 3 else "",
            ms=3,
        )
    top = float(values.max())
    low = values[:, ::step]
    # Rounding reaches down to 1e-17 of the greatest; what is learnt or not shows in the first ten decades.
    panel.set(
        xlabel="epoch", ylabel="eigenvalue", yscale="log", ylim=(max(low[low > 0].min() / 2, top * 1e-10), top * 2)
    )
    figure: Any = panel.figure
    bar = figure.colorbar(scale, ax=panel, label="rank" if step == 1 else f"rank (every {_ordinal(step)})", pad=0.02)
    bar.ax.invert_yaxis()
    return panel


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else ends.get(number % 10, 'th')}"


def _runs(history: Any, labels: Sequence[str] | None) -> tuple[list[pd.DataFrame], list[str]]:
    if isinstance(history, pd.DataFrame):
        runs, names = [history], [""]
    elif isinstance(history, Mapping):
        runs, names = list(history.values()), [str(name) for name in history]
    else:
        runs = list(history)
        names = [str(index) for index in range(len(runs))] if len(runs) > 1 else [""]
    if labels is not None:
        names = [str(label) for label in labels]
    if not runs or len(runs) != len(names):
        raise InputError(f"got {len(runs)} histories and {len(names)} labels; give at least one, and a label for each")
    for index, run in enumerate(runs):
        if not isinstance(run, pd.DataFrame):
            raise InputError(f"history {index} is a {type(run).__name__}; expected a table (TrainResult.history)")
        if "epoch" not in run.columns:
            raise InputError(f"history {index} has no column 'epoch'{nearest('epoch', map(str, run.columns))}")
    return [run.sort_values("epoch", kind="stable") for run in runs], names


def _columns_of(runs: Sequence[pd.DataFrame], wanted: Mapping[str, str]) -> dict[str, str]:
    """Columns of a panel and what tells them apart, those alone that hold numbers."""
    found: dict[str, str] = {}
    for run in runs:
        for column in map(str, run.columns):
            for name, said in wanted.items():
                if column == name or (name.endswith(": ") and column.startswith(name)):
                    if np.isfinite(numbers(run[column])).any():
                        found[column] = said or column[len(name) :]
    return found


def _are_unlike(runs: Sequence[pd.DataFrame]) -> bool:
    losses = [numbers(run["loss"]) for run in runs if "loss" in run.columns]
    ranges = [(np.nanmin(y), np.nanmax(y)) for y in losses if np.isfinite(y).any()]
    whole = max(most for _, most in ranges) - min(least for least, _ in ranges)
    return len(ranges) > 1 and min(most - least for least, most in ranges) < UNLIKE * whole


def _looks(names: Sequence[str]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Colour and line style by name, and the names for the legend; beyond 16 names those spread over them."""
    known = list(dict.fromkeys(names))
    told = known
    if len(known) > NAMED:
        told = [known[i] for i in np.unique(np.linspace(0, len(known) - 1, 8).round().astype(int))]
    looks = looks_of(told)
    return {name: (looks[name].colour, looks[name].style) if name in looks else (GREY, "-") for name in known}, told


def _axes_of(ax: Any, n: int) -> np.ndarray:
    if ax is not None:
        axes = np.ravel(np.asarray(ax, dtype=object))
        if axes.size != n:
            raise InputError(f"got {axes.size} axes for {n} panels; give one for each, or none")
        return axes
    import matplotlib.pyplot as plt

    wide = n if n < 4 else 2
    tall = -(-n // wide)
    size = (0.4 + 4.1 * wide, 0.5 + 2.9 * tall)
    axes = plt.subplots(tall, wide, figsize=size, squeeze=False, layout="constrained")[1].ravel()
    for spare in axes[n:]:
        spare.set_visible(False)
    return axes[:n]


def _styles(panel: Axes, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color="#444444", ls=STYLES[index % len(STYLES)], lw=1.3) for index in range(len(names))]
    panel.legend(
        handles, [_literal(name) for name in names], loc="lower center", bbox_to_anchor=(0.5, 1.0),
        ncols=min(len(names), 4), fontsize=8, frameon=False, borderaxespad=0.1,
    )  # fmt: skip


def _names(axes: np.ndarray, looks: Mapping[str, tuple[str, str]], told: Sequence[str], own: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=looks[name][0], ls=looks[name][1], lw=1.6) for name in told]
    more = len(looks) - len(told)
    look: dict[str, Any] = {"fontsize": 8, "frameon": False, "title_fontsize": 8}
    title = f"{len(told)} of {len(looks)}, the others grey" if more else None
    names = [_literal(name) for name in told]
    if own:
        axes[0].figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 6), title=title, **look)
    else:
        axes[-1].legend(
            handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0.0, title=title, **look
        )
