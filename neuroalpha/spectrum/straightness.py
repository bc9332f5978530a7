"""Is a spectrum straight over its window? The exponents of the window's two halves, and their difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neuroalpha.spectrum.powerlaw import draw_alphas, rank_weights, wls
from neuroalpha.spectrum.resample import interval
from neuroalpha.spectrum.result import check_spectrum, numerical_rank
from neuroalpha.spectrum.window import check_window

NOTICEABLE = 0.1
"""Difference of the exponents of both halves below which a bend does not matter for any claim about alpha near 1."""
SHORTEST = 8  # ranks that a half needs


@dataclass(frozen=True)
class Straightness:
    """What the two halves of a window say."""

    verdict: str
    """"straight", "bends down" (steeper at high ranks), "bends up", "uncertain" (the interval allows both)."""
    detail: str
    """The same as a sentence with the numbers."""
    first: float
    """Alpha over the lower half of the window (half of its decades)."""
    second: float
    """Alpha over the upper half."""
    low: float
    """Lower end of the 95 % interval of second - first; NaN without draws."""
    high: float
    """Upper end."""


def straightness(spectrum: xr.Dataset, ranks: tuple[int, int]) -> Straightness:
    """Compare the exponents of both halves of a window, halved on the log axis.

    A look at what is there, not a test of a law: sampling bends spectra too (see docs/which-estimator.md), and
    :func:`neuroalpha.compare_models` compares laws on held-out stimuli. A bend that is certain but smaller than 0.1
    counts as straight.

    Parameters
    ----------
    spectrum
        With draws for an interval; without them, the difference itself is judged.
    ranks
        Window, 1-based and inclusive.

    Returns
    -------
    Straightness

    Raises
    ------
    InputError
        For a window that reaches outside the spectrum.

    Examples
    --------
    >>> import neuroalpha as na
    >>> ranks = np.arange(1, 201)
    >>> bent = xr.Dataset({"eigenvalue": ("component", ranks**-1.0 * np.exp(-ranks / 100))},
    ...                   coords={"rank": ("component", ranks)})
    >>> na.straightness(bent, (4, 150)).verdict
    'bends down'
    """
    check_spectrum(spectrum)
    start, stop = check_window(ranks, spectrum.sizes["component"], numerical_rank(spectrum))
    middle = round(math.sqrt(start * stop))
    nan = float("nan")
    if middle - start < SHORTEST or stop - middle < SHORTEST:
        return Straightness("uncertain", f"ranks {start} to {stop} are too few to halve", nan, nan, nan, nan)
    eigenvalue = np.asarray(spectrum["eigenvalue"].values, dtype=np.float64)
    if not (eigenvalue[start - 1 : stop] > 0).all():
        return Straightness("uncertain", f"some of ranks {start} to {stop} are not above zero", nan, nan, nan, nan)
    lines = []
    for half_start, half_stop in ((start, middle), (middle + 1, stop)):
        rank = np.arange(half_start, half_stop + 1)
        lines.append(wls(rank, eigenvalue[rank - 1], rank_weights(rank, "1/n")))
    first, second = (line.alpha for line in lines)
    low = high = nan
    if "eigenvalue_draw" in spectrum:
        draws = spectrum["eigenvalue_draw"].values
        one, two = (draw_alphas(line, eigenvalue, draws) for line in lines)
        low, high = interval(second - first, two - one, float(spectrum.attrs["draw_fraction"]), 0.95)
    change = second - first
    lower, upper = (low, high) if math.isfinite(low) else (change, change)
    if -NOTICEABLE <= lower and upper <= NOTICEABLE:
        verdict = "straight"
    elif lower <= 0 <= upper:
        verdict = "uncertain"
    elif abs(change) <= NOTICEABLE:
        verdict = "straight"
    else:
        verdict = "bends down" if change > 0 else "bends up"
    said = f" [{low:+.2f}, {high:+.2f}]" if math.isfinite(low) else ", no interval"
    detail = (
        f"alpha {first:.2f} over ranks {start} to {middle}, {second:.2f} over {middle + 1} to {stop}: "
        f"{change:+.2f}{said}"
    )
    return Straightness(verdict, detail, first, second, low, high)
