"""From the spectra of a zoo to one tidy table: a row for each spectrum and window."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.spectrum.dimension import dimensions
from neuroalpha.spectrum.fit import fit_alpha
from neuroalpha.spectrum.straightness import straightness

Window = tuple[int, int] | Literal["auto"]
MEASURES = ("participation_ratio", "effective_rank", "stable_rank", "n_80", "n_90")
KNOWN = (
    "key",
    "model",
    "weights",
    "images",
    "layer",
    "depth",
    "reduce",
    "family",
    "parameters",
    "source",
    "preprocessing",
)


def zoo_table(spectra: Iterable[xr.Dataset], windows: Sequence[Window] = ("auto",)) -> pd.DataFrame:
    """Fit every spectrum over every window.

    Parameters
    ----------
    spectra
        Of :func:`neuroalpha.model_spectra` or of a run; what their attrs say of model, layer and images is taken over.
    windows
        Of ranks, as for :func:`neuroalpha.fit_alpha`.

    Returns
    -------
    DataFrame
        ``key``, ``model``, ``weights``, ``images``, ``layer``, ``depth``, ``reduce``, ``estimator``, ``window``,
        ``alpha``, ``low``, ``high``, ``r2``, ``first``, ``last``, ``alpha_window_min``, ``alpha_window_max``,
        ``verdict`` and ``verdict_detail`` (see :func:`neuroalpha.spectrum.straightness.straightness`), ``n_stimuli``,
        ``n_neuroids``, ``n_constant``, dimension measures, ``parameters``, ``source``, ``preprocessing``, ``seed``,
        ``software``. A spectrum that cannot be fitted over a window has NaN and says why in ``verdict``.

    Raises
    ------
    InputError
        When there is no spectrum.

    Examples
    --------
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(2000, 80)) * np.arange(1, 81) ** -0.5
    >>> spectrum = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(2000)), n_draws=0)
    >>> zoo_table([spectrum], [(4, 40), (60, 500)])[["window", "verdict"]].values.tolist()
    [['4-40', 'straight'], ['60-500', "not fitted: ..."]]
    """
    rows = [_row(spectrum, window) for spectrum in spectra for window in windows]
    if not rows:
        raise InputError("there are no spectra to tabulate")
    return pd.DataFrame(rows)


def _row(spectrum: xr.Dataset, window: Window) -> dict[str, Any]:
    attrs = spectrum.attrs
    row: dict[str, Any] = {name: attrs.get(name, "") for name in KNOWN[:7]}
    row |= {
        "estimator": attrs.get("estimator", ""),
        "window": window if isinstance(window, str) else "{}-{}".format(*window),
    }
    fitted: dict[str, Any] = dict.fromkeys(("alpha", "low", "high", "r2"), np.nan)
    fitted |= {"first": -1, "last": -1, "alpha_window_min": np.nan, "alpha_window_max": np.nan}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # thousands of fits; the verdict says what matters
            fit = fit_alpha(spectrum, window)
            found = straightness(spectrum, fit.ranks)
        low, high = fit.window_range
        fitted |= {"alpha": fit.alpha, "low": fit.low, "high": fit.high, "r2": fit.r2}
        fitted |= {"first": fit.ranks[0], "last": fit.ranks[1], "alpha_window_min": low, "alpha_window_max": high}
        fitted |= {"verdict": found.verdict, "verdict_detail": found.detail}
    except InputError as error:
        fitted |= {"verdict": f"not fitted: {error}", "verdict_detail": ""}
    measures = dimensions(spectrum)
    row |= fitted
    row |= {name: int(attrs.get(name, -1)) for name in ("n_stimuli", "n_neuroids", "n_constant")}
    row |= {name: getattr(measures, name) for name in MEASURES}
    row |= {name: attrs.get(name, "") for name in KNOWN[7:]}
    return row | {"seed": attrs.get("seed", -1), "software": attrs.get("software", "")}
