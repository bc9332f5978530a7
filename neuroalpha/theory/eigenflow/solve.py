"""Kernel: eigenvalues at given times: closed forms where they exist, else an adaptive integration in logarithms."""

from __future__ import annotations

from functools import partial

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.arguments import starting_eigenvalues
from neuroalpha.theory.eigenflow.closed_forms import polish, solved
from neuroalpha.theory.eigenflow.cosine_field import CosineField, fastest
from neuroalpha.theory.eigenflow.fields import euclidean_rate, euclidean_rate_ema, jacobian, jacobian_ema, target_rate
from neuroalpha.theory.eigenflow.integration import Flow, integrate
from neuroalpha.theory.eigenflow.resting import settle
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.engine.inputs import rising

RUNAWAY = 100.0
"""Times the first rate that rates grow to where the published update without stop-gradient is about to end."""


def flow(start: np.ndarray, times: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """Eigenvalues of C = W W' (t, m), float64, at ``times`` of the gradient flow with unit learning rate.

    Parameters
    ----------
    start : (m,)
        Eigenvalues at time 0, none below 0. A mode of 0 stays there.
    times : (t,)
        From 0 on, rising.
    setting : FlowSetting
        With ``ema`` the target network starts as the online network.

    Raises
    ------
    InputError
        For bad eigenvalues or times; where the flow ends before the last time, or would take much longer than a minute.

    Examples
    --------
    >>> flow(np.array([0.1, 0.5]), np.array([0.0, 3.0]), FlowSetting(variant="iso")).round(3)
    array([[0.1  , 0.5  ],
           [0.978, 0.998]])
    """
    begin, wanted = starting_eigenvalues(start), rising(times)
    found = np.zeros((wanted.size, begin.size))
    alive = begin > 0
    if not alive.any():
        if setting.loss == "cosine":
            raise InputError("all eigenvalues are 0, where the cosine loss is not defined; start above 0")
        return found
    found[:, alive] = _flow(begin[alive], wanted, setting)
    found[wanted == 0] = begin  # to the last digit, which going through the logarithm may change
    return found


def _flow(begin: np.ndarray, wanted: np.ndarray, setting: FlowSetting) -> np.ndarray:
    log_start, size = np.log(begin), begin.size
    if setting.loss == "cosine":
        return _cosine(log_start, wanted, setting)
    if setting.ema is None:
        closed = solved(begin, wanted, setting)
        if closed is not None:
            return closed
        plain = Flow(lambda q: euclidean_rate(q, setting), 1.0, lambda q: jacobian(q, setting))
        return polish(np.exp(integrate(plain, log_start, wanted)), begin, wanted, setting)

    def field(state: np.ndarray) -> np.ndarray:
        q, target = state[:size], state[size:]
        return np.concatenate([euclidean_rate_ema(q, target, setting), target_rate(q, target, setting)])

    moving = Flow(field, 1.0, lambda state: jacobian_ema(state[:size], state[size:], setting))
    return np.exp(integrate(moving, np.tile(log_start, 2), wanted)[:, :size])


def _cosine(log_start: np.ndarray, wanted: np.ndarray, setting: FlowSetting) -> np.ndarray:
    size, decay = log_start.size, setting.weight_decay
    cosine, scale = CosineField(setting), fastest(log_start, setting)
    if setting.ema is not None:

        def field(state: np.ndarray) -> np.ndarray:
            q, target = state[:size], state[size:]
            rate = cosine.rate(q, target) - 2 * decay
            return np.concatenate([rate, target_rate(q, target, setting)])

        def moved(state: np.ndarray) -> None:
            cosine.follow(state[:size], state[size:])

        moving = Flow(field, scale, after_step=moved, work=lambda: cosine.work)
        return np.exp(integrate(moving, np.tile(log_start, 2), wanted)[:, :size])
    published = setting.variant == "no stop-gradient" and not setting.exact_gradient
    moving = Flow(cosine.rate, scale, after_step=cosine.follow, work=lambda: cosine.work)
    timed = decay > 0 and setting.variant != "iso" and not published
    if setting.variant != "no stop-gradient":
        moving = moving._replace(finish=partial(settle, setting=setting, decay=0.0 if timed else decay))
    if timed:
        # The loss does not see the scale, so lam = exp(-2 w t) mu with mu the flow without decay at a later time.
        later = np.expm1(np.minimum(2 * decay * wanted, 700.0)) / (2 * decay)
        return np.exp(integrate(moving, log_start, later) - 2 * decay * wanted[:, None])
    moving = moving._replace(field=lambda q: cosine.rate(q) - 2 * decay, runaway=RUNAWAY if published else np.inf)
    return np.exp(integrate(moving, log_start, wanted))
