"""What a calibration returns: the curve, the calibrated exponent with its interval, and how both were made."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibration curve and its inverse at the observed exponent; :meth:`to_frame` gives one table row."""

    alpha: float
    """Calibrated exponent: at the measured share of aligned noise where that is known, else the mean over the kinds of
    noise; NaN when nothing was observed, or no alpha on the grid gives what was."""
    low: float
    """Lower end of the interval: the union over the kinds of noise, as the data do not say which is right. Minus
    infinity where even the smallest alpha on the grid is not excluded."""
    high: float
    """Upper end; plus infinity where the largest alpha on the grid is not excluded."""
    note: str
    """Why alpha is NaN, or which kinds of noise cannot give the observed value."""
    observed: float
    """What the estimator reads from the recording; NaN when only sizes were given."""
    level: float
    """Of the intervals."""
    estimator: str
    """Name of the estimator."""
    ranks: tuple[int, int]
    """Window of every fit, 1-based and inclusive."""
    n_stimuli: int
    """Of the recording and of each simulation."""
    n_neuroids: int
    """Of the recording and of each simulation."""
    n_repeats: float
    """Presentations of a stimulus, their mean; each simulation shows each stimulus as often as the recording did."""
    signal_fraction: float
    """Share of one presentation's variance that the stimulus causes."""
    overlap: float
    """N tr(S E) / (tr S tr E) of the recording's signal and noise covariances: 1 for unrelated axes; NaN for sizes."""
    aligned_share: float
    """Share of noise variance along the signal's axes that this overlap means; NaN where it says nothing."""
    n_simulations: int
    """For each cell of the curve."""
    seed: int
    """Of the simulations."""
    identifier: str
    """Of the recording."""
    software: str
    """Name and version that made it."""
    curve: pd.DataFrame = field(repr=False)
    """One row for each kind of noise and true alpha: ``noise``, ``aligned_share``, ``true_alpha``, ``mean``, ``bias``,
    ``sd``, ``half`` (half the interval for one reading), ``coverage`` (share of the estimator's own intervals that hold
    the truth; NaN without draws), ``n_simulations``, ``n_failed`` (nothing above noise)."""
    calibrated: pd.DataFrame = field(repr=False)
    """The answer under each kind of noise: ``noise``, ``aligned_share``, ``alpha``, ``low``, ``high``, ``note``; the
    row "measured" interpolates between kinds."""
    simulations: pd.DataFrame = field(repr=False)
    """Every simulation: ``noise``, ``true_alpha``, ``simulation``, ``alpha``, ``low``, ``high``."""
    noise_power: np.ndarray = field(repr=False)
    """Noise eigenvalues (neuroid,), as shares of their sum, that were simulated (not for white noise)."""

    def to_frame(self) -> pd.DataFrame:
        """One row: every scalar, the window as ``first`` and ``last``."""
        row: dict[str, object] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "ranks":
                row["first"], row["last"] = value
            elif not isinstance(value, (pd.DataFrame, np.ndarray)):
                row[each.name] = value
        return pd.DataFrame([row])
