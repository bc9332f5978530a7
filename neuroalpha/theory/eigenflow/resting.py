"""Kernel: the end of the cosine loss's flow, where all eigenvalues are next to their common value.

There every difference of log eigenvalues shrinks at one rate kappa, for by symmetry the field's derivative treats all
of them alike: with q the log eigenvalues and d = q - mean(q), d' = -kappa d, and the mean stays but for weight decay.
What is left out is of the order of d squared. An explicit integration would go on in steps of about 6 / kappa for ever.
This holds with stop-gradient; the exact gradient without it has kappa = 0 where the views are clean.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.cosine_field import fastest
from neuroalpha.theory.eigenflow.settings import FlowSetting

NEAR = 1e-6
"""Largest difference of log eigenvalues from their mean: leaves errors of about 1e-12."""
SLOWEST = 0.01
"""Share of the fastest rate below which kappa is too small to be measured on such small differences."""


def settle(
    log: np.ndarray, rate: np.ndarray, later: np.ndarray, setting: FlowSetting, decay: float
) -> np.ndarray | None:
    """Log eigenvalues (t, m) after times ``later`` (t,), or None where they are not yet so near to each other.

    Parameters
    ----------
    log, rate : (m,)
        Log eigenvalues now, and their rates.
    later : (t,)
    setting : FlowSetting
        With stop-gradient, without target network.
    decay : float
        Weight decay, as far as it is part of ``rate``: with IsoLoss only, whose kappa grows as eigenvalues fall.

    Examples
    --------
    >>> settle(np.array([1e-7, -1e-7]), np.array([-2e-7, 2e-7]), np.array([0.5]), FlowSetting("cosine"), 0.0)
    array([[ 3.67879441e-08, -3.67879441e-08]])
    """
    mean = log.mean()
    apart = log - mean
    if np.abs(apart).max() > NEAR:
        return None
    square = apart @ apart
    kappa = -(rate @ apart) / square if square > 0 else 0.0
    if kappa < SLOWEST * fastest(log, setting):
        return None
    grows = 2 * decay * (1 + (setting.power if setting.has_predictor else 0.0))
    with np.errstate(over="ignore", invalid="ignore"):
        passed = np.expm1(grows * later) / grows if grows else later
        shrunk = np.exp(-kappa * passed)
    return mean - 2 * decay * later[:, None] + shrunk[:, None] * apart
