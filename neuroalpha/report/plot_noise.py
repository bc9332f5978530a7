"""Figure: accuracy over the level of label noise, a panel for each kind, curves coloured by a number such as alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest
from neuroalpha.report.plot import _literal, colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = ("model", "layer")  # what tells curves apart, where the table has it
FEW = 8  # curves whose intervals can be drawn without hiding one another
MOST = 8  # curves that are named where no number colours them
UNKNOWN = "#b5b5b5"  # a curve without the number that colours the others
SCALE = ("#3a1462", "#2e5096", "#1c848c", "#44aa54", "#d6b018")  # lightness rises all the way
LABELS = {"accuracy": "accuracy on clean test images", "memorisation": "wrong labels memorised"}


def noise_curves(
    curves: pd.DataFrame,
    *,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
    colour_by: str | None = None,
    value: str = "accuracy",
) -> Axes | np.ndarray:
    """Draw a value over the level of label noise: a panel for each kind of noise, a curve for each model and layer.

    Parameters
    ----------
    curves : DataFrame
        One row for each point: ``noise`` (its kind), ``level`` (0 to 1), ``accuracy`` and, where known, ``low`` and
        ``high``; ``model`` and ``layer`` tell curves apart. Intervals are drawn for at most 8 curves in a panel.
    ax : matplotlib Axes or sequence of them, optional
        One for each kind of noise, in the order of the table. Default: a new figure.
    colour_by : str, optional
        A column of numbers, the same along a curve, such as ``alpha``: curves are coloured by it, with a colour bar;
        grey where it is unknown. Default: at most 8 curves are coloured and named, the others grey.
    value : str
        The column drawn, ``accuracy`` (default) or ``memorisation``; low and high are those of the accuracy.

    Returns
    -------
    matplotlib Axes, or an array of them for several kinds of noise

    Raises
    ------
    InputError
        For a column that is missing, holds no numbers or differs along a curve, two points of a curve at one level, or
        axes that are not one for each kind of noise.

    Examples
    --------
    >>> import pandas as pd
    >>> from neuroalpha.report.plot_noise import noise_curves
    >>> table = pd.DataFrame({
    ...     "model": ["a", "a", "b", "b"], "alpha": [0.8, 0.8, 1.1, 1.1], "noise": "symmetric",
    ...     "level": [0, 0.4, 0, 0.4], "accuracy": [0.8, 0.6, 0.9, 0.8],
    ... })
    >>> noise_curves(table, colour_by="alpha").get_xlabel()
    'level of noise (share of training labels)'
    """
    table, names = _checked(curves, colour_by, value)
    kinds = [str(kind) for kind in table["noise"].unique()]
    axes = _panels(ax, len(kinds))
    scale = _scale(table, colour_by)
    known = table[names].drop_duplicates().itertuples(index=False, name=None) if names else [()]
    looks = {name: _plain(index) for index, name in enumerate(known)}
    for panel, kind in zip(axes, kinds, strict=True):
        rows = table[table["noise"] == kind]
        lines = (
            [(name, points.sort_values("level")) for name, points in rows.groupby(names, sort=False)]
            if names
            else [((), rows.sort_values("level"))]
        )
        for name, points in lines:
            name = name if isinstance(name, tuple) else (name,)
            look = looks[name] if scale is None else _scaled(points, colour_by, scale)
            _draw(panel, points, value, look, len(lines) <= FEW)
        panel.set(
            xlabel="wrong labels (share)" if kind == "human" else "level of noise (share of training labels)",
            title=_literal("human labels" if kind == "human" else f"{kind} noise"),
            xlim=(-0.02 * rows["level"].max(), 1.04 * rows["level"].max() or 1),
        )
    axes[0].set_ylabel(LABELS.get(value, _literal(value)))
    figure: Any = axes[0].figure
    if scale is not None:
        bar = figure.colorbar(scale, ax=axes, label=_literal(colour_by), pad=0.02)
        if colour_by == "alpha" and bar.vmin < 1 < bar.vmax:
            bar.ax.axhline(1, color="black", lw=1)
    elif names:
        _legend(axes, looks)
    return axes[0] if len(kinds) == 1 else np.array(axes)


def _checked(curves: pd.DataFrame, colour_by: str | None, value: str) -> tuple[pd.DataFrame, list[str]]:
    """Points that are known, with numbers as such, and the columns that tell curves apart."""
    if not isinstance(curves, pd.DataFrame):
        raise InputError(f"expected a table of noise curves (pandas.DataFrame), got {type(curves).__name__}")
    for name in dict.fromkeys(("noise", "level", value, *([colour_by] if colour_by else []))):
        if name not in curves.columns:
            raise InputError(
                f"the noise curves have no column {name!r}{nearest(name, map(str, curves.columns))}; they have "
                f"{first_few(curves.columns, 8)}"
            )
    names = [name for name in NAMES if name in curves.columns]
    table = curves.reset_index(drop=True)
    for name in ("level", value, "low", "high", *([colour_by] if colour_by else [])):
        if name in table.columns:
            table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
    table[names] = table[names].astype(object).where(table[names].notna(), "").astype(str)
    for name in (value, *([colour_by] if colour_by else [])):
        if not np.isfinite(table[name]).any():
            raise InputError(f"the column {name!r} of the noise curves holds no numbers; choose another one")
    table = table[np.isfinite(table["level"]) & np.isfinite(table[value])]
    if table.empty:
        raise InputError(f"the noise curves have no row with both a level and {value!r}")
    twice = table.duplicated([*names, "noise", "level"])
    if twice.any():
        row = table.loc[twice].iloc[0]
        raise InputError(
            f"{' '.join(row[names]) or 'the table'} has two points at {row['noise']} noise {row['level']:g}: take one "
            "window of alpha, or average over draws first"
        )
    if colour_by and names and (table.groupby(names)[colour_by].nunique() > 1).any():
        raise InputError(f"{colour_by!r} differs along a curve; give one number for each model and layer")
    return table, names


def _panels(ax: Any, n_kinds: int) -> list[Axes]:
    if ax is None:
        import matplotlib.pyplot as plt

        size = (2.4 + 3.4 * n_kinds, 4.4)
        return list(plt.subplots(1, n_kinds, figsize=size, sharey=True, squeeze=False, layout="constrained")[1][0])
    axes = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(axes) != n_kinds:
        raise InputError(f"got {len(axes)} axes for {n_kinds} kinds of noise; give one for each, or none")
    return axes


def _scale(table: pd.DataFrame, colour_by: str | None) -> Any:
    """What turns a number into a colour: dark to bright, never so light that a line is lost on white."""
    if colour_by is None:
        return None
    from matplotlib import cm, colors

    known = table[colour_by][np.isfinite(table[colour_by])]
    least, most = float(known.min()), float(known.max())
    if most - least < 1e-9:
        least, most = least - 0.05, most + 0.05
    return cm.ScalarMappable(colors.Normalize(least, most), colors.LinearSegmentedColormap.from_list("noise", SCALE))


def _plain(index: int) -> dict[str, Any]:
    if index >= MOST:
        return {"color": UNKNOWN, "ls": "-", "lw": 0.8, "zorder": 1}
    colour, style = colour_of(index)
    return {"color": colour, "ls": style, "lw": 1.4, "zorder": 2}


def _scaled(points: pd.DataFrame, colour_by: str | None, scale: Any) -> dict[str, Any]:
    number = float(points[colour_by].iloc[0])
    known = bool(np.isfinite(number))
    return {"color": scale.to_rgba(number) if known else UNKNOWN, "ls": "-", "lw": 1.3, "zorder": 1 + known}


def _draw(ax: Axes, points: pd.DataFrame, value: str, look: dict[str, Any], with_ends: bool) -> None:
    x, y = points["level"].to_numpy(), points[value].to_numpy()
    ax.plot(x, y, marker="o", ms=3.2, **look)
    if with_ends and value == "accuracy" and {"low", "high"} <= set(points.columns):
        ends = np.nan_to_num(np.abs(points[["low", "high"]].to_numpy().T - y))
        ax.errorbar(x, y, yerr=ends, color=look["color"], ls="none", lw=0.9, capsize=2, zorder=look["zorder"])


def _legend(axes: list[Axes], looks: dict[tuple[str, ...], dict[str, Any]]) -> None:
    from matplotlib.lines import Line2D

    shown = list(looks)[:MOST]
    handles = [Line2D([], [], marker="o", ms=3.2, **looks[name]) for name in shown]
    title = None if len(looks) <= MOST else f"{MOST} of {len(looks)}, the others grey"
    # Handed over explicitly: matplotlib leaves labels that begin with an underscore out of a legend of its own making.
    axes[-1].legend(
        handles, [_literal(" ".join(filter(None, name))) for name in shown], loc="upper left", bbox_to_anchor=(1.02, 1),
        fontsize=8, frameon=False, title=title, title_fontsize=8,
    )  # fmt: skip
