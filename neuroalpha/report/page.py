"""One self-contained HTML page that sets populations side by side: opens offline, with figures and provenance."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

import neuroalpha
from neuroalpha._files import write_text
from neuroalpha.compare.measure import Measurement
from neuroalpha.errors import InputError
from neuroalpha.report.plot import alpha_text, colour_of, shares

DASHES = {"-": "solid", ":": "dot", "-.": "dashdot"}  # matplotlib's line styles in plotly's words


def compare_page(
    measurements: Sequence[Measurement], path: str | os.PathLike[str], title: str = "Eigenspectra compared"
) -> Path:
    """Write a page with the spectra, the table of alphas and how each was made.

    Parameters
    ----------
    measurements : sequence of Measurement
        Of :func:`neuroalpha.measure`, from as many assemblies as wanted.
    path : path
        The ``.html`` file; about 5 MB, most of it the plotting library, so that it needs no network. Every name is
        escaped.
    title : str

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When there is nothing to show or the file cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(60, 40)), stimulus_id=np.arange(60))
    >>> na.compare_page(na.measure(x, estimator="pca"), tmp / "page.html").stat().st_size > 1_000_000
    True
    """
    if not measurements:
        raise InputError("the page has nothing to show; give at least one measurement")
    import plotly.io

    figures = [spectra_figure(measurements), alpha_figure(measurements)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("neuroalpha.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    # Markup only around what plotly itself wrote; its JSON escapes "<" so that a name cannot end the script element.
    how = {"full_html": False, "include_plotlyjs": False, "config": {"displaylogo": False, "responsive": True}}
    divs = [Markup(plotly.io.to_html(figure, **how)) for figure in figures]
    page = environment.get_template("compare.html.j2").render(
        title=title,
        rows=[describe(each) for each in measurements],
        level=f"{measurements[0].fit.level:.0%}",
        plotly_js=Markup(f"<script>{get_plotlyjs()}</script>"),
        spectra_div=divs[0],
        alpha_div=divs[1],
        software=f"neuroalpha {neuroalpha.__version__}",
        estimators=", ".join(dict.fromkeys(each.fit.estimator for each in measurements)),
        n_estimators=len({each.fit.estimator for each in measurements}),
    )
    return write_text(path, page)


def describe(each: Measurement) -> dict[str, str]:
    """What the tables say of one population, as text."""
    fit, attrs = each.fit, each.spectrum.attrs
    low, high = fit.window_range
    resampling = "none"
    if fit.n_draws:
        resampling = (
            f"{fit.n_draws} subsamples of {attrs.get('resample', '?')}, {attrs.get('draw_fraction', '?')} of each"
        )
    return {
        "name": each.name,
        "identifier": fit.identifier,
        "alpha": f"{fit.alpha:.3f}",
        "interval": f"{fit.low:.3f} to {fit.high:.3f}" if np.isfinite(fit.low) else "not computed",
        "ranks": f"{fit.ranks[0]} to {fit.ranks[1]}",
        "windows": f"{low:.2f} to {high:.2f}" if np.isfinite(low) else "",
        "r2": f"{fit.r2:.3f}" if np.isfinite(fit.r2) else "",
        "p_value": f"{fit.p_value:.2g}" if np.isfinite(fit.p_value) else "",
        "estimator": fit.estimator,
        "n_stimuli": str(fit.n_stimuli),
        "n_neuroids": str(fit.n_neuroids),
        "n_negative": str(fit.n_negative),
        "fit": f"{fit.method}, {fit.weights} weights",
        "spectrum": spectrum_text(attrs),
        "resampling": resampling,
        "seed": str(fit.seed),
        "source": str(attrs.get("source", "")),
        "preprocessing": steps_text(attrs.get("preprocessing", "")),
    }


def spectrum_text(attrs: Mapping[Any, Any]) -> str:
    """How the eigenvalues were estimated, in words."""
    said = [f"{attrs.get('estimator', 'unknown')}", f"centred: {attrs.get('center', 'unknown')}"]
    if "n_shuffles" in attrs:
        said.append(f"{attrs['n_shuffles']} shuffles, convention {attrs.get('convention')}")
        said.append(
            f"repeats split by {attrs.get('repeats_order')}, {attrs.get('n_stimuli_dropped', 0)} stimuli dropped"
        )
    if attrs.get("n_missing_filled"):
        said.append(f"{attrs['n_missing_filled']} missing entries counted as their neuroid's mean")
    return "; ".join(said)


def steps_text(steps: Any) -> str:
    """Preprocessing steps (JSON) as ``name(parameter=value, ...); name(...)``; other text as it is."""
    try:
        listed = json.loads(str(steps)) if steps else []
        return "; ".join(
            f"{step['step']}({', '.join(f'{k}={v}' for k, v in step.items() if k != 'step')})" for step in listed
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(steps)


def spectra_figure(measurements: Sequence[Measurement]) -> Any:
    """Interactive log-log spectra with band and fitted line."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for index, each in enumerate(measurements):
        colour, style = colour_of(index)
        rank, share, low, high = shares(each.spectrum)
        group = f"population {index}"
        if low is not None and high is not None:
            drawn = (low > 0) & np.isfinite(high)
            figure.add_scatter(
                x=np.r_[rank[drawn], rank[drawn][::-1]], y=np.r_[high[drawn], low[drawn][::-1]], fill="toself",
                fillcolor=colour, opacity=0.2, line_width=0, hoverinfo="skip", showlegend=False, legendgroup=group,
            )  # fmt: skip
        figure.add_scatter(
            x=rank, y=np.where(share > 0, share, np.nan), mode="lines", legendgroup=group,
            line={"color": colour, "dash": DASHES[style]}, name=_plain(f"{each.name}: {alpha_text(each.fit)}"),
        )  # fmt: skip
        window = np.arange(each.fit.ranks[0], each.fit.ranks[1] + 1)
        total = float(each.spectrum["eigenvalue"].sum())
        figure.add_scatter(
            x=window, y=each.fit.predict(window) / total, mode="lines", legendgroup=group, showlegend=False,
            line={"color": colour, "dash": "dash", "width": 3}, name="fit",
        )  # fmt: skip
    figure.update_xaxes(type="log", title="rank")
    # Where rank runs out eigenvalues fall to rounding; the figure is for what the fits describe.
    ends = [e.fit.predict(np.array(e.fit.ranks[1])) / float(e.spectrum["eigenvalue"].sum()) for e in measurements]
    figure.update_yaxes(
        type="log", title="eigenvalue (share of total variance)", exponentformat="power",
        range=[float(np.log10(min(ends) / 100)), 0.1],
    )  # fmt: skip
    figure.update_layout(height=520, template="plotly_white", legend={"orientation": "h", "y": -0.18}, margin={"t": 30})
    return figure


def alpha_figure(measurements: Sequence[Measurement]) -> Any:
    """Interactive alpha of every population with its interval."""
    import plotly.graph_objects as go

    alpha = np.array([each.fit.alpha for each in measurements])
    low, high = (np.array([getattr(each.fit, end) for each in measurements]) for end in ("low", "high"))
    figure = go.Figure()
    figure.add_scatter(
        x=[_plain(f"{i + 1}. {each.name}") for i, each in enumerate(measurements)], y=alpha,
        mode="markers", marker={"color": [colour_of(i)[0] for i in range(len(alpha))], "size": 10},
        error_y={"type": "data", "symmetric": False, "array": high - alpha, "arrayminus": alpha - low},
    )  # fmt: skip
    figure.add_hline(y=1, line_dash="dot", line_color="black")
    figure.update_layout(height=380, template="plotly_white", yaxis_title="alpha", margin={"t": 30})
    return figure


def _plain(text: str) -> str:
    """Plotly renders a subset of HTML in labels; a name shows as it was written."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
