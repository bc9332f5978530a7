"""Kernel: eigenvalues at given times: closed forms where they exist, else an adaptive integration in logarithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import DOP853, OdeSolver, Radau

from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.closed_forms import polish, solved
from neuroalpha.theory.eigenflow.cosine_field import CosineField, fastest
from neuroalpha.theory.eigenflow.fields import euclidean_rate, euclidean_rate_ema, target_rate
from neuroalpha.theory.eigenflow.settings import FlowSetting

RTOL, ATOL = 1e-12, 1e-12
"""Of a step's error in log eigenvalues. Growth from small starts magnifies it: about 1e-9 is left at the end."""
PATIENCE = 3000
"""Explicit steps before the implicit method takes over (for few modes: its linear algebra is cubic in them)."""
FEW = 200
RUNAWAY = 1e4
"""Times the first rate that rates grow to where the flow ends at a finite time."""


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
        For bad eigenvalues or times; where the flow ends before the last time.

    Examples
    --------
    >>> flow(np.array([0.1, 0.5]), np.array([0.0, 3.0]), FlowSetting(variant="iso")).round(3)
    array([[0.1  , 0.5  ],
           [0.978, 0.998]])
    """
    begin, wanted = check_start(start), check_times(times)
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
    if setting.loss == "euclidean":
        if setting.ema is None:
            closed = solved(begin, wanted, setting)
            if closed is not None:
                return closed
            rough = np.exp(_integrate(lambda q: euclidean_rate(q, setting), log_start, wanted, 1.0))
            return polish(rough, begin, wanted, setting)

        def field(state: np.ndarray) -> np.ndarray:
            q, target = state[:size], state[size:]
            return np.concatenate([euclidean_rate_ema(q, target, setting), target_rate(q, target, setting)])

        return np.exp(_integrate(field, np.concatenate([log_start, log_start]), wanted, 1.0)[:, :size])
    return _cosine(log_start, wanted, setting)


def _cosine(log_start: np.ndarray, wanted: np.ndarray, setting: FlowSetting) -> np.ndarray:
    size, decay = log_start.size, setting.weight_decay
    cosine = CosineField(setting)
    scale = fastest(log_start, setting)
    if setting.ema is not None:

        def field(state: np.ndarray) -> np.ndarray:
            q, target = state[:size], state[size:]
            rate = cosine.rate(q, target) - 2 * decay
            return np.concatenate([rate, target_rate(q, target, setting)])

        def moved(state: np.ndarray) -> None:
            cosine.follow(state[:size], state[size:])

        begin = np.concatenate([log_start, log_start])
        return np.exp(_integrate(field, begin, wanted, scale, moved)[:, :size])
    if decay and setting.variant != "iso" and (setting.variant != "no stop-gradient" or setting.exact_gradient):
        # The loss does not see the scale, so lam = exp(-2 w t) mu with mu the flow without decay at a later time.
        later = np.expm1(np.minimum(2 * decay * wanted, 700.0)) / (2 * decay)
        mu = _integrate(cosine.rate, log_start, later, scale, cosine.follow)
        return np.exp(mu - 2 * decay * wanted[:, None])
    return np.exp(_integrate(lambda q: cosine.rate(q) - 2 * decay, log_start, wanted, scale, cosine.follow))


def _integrate(
    field: Callable[[np.ndarray], np.ndarray],
    begin: np.ndarray,
    wanted: np.ndarray,
    scale: float,
    after_step: Callable[[np.ndarray], object] | None = None,
) -> np.ndarray:
    """States (t, m) at times; stops early where nothing moves any more (``scale``: the order of the fastest rate)."""
    found = np.empty((wanted.size, begin.size))
    done = int(np.searchsorted(wanted, 0.0, side="right"))
    found[:done] = begin
    if done == wanted.size:
        return found
    end = float(wanted[-1])

    def right(_: float, state: np.ndarray) -> np.ndarray:
        return field(state)

    def solver(method: type[OdeSolver], at: float, state: np.ndarray) -> OdeSolver:
        return method(right, at, state, end, rtol=RTOL, atol=ATOL)

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        stepper, steps = solver(DOP853, 0.0, begin), 0
        runaway = RUNAWAY * max(scale, np.abs(stepper.f).max())
        while done < wanted.size:
            if np.abs(stepper.f).max() <= max(1e-12 / (end - stepper.t), 1e-14 * scale):
                found[done:] = stepper.y
                break
            stepper.step()
            steps += 1
            if stepper.status == "failed" or not np.abs(stepper.f).max() < runaway:
                raise InputError(
                    f"the flow ends at time {stepper.t:.6g}, where eigenvalues reach 0 or run away; {end:g} was asked "
                    "for: end earlier"
                )
            reached = int(np.searchsorted(wanted, stepper.t, side="right"))
            if reached > done:
                found[done:reached] = stepper.dense_output()(wanted[done:reached]).T
                done = reached
            if after_step:
                after_step(stepper.y)
            if steps == PATIENCE and begin.size <= FEW and stepper.status == "running":
                stepper = solver(Radau, stepper.t, stepper.y)
    return found


def check_start(start: np.ndarray) -> np.ndarray:
    """Return eigenvalues (m,) as float64, or say what is wrong."""
    begin = np.asarray(start, dtype=np.float64)
    if begin.ndim != 1 or not begin.size or not np.isfinite(begin).all():
        raise InputError(f"the starting eigenvalues have shape {begin.shape}; expected one row of finite numbers")
    if begin.min() < 0:
        raise InputError(f"eigenvalue {begin.min():g} is below 0: a covariance has none; give those of W W'")
    return begin


def check_times(times: np.ndarray) -> np.ndarray:
    """Return times (t,) as float64, or say what is wrong."""
    wanted = np.asarray(times, dtype=np.float64)
    if wanted.ndim != 1 or not wanted.size or not np.isfinite(wanted).all() or wanted.min() < 0:
        raise InputError("the times must be one row of finite numbers from 0 on")
    falls = np.flatnonzero(np.diff(wanted) <= 0)
    if falls.size:
        at = falls[0]
        raise InputError(f"the times do not rise: {wanted[at]:g} is followed by {wanted[at + 1]:g}; sort them")
    return wanted
