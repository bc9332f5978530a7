"""Figures of fits: how alpha moves with either end of its window, and what laws a spectrum follows, with residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS, _axes, _literal
from neuroalpha.spectrum.compare_models import ModelComparison
from neuroalpha.spectrum.fit import AlphaFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {"power": "power law", "broken": "broken power law", "lognormal": "log-normal", "cutoff": "exponential cut-off"}
TICKS = [m * 10**k for k in range(6) for m in (1, 2, 3, 5, 7)]
STYLES = {"power": "-", "broken": "--", "lognormal": "-.", "cutoff": ":"}


def window_band(fit: AlphaFit, *, ax: Axes | None = None) -> Axes:
    """Draw alpha, with its interval, against the first rank (last rank fixed) and the last rank (first rank fixed).

    A band that stays level says that the window does not matter. The window of the fit is marked by black dots.

    Parameters
    ----------
    fit : AlphaFit
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        When no other window was within reach of the fit's own, or ``fit`` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> from neuroalpha.report.plot_fits import window_band
    >>> x = na.make_assembly(np.random.default_rng(0).normal(size=(90, 80)), stimulus_id=np.arange(90))
    >>> window_band(na.fit_alpha(na.eigenspectrum(x), (4, 36))).get_ylabel()
    'alpha'
    """
    if not isinstance(fit, AlphaFit):
        raise InputError(f"expected the result of neuroalpha.fit_alpha (AlphaFit), got {type(fit).__name__}")
    first, last = fit.ranks
    table = fit.sensitivity
    sides = (
        ("first", table[table["last"] == last].sort_values("first"), f"first rank varies (last {last})", COLOURS[0]),
        ("last", table[table["first"] == first].sort_values("last"), f"last rank varies (first {first})", COLOURS[1]),
    )
    if all(len(side) < 2 for _, side, _, _ in sides):
        raise InputError(
            f"no window but ranks {first} to {last} was fitted; a band needs others, so fit a wider window"
        )
    ax = ax or _axes(6.4, 4.4)
    for end, side, label, colour in sides:
        x, alpha = side[end].to_numpy(dtype=float), side["alpha"].to_numpy(dtype=float)
        ax.plot(x, alpha, color=colour, marker="o", ms=4, lw=1.4, label=label)
        low, high = side["low"].to_numpy(dtype=float), side["high"].to_numpy(dtype=float)
        if np.isfinite(low).any():
            ax.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
    ax.plot(fit.ranks, [fit.alpha] * 2, ls="", marker="o", ms=6, color="black", zorder=5)
    ax.axhline(fit.alpha, color="black", lw=0.7, ls=":")
    ax.set_xscale("log")
    ticks = sorted({*sides[0][1]["first"], *sides[1][1]["last"]})
    ax.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=8, rotation=45)
    ax.minorticks_off()
    ax.set(xlabel="the rank that varies", ylabel="alpha")
    ax.set_title(_literal(f"{fit.identifier or fit.estimator}: alpha {fit.alpha:.2f} at ranks {first} to {last}"))
    ax.legend(frameon=False, fontsize=8)
    return ax


def models(comparison: ModelComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the spectrum with the laws fitted to it, and below what each law leaves over.

    Dots are geometric bins of ranks, averaged over random halves of the stimuli. Curves are what half of the stimuli
    would show of a population that follows each law. A law that fits leaves residuals without a trend, inside the grey
    band (two standard deviations of one half about the mean).

    Parameters
    ----------
    comparison : ModelComparison
        Of :func:`neuroalpha.compare_models`.
    ax : matplotlib Axes, optional
        For the spectrum; the residuals take its lower third.

    Returns
    -------
    matplotlib Axes
        Of the spectrum. The residuals are ``ax.figure.axes[-1]``.

    Raises
    ------
    InputError
        When ``comparison`` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> from neuroalpha.report.plot_fits import models
    >>> x = np.random.default_rng(0).normal(size=(120, 80)) * np.arange(1, 81) ** -0.5
    >>> x = na.make_assembly(x, stimulus_id=np.arange(120))
    >>> models(na.compare_models(x, (2, 25), n_splits=3, bias="none")).get_ylabel()
    'eigenvalue'
    """
    if not isinstance(comparison, ModelComparison):
        raise InputError(
            f"expected the result of neuroalpha.compare_models (ModelComparison), got {type(comparison).__name__}"
        )
    ax, left = _two(ax)
    points, errors = comparison.points, comparison.table.set_index("model")["heldout_error"]
    rank = points["rank"].to_numpy()
    sd = points["log_eigenvalue_sd"].to_numpy()
    left.fill_between(rank, -2 * sd, 2 * sd, color="#BBBBBB", alpha=0.4, lw=0)
    left.axhline(0, color="black", lw=0.7)
    ax.plot(rank, np.exp(points["log_eigenvalue"]), "o", ms=5, color="black", mfc="none", zorder=5, label="measured")
    for colour, name in zip((COLOURS[1], COLOURS[0], COLOURS[2], COLOURS[3]), NAMES, strict=True):
        if name not in comparison.laws:
            continue
        look: dict[str, Any] = {"color": colour, "ls": STYLES[name], "lw": 1.6}
        ax.plot(rank, np.exp(points[name]), **look, label=f"{NAMES[name]} ({errors[name]:.3f})")
        left.plot(rank, points["log_eigenvalue"] - points[name], **look)
    ax.set(xscale="log", yscale="log", ylabel="eigenvalue")
    ticks = [tick for tick in TICKS if rank[0] <= tick <= rank[-1]]
    left.set_xticks(ticks, [str(tick) for tick in ticks])
    left.minorticks_off()
    ax.tick_params(labelbottom=False)
    left.set(xlabel="rank", ylabel="residual (natural log)")
    ax.set_title(_literal(_title(comparison)), fontsize=10)
    ax.legend(frameon=False, fontsize=8, title="law (held-out log error)", title_fontsize=8)
    return ax


def _two(ax: Axes | None) -> tuple[Axes, Axes]:
    """Axes for a spectrum and, sharing their ranks, for the residuals below it."""
    if ax is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(6.4, 6.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (2.2, 1)})
        return upper, lower
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    return ax, make_axes_locatable(ax).append_axes("bottom", size="42%", pad=0.12, sharex=ax)


def _title(comparison: ModelComparison) -> str:
    first, last = comparison.ranks
    best = comparison.best
    said = "no law shown to beat a power law" if best == "power" else f"{NAMES[best]} beats power law"
    return f"{comparison.identifier or comparison.estimator}, ranks {first} to {last}: {said}"
