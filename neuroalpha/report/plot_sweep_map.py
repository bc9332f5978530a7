"""Figure of a sweep: a value over the grid of two settings, a map for each objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neuroalpha.errors import InputError
from neuroalpha.report.plot import _literal
from neuroalpha.report.plot_sweep import DECADES, columns_for, numbers_of, of_layer, panels
from neuroalpha.report.zoo_columns import texts
from neuroalpha.report.zoo_sweep import collapsed, column, group_of, label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CELLS = 14  # values of a setting up to which the grid has a cell for each; beyond it models are points
WRITTEN = 12  # values of a setting up to which each cell bears its number
ABSENT = "#ececec"
FALLEN = "#7a1f00"  # a cross where there are models without the value


def sweep_heatmap(
    table: pd.DataFrame,
    x: str,
    y: str,
    value: str = "accuracy",
    *,
    group: str | None = None,
    layer: str | None = None,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
) -> Axes | np.ndarray:
    """Draw a value over the grid of two settings: a map for each objective, on one colour scale.

    A cell is the mean over the models with its two settings (the title says of how many, at most, where several). A
    grey cell has no model; a cross stands where there are models without the value, as alpha of collapsed ones. A
    setting of numbers with more than 14 values, as of a random plan, is drawn as an axis, with a mark for each model.

    Parameters
    ----------
    table : DataFrame
        One row for each model (and layer).
    x, y : str
        Two settings, with or without ``setting: ``: ``"lr"``, ``"options.temperature"``.
    value : str
        Column of numbers, default ``accuracy``.
    group : str, optional
        Column whose values get a map each; ``""`` for one map of all models. Default: ``setting: objective``, where the
        table has it and it is neither x nor y.
    layer : str, optional
        As for :func:`neuroalpha.plot.score_against_accuracy`.
    ax : matplotlib Axes or sequence of them, optional
        One for each map.

    Returns
    -------
    matplotlib Axes, or an array of them for several maps

    Raises
    ------
    InputError
        For a column that is missing, a value that is no number, two names of one setting, or no model with both
        settings.

    Examples
    --------
    >>> import pandas as pd
    >>> from neuroalpha.report.plot_sweep_map import sweep_heatmap
    >>> table = pd.DataFrame({
    ...     "setting: lr": [0.1, 0.1, 0.4], "setting: width": [16, 32, 16], "accuracy": [0.7, 0.8, 0.6],
    ... })
    >>> ax = sweep_heatmap(table, "lr", "width")
    >>> [text.get_text() for text in ax.texts]
    ['0.700', '0.600', '0.800']
    """
    x, y, value = (column(table, name) for name in (x, y, value))
    if x == y:
        raise InputError(f"both axes of the map are {x!r}; name two settings")
    by = group_of(table) if group is None else column(table, group) if group else ""
    by = "" if by in (x, y) else by
    rows = of_layer(table, layer)
    frame = pd.DataFrame({"value": numbers_of(rows, value), "x": _axis_values(rows[x]), "y": _axis_values(rows[y])})
    frame = frame.assign(group=texts(rows[by]) if by else "", collapsed=collapsed(rows))
    frame = frame[frame["x"].notna() & frame["y"].notna()].reset_index(drop=True)
    if frame.empty:
        raise InputError(f"no model of the table has both {x!r} and {y!r}; choose settings that one objective has")
    if frame["value"].isna().all():
        raise InputError(f"no model with both {x!r} and {y!r} has a value of {value!r}")
    parts = sorted(set(frame["group"]))
    axes, figure = panels(ax, len(parts), small=False)
    fine = {side: _is_fine(frame[side]) for side in ("x", "y")}
    scale, extend = _scale(frame if any(fine.values()) else _means(frame))
    for panel, name in zip(axes, parts, strict=True):
        some = frame[frame["group"] == name]
        most = _points(panel, some, frame, scale, fine) if any(fine.values()) else _cells(panel, some, frame, scale)
        panel.set_title(_literal(name) + (f" (mean of up to {most})" if most > 1 else ""), fontsize=9)
    wide = columns_for(len(parts))
    for index, panel in enumerate(axes):
        if figure is None or index % wide == 0:
            panel.set_ylabel(_literal(label_of(y)))
        if figure is None or index + wide >= len(parts):
            panel.set_xlabel(_literal(label_of(x)))
    home: Any = axes[0].figure
    home.colorbar(scale, ax=axes, label=_literal(label_of(value)), pad=0.02, aspect=30, extend=extend)
    return axes[0] if len(parts) == 1 else np.array(axes)


def _axis_values(values: pd.Series) -> pd.Series:
    """Numbers where a setting has nothing else, else text; missing where the setting is none of the model's."""
    known = values.notna()
    found = pd.to_numeric(values.where(known), errors="coerce")
    if (found.notna() == known).all() and values.dtype != bool:
        return found.reset_index(drop=True)
    return values.astype(object).where(known, None).map(lambda v: None if v is None else str(v)).reset_index(drop=True)


def _is_fine(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_CELLS)


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """Each cell of each map: its mean, and whether all its models have collapsed."""
    cells = frame.groupby(["group", "y", "x"]).agg({"value": "mean", "collapsed": "all"})
    return cells.reset_index()


def _scale(drawn: pd.DataFrame) -> tuple[Any, str]:
    """Colours over the values of models that have not collapsed, whose values would take up most of the scale."""
    from matplotlib import cm, colors

    known = drawn[drawn["value"].notna()]
    shown = known["value"][~known["collapsed"]] if (~known["collapsed"]).any() else known["value"]
    least, most = float(shown.min()), float(shown.max())
    if most - least < 1e-9:
        least, most = least - 0.05, most + 0.05
    below, above = bool((known["value"] < least).any()), bool((known["value"] > most).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}[below, above]
    return cm.ScalarMappable(colors.Normalize(least, most), "viridis"), extend


def _cells(panel: Axes, some: pd.DataFrame, frame: pd.DataFrame, scale: Any) -> int:
    """One map; every map has all values of both settings, so that places can be compared."""
    columns, lines = (sorted(frame[side].unique()) for side in ("x", "y"))
    means = some.groupby(["y", "x"])["value"].mean().unstack().reindex(index=lines, columns=columns)
    count = some.groupby(["y", "x"]).size().unstack().reindex(index=lines, columns=columns)
    values = means.to_numpy(dtype=float)
    panel.set_facecolor(ABSENT)
    panel.imshow(np.ma.masked_invalid(values), cmap=scale.cmap, norm=scale.norm, aspect="auto", origin="lower")
    small = 8 if len(columns) <= 6 else 6.5
    for row, place in np.ndindex(values.shape):
        number = float(values[row, place])
        if np.isfinite(number) and len(columns) <= WRITTEN:
            light = scale.norm(number) > 0.6
            panel.text(
                place,
                row,
                _short(number),
                ha="center",
                va="center",
                fontsize=small,
                color="black" if light else "white",
            )
        elif not np.isfinite(number) and count.to_numpy()[row, place] > 0:
            panel.text(place, row, "\N{MULTIPLICATION SIGN}", ha="center", va="center", fontsize=11, color=FALLEN)
    panel.set_xticks(
        range(len(columns)), [_tick(v) for v in columns], rotation=45 if len(columns) > 5 else 0, fontsize=8
    )
    panel.set_yticks(range(len(lines)), [_tick(v) for v in lines], fontsize=8)
    return int(np.nanmax(count.to_numpy(dtype=float)))


def _points(panel: Axes, some: pd.DataFrame, frame: pd.DataFrame, scale: Any, fine: dict[str, bool]) -> int:
    """A mark for each model, where settings are too many for cells."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    places = {}
    for side, axis in (("x", panel.xaxis), ("y", panel.yaxis)):
        values = some[side]
        if not fine[side]:
            names = sorted(frame[side].unique())
            places[side] = values.map({name: index for index, name in enumerate(names)}).to_numpy(dtype=float)
            axis.set_major_locator(FixedLocator(range(len(names))))
            axis.set_major_formatter(FixedFormatter([_tick(v) for v in names]))
            axis.set_minor_locator(NullLocator())
            continue
        places[side] = values.to_numpy(dtype=float)
        least, most = frame[side].min(), frame[side].max()
        is_log = least > 0 and most > DECADES * least
        axis.axes.set(**{f"{side}scale": "log" if is_log else "linear"})
        room = (most / least) ** 0.05 if is_log else 0.05 * (most - least)
        axis.axes.set(**{f"{side}lim": (least / room, most * room) if is_log else (least - room, most + room)})
    known = some["value"].notna().to_numpy()
    panel.scatter(
        places["x"][known], places["y"][known], c=some["value"][known], cmap=scale.cmap, norm=scale.norm, s=42,
        edgecolors="#444444", linewidths=0.5,
    )  # fmt: skip
    panel.scatter(places["x"][~known], places["y"][~known], marker="x", color=FALLEN, s=30, linewidths=1.2)
    return 1


def _short(number: float) -> str:
    digits = 3 if abs(number) < 1 else 2 if abs(number) < 10 else 1 if abs(number) < 1000 else 0
    return f"{number:.{digits}f}"


def _tick(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else _literal(value)
