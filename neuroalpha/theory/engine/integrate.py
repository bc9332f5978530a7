"""Kernel: ordinary differential equations of any shape, integrated adaptively: theory where no closed form exists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from neuroalpha.errors import InputError


def integrate(
    field: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    times: np.ndarray,
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
    method: str = "DOP853",
) -> np.ndarray:
    """Values (t, ...) at ``times`` of y' = field(y) with y(0) = start.

    Parameters
    ----------
    field : callable
        Values of the shape of ``start`` to their velocities. Time itself does not enter: gradient flows are autonomous.
    start : array
    times : (t,)
        Rising, from 0 on.
    rtol, atol : float, optional
        Of a step's error. The defaults leave about 1e-9 over a whole course, far below what a step size does.
    method : str, optional
        Of ``scipy.integrate.solve_ivp``; stiff systems want ``"LSODA"`` or ``"Radau"``.

    Raises
    ------
    InputError
        Where the solution runs away before the last time, with the time that was reached.

    Examples
    --------
    >>> grown = integrate(lambda y: y * (1 - y), np.array([0.5]), np.array([0.0, 2.0]))
    >>> bool(abs(grown[1, 0] - 1 / (1 + np.exp(-2))) < 1e-10)
    True
    """
    begin = np.asarray(start, dtype=np.float64)
    wanted = np.asarray(times, dtype=np.float64)
    if wanted[-1] == 0:
        return np.repeat(begin[None], wanted.size, axis=0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        done = solve_ivp(
            lambda _, y: field(y.reshape(begin.shape)).ravel(),
            (0.0, wanted[-1]),
            begin.ravel(),
            method=method,
            t_eval=wanted,
            rtol=rtol,
            atol=atol,
        )
    if not done.success or not np.isfinite(done.y).all():
        reached = done.t[-1] if done.t.size else 0.0
        raise InputError(
            f"the flow runs away: it could be followed to time {reached:g}, {wanted[-1]:g} was asked for; end earlier"
        )
    return done.y.T.reshape(wanted.size, *begin.shape)
