"""Figure: what an estimator reads against the true alpha, and the way back from what it read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.report.plot import _axes, _literal, colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neuroalpha.spectrum.calibration_result import Calibration


def calibration(result: Calibration, *, ax: Axes | None = None) -> Axes:
    """Draw the calibration curve of each kind of noise, with the band that holds one reading, and its inverse.

    Black dots: no bias. Where something was observed, a horizontal line stands at it, a vertical one drops from each
    curve to the alpha behind it, and the bar at the foot is the calibrated alpha with its interval; an arrow is an
    interval that goes past the grid.

    Parameters
    ----------
    result : Calibration
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
    >>> import neuroalpha as na
    >>> from neuroalpha.report.plot_calibration import calibration
    >>> result = na.calibrate(
    ...     (60, 80), signal_fraction=0.5, noise="white", alphas=(0.5, 1.0, 1.5), ranks=(3, 20), observed=0.8,
    ...     n_simulations=5, progress=False,
    ... )
    >>> calibration(result).get_xlabel()
    'true alpha'
    """
    if not hasattr(result, "curve") or not hasattr(result, "calibrated"):
        raise InputError(f"expected the result of neuroalpha.calibrate, got {type(result).__name__}")
    ax = ax or _axes(6.4, 5.4)
    true = result.curve["true_alpha"].to_numpy()
    first, last = float(true.min()), float(true.max())
    margin = 0.04 * (last - first)
    ax.plot([first, last], [first, last], color="black", lw=1, ls=":", label="no bias")
    low = result.curve["mean"].to_numpy() - np.nan_to_num(result.curve["half"].to_numpy())
    high = result.curve["mean"].to_numpy() + np.nan_to_num(result.curve["half"].to_numpy())
    observed = result.observed if np.isfinite(result.observed) else first
    foot = min(float(np.nanmin(low)), first, observed)
    top = max(float(np.nanmax(high)), last, observed)
    foot -= 0.12 * (top - foot)
    answers = dict(zip(result.calibrated["noise"], result.calibrated["alpha"], strict=True))
    for index, (name, part) in enumerate(result.curve.groupby("noise", sort=False)):
        colour, style = colour_of(index)
        x, mean, half = (part[column].to_numpy(dtype=float) for column in ("true_alpha", "mean", "half"))
        answer = float(answers[str(name)])
        text = f"{name} noise" if name != "none" else "no noise"
        text += f": alpha {answer:.2f}" if np.isfinite(answer) else ""
        ax.plot(x, mean, color=colour, ls=style, lw=1.6, marker="o", ms=3.5, label=_literal(text))
        ax.fill_between(x, mean - half, mean + half, color=colour, alpha=0.13, lw=0)
        if np.isfinite(answer):
            ax.plot([answer, answer], [foot, result.observed], color=colour, lw=1, ls="--")
    if np.isfinite(result.observed):
        ax.axhline(result.observed, color="#404040", lw=1)
        ax.annotate(
            f"observed {result.observed:.2f}",
            (1, result.observed),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color="#404040",
        )
        _answer(ax, result, first - margin, last + margin, foot)
    ax.set(xlim=(first - margin, last + margin), ylim=(foot, top + margin))
    ranks = f"ranks {result.ranks[0]}-{result.ranks[1]}"
    ax.set(xlabel="true alpha", ylabel=f"alpha read by {result.estimator}, {ranks}")
    ax.set_title(
        f"{result.n_stimuli} stimuli, {result.n_neuroids} neuroids, {round(result.n_repeats, 1):g} repeats, signal "
        f"{result.signal_fraction:.2f} of variance",
        fontsize=9,
    )
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return ax


def _answer(ax: Axes, result: Calibration, left: float, right: float, foot: float) -> None:
    """Draw the calibrated alpha with its interval as a bar along the foot of the axes."""
    if np.isnan(result.low):
        return
    low, high = max(result.low, left), min(result.high, right)
    height = foot + 0.03 * (ax.get_ylim()[1] - foot)
    ax.plot([low, high], [height, height], color="black", lw=3, solid_capstyle="butt")
    for end, value, marker in ((left, result.low, "<"), (right, result.high, ">")):
        if not np.isfinite(value):
            ax.plot([end], [height], color="black", marker=marker, ms=7, clip_on=False)
    name = "not excluded"
    if np.isfinite(result.alpha):
        ax.plot([result.alpha], [height], color="black", marker="o", ms=7)
        name = f"calibrated {result.alpha:.2f}"
    ends = [f"{value:.2f}" if np.isfinite(value) else "open" for value in (result.low, result.high)]
    ax.annotate(
        f"{name} [{ends[0]}, {ends[1]}]",
        ((low + high) / 2, height),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
