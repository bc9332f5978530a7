"""Kernel: when eigenvalues first reach a level."""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.closed_forms import time_between
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.eigenflow.solve import flow

GRID = 400
WITHIN = 12
ROUNDS = 3


def crossing_times(start: np.ndarray, level: float, setting: FlowSetting, until: float) -> np.ndarray:
    """Times (m,) at which eigenvalues (m,) first reach ``level``; inf where they do not.

    The Euclidean loss without target network has a closed form. Otherwise the flow is followed to ``until`` on a grid
    that is even in the logarithm of time, and again on ever finer ones around the crossings.

    Examples
    --------
    >>> crossing_times(np.array([0.5, 2.0]), 0.9, FlowSetting(variant="iso"), 10.0).round(6)
    array([1.098612,      inf])
    """
    if setting.loss == "euclidean" and setting.ema is None:
        found = np.full(start.size, np.inf)
        alive = start > 0
        found[alive] = time_between(start[alive], np.full(int(alive.sum()), level), setting)
        return found
    low, high = np.zeros(start.size), np.full(start.size, np.inf)
    found = np.where(start == level, 0.0, np.inf)
    times = np.concatenate([[0.0], np.geomspace(until * 1e-6, until, GRID)])
    side = np.sign(start - level)
    for _ in range(ROUNDS):
        course = flow(start, times, setting)
        for mode in np.flatnonzero((side != 0) & (start > 0)):
            crossed = np.flatnonzero(np.sign(course[:, mode] - level) != side[mode])
            inside = crossed[(times[crossed] > low[mode]) & (times[crossed] <= high[mode])]
            if not inside.size:
                continue
            at = int(inside[0])
            low[mode], high[mode] = times[at - 1], times[at]
            before, after = np.log(course[at - 1, mode] / level), np.log(course[at, mode] / level)
            found[mode] = low[mode] + (high[mode] - low[mode]) * before / (before - after)
        met = np.isfinite(high)
        if not met.any():
            break
        steps = np.linspace(0, 1, WITHIN + 1)
        times = np.unique(np.concatenate([[0.0], (low[met, None] + (high - low)[met, None] * steps).ravel()]))
    return found
