"""Kernel: the Euclidean updates of a linear network over the whole population, exact by second moments.

With inputs of covariance S, views x + e of covariance (1 + s) S and E[x1 x2'] = S, every Euclidean update is a product
of matrices: no sample is drawn.
"""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.linearnet.update import predictor


def euclidean_update(
    weights: np.ndarray, target: np.ndarray, setting: FlowSetting, covariance: np.ndarray | None = None
) -> np.ndarray:
    """Expectation (mode, input) of :func:`neuroalpha.theory.linearnet.update.sample_update` over Gaussian views.

    Parameters
    ----------
    weights, target : (mode, input)
    setting : FlowSetting
        With the Euclidean loss.
    covariance : (input, input), optional
        S of the data; default the identity.

    Examples
    --------
    >>> toy = FlowSetting("euclidean", "iso", noise1=0.5)
    >>> euclidean_update(np.diag([0.5]), np.diag([0.5]), toy)  # w - 1.5 w^3
    array([[0.3125]])
    """
    spread = weights if covariance is None else weights @ covariance
    matrix = predictor(spread @ weights.T, setting)
    error1 = (1 + setting.noise1) * matrix @ weights - target  # E[(W_P z1 - z2) x1'] without S
    found = -error1 if setting.variant == "iso" else -matrix @ error1
    if setting.variant == "no stop-gradient":
        found = found + matrix @ weights - (1 + setting.noise2) * target  # E[(W_P z1 - z2) x2']
    if covariance is not None:
        found = found @ covariance
    return found - setting.weight_decay * weights
