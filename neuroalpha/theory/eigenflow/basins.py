"""Kernel: where an eigenvalue ends under the Euclidean loss, and from which starts it collapses to 0.

With p = lam^a and c = 1 + s1 (Halvagal, Laborieux & Zenke 2023 for the flows; the roots derived for this library):

    predictor           p* = (1 +- sqrt(1 - 4 c w)) / (2 c): a start below the lower root collapses, every start for
                        w > 1 / (4 c)
    iso                 p* = (1 - w) / c from every start above 0; every start collapses for w >= 1
    no predictor        every start collapses, unless w = s1 = 0, when nothing moves
    no stop-gradient    every start collapses, unless s1 = s2 = w = 0: then those below 1 collapse, after a plateau, and
                        those above fall to 1

A target network (EMA) changes neither fixed points nor thresholds: the pair (online, target) is a cooperative system
that starts with the target on the online network, so both fall for ever, or rise for ever, as the online one begins to.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.settings import FlowSetting


def fixed_points(setting: FlowSetting) -> tuple[float, float]:
    """Eigenvalues (threshold, end): starts below the threshold end at 0, those above at ``end``.

    The threshold is 0 where no start above 0 collapses, infinite where every start does (``end`` is 0 then). ``end`` is
    NaN where every start stays where it is.

    Examples
    --------
    >>> [round(value, 12) for value in fixed_points(FlowSetting(weight_decay=0.16))]
    [0.2, 0.8]
    >>> fixed_points(FlowSetting(weight_decay=0.3))
    (inf, 0.0)
    """
    c, w = 1 + setting.noise1, setting.weight_decay
    if setting.variant == "no predictor":
        return (0.0, np.nan) if setting.noise1 + w == 0 else (np.inf, 0.0)
    if setting.variant == "iso":
        return (0.0, float(((1 - w) / c) ** (1 / setting.power))) if w < 1 else (np.inf, 0.0)
    if setting.variant == "no stop-gradient":
        return (1.0, 1.0) if setting.noise1 + setting.noise2 + w == 0 else (np.inf, 0.0)
    if 4 * c * w > 1:
        return np.inf, 0.0
    larger = (1 + np.sqrt(1 - 4 * c * w)) / (2 * c)
    return float((w / (c * larger)) ** (1 / setting.power)), float(larger ** (1 / setting.power))


def final_eigenvalues(start: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Where eigenvalues (m,) end; one that starts on the threshold rests there."""
    threshold, end = fixed_points(setting)
    begin = np.asarray(start, dtype=np.float64)
    if np.isnan(end):
        return begin.copy()
    found = np.where(begin < threshold, 0.0, end)
    return np.where((begin == threshold) | (begin == 0), begin, found)
