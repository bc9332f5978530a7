"""Figures of what supervision signals cost: where soft labels are preferred, and information for money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha.report.plot import COLOURS, _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def preference(found: xr.Dataset, *, beta: float, utility: str, bar: bool = True, ax: Axes | None = None) -> Axes:
    """Draw where soft labels are preferred to hard ones (blue) and where not (orange), for one beta and utility.

    Parameters
    ----------
    found : Dataset
        Of :func:`neuroalpha.theory.preference_map`.
    beta : float
    utility : str
    bar : bool
        Draw a colour bar.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from neuroalpha.theory.supervision import preference_map
    >>> preference(preference_map([3, 30], [3, 30]), beta=1, utility="linear").get_title()
    'beta = 1, linear'
    """
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("preference", [COLOURS[1], "white", COLOURS[0]])
    part = found["advantage"].sel(utility=utility).sel(beta=beta).transpose("k", "n")
    ax = ax or _axes(4.4, 3.8)
    # Advantages differ by orders of magnitude over the map, and their sign is what counts.
    reach = float(np.abs(found["advantage"].sel(utility=utility).sel(beta=beta)).max())
    image = ax.imshow(
        np.sign(part.values) * np.sqrt(np.abs(part.values) / reach), origin="lower", cmap=colours, vmin=-1, vmax=1,
        aspect="auto",
    )  # fmt: skip
    for name, axis in (("n", ax.xaxis), ("k", ax.yaxis)):
        size = part.sizes[name]
        at = np.unique(np.linspace(0, size - 1, min(size, 7)).round().astype(int))
        axis.set_ticks(at, [str(part[name].values[i]) for i in at])
    ax.set(xlabel="points n", ylabel="classes k", title=f"beta = {beta:g}, {utility}")
    if bar:
        colour_bar = ax.figure.colorbar(image, ax=ax, ticks=[-1, 0, 1])
        colour_bar.set_ticklabels(["hard", "equal", "soft"])
    return ax


def signal_costs(plan: Any, *, ax: Axes | None = None) -> Axes:
    """Draw cost against information for each signal as more items are labelled; the recommended purchase is marked.

    Parameters
    ----------
    plan : SignalPlan
        Of :func:`neuroalpha.theory.recommend_signal`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from neuroalpha.theory.recommendation import recommend_signal
    >>> plan = recommend_signal(500, 10, {"hard": 0.02, "soft": 0.01})
    >>> signal_costs(plan).get_xlabel()
    'cost'
    """
    ax = ax or _axes(6.0, 4.4)
    for index, (name, part) in enumerate(plan.curve.groupby("signal", sort=False)):
        part = part.sort_values("cost")
        kept = part["sparsity"].iloc[0]
        label = f"{name}, {kept:.0f} kept" if name in ("sparse", "top-class") else str(name)
        ax.plot(
            part["cost"], part["information_ratio"], color=COLOURS[index % len(COLOURS)], lw=1.8,
            ls=("-", "--", "-.", ":")[index % 4], label=label,
        )  # fmt: skip
    found = plan.nearest or {"cost": plan.cost, "information_ratio": plan.information_ratio}
    label = "nearest, not worth its price" if plan.nearest else "recommended"
    ax.plot([found["cost"]], [found["information_ratio"]], "*", color="black", ms=13, zorder=5, label=label)
    budget = plan.attrs.get("budget")
    if isinstance(budget, (int, float)) and np.isfinite(budget):
        ax.axvline(budget, color="black", lw=0.8, ls=":", label="budget")
    positive = plan.curve[plan.curve["cost"] > 0]
    if len(positive) and positive["cost"].max() > 30 * positive["cost"].min():
        ax.set_xscale("log")
    if len(positive) and positive["information_ratio"].max() > 30 * positive["information_ratio"].min() > 0:
        ax.set_yscale("log")
    ax.set(xlabel="cost", ylabel="information ratio, after noise")
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def preferences(found: xr.Dataset) -> Figure:
    """A row for each utility, a column for each beta; the title says which score was weighed."""
    import matplotlib.pyplot as plt

    utilities, betas = found["utility"].values, found["beta"].values
    figure, axes = plt.subplots(
        len(utilities), len(betas), figsize=(3.1 * len(betas) + 0.8, 2.8 * len(utilities)), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for row, utility in enumerate(utilities):
        for column, beta in enumerate(betas):
            preference(found, beta=float(beta), utility=str(utility), bar=False, ax=axes[row, column])
    bar = figure.colorbar(axes[0, 0].images[0], ax=axes, ticks=[-1, 0, 1], shrink=0.5)
    bar.set_ticklabels(["hard", "equal", "soft"])
    if "score" in found.attrs:
        figure.suptitle(
            f"preferred labels; score: {found.attrs['score']}; cost: judgements / {found.attrs['cost_scale']:,.0f}",
            fontsize=11,
        )
    return figure
