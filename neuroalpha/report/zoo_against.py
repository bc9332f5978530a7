"""Panels of a zoo's figures that set alpha against a column, and what every panel needs: names, intervals, a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from neuroalpha.report.plot import _literal, colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12  # populations, models or families that a panel colours and names
GREY: dict[str, Any] = {"color": "#9a9a9a", "lw": 0.5, "alpha": 0.6}
SHAPES = "osD^v"


def draw_against(ax: Axes, rows: pd.DataFrame, name: str, of_model: bool) -> None:
    """Alpha upwards, the column across; logarithmic where its numbers span two decades."""
    rows = rows[rows["alpha"].notna() & rows[name].notna()]
    x, y = rows[name].to_numpy(dtype=float), rows["alpha"].to_numpy(dtype=float)
    ax.errorbar(
        x, y, yerr=errors(rows), color=colour_of(0)[0], ls="none", marker="o", ms=4, lw=0.6, capsize=1.5, alpha=0.8
    )
    if x.size and x.min() > 0 and x.max() >= 100 * x.min():
        ax.set_xscale("log")
    ax.axhline(1, color="black", lw=0.8, ls=":")
    ax.set(xlabel=shown(name), ylabel="alpha of the last layer" if of_model else "alpha of each layer")
    if x.size > 2 and np.ptp(x) > 0 and np.ptp(y) > 0:
        said = f"Spearman {stats.spearmanr(x, y)[0]:.2f}, n = {x.size}".replace("-", "\N{MINUS SIGN}")
        ax.set_title("\n".join(filter(None, [ax.get_title(), said])), fontsize=10)


def draw_target(
    ax: Axes, rows: pd.DataFrame, is_last: np.ndarray, target: dict[str, str], families: Sequence[str] = ()
) -> None:
    """Alpha across, an accuracy or score upwards; families coloured, layers before the last small and pale."""
    name, ends = target["name"], [target.get("low", ""), target.get("high", "")]
    both = (rows["alpha"].notna() & rows[name].notna()).to_numpy()
    rows, is_last = rows[both], is_last[both]
    family = rows["family"] if families else pd.Series("", rows.index)
    named: list[tuple[Any, str]] = []
    for each in ["", *families]:
        index = families.index(each) if each else 0
        plain = (not each and bool(families)) or index >= MOST
        colour = GREY["color"] if plain else colour_of(index)[0]
        for of_last, size, ink in ((False, 2.5, 0.35), (True, 4.5, 0.8)):
            some = rows[(family == each).to_numpy() & (is_last == of_last)]
            sides = errors(some, name, ends) if ends[0] else None
            drawn = ax.errorbar(
                some["alpha"], some[name], xerr=errors(some), yerr=sides, color=colour, alpha=ink, ls="none",
                marker=SHAPES[index % len(SHAPES)], ms=size, lw=0.6,
            )  # fmt: skip
        if each and not plain and (family == each).any():
            named.append((drawn, shown(each)))
    ax.axvline(1, color="black", lw=0.8, ls="--")
    worse = " (lower is better)" if target["better"] == "lower" else ""
    ax.set(xlabel="alpha", ylabel=shown(target["label"]) + worse)
    said = []
    for what, some in (("last layers", rows[is_last]), ("all layers", rows)):
        if len(some) > 2 and some["alpha"].nunique() > 1 and some[name].nunique() > 1:
            said.append(f"{what} {stats.spearmanr(some['alpha'], some[name])[0]:.2f}, n = {len(some)}")
    if said:
        told = f"Spearman: {'; '.join(said[: 1 if is_last.all() else 2])}".replace("-", "\N{MINUS SIGN}")
        ax.set_title("\n".join(filter(None, [ax.get_title(), told])), fontsize=8)
    if named:
        others = "" if len(families) <= MOST else f": {MOST} of {len(families)}, the others grey"
        legend(ax, named, f"families{others}")


def errors(rows: pd.DataFrame, name: str = "alpha", ends: Sequence[str] = ("low", "high")) -> np.ndarray:
    """Lengths of the intervals' two sides (2, row); none where no interval was computed."""
    middle = rows[name].to_numpy(dtype=float)
    return np.nan_to_num(np.abs(rows[list(ends)].to_numpy(dtype=float).T - middle))


def shown(text: str) -> str:
    """A name as it was written, on one line, shortened in its middle."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return _literal(text if len(text) <= 48 else f"{text[:28]}...{text[-17:]}")


def legend(ax: Axes, named: list[tuple[Any, str]], title: str) -> None:
    """Below the axes, a line for each name."""
    # Handed over explicitly: matplotlib leaves labels that begin with an underscore out of a legend of its own making.
    ax.legend(
        [handle for handle, _ in named], [label for _, label in named], loc="upper center",
        bbox_to_anchor=(0.5, -0.16), fontsize=7, frameon=False, title=title, title_fontsize=7,
    )  # fmt: skip
