"""Figure of a sweep: accuracy against every label-free score, a panel each, coloured by objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from neuroalpha._text import first_few
from neuroalpha.errors import InputError
from neuroalpha.report.plot import _literal
from neuroalpha.report.zoo_columns import numbers, texts
from neuroalpha.report.zoo_sweep import collapsed, column, group_of, label_of, looks_of, scores_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADES = 50  # a positive column that spans this factor gets a logarithmic axis


def score_against_accuracy(
    table: pd.DataFrame,
    score: str | Sequence[str] | None = None,
    *,
    accuracy: str = "accuracy",
    group: str | None = None,
    layer: str | None = None,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
) -> Axes | np.ndarray:
    """Draw accuracy against label-free scores: a panel for each score, a mark for each model, coloured by objective.

    The title of a panel has Spearman's correlation over all models and within objectives (of ranks less the mean rank
    of the objective). The best model is ringed. Models that collapsed are hollow; a model without the score, as alpha
    of a collapsed one, is a dash at the left edge. An objective has the same colour and mark in every figure.

    Parameters
    ----------
    table : DataFrame
        One row for each model (and layer): the accuracy, scores and, as known, ``setting: objective``, ``layer``,
        ``model`` and ``collapsed``.
    score : str or sequence of str, optional
        Columns of numbers. Default: all label-free scores of the table.
    accuracy : str
        Column, default ``accuracy``.
    group : str, optional
        Column that colours the marks. Default: ``setting: objective``, where the table has it.
    layer : str, optional
        The layer whose rows are drawn. Default: the only one, else ``backbone``.
    ax : matplotlib Axes or sequence of them, optional
        One for each score. Default: a new figure, four panels in a row.

    Returns
    -------
    matplotlib Axes, or an array of them for several scores

    Raises
    ------
    InputError
        For a column that is missing or holds no numbers, no row with both numbers, several rows of one model, several
        layers without ``layer``, or axes that are not one for each score.

    Examples
    --------
    >>> import pandas as pd
    >>> from neuroalpha.report.plot_sweep import score_against_accuracy
    >>> table = pd.DataFrame({
    ...     "setting: objective": ["simclr", "simclr", "byol", "byol"],
    ...     "alpha": [0.8, 1.0, 1.2, 1.6], "rankme": [60, 50, 30, 9], "accuracy": [0.7, 0.8, 0.75, 0.5],
    ... })
    >>> [panel.get_xlabel() for panel in score_against_accuracy(table)]
    ['alpha', 'RankMe']
    """
    accuracy = column(table, accuracy)
    rows = of_layer(table, layer)
    given = scores_of(rows) if score is None else [score] if isinstance(score, str) else list(score)
    wanted = [column(table, name) for name in given]
    if not wanted:
        raise InputError(
            f"the sweep's table has no label-free score ({first_few(table.columns, 8)}); make some with "
            "neuroalpha.label_free_scores, or name a column"
        )
    by = column(table, group) if group else group_of(table)
    y, group_names = numbers_of(rows, accuracy), np.array(texts(rows[by]) if by else [""] * len(rows), dtype=object)
    looks, hollow = looks_of(group_names), collapsed(rows)
    axes, figure = panels(ax, len(wanted))
    for panel, name in zip(axes, wanted, strict=True):
        x = numbers_of(rows, name)
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            raise InputError(f"no model of the table has both {name!r} and {accuracy!r}")
        for each, look in looks.items():
            mine = group_names == each
            for some, face in ((mine & known & ~hollow, look.colour), (mine & known & hollow, "none")):
                panel.scatter(
                    x[some], y[some], marker=look.marker, s=26, facecolors=face, edgecolors=look.colour, linewidths=0.8,
                    alpha=0.8, zorder=3,
                )  # fmt: skip
            some = mine & ~np.isfinite(x) & np.isfinite(y)
            place = panel.get_yaxis_transform()
            panel.plot(np.full(some.sum(), 0.012), y[some], "_", color=look.colour, ms=8, mew=1.6, transform=place)
        best = np.argmax(np.where(known, y, -np.inf))
        panel.scatter(x[best], y[best], s=120, facecolors="none", edgecolors="black", linewidths=1.1, zorder=4)
        if x[known].min() > 0 and x[known].max() > DECADES * x[known].min():
            panel.set_xscale("log")
        if name == "alpha":
            panel.axvline(1, color="black", lw=0.8, ls=":", zorder=1)
        panel.set_xlabel(_literal(label_of(name)))
        panel.set_title(_told(x[known], y[known], group_names[known]), fontsize=8.5)
    for panel in axes if figure is None else axes[:: columns_for(len(wanted))]:
        panel.set_ylabel(_literal(label_of(accuracy)))
    _legend(axes, figure, looks, by, bool(hollow.any()), bool((~np.isfinite(_all(rows, wanted))).any()))
    return axes[0] if len(wanted) == 1 else np.array(axes)


def of_layer(table: pd.DataFrame, layer: str | None) -> pd.DataFrame:
    """The rows of one layer, one for each model."""
    rows = table
    if "layer" in table.columns:
        names = texts(table["layer"])
        known = sorted(set(names))
        if layer is None:
            layer = known[0] if len(known) == 1 else "backbone"
        if layer not in known:
            raise InputError(f"the table has no layer {layer!r}; name one of {first_few(known)}, as layer={known[0]!r}")
        rows = table[np.array(names) == layer]
    if "model" in rows.columns and rows["model"].duplicated().any():
        twice = rows["model"][rows["model"].duplicated()].iloc[0]
        count = int((rows["model"] == twice).sum())
        raise InputError(
            f"model {str(twice)!r} has {count} rows; a sweep has one for each model and layer: choose one window, one "
            "estimator and one image set"
        )
    return rows.reset_index(drop=True)


def within(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> float:
    """Spearman's correlation within groups, as :func:`neuroalpha.score_correlations` has it.

    Of ranks over all models, less the mean rank of their group; NaN where nothing differs within any group.
    """
    left, right = (stats.rankdata(values) for values in (x, y))
    for each in dict.fromkeys(groups):
        some = groups == each
        left[some] -= left[some].mean()
        right[some] -= right[some].mean()
    length = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / length) if length > 1e-9 else np.nan


def _told(x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> str:
    varied = x.size > 2 and np.ptp(x) > 0 and np.ptp(y) > 0
    said = f"Spearman {stats.spearmanr(x, y)[0]:.2f}" if varied else "Spearman not defined"
    if varied and len(set(groups)) > 1:
        inside = within(x, y, groups)
        said += f", within {inside:.2f}" if np.isfinite(inside) else ""
    return f"{said}, n = {x.size}".replace("-", "\N{MINUS SIGN}")


def numbers_of(rows: pd.DataFrame, name: str) -> np.ndarray:
    """A column as float64; an error where it holds no number, which says so where all models have collapsed."""
    found = numbers(rows[name])
    if not np.isfinite(found).any():
        if len(rows) and collapsed(rows).all():
            raise InputError(f"all {len(rows)} models of the sweep have collapsed, so none has {name!r}")
        raise InputError(f"the column {name!r} of the sweep's table holds no numbers; choose another one")
    return found


def _all(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    return np.array([numbers(rows[name]) for name in names])


def columns_for(n: int) -> int:
    """How many panels stand in a row."""
    return n if n <= 4 else 3 if n in (5, 6, 9) else 4


def panels(ax: Any, n: int, small: bool = True) -> tuple[list[Axes], Any]:
    """Axes for n panels, and the figure where it was made here."""
    if ax is not None:
        axes = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(axes) != n:
            raise InputError(f"got {len(axes)} axes for {n} panels; give one for each, or none")
        return axes, None
    import matplotlib.pyplot as plt

    wide = columns_for(n)
    tall = -(-n // wide)
    size = (1.2 + (2.7 if small else 3.1) * wide, 0.9 + 2.6 * tall) if n > 1 else (6.2, 4.6)
    figure, grid = plt.subplots(tall, wide, figsize=size, sharey=True, squeeze=False, layout="constrained")
    axes = list(grid.ravel())
    for spare in axes[n:]:
        spare.set_visible(False)
    return axes[:n], figure


def _legend(axes: list[Axes], figure: Any, looks: dict[str, Any], by: str, hollow: bool, dashes: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="none", marker=look.marker, ms=5.5, color=look.colour) for look in looks.values() if by
    ]
    names = [_literal(name or "(none)") for name in looks if by]
    plain: dict[str, Any] = {"ls": "none", "color": "black", "markerfacecolor": "none"}
    handles.append(Line2D([], [], marker="o", ms=10, **plain))
    names.append("best model")
    if hollow:
        handles.append(Line2D([], [], marker="o", ms=5, **{**plain, "color": "#777777"}))
        names.append("collapsed")
    if dashes:
        handles.append(Line2D([], [], marker="_", ms=8, mew=1.6, ls="none", color="#777777"))
        names.append("without the score")
    look: dict[str, Any] = {"fontsize": 8, "frameon": False, "title": _literal(label_of(by)) or None}
    look["title_fontsize"] = 8
    if figure is not None and len(axes) > 1:
        figure.legend(
            handles, names, loc="outside lower center", ncols=min(len(names), 2 * columns_for(len(axes))), **look
        )
    else:
        axes[-1].legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0.0, **look)
