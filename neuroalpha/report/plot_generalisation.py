"""Figure: learning curves of a readout as predicted from spectrum and alignment, and as measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.report.plot import COLOURS, _axes, _literal, label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = {
    "error": ("eigenvalues and alignment", COLOURS[0], "-", 2.2),
    "error_alignment": ("power law and alignment", COLOURS[2], "--", 1.5),
    "error_spectrum_only": ("eigenvalues alone", COLOURS[4], "-.", 1.5),
    "error_alpha_only": ("alpha alone", COLOURS[1], ":", 2.0),
}
FARTHEST = 30  # predictions more than this far below the lowest of the full one leave the axes: they are only wrong


def generalisation(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw predicted test errors against the number of training images, and the measured ones with their spread.

    Error is the mean squared error over the variance of the targets: 1 (thin line) is what a constant reaches. Bars are
    standard deviations between random choices of training images.

    Parameters
    ----------
    result : Dataset
        Of :func:`neuroalpha.theory.generalisation.predict_generalisation`.
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
    >>> from neuroalpha.report.plot_generalisation import generalisation
    >>> from neuroalpha.theory.generalisation import predict_generalisation
    >>> x = np.random.default_rng(0).normal(size=(90, 40)) * np.arange(1, 41) ** -0.5
    >>> net = na.make_assembly(x, stimulus_id=np.arange(90), presentation={"label": np.where(x[:, 1] > 0, "a", "b")})
    >>> generalisation(predict_generalisation(net)).get_xlabel()
    'training images'
    """
    if not isinstance(result, xr.Dataset) or not {*CURVES, "n_train"} <= set(result.variables):
        raise InputError(f"expected the result of predict_generalisation, got {type(result).__name__}")
    from matplotlib.ticker import LogLocator, NullFormatter

    ax = ax or _axes(6.4, 4.8)
    sizes = result["n_train"].values
    lowest = float(result["error"].min())
    if "measured_error" in result:
        spread = np.nan_to_num(result["measured_error_sd"].values)
        ax.errorbar(
            sizes,
            result["measured_error"].values,
            yerr=spread,
            color="black",
            marker="o",
            ms=4.5,
            ls="",
            lw=1,
            capsize=2,
            zorder=3,
            label=f"measured, {result.attrs['n_draws']} draws",
        )
    marker = "." if sizes.size == 1 else ""
    for name, (text, colour, style, width) in CURVES.items():
        ax.plot(sizes, result[name].values, color=colour, ls=style, lw=width, marker=marker, label=text)
    ax.axhline(1, color="black", lw=0.6, alpha=0.6)
    drawn = np.concatenate([result[name].values for name in CURVES])
    ax.set(xscale="log", yscale="log", xlabel="training images", ylabel="test error / variance of the targets")
    for axis in (ax.xaxis, ax.yaxis):  # curves often span less than a decade, where ticks at powers of ten are too few
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5), numticks=16))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    ax.set_ylim(max(drawn.min(), lowest / FARTHEST) / 1.15, max(float(drawn.max()), 1.0) * 1.15)
    attrs = result.attrs
    ax.set_title(
        _literal(
            f"{label_of(result)}\nalpha {attrs['alpha']:.2f} (ranks {attrs['first']}-{attrs['last']}), alignment "
            f"exponent {attrs['alignment_exponent']:.2f}"
        ),
        fontsize=9,
    )
    ax.legend(frameon=False, fontsize=8, loc="best")
    return ax
