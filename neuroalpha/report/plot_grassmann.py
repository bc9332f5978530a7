"""Figures of learning on the Grassmannian: widths over theory, errors, the naive collapse, networks against width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS, _axes, colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUANTITIES = {"loss": "loss / |C|", "angle": "principal angles to the limit (degrees)"}
FORMS = {"tall": ("one layer", "tall"), "wide": ("wide",)}
MARKERS = "osD^vPX*"


def width_overlay(
    result: xr.Dataset,
    *,
    loss: str = "contrastive",
    form: str = "tall",
    quantity: str = "loss",
    retraction: str = "polar",
    ax: Axes | None = None,
) -> Axes:
    """Draw what networks of all widths do over time (lines), and theory over them (dashes, the same for all widths).

    Simulations have the larger step size. Narrow networks are drawn thickest, so that equal curves show.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.theory.grassmann.compare_grassmann`.
    loss : str, optional
    form : {"tall", "wide"}, optional
        The tall form includes one layer.
    quantity : {"loss", "angle"}, optional
    retraction : str, optional
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        For another Dataset, or where it holds no such setting.

    Examples
    --------
    >>> from neuroalpha.theory.grassmann import compare_grassmann
    >>> found = compare_grassmann(losses=["contrastive"], tall_widths=[5], wide_widths=[], retractions=["polar"],
    ...                           step_sizes=(0.05, 0.025))
    >>> width_overlay(found).get_xlabel()
    'time (1 / |C|)'
    """
    _check(result, ("loss_simulated", "angle_simulated", "form"), "compare_grassmann")
    if quantity not in QUANTITIES or form not in FORMS:
        raise InputError(f"expected a quantity of {list(QUANTITIES)} and a form of {list(FORMS)}")
    coords = {name: result[name].values for name in ("loss", "form", "retraction")}
    chosen = (coords["loss"] == loss) & (coords["retraction"] == retraction) & np.isin(coords["form"], FORMS[form])
    if not chosen.any():
        raise InputError(f"the result holds no setting of the {loss} loss, the {form} form, {retraction} steps")
    ax = ax or _axes(5.2, 4)
    part = result.isel(setting=np.flatnonzero(chosen))
    scale = np.degrees(1) if quantity == "angle" else 1
    for index in range(part.sizes["setting"]):
        one = part.isel(setting=index, step=0)
        width = int(one["width"])
        values = one[f"{quantity}_simulated"].values * scale
        drawn = ax.plot(
            one["time"], values, color=colour_of(index)[0], lw=6 - 4.6 * index / max(part.sizes["setting"] - 1, 1)
        )
        drawn[0].set_label(f"h = {width}" if width else "one layer")
    theory = part.isel(setting=0)
    drawn = ax.plot(theory["time"], theory[f"{quantity}_predicted"].values * scale, color="black", lw=1.2, ls="--")
    drawn[0].set_label("theory")
    if quantity == "loss":
        ax.axhline(float(theory["limit_loss"]), color="black", lw=0.6, ls=":")
    ax.set(xlabel="time (1 / |C|)", ylabel=QUANTITIES[quantity])
    ax.legend(frameon=False, fontsize=8)
    return ax


def step_errors(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw the largest error of each setting at both step sizes: theory is exact where points fall tenfold.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.theory.grassmann.compare_grassmann`.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> from neuroalpha.theory.grassmann import compare_grassmann
    >>> found = compare_grassmann(losses=["contrastive"], tall_widths=[5], wide_widths=[], retractions=["polar"],
    ...                           step_sizes=(0.05, 0.025))
    >>> step_errors(found).get_xscale()
    'log'
    """
    _check(result, ("kernel_error", "ratio"), "compare_grassmann")
    count = result.sizes["setting"]
    ax = ax or _axes(7.6, 1.2 + 0.21 * count)
    places = np.arange(count)[::-1]
    for step in range(result.sizes["step"]):
        size = float(result["step_size"][0, step])
        ax.plot(
            result["kernel_error"][:, step], places, ls="", marker="os"[step % 2], ms=4.5, color=COLOURS[step],
            label=f"step {size:g}",
        )  # fmt: skip
    for place, ratio in zip(places, result["ratio"].values, strict=True):
        ax.annotate(f"{ratio:.1f}", (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=7)
    ax.set_yticks(places, [str(name) for name in result["setting"].values], fontsize=7)
    ax.set(
        xscale="log", xlabel=r"largest $|MM^T - \mathrm{theory}|_F$ over time; at the right, ratio for a tenfold step"
    )
    ax.legend(frameon=False, fontsize=8, loc="upper center")
    ax.grid(axis="x", lw=0.3)
    return ax


def collapse(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw how singular values of unconstrained weights fall behind the largest, and their participation ratio.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.theory.grassmann.naive_collapse`.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> from neuroalpha.theory.grassmann import naive_collapse
    >>> found = naive_collapse(np.diag([-1.0, -0.5, 0.1]), np.eye(3)[:, :2] + 0.1, [0.0, 5.0, 10.0])
    >>> collapse(found).get_ylabel()
    'singular value / largest'
    """
    _check(result, ("participation_predicted", "singular_value"), "naive_collapse")
    ax = ax or _axes(6, 4)
    time = result["time"].values[0]
    lines = []
    for index in range(1, result.sizes["output"]):
        values = result["singular_value"].values[:, index]
        shown = np.where(values > 1e-14, values, np.nan)  # below, it is rounding
        lines += ax.plot(time, shown, color=colour_of(index - 1)[0], label=f"singular value {index + 1}")
    ax.set(yscale="log", xlabel="time (1 / |C|)", ylabel="singular value / largest")
    other = ax.twinx()
    lines += other.plot(
        time, result["participation_simulated"].values[0], color=COLOURS[4], lw=4, alpha=0.5,
        label="participation ratio, gradient descent",
    )  # fmt: skip
    lines += other.plot(
        time,
        result["participation_predicted"].values,
        color="black",
        ls="--",
        lw=1.2,
        label="participation ratio, theory",
    )
    other.set(ylabel="participation ratio", ylim=(0.9, None))
    ax.legend(lines, [str(line.get_label()) for line in lines], frameon=False, fontsize=8, loc="upper right")
    return ax


def frozen_features(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw the error of theory with frozen features against width, and how far both layers move: all at the end.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.theory.grassmann.compare_random_features`.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        For another Dataset.

    Examples
    --------
    >>> from neuroalpha.theory.grassmann import compare_random_features
    >>> found = compare_random_features(widths=(16, 64), losses=["contrastive"], step_sizes=(0.25, 0.1))
    >>> frozen_features(found).get_xlabel()
    'hidden units h'
    """
    _check(result, ("kernel_error", "frozen_error", "first_change"), "compare_random_features")
    ax = ax or _axes(6.4, 6)
    width = result["width"].values
    for index, loss in enumerate(result["loss"].values):
        one, style = result.sel(loss=loss), ("-", "--")[index % 2]
        final = one["kernel_error"].values[:, -1, -1]
        for place, (values, text) in enumerate(
            (
                (final, f"embedding kernel against theory, {_slope(one)}"),
                (one["frozen_error"].values[:, -1, -1], "the same, W2 alone learns"),
                (one["first_change"].values, "relative change of W1"),
                (one["second_change"].values, "relative change of W2"),
                (one["kernel_change"].values, "relative change of the tangent kernel by W2"),
            )
        ):
            ax.plot(
                width, values, color=COLOURS[place], ls=style, marker=MARKERS[place], ms=4, lw=1.4,
                label=f"{loss}: {text}" if place == 0 else text if index == 0 else None,
            )  # fmt: skip
    _width_axis(ax, width)
    ax.plot(width, final[0] * (width / width[0]) ** -1.0, color="black", lw=0.8, ls=":", label="1 / h")
    ax.set_ylabel("relative error or change at the end")
    ax.legend(frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    return ax


def kernel_changes(result: xr.Dataset, *, part: str = "kernel_change", ax: Axes | None = None) -> Axes:
    """Draw how far training moves the tangent kernel (or the features' kernel, a layer) against width.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.theory.grassmann.kernel_change`.
    part : str, optional
        Which of its relative changes.
    ax : matplotlib Axes, optional

    Raises
    ------
    InputError
        For another Dataset, or a part that it lacks.

    Examples
    --------
    >>> from neuroalpha.theory.grassmann import kernel_change
    >>> found = kernel_change(widths=(16, 64), objectives=["Barlow Twins, free weights"], n_networks=1)
    >>> kernel_changes(found).get_ylabel()
    'relative change of the tangent kernel'
    """
    _check(result, (part, "objective", "slope"), "kernel_change")
    ax = ax or _axes(6.4, 5.2)
    width = result["width"].values
    text = {"kernel_change": "the tangent kernel", "feature_change": "the features' kernel", "first_change": "W1"}
    for index, name in enumerate(result["objective"].values):
        one = result.sel(objective=name)
        label = f"{name}, {_slope(one)}" if part == "kernel_change" else str(name)
        bars = np.nan_to_num(one["kernel_change_sd"].values) if part == "kernel_change" else None
        ax.errorbar(
            width, one[part].values, yerr=bars, color=colour_of(index)[0], marker=MARKERS[index % len(MARKERS)], ms=4.5,
            ls="-" if "orthonormal" in str(name) else "--", lw=1.4, capsize=2, label=label,
        )  # fmt: skip
    _width_axis(ax, width)
    ax.set_ylabel(f"relative change of {text.get(part, part.replace('_', ' '))}")
    ax.legend(frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    return ax


def grassmann_figures(datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """All figures that the results allow, by name.

    Parameters
    ----------
    datasets : mapping of str to Dataset
        Any of ``"linear"`` (of compare_grassmann), ``"naive"`` (naive_collapse), ``"random_features"``
        (compare_random_features), ``"kernel_change"``.

    Returns
    -------
    dict of str to Figure
        ``"grassmann-widths"``, ``"grassmann-errors"``, ``"grassmann-naive"``, ``"grassmann-frozen-features"``,
        ``"grassmann-kernel-change"``.

    Raises
    ------
    InputError
        For other names.

    Examples
    --------
    >>> from neuroalpha.theory.grassmann import naive_collapse
    >>> found = naive_collapse(np.diag([-1.0, -0.5, 0.1]), np.eye(3)[:, :2] + 0.1, [0.0, 5.0, 10.0])
    >>> list(grassmann_figures({"naive": found}))
    ['grassmann-naive']
    """
    import matplotlib.pyplot as plt

    known = ("linear", "naive", "random_features", "kernel_change")
    other = [name for name in datasets if name not in known]
    if other:
        raise InputError(f"there is no figure of {other[0]!r}; expected results by the names {list(known)}")
    made: dict[str, Figure] = {}
    if "linear" in datasets:
        made["grassmann-widths"] = _overlays(datasets["linear"])
        made["grassmann-errors"] = step_errors(datasets["linear"]).get_figure()  # type: ignore[assignment]
    if "naive" in datasets:
        made["grassmann-naive"] = collapse(datasets["naive"]).get_figure()  # type: ignore[assignment]
    if "random_features" in datasets:
        ax = frozen_features(datasets["random_features"])
        made["grassmann-frozen-features"] = ax.get_figure()  # type: ignore[assignment]
    if "kernel_change" in datasets:
        figure, axes = plt.subplots(1, 2, figsize=(12, 5.2), layout="constrained")
        for ax, part in zip(axes, ("kernel_change", "feature_change"), strict=True):
            kernel_changes(datasets["kernel_change"], part=part, ax=ax)
        made["grassmann-kernel-change"] = figure
    return made


def _overlays(result: xr.Dataset) -> Figure:
    """Losses in rows; loss and angles of the tall and the wide form in columns."""
    import matplotlib.pyplot as plt

    retraction = str(result["retraction"].values[0])
    losses = list(dict.fromkeys(result["loss"].values.tolist()))
    forms = [name for name, members in FORMS.items() if np.isin(result["form"].values, members).any()]
    columns = [(form, quantity) for form in forms for quantity in QUANTITIES]
    size = (3.6 * len(columns), 3.4 * len(losses))
    figure, axes = plt.subplots(len(losses), len(columns), figsize=size, layout="constrained", squeeze=False)
    for row, loss in zip(axes, losses, strict=True):
        for ax, (form, quantity) in zip(row, columns, strict=True):
            width_overlay(result, loss=loss, form=form, quantity=quantity, retraction=retraction, ax=ax)
            ax.set_title(f"{loss}, {form}", fontsize=9)
    return figure


def _width_axis(ax: Axes, width: np.ndarray) -> None:
    ax.set(xscale="log", yscale="log", xlabel="hidden units h")
    ax.set_xticks(width, [str(each) for each in width])
    ax.minorticks_off()


def _slope(one: xr.Dataset) -> str:
    return f"slope {round(float(one['slope']), 2) + 0.0:.2f}"  # + 0: no minus before a zero


def _check(result: object, needed: Sequence[str], source: str) -> None:
    if not isinstance(result, xr.Dataset) or not all(name in result.variables for name in needed):
        raise InputError(f"expected the result of neuroalpha.theory.{source}, got {type(result).__name__}")
