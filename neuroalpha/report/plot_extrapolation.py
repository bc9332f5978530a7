"""Figure: alpha against 1 / size for stimuli and neuroids, with the lines to infinite size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.report.plot import _axes, _literal, colour_of

FARTHEST = 9  # sizes below an eighth are in the table only: they would press the others together

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neuroalpha.spectrum.extrapolate import Extrapolation


def extrapolation(result: Extrapolation, *, ax: Axes | None = None) -> Axes:
    """Draw alpha of subsets against their share of the data, 1 / fraction, so that both axes fit one figure.

    1 on the horizontal axis is all the data, 2 half of them, 0 infinitely many; sizes below an eighth are left out.
    Dots: subsets; large dots: their means; the line is dotted past the sizes that it was fitted to; at 0 the limits
    with their intervals.

    Parameters
    ----------
    result : Extrapolation
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When ``result`` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> from neuroalpha.report.plot_extrapolation import extrapolation
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(400, 100)), stimulus_id=np.arange(400))
    >>> found = na.extrapolate(x, axis="stimulus", ranks=(4, 20), n_draws=8, progress=False)
    >>> extrapolation(found).get_ylabel()
    'alpha, ranks 4-20'
    """
    if not hasattr(result, "lines") or not hasattr(result, "table"):
        raise InputError(f"expected the result of neuroalpha.extrapolate, got {type(result).__name__}")
    ax = ax or _axes(6.4, 4.8)
    lines = result.lines.set_index("axis")
    for index, name in enumerate(name for name in lines.index if name != "both"):
        colour = colour_of(index)[0]
        part = result.table[(result.table["axis"] == name) & (result.table["fraction"] > 1 / FARTHEST)]
        x = 1 / part["fraction"].to_numpy(dtype=float)
        ax.plot(x, part["alpha"], color=colour, marker=".", ms=4, ls="", alpha=0.4)
        mean = part.groupby("size")["alpha"].mean()
        whole = float(part["size"].max())
        ax.plot(whole / mean.index.to_numpy(dtype=float), mean, color=colour, marker="o", ms=6, ls="")
        line = lines.loc[name]
        text = f"{whole:.0f} {'stimuli' if name == 'stimulus' else 'neuroids'}: {_text(line)}"
        fitted = whole / float(line["smallest"])
        for ends, style, label in (([0.0, fitted], "-", text), ([fitted, x.max()], ":", None)):
            y = line["alpha"] + line["slope"] * np.array(ends) / whole
            ax.plot(ends, y, color=colour, lw=1.4, ls=style, label=label)
        _limit(ax, line, colour, -0.12 * (1 + 2 * index))
    if "both" in lines.index:
        _limit(ax, lines.loc["both"], "black", -0.6, label=f"both: {_text(lines.loc['both'])}")
    ax.axvline(0, color="black", lw=0.8, ls=":")
    ticks = np.array([0, *sorted({round(1 / f) for f in result.table["fraction"] if f > 1 / FARTHEST})])
    ax.set_xticks(ticks, ["infinite", *("all" if t == 1 else f"1/{t}" for t in ticks[1:])])
    window = f"ranks {result.ranks}" if "-" in result.ranks else "ranks by size"
    ax.set(xlabel="size of the subset (at 1 / size)", ylabel=f"alpha, {window}")
    ax.set_title(
        _literal(f"{result.full.identifier or result.estimator}: all data {result.full.alpha:.2f}"), fontsize=9
    )
    ax.legend(frameon=False, fontsize=8)
    return ax


def _limit(ax: Axes, line: object, colour: str, x: float, label: str | None = None) -> None:
    alpha, low, high = (float(line[name]) for name in ("alpha", "low", "high"))  # type: ignore[index]
    error = None if np.isnan(low) else [[alpha - low], [high - alpha]]
    ax.errorbar([x], [alpha], yerr=error, color=colour, marker="D", ms=5, capsize=3, lw=1.4, ls="", label=label)


def _text(line: object) -> str:
    alpha, low, high = (float(line[name]) for name in ("alpha", "low", "high"))  # type: ignore[index]
    return f"{alpha:.2f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")
