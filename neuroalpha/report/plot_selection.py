"""Figure of selection rules: success against the number of readouts beside random search, and how readouts grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroalpha.errors import InputError, nearest
from neuroalpha.report.plot import _literal
from neuroalpha.report.zoo_selection import (
    LEFT,
    best_fit,
    check_comparison,
    fitted,
    random_curve,
    rule_name,
    rules_of,
    score_looks,
    score_name,
    stops_of,
)
from neuroalpha.report.zoo_sweep import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = ("success", "growth", "needed")
FEW = 3  # scores of a panel up to which random search at equal readouts and the spread over orders are drawn


def selection(
    comparison: Any, what: str | Sequence[str] = ("success", "growth"), *, ax: Axes | Sequence[Axes] | None = None
) -> np.ndarray:
    """Draw what selection rules reach with how many readouts: a column of panels for each rule, a line for each score.

    ``success``: the share of orders in which the best model read out so far is within the tolerance of the best there
    is, over the number of readouts; a curve ends where nearly all orders have stopped. Its mark is the success at the
    rule's own stop over the mean number of readouts there (orders stop at different numbers, so that it need not lie on
    the curve). The dashed black line is random search; with at most 3 scores, a hollow mark is random search with the
    same numbers of readouts, order by order. A star is successive halving at its cost.
    ``growth``: the number of readouts at the rule's own stop over the number of models, on a logarithmic axis, where
    logarithmic growth is straight; lines are the fits with the least AIC, whose forms the title counts. ``needed``: the
    same for readouts until 90 % success.

    Parameters
    ----------
    comparison : RuleComparison
        Of :func:`neuroalpha.compare_rules`.
    what : str or sequence of {"success", "growth", "needed"}
        A row of panels each.
    ax : sequence of matplotlib Axes, optional
        One for each part and rule, row by row. Default: a new figure.

    Returns
    -------
    array of matplotlib Axes, (part, rule)

    Raises
    ------
    InputError
        For something else than a comparison, an unknown part, no growth where it is to be drawn, or a wrong number of
        axes.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> from neuroalpha.compare.rule_comparison import compare_rules
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"model": [f"m{i}" for i in range(30)], "alpha": rng.uniform(0.5, 2, 30)})
    >>> table["accuracy"] = 90 - 10 * (table["alpha"] - 1).abs()
    >>> found = compare_rules(table, ["alpha"], rules=("interval", "random"), orders=20, growth=False)
    >>> na.plot.selection(found, "success")[0, 0].get_xlabel()
    'models read out'
    """
    parts = [what] if isinstance(what, str) else list(what)
    for part in parts:
        if part not in PARTS:
            raise InputError(f"there is no part {part!r}; expected some of {PARTS}{nearest(part, PARTS)}")
    check_comparison(comparison)
    rules = rules_of(comparison)
    if any(part != "success" for part in parts) and comparison.growth.empty:
        raise InputError(
            'the comparison holds no growth; make it with compare_rules(..., growth=True), or draw "success"'
        )
    axes = _panels(ax, len(parts), len(rules))
    looks = score_looks([str(score) for score in comparison.table["score"]])
    for line, part in zip(axes, parts, strict=True):
        for panel, rule in zip(line, rules, strict=True):
            if part == "success":
                _success(panel, comparison, rule, looks)
            else:
                _growth(panel, comparison, rule, looks, "readouts" if part == "growth" else "needed")
    for panel, rule in zip(axes[0], rules, strict=True):
        panel.set_title(_literal(rule_name(rule)), fontsize=10)
    for panel in axes[:, 1:].ravel() if ax is None else ():
        panel.set_ylabel("")
    _legend(axes, comparison, looks, parts, ax is None)
    return axes


def _success(ax: Axes, comparison: Any, rule: str, looks: dict[str, Look]) -> None:
    curve, table = comparison.curve, comparison.table
    plain = random_curve(comparison)
    ax.plot(plain["readouts"], plain["success"], color="black", ls="--", lw=1.2, zorder=2)
    mine = curve[curve["rule"] == rule]
    longest = 1.0
    for score, look in looks.items():
        line = mine[(mine["score"] == score) & (mine["share"] > LEFT)].sort_values("readouts")
        if line.empty:
            continue
        ax.plot(line["readouts"], line["success"], color=look.colour, ls=look.style, lw=1.3, zorder=3)
        longest = max(longest, float(line["readouts"].max()))
    stops = stops_of(comparison, rule)
    row: Any
    for row in stops[stops["score"].isin(list(looks))].itertuples():
        look = looks[row.score]
        if len(stops) <= FEW:
            both = [row.random_success, row.success]
            ax.plot([row.readouts] * 2, both, lw=0.9, color=look.colour, zorder=4)
            ax.plot(row.readouts, both[0], look.marker, ms=5, mfc="white", color=look.colour, zorder=4)
        ax.plot(row.readouts, row.success, look.marker, ms=6.5, mec="white", mew=0.6, color=look.colour, zorder=5)
    halving = table[table["rule"] == "halving"]
    ax.plot(halving["cost"], halving["success"], "*", color="black", ms=9, mfc="white", zorder=4)
    if len(halving):
        longest = max(longest, float(halving["cost"].max()))
    end = max(longest, min(2 * longest, comparison.n_models) if len(mine) else comparison.n_models)
    ax.set(
        xlabel="models read out", ylabel=f"success (within {comparison.tolerance:g} of the best)", ylim=(-0.03, 1.03),
        xlim=(0, 1.03 * end),
    )  # fmt: skip


def _growth(ax: Axes, comparison: Any, rule: str, looks: dict[str, Look], name: str) -> None:
    growth, fits = comparison.growth, comparison.growth_fits
    sizes = np.sort(growth["n_models"].unique()).astype(float)
    everything = name == "readouts"
    if everything:
        grid = np.geomspace(sizes[0], sizes[-1], 100)
        ax.plot(grid, grid, color="black", ls=":", lw=1)
    else:
        some = growth[growth["rule"] == "random"].sort_values("n_models")
        ax.plot(some["n_models"], some[name], color="black", ls="--", lw=1.2)
    mine = growth[growth["rule"] == rule]
    few = mine["score"].nunique() <= FEW
    forms = []
    for score, look in looks.items():
        line = mine[mine["score"] == score].sort_values("n_models")
        if line.empty:
            continue
        ax.plot(line["n_models"], line[name], look.marker, color=look.colour, ms=3.5, zorder=3)
        if few and everything:
            low, high = line["readouts_low"], line["readouts_high"]
            ax.fill_between(line["n_models"].to_numpy(dtype=float), low, high, color=look.colour, alpha=0.15, lw=0)
        fit = best_fit(fits, rule, score, name)
        if fit is None:
            ax.plot(line["n_models"], line[name], color=look.colour, ls=look.style, lw=1, zorder=2)
            continue
        forms.append(str(fit.form))
        grid = np.geomspace(line["n_models"].min(), line["n_models"].max(), 100)
        ax.plot(grid, fitted(fit, grid), color=look.colour, ls=look.style, lw=1, zorder=2)
    counts = [f"{each} {forms.count(each)}" for each in dict.fromkeys(sorted(forms))] if len(forms) > 1 else forms
    if forms:
        ax.set_title(f"growth: {', '.join(counts)}", fontsize=8.5)
    drawn = growth[growth["rule"].isin(rules_of(comparison))]
    top = float(np.nanmax(drawn["readouts_high" if few and everything else name].to_numpy(dtype=float), initial=1.0))
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    ax.set(xscale="log", ylim=(0, 1.08 * top), xlabel="number of models (log axis)")
    ax.xaxis.set_major_locator(FixedLocator(_some(sizes)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set_ylabel("readouts until the rule stops" if everything else "readouts until 90 % success")


def _some(sizes: np.ndarray, most: int = 6) -> list[float]:
    """Ticks among the sizes, evenly spread on the logarithmic axis."""
    wanted = np.geomspace(sizes[0], sizes[-1], most)
    return sorted({float(sizes[np.argmin(np.abs(np.log(sizes / each)))]) for each in wanted})


def _panels(ax: Any, n_parts: int, n_rules: int) -> np.ndarray:
    if ax is not None:
        axes = np.ravel(np.asarray(ax, dtype=object))
        if axes.size != n_parts * n_rules:
            raise InputError(f"got {axes.size} axes for {n_parts} parts of {n_rules} rules; give one for each, or none")
        return axes.reshape(n_parts, n_rules)
    import matplotlib.pyplot as plt

    size = (0.6 + 4.6 * max(n_rules, 1.3), 1.2 + 3.1 * n_parts)
    return plt.subplots(n_parts, n_rules, figsize=size, sharey="row", squeeze=False, layout="constrained")[1]


def _legend(axes: np.ndarray, comparison: Any, looks: dict[str, Look], parts: list[str], own: bool) -> None:
    from matplotlib.lines import Line2D

    handles, names = [], []
    for score, one in looks.items():
        handles.append(Line2D([], [], color=one.colour, ls=one.style, lw=1.3, marker=one.marker, ms=5.5))
        names.append(_literal(score_name(score)))
    black: dict[str, Any] = {"color": "black"}
    if "success" in parts or "needed" in parts:
        handles.append(Line2D([], [], ls="--", lw=1.2, **black))
        names.append("random search")
    if "success" in parts:
        if any(len(stops_of(comparison, rule)) <= FEW for rule in rules_of(comparison)):
            handles.append(Line2D([], [], ls="-", lw=0.9, marker="o", mfc="white", ms=5, **black))
            names.append("random, equal readouts")
        if (comparison.table["rule"] == "halving").any():
            handles.append(Line2D([], [], ls="none", marker="*", ms=9, mfc="white", **black))
            names.append("successive halving (cost)")
    if "growth" in parts:
        handles.append(Line2D([], [], ls=":", lw=1, **black))
        names.append("every model")
    look: dict[str, Any] = {"fontsize": 8, "frameon": False}
    if own:
        figure = axes[0, 0].figure
        figure.legend(
            handles, names, loc="outside lower center", ncols=max(2, int(figure.get_figwidth() / 2.2)), **look
        )
    else:
        axes[0, -1].legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0.0, **look)
