"""A zoo's figures for papers, as SVG and PDF: spectra, alpha by depth, alphas sorted, alpha against other columns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha._files import atomic_path, make_folder
from neuroalpha.errors import InputError, nearest
from neuroalpha.report.plot import colour_of
from neuroalpha.report.zoo_against import GREY, MOST, draw_against, draw_target, errors, legend, shown
from neuroalpha.report.zoo_page import complete, line_height, spectrum_shares
from neuroalpha.report.zoo_tasks import targets
from neuroalpha.spectrum.result import check_spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
FEW = 4  # curves with bands, bars and thick lines before these hide one another
LABELLED = 150  # sorted models in a panel whose names can be read
# A population is one spectrum; a panel holds what was measured in one way, for exponents of different ways differ.
# How layers were reduced does not count: a pooled network ends in layers that have nothing to pool.
PANEL = ("images", "estimator", "window")
NO_DATES: dict[str, dict[str, None]] = {
    "svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None},
}  # fmt: skip


def zoo_figures(
    table: pd.DataFrame,
    spectra: Mapping[str, xr.Dataset],
    folder: str | os.PathLike[str],
    *,
    formats: Sequence[str] = ("svg", "pdf"),
    against: Sequence[str] = (),
) -> list[Path]:
    """Draw every figure of a zoo and write each in every format.

    ``spectra`` shows each model's last layer; ``depth`` alpha by depth, a line for each model; ``alpha`` the models
    sorted by the alpha of their last layer, with intervals; ``against-<column>`` alpha against a column: one point for
    each model, its last layer, where the column is the model's (an accuracy, the number of parameters), else one for
    each row. An accuracy or score of a readout, a shift or label noise (:func:`neuroalpha.report.zoo_tasks.targets`) is
    drawn the other way round, alpha across, coloured by ``family``, with both intervals; layers before a model's last
    are small and pale. A figure has a panel for every combination of images, estimator and window. At most 12
    populations of a panel are coloured and named, spread evenly over their order of alpha; the others are grey. Where
    more than 4 are coloured, their intervals are left out of ``spectra`` and ``depth``.

    Parameters
    ----------
    table, spectra
        As for :func:`neuroalpha.report.zoo_page.zoo_page`.
    folder : path
        Made where it is missing.
    formats : sequence of {"svg", "pdf", "png"}
        The same input gives the same bytes. Text stays text in an SVG.
    against : sequence of str
        Columns of numbers, a figure each.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        For an unknown format, a column that is missing or holds no numbers, or a folder that cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> from neuroalpha.report.zoo_figures import zoo_figures
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(60, 40)), stimulus_id=np.arange(60))
    >>> row = {"key": "0f", "model": "resnet18", "images": "noise", "layer": "fc", "depth": 1.0, "alpha": 0.6}
    >>> paths = zoo_figures(pd.DataFrame([row]), {"0f": na.eigenspectrum(x)}, tmp / "figures", formats=["svg"])
    >>> [path.name for path in paths]
    ['spectra.svg', 'depth.svg', 'alpha.svg']
    """
    frame = complete(table)
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"cannot write figures as {name!r}; expected some of {FORMATS}")
    if isinstance(against, str):
        raise InputError(f"against is the text {against!r}; expected a list of columns, [{against!r}]")
    for name in against:
        if name not in frame.columns or frame[name].dtype != float or frame[name].isna().all():
            numbers = [column for column in frame.columns if frame[column].dtype == float]
            raise InputError(f"the table has no numbers {name!r} to draw alpha against" + nearest(name, numbers))
    for key in frame["key"]:
        if key in spectra:
            check_spectrum(spectra[key])
    target = make_folder(folder)
    last = frame[last_layers(frame)]
    paths = []
    with _style():
        for name, figure in _figures(frame, last, spectra, list(dict.fromkeys(against))):
            for form in dict.fromkeys(formats):
                with atomic_path(target / f"{name}.{form}") as part:
                    figure.savefig(part, format=form, metadata=NO_DATES[form], dpi=200)
                paths.append(target / f"{name}.{form}")
    return paths


def last_layers(frame: pd.DataFrame) -> np.ndarray:
    """Which rows are of the deepest layer with an alpha that a model has on an image set.

    A classifier of ten units has none. The deepest layer of a model without any alpha, all rows of one without depths.
    """
    of_model = [frame[name] for name in ("model", "weights", "images")]
    fitted = frame["depth"].where(frame["alpha"].notna()).groupby(of_model, dropna=False).transform("max")
    deepest = fitted.fillna(frame["depth"].groupby(of_model, dropna=False).transform("max"))
    return np.asarray((frame["depth"] == deepest) | deepest.isna())


@contextmanager
def _style() -> Iterator[None]:
    """What a user has set for other figures does not change these; the salt gives an SVG's ids the same every time."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "neuroalpha", "svg.fonttype": "none", "pdf.fonttype": 42})
        yield


def _figures(
    frame: pd.DataFrame, last: pd.DataFrame, spectra: Mapping[str, xr.Dataset], against: list[str]
) -> Iterator[tuple[str, Figure]]:
    figure, panels = _panels(last, 4.6, 3.8, named_by="model")
    for ax, rows in panels:
        _draw_spectra(ax, rows, spectra)
    yield "spectra", figure
    figure, panels = _panels(frame, 4.6, 3.2, named_by="model")
    for ax, rows in panels:
        _draw_depth(ax, rows)
    yield "depth", figure
    most = max(len(rows) for _, rows in last.groupby(list(PANEL), sort=False))
    figure, panels = _panels(last, 5.2, 1.0 + 0.17 * min(most, LABELLED))
    for ax, rows in panels:
        _draw_sorted(ax, rows)
    yield "alpha", figure
    taken: set[str] = set()
    families = sorted(set(frame["family"]) - {""}) if "family" in frame and frame["family"].dtype != float else []
    of_task = {target["name"]: target for target in targets(frame) if target["group"] != "published"}
    for name in against:
        of_model = bool((frame.groupby(["model", "weights"])[name].nunique() <= 1).all())
        is_task = name in of_task
        figure, panels = _panels(
            last if of_model and not is_task else frame, 4.2, 3.6, "family" if is_task and families else ""
        )
        for ax, rows in panels:
            if is_task:
                draw_target(ax, rows, rows.index.isin(last.index), of_task[name], families)
            else:
                draw_against(ax, rows, name, of_model)
        plain = slug = "against-" + (re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "column")
        again = 1
        while slug.lower() in taken:
            again += 1
            slug = f"{plain}-{again}"
        taken.add(slug.lower())
        yield slug, figure


def _panels(
    frame: pd.DataFrame, width: float, height: float, named_by: str = ""
) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """A figure with an axes for every way of measuring in the table, titled by what tells the panels apart."""
    from matplotlib.figure import Figure

    parts = list(frame.groupby(list(PANEL), sort=False))
    differs = [i for i, name in enumerate(PANEL) if frame[name].nunique() > 1]
    n_columns = min(len(parts), 3 if len(parts) > 4 else 2)
    n_rows = -(-len(parts) // n_columns)
    if named_by in frame.columns:  # what it names; stands below the axes, a line for each
        height += 0.16 * min(MOST + 1, max(part[named_by].nunique() for _, part in parts) + 1)
    # Not pyplot's: nothing stays open, and no window system is asked for.
    figure = Figure(figsize=(width * n_columns, height * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in axes[len(parts) :]:
        ax.set_visible(False)
    panels = []
    for ax, (values, part) in zip(axes, parts, strict=False):
        title = ", ".join(shown(str(values[i])) for i in differs if values[i])
        ax.set_title(title, fontsize=10)
        panels.append((ax, part))
    return figure, panels


def _draw_spectra(ax: Axes, rows: pd.DataFrame, spectra: Mapping[str, xr.Dataset]) -> None:
    rows = rows[rows["key"].isin([key for key in rows["key"] if key in spectra])].drop_duplicates("key")
    coloured = _spread(rows)
    names = _names(rows)
    ends = []
    named: list[tuple[Any, str]] = []
    for index, row in _in_order(list(rows.itertuples()), coloured):
        spectrum = spectra[str(row.key)]
        rank, share, low, high = spectrum_shares(spectrum)
        curve = np.where(share > 0, share, np.nan)
        if index not in coloured:
            ax.plot(rank, curve, zorder=1, **GREY)
            continue
        colour, style = colour_of(coloured.index(index))
        label = names[index] if np.isnan(row.alpha) else f"{names[index]}: {row.alpha:.2f}"
        named.append((ax.plot(rank, curve, color=colour, ls=style, lw=1.2)[0], label))
        if low is not None and high is not None and (share > 0).any() and len(coloured) <= FEW:
            floor = np.nanmin(share[share > 0]) / 10
            ax.fill_between(rank, np.maximum(low, floor), np.maximum(high, floor), color=colour, alpha=0.15, lw=0)
        height = line_height(spectrum, row)
        if np.isfinite(height):
            window = np.array([row.first, row.last])
            line = np.exp(height - row.alpha * np.log(window))
            ax.plot(window, line, color=colour, lw=2.2 if len(coloured) <= FEW else 1, ls="--", alpha=0.9)
            ends.append(line[-1])
    ax.set(xscale="log", yscale="log", xlabel="rank", ylabel="eigenvalue (share of total variance)")
    if ends:  # where rank runs out eigenvalues fall to rounding; the figure is for what the fits describe
        ax.set_ylim(bottom=float(min(ends)) / 100)
    legend(ax, named, _spread_of(named, len(rows), "alpha of the last layer"))


def _draw_depth(ax: Axes, rows: pd.DataFrame) -> None:
    lines = [line.sort_values("depth", kind="stable") for _, line in rows.groupby(["model", "weights"], sort=False)]
    lasts = pd.concat([line.iloc[-1:] for line in lines])
    coloured, names = _spread(lasts), _names(lasts)
    named: list[tuple[Any, str]] = []
    for index, line in _in_order(lines, coloured):
        if index not in coloured:
            ax.plot(line["depth"], line["alpha"], zorder=1, marker="o", ms=1.5, **GREY)
            continue
        colour, style = colour_of(coloured.index(index))
        bar = ax.errorbar(
            line["depth"], line["alpha"], yerr=errors(line) if len(coloured) <= FEW else None, color=colour, ls=style,
            marker="o", ms=3, lw=1.2, elinewidth=0.6, capsize=1.5,
        )  # fmt: skip
        named.append((bar, names[index]))
    ax.axhline(1, color="black", lw=0.8, ls=":")
    ax.set(xlabel="depth in the network", ylabel="alpha", xlim=(-0.03, 1.03))
    legend(ax, named, _spread_of(named, len(lines), "models"))


def _draw_sorted(ax: Axes, rows: pd.DataFrame) -> None:
    rows = rows[rows["alpha"].notna()].sort_values("alpha", kind="stable")
    y = np.arange(len(rows))
    ax.errorbar(
        rows["alpha"], y, xerr=errors(rows), color=colour_of(0)[0], ls="none", marker="o", ms=3.5, lw=0.9, capsize=1.5
    )
    ax.axvline(1, color="black", lw=0.8, ls=":")
    if len(rows) <= LABELLED:
        ax.set_yticks(y, _names(rows), fontsize=7)
    else:
        ax.set_ylabel(f"{len(rows)} models, sorted")
    ax.set(xlabel="alpha of the last layer", ylim=(-0.8, max(len(rows), 1) - 0.2))


def _spread(rows: pd.DataFrame) -> list[int]:
    """Positions of at most 12 rows, from the greatest alpha to the least in even steps."""
    order = np.argsort(rows["alpha"].to_numpy(dtype=float), kind="stable")  # NaN last
    order = order[: max(int(rows["alpha"].notna().sum()), min(MOST, len(rows)))]
    steps = np.linspace(0, len(order) - 1, min(MOST, len(order))).round().astype(int)
    return [int(each) for each in order[steps]][::-1]


def _in_order(things: list[Any], coloured: list[int]) -> list[tuple[int, Any]]:
    """Those in grey first, then the coloured ones from the greatest alpha down, as the legend names them."""
    grey = [index for index in range(len(things)) if index not in coloured]
    return [(index, things[index]) for index in [*grey, *coloured]]


def _names(rows: pd.DataFrame) -> list[str]:
    """Models' names, with their weights, and then the layer, where the name alone would stand twice."""
    for columns in (["model"], ["model", "weights"], ["model", "weights", "layer"]):
        told = [", ".join(filter(None, texts)) for texts in rows[columns].itertuples(index=False, name=None)]
        if len(set(told)) == len(told):
            break
    return [shown(name) for name in told]


def _spread_of(named: list[tuple[Any, str]], n: int, what: str) -> str:
    return what if len(named) == n else f"{what}: {len(named)} of {n}, spread over alpha, the others grey"
