"""Figures of a relation: the models with their families, the correlation by rank window, the correlation by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neuroalpha.compare.near_one import bend, positions_of
from neuroalpha.compare.relate import Relation
from neuroalpha.compare.wording import place_name
from neuroalpha.errors import InputError, nearest
from neuroalpha.report.plot import COLOURS, _axes, _literal, colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
NAMED = 12  # models up to which each point bears its name
LISTED = 16  # groups or windows that a legend names
BARRED = 9  # windows up to which intervals are drawn


def relation(relation: Relation, *, at: Mapping[str, Any] | None = None, ax: Axes | None = None) -> Axes:
    """Draw every model of one combination, coloured by group, with the line or the bend that fits best.

    The bend is drawn where it is better than a line by more than chance (corrected p below 1 - level), else the line.

    Parameters
    ----------
    relation : Relation
        Of :func:`neuroalpha.relate`.
    at : mapping, optional
        The combination, such as ``{"window": "11-500"}``; default the one with the strongest evidence.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When there is no such combination.

    Examples
    --------
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> from neuroalpha.report import plot_relation
    >>> table = pd.DataFrame({"model": list("abcdef"), "alpha": [0.8, 0.9, 1, 1.1, 1.2, 1.3], "accuracy": range(6)})
    >>> found = na.relate(table, group=None, n_bootstrap=50)
    >>> plot_relation.relation(found).get_xlabel()
    'alpha'
    """
    place, row = _place(relation, at)
    points = relation.points
    for name, value in place.items():
        points = points[points[name] == value]
    ax = ax or _axes(6.4, 4.6)
    handles = []
    parts = points.groupby(relation.group, sort=True) if relation.group else [("", points)]
    for index, (group, part) in enumerate(parts):
        handles.append(
            ax.scatter(
                part[relation.x],
                part[relation.y],
                color=COLOURS[index % len(COLOURS)],
                marker=MARKERS[(index // len(COLOURS) + index) % len(MARKERS)],
                s=34,
                alpha=0.85,
                linewidths=0,
                label=_literal(group),
                zorder=3,
            )
        )
    if len(points) <= NAMED:
        for _, each in points.iterrows():
            ax.annotate(
                _literal(each["unit"]), (each[relation.x], each[relation.y]), xytext=(4, 3), textcoords="offset points",
                fontsize=7, color="#444444",
            )  # fmt: skip
    _curve(relation, points, place, ax)
    if relation.near is not None:
        ax.axvline(relation.near, color="black", lw=0.8, ls=":", zorder=1)
    ax.set(xlabel=_literal(relation.x), ylabel=_literal(relation.y))
    ax.set_title(_literal(_title(place, row)), fontsize=9)
    if relation.group:
        shown = handles[:LISTED]
        names = [str(handle.get_label()) for handle in shown]
        more = len(handles) - len(shown)
        title = _literal(relation.group) + (f" ({more} more not listed)" if more else "")
        ax.legend(
            shown, names, title=title, title_fontsize=8, fontsize=8, frameon=False, loc="upper left",
            bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0,
        )  # fmt: skip
    return ax


def relation_by_window(relation: Relation, *, at: Mapping[str, Any] | None = None, ax: Axes | None = None) -> Axes:
    """Draw Spearman's rho over first and last rank of the window as a map; a star where it withstands the correction.

    Parameters
    ----------
    relation : Relation
    at : mapping, optional
        What else must be chosen, such as ``{"layer": "layer3"}``; default the combination with the strongest evidence.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When fewer than two windows with known ranks were looked at.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> from neuroalpha.report import plot_relation
    >>> rows = [(f"m{i}", w, i * s, i) for i in range(6) for w, s in (("2-20", -1), ("5-50", 1))]
    >>> table = pd.DataFrame(rows, columns=["model", "window", "alpha", "accuracy"])
    >>> found = na.relate(table, group=None, n_bootstrap=0)
    >>> plot_relation.relation_by_window(found).get_xlabel()
    'last rank'
    """
    frame = relation.windows
    others = [name for name in relation.within if name != "window"]
    place: dict[str, Any] = {}
    if others:
        chosen, _ = _place(relation, at)
        place = {name: chosen[name] for name in others}
        for name, value in place.items():
            frame = frame[frame[name] == value]
    frame = frame.dropna(subset=["first", "last"])
    if len(frame) < 2:
        raise InputError(
            f"the relation was looked at in {len(frame)} windows with known ranks; give a table with several windows, "
            "such as '11-500', for a map"
        )
    first, last = sorted(frame["first"].unique()), sorted(frame["last"].unique())
    values, stars = np.full((len(first), len(last)), np.nan), np.zeros((len(first), len(last)), dtype=bool)
    for _, each in frame.iterrows():
        cell = first.index(each["first"]), last.index(each["last"])
        values[cell], stars[cell] = each["rho"], each["p_corrected"] < 1 - relation.level
    ax = ax or _axes(2.2 + 0.6 * len(last), 1.7 + 0.42 * len(first))
    image = ax.imshow(np.ma.masked_invalid(values), cmap="PuOr_r", aspect="auto", vmin=-1, vmax=1)
    ax.set_facecolor("#e6e6e6")
    if values.size <= 400:
        for row, column in np.argwhere(np.isfinite(values)):
            text = f"{values[row, column]:.2f}" + ("*" if stars[row, column] else "")
            colour = "white" if abs(values[row, column]) > 0.6 else "black"
            ax.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    ax.set_xticks(range(len(last)), [f"{value:g}" for value in last], rotation=60 if len(last) > 12 else 0)
    ax.set_yticks(range(len(first)), [f"{value:g}" for value in first])
    where = place_name(place)
    title = f"{relation.y} against {relation.x}" + (f", {where}" if where else "")
    null = ", against shuffles within families" if relation.group else ""
    ax.set_title(_literal(f"{title}\n* p < {1 - relation.level:.2g} after correction{null}"), fontsize=9)
    ax.set(xlabel="last rank", ylabel="first rank")
    ax.figure.colorbar(image, ax=ax, label="Spearman's rho")
    return ax


def relation_by_layer(relation: Relation, *, ax: Axes | None = None) -> Axes:
    """Draw Spearman's rho at each layer, a line for each window; filled where it withstands the correction.

    Intervals are drawn for up to 9 windows; of more they would hide one another. Beyond 16 windows the lines are grey,
    to be read as a whole: :func:`relation_by_window` tells them apart.

    Parameters
    ----------
    relation : Relation
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When layers were not compared.

    Examples
    --------
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> from neuroalpha.report import plot_relation
    >>> rows = [(f"m{i}", layer, i * s, i) for i in range(6) for layer, s in (("conv1", -1), ("conv2", 1))]
    >>> table = pd.DataFrame(rows, columns=["model", "layer", "alpha", "accuracy"])
    >>> found = na.relate(table, group=None, n_bootstrap=0)
    >>> [text.get_text() for text in plot_relation.relation_by_layer(found).get_xticklabels()]
    ['conv1', 'conv2']
    """
    name = next((each for each in ("layer", "position") if each in relation.within), None)
    if name is None:
        raise InputError(
            f"layers were not compared, only {relation.within or 'one row for each model'}; relate a table whose "
            "models have the same layers, or a column 'position'"
        )
    frame = relation.windows
    layers = list(dict.fromkeys(frame[name]))
    others = [each for each in relation.within if each != name]
    parts = list(frame.groupby(others, sort=False, dropna=False)) if others else [((), frame)]
    ax = ax or _axes(max(4.6, 1.4 + 0.8 * len(layers)), 4.2)
    spread = 0.5 / max(len(parts), 1)
    crowded = len(parts) > LISTED
    for index, (key, part) in enumerate(parts):
        colour, style = ("#5a6670", "-") if crowded else colour_of(index)
        label = ", ".join(map(str, key if isinstance(key, tuple) else (key,)))
        x = np.array([layers.index(value) for value in part[name]]) + spread * (index - (len(parts) - 1) / 2)
        rho = part["rho"].to_numpy()
        errors = np.nan_to_num(np.abs(part[["low", "high"]].to_numpy(dtype=float).T - rho))
        ax.errorbar(
            x,
            rho,
            yerr=errors if len(parts) <= BARRED else None,
            color=colour,
            ls=style,
            lw=0.4 if crowded else 1.0,
            capsize=2,
            label=_literal(label) or None,
        )
        sure = (part["p_corrected"] < 1 - relation.level).to_numpy()
        ax.scatter(
            x,
            rho,
            s=12 if crowded else 26,
            linewidths=0.6 if crowded else 1.5,
            edgecolors=colour,
            c=[colour if one else "white" for one in sure],
            zorder=3,
        )
    ax.axhline(0, color="black", lw=0.8, ls=":")
    ax.set_xticks(range(len(layers)), [_literal(layer) for layer in layers], rotation=60 if len(layers) > 6 else 20)
    ax.set(xlabel=name, ylabel=_literal(f"Spearman's rho of {relation.x} and {relation.y}"), ylim=(-1.05, 1.05))
    ax.set_title(
        f"filled: p < {1 - relation.level:.2g} after correction for {relation.n_tried} combinations"
        + (f"\none line for each of {len(parts)} {', '.join(others)}s" if crowded else ""),
        fontsize=9,
    )
    if others and not crowded:
        ax.legend(
            title=_literal(", ".join(others)), title_fontsize=8, fontsize=8, frameon=False, loc="upper left",
            bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0,
        )  # fmt: skip
    return ax


def _place(relation: Relation, at: Mapping[str, Any] | None) -> tuple[dict[str, Any], pd.Series]:
    """The combination asked for, or the one with the strongest evidence, and its row of ``windows``."""
    frame = relation.windows
    for name, value in (at or {}).items():
        if name not in relation.within:
            raise InputError(f"{name!r} is not what combinations differ in" + nearest(str(name), relation.within))
        known = list(dict.fromkeys(frame[name]))
        frame = frame[frame[name] == value]
        if frame.empty:
            raise InputError(
                f"there is no combination with {name} {value!r}" + nearest(str(value), [str(each) for each in known])
            )
    rows = relation.table[relation.table["statistic"] == "spearman"]  # of x and of its distance from 1
    if relation.within:
        rows = rows.merge(frame[list(relation.within)], on=list(relation.within))
    order = np.lexsort([-rows["value"].abs().fillna(0).to_numpy(), rows["p_corrected"].fillna(2).to_numpy()])
    place = {name: rows.iloc[order[0]][name] for name in relation.within}
    for name, value in place.items():
        frame = frame[frame[name] == value]
    return place, frame.iloc[0]


def _curve(relation: Relation, points: pd.DataFrame, place: Mapping[str, Any], ax: Axes) -> None:
    """The line that fits best, or the line that bends where that is better by more than chance."""
    x, y = points[relation.x].to_numpy(dtype=float), points[relation.y].to_numpy(dtype=float)
    if np.unique(x).size < 3:
        return
    grid = np.linspace(x.min(), x.max(), 200)
    found = relation.table[relation.table["statistic"] == "kink position"]
    for name, value in place.items():
        found = found[found[name] == value]
    positions = positions_of(x)
    if len(found) and positions.size and found["p_corrected"].iloc[0] < 1 - relation.level:
        index, coefficients = bend(x, y, np.empty((x.size, 0)), positions, np.ones((1, x.size)))
        b0, b1, c = coefficients[0]
        height = b0 + b1 * grid + c * np.maximum(grid - positions[index[0]], 0)
    else:
        height = np.polyval(np.polyfit(x, y, 1), grid)
    ax.plot(grid, height, color="black", lw=1.2, alpha=0.7, zorder=2)


def _title(place: Mapping[str, Any], row: pd.Series) -> str:
    where = place_name(place)
    text = f"Spearman {row['rho']:.2f}"
    if np.isfinite(row["low"]):
        text += f" [{row['low']:.2f}, {row['high']:.2f}]"
    if np.isfinite(row["p_corrected"]):
        text += f", corrected p = {row['p_corrected']:.2g}"
    return f"{where}: {text}" if where else text
