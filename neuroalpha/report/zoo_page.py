"""One self-contained HTML page of a zoo: table, spectra, alpha by depth, tasks, statistics; opens offline."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import xarray as xr

import neuroalpha
from neuroalpha._files import check_target, write_text
from neuroalpha._text import valid
from neuroalpha.errors import InputError, nearest
from neuroalpha.report.zoo_columns import is_numbers, numbers, pack, texts
from neuroalpha.report.zoo_selection import selection_data
from neuroalpha.report.zoo_sweep import sweep_data
from neuroalpha.report.zoo_tasks import noise_data, sentences_data, statistics_data, targets
from neuroalpha.spectrum.result import check_spectrum

REQUIRED = ("key", "model", "images", "layer", "alpha")
TEXT = (
    "key", "model", "weights", "images", "layer", "reduce", "estimator", "window", "verdict", "verdict_detail",
    "source", "preprocessing", "software",
)  # fmt: skip
NUMBERS = (
    "depth", "alpha", "low", "high", "r2", "first", "last", "alpha_window_min", "alpha_window_max", "n_stimuli",
    "n_neuroids", "participation_ratio", "effective_rank", "stable_rank", "n_90", "parameters",
)  # fmt: skip
FULL_RANKS = 50  # every rank up to here is on the page
MOST_RANKS = 160  # of one spectrum on the page: below a pixel apart on log axes, and 2,000 of them are about 5 MB
SCRIPTS = (
    "zoo_data.js", "zoo_figures.js", "zoo_tasks.js", "zoo_noise.js", "zoo_statistics.js", "zoo_sweep.js",
    "zoo_selection.js", "zoo_table.js",
)  # fmt: skip


def zoo_page(
    table: pd.DataFrame,
    spectra: Mapping[str, xr.Dataset],
    path: str | os.PathLike[str],
    *,
    title: str = "Alpha of a model zoo",
    failures: pd.DataFrame | None = None,
    notes: str | Sequence[str] | None = None,
    noise: pd.DataFrame | None = None,
    statistics: pd.DataFrame | None = None,
    sentences: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    selection: Any = None,
) -> Path:
    """Write a page on which a zoo's table can be sorted, filtered, looked into and downloaded.

    Parameters
    ----------
    table : DataFrame
        One row for each model, images, layer, reduction, estimator and window: columns ``key``, ``model``, ``images``,
        ``layer`` and ``alpha``; ``weights``, ``depth``, ``reduce``, ``estimator``, ``window``, ``low``, ``high``,
        ``first``, ``last``, ``verdict`` and how the row was made as known. Any further column of numbers can be sorted
        by and plotted against. Accuracies and scores of readouts, shifts and label noise (``accuracy``,
        ``accuracy: <shift>``, ``noise_area: <noise>``, ...: :func:`neuroalpha.report.zoo_tasks.targets`) are drawn
        against alpha, with intervals from columns ``<name>_low`` and ``<name>_high``, coloured by ``family``. A sweep,
        whose columns ``setting: <name>`` differ between rows, gets a section of its own: accuracy against every
        label-free score, coloured by ``setting: objective``, and maps over the grid of two settings.
    spectra : mapping of str to Dataset
        By ``key``. All ranks up to 50 are put on the page, then log-spaced ones, 160 in all. A row may have none.
    path : path
        The ``.html`` file: about 5 MB for the plotting library and 3 to 4 kB for each row. Needs no network; every name
        is escaped.
    title : str
    failures : DataFrame, optional
        What could not be measured: columns ``model``, ``images``, ``layer``, ``reason``.
    notes : str or sequence of str, optional
        Paragraphs shown below the title.
    noise : DataFrame, optional
        Noise curves: columns ``key`` (of a row of the table), ``noise`` (its kind), ``level`` and ``accuracy``;
        ``low``, ``high`` and ``memorisation`` as known. One row for each key, kind and level.
    statistics : DataFrame, optional
        The tidy table of :func:`neuroalpha.relate`: columns ``target`` (or ``y``), ``statistic`` and ``value``;
        ``layer``, ``window``, ``low``, ``high``, ``p``, ``p_corrected``, ``n_models``, ``note`` and others as known.
    sentences : sequence of str or mapping of str to sequence of str, optional
        What the statistics say in plain words; by target, where a mapping.
    selection : RuleComparison, optional
        Of :func:`neuroalpha.compare_rules`: how many readouts rules of selection need, drawn in the section of a sweep.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the zoo's table is empty, a table lacks a column, something in ``spectra`` is no spectrum, noise curves are
        of no row of the table or have two values at one level, or the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import neuroalpha as na
    >>> from neuroalpha.report.zoo_page import zoo_page
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(60, 40)), stimulus_id=np.arange(60))
    >>> spectrum = na.eigenspectrum(x)
    >>> row = {"key": "0f", "model": "torchvision:resnet18", "images": "noise", "layer": "fc", "alpha": 0.6}
    >>> zoo_page(pd.DataFrame([row]), {"0f": spectrum}, tmp / "zoo.html").stat().st_size > 1_000_000
    True
    """
    check_target(path)
    frame = complete(table)
    given = [str(name) for name in table.columns]
    drawn = {key: spectra[key] for key in dict.fromkeys(frame["key"]) if key in spectra}
    for spectrum in drawn.values():
        check_spectrum(spectrum)
    curves = noise_data(noise, frame["key"])
    wanted = targets(frame, [curve["noise"] for curve in curves])
    told, stated = statistics_data(statistics), sentences_data(sentences)
    sweep, rules = sweep_data(frame), selection_data(selection)
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    # The page runs these two scripts and nothing else: a browser compares what it is to run with their digests, so that
    # even a name that got past the escaping could not become code.
    scripts = [_lines(get_plotlyjs()), _lines("(() => {\n'use strict';\n" + _inlined(*SCRIPTS) + "\n})();")]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neuroalpha.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("zoo.html.j2").render(
        title=valid(title),
        notes=[valid(note) for note in ([notes] if isinstance(notes, str) else notes or [])],
        failures=_failures(failures),
        style=Markup(_inlined("zoo.css")),
        digests=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        scripts=[Markup(script) for script in scripts],
        data=Markup(
            to_json(
                {
                    "table": packed(frame, drawn) | {"given": given},
                    "spectra": spectra_data(drawn),
                    "tasks": {"targets": wanted, "noise": curves, "statistics": told},
                    "sweep": sweep,
                    "selection": rules and {name: value for name, value in rules.items() if name != "rows"},
                }
            )
        ),
        has_targets=bool(wanted),
        has_noise=bool(curves),
        has_statistics=told is not None,
        sentences=stated,
        sweep=sweep,
        selection=rules,
        has_growth=rules is not None and any(each["x"] for each in rules["growth"]),
        selection_said=[] if rules is None else [valid(str(said)) for said in selection.sentences],
        n_rows=len(frame),
        n_models=len(frame[["model", "weights"]].drop_duplicates()),
        n_images=frame["images"].nunique(),
        full_ranks=FULL_RANKS,
        most_ranks=MOST_RANKS,
        software=f"neuroalpha {neuroalpha.__version__}",
    )
    return write_text(path, page)


def complete(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every column that the report knows: text as str, numbers as float, NaN where not given."""
    for name in REQUIRED:
        if name not in table.columns:
            raise InputError(f"the table has no column {name!r}" + nearest(name, map(str, table.columns)))
    if table.empty:
        raise InputError("the zoo's table has no row, so there is nothing to show; run the zoo first")
    columns: dict[str, Any] = {}
    for name in [*TEXT, *NUMBERS]:
        columns[name] = table[name] if name in table.columns else pd.Series("" if name in TEXT else np.nan, table.index)
    columns |= {str(name): table[name] for name in table.columns if str(name) not in columns}
    for name, values in columns.items():
        of_numbers = name in NUMBERS or (name not in TEXT and is_numbers(values))
        columns[name] = numbers(values) if of_numbers else texts(values)
    return pd.DataFrame(columns)


def packed(frame: pd.DataFrame, spectra: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """The table's columns for the page, and where each row's line stands in its spectrum."""
    heights = [line_height(spectra.get(str(row.key)), row) for row in frame.itertuples()]
    return {"columns": pack(frame), "n": len(frame), "heights": [h if np.isfinite(h) else None for h in heights]}


def line_height(spectrum: xr.Dataset | None, row: Any) -> float:
    """Natural log of a row's fitted share of variance at rank 1; NaN without a fit.

    The table holds a line's slope and window. Its height is that of the weighted least squares fit on every rank
    (weights 1 / rank), which goes through the weighted mean of log eigenvalue and log rank; ``intercept``, where the
    table has it, is that of the fit itself.
    """
    if spectrum is None or not np.isfinite([row.alpha, row.first, row.last]).all():
        return np.nan
    rank, share, _, _ = spectrum_shares(spectrum)
    given = getattr(row, "intercept", np.nan)
    if isinstance(given, float) and np.isfinite(given):
        return given - np.log(_total(spectrum))
    inside = (rank >= row.first) & (rank <= row.last) & (share > 0)
    if not inside.any():
        return np.nan
    height = np.log(share[inside]) + row.alpha * np.log(rank[inside])
    return float(np.average(height, weights=1 / rank[inside]))


def spectrum_shares(spectrum: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """As :func:`neuroalpha.report.plot.shares`, but a spectrum whose sum is not positive (all noise) keeps its unit."""
    total = _total(spectrum)
    names = ("eigenvalue_low", "eigenvalue_high")
    low, high = (spectrum[name].values / total if name in spectrum else None for name in names)
    return spectrum["rank"].values, spectrum["eigenvalue"].values / total, low, high


def _total(spectrum: xr.Dataset) -> float:
    total = float(np.nansum(spectrum["eigenvalue"].values))
    return total if total > 0 else 1.0


def spectra_data(spectra: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Each spectrum's chosen ranks, shares and band as little-endian float32 in base64, and how it was made."""
    result = {}
    for key, spectrum in spectra.items():
        rank, share, low, high = spectrum_shares(spectrum)
        at = chosen(rank.size)
        one: dict[str, Any] = {"rank": _packed(rank[at]), "share": _packed(share[at])}
        if low is not None and high is not None:
            one |= {"low": _packed(low[at]), "high": _packed(high[at])}
        hidden = int((share <= 0).sum())
        result[key] = one | {
            "n": int(rank.size),
            "hidden": hidden,
            "scaled": bool(np.nansum(spectrum["eigenvalue"].values) > 0),
            "attrs": {str(name): valid(str(value)) for name, value in spectrum.attrs.items()},
        }
    return result


def chosen(n_ranks: int) -> np.ndarray:
    """Which ranks of a spectrum go on the page, 0-based.

    Examples
    --------
    >>> chosen(40).size, chosen(10_000).size, int(chosen(10_000)[-1])
    (40, 160, 9999)
    """
    if n_ranks <= MOST_RANKS:
        return np.arange(n_ranks)
    spaced = np.geomspace(FULL_RANKS + 1, n_ranks, MOST_RANKS - FULL_RANKS)
    # Next to rank 50 log-spaced ranks lie less than one apart; each is at least one beyond the one before it.
    ranks = np.maximum(np.round(spaced), FULL_RANKS + 1 + np.arange(spaced.size)).astype(int)
    return np.r_[np.arange(FULL_RANKS), np.minimum(ranks, n_ranks) - 1]


def to_json(thing: Any) -> str:
    """JSON that can stand inside a script element: no character of it can end the element or begin a comment."""
    text = json.dumps(thing, allow_nan=False, separators=(",", ":"))  # ASCII, so U+2028 and U+2029 are escaped as well
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _failures(failures: pd.DataFrame | None) -> list[dict[str, str]]:
    if failures is None:
        return []
    names = ("model", "images", "layer", "reason")
    for name in names:
        if name not in failures.columns:
            raise InputError(f"the failures have no column {name!r}" + nearest(name, map(str, failures.columns)))
    rows = failures[list(names)].fillna("").astype(str).to_dict("records")
    return [{str(name): valid(text) for name, text in row.items()} for row in rows]


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode("ascii")


def _inlined(*names: str) -> str:
    folder = resources.files("neuroalpha.report") / "templates"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _lines(script: str) -> str:
    """Line ends as a browser reads them, so that the digest is of the same bytes."""
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
