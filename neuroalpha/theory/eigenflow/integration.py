"""Kernel: an adaptive integration of log eigenvalues that says so where it would take too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import DOP853, Radau

from neuroalpha.errors import InputError

RTOL, ATOL = 1e-12, 1e-12
"""Of a step's error in log eigenvalues. Growth from small starts magnifies it: about 1e-9 is left at the end."""
PATIENCE = 3000
"""Explicit steps before the implicit method takes over, without a Jacobian (for few modes: its linear algebra is cubic
in them, and the Jacobian is found by differences)."""
PATIENCE_SPARSE = 200
"""The same with a sparse Jacobian, where an implicit step costs about ten explicit ones."""
FEW = 200
MOST_STEPS = 20_000
"""Steps after which a flow is given up."""
MOST_WORK = 5e9
"""Numbers that the quadrature may take for one flow: about half a minute."""


class Flow(NamedTuple):
    """What is integrated."""

    field: Callable[[np.ndarray], np.ndarray]
    """State (n,) to its rate."""
    scale: float
    """Order of the fastest rate."""
    jacobian: Callable[[np.ndarray], Any] | None = None
    """State to the sparse Jacobian (n, n) of the field, where it is known."""
    after_step: Callable[[np.ndarray], object] | None = None
    finish: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None] | None = None
    """(state, rate, times from now on (t,)) to the states (t, n) then, where they are known in closed form."""
    work: Callable[[], float] | None = None
    """Numbers taken so far."""
    runaway: float = np.inf
    """Times the first rate that rates grow to where the flow is about to end: eigenvalues that reach 0."""


def integrate(flow: Flow, begin: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """States (t, n) at times; stops early where nothing moves any more or the rest is known.

    Explicit steps at first (Dormand & Prince, order 8); the implicit method (Radau, order 5) takes over where those
    drag on and its linear algebra is affordable.

    Raises
    ------
    InputError
        Where the flow ends before the last time; where it takes more than ``MOST_STEPS`` steps or ``MOST_WORK``.

    Examples
    --------
    >>> decay = Flow(lambda state: -state, 1.0)
    >>> integrate(decay, np.array([1.0]), np.array([0.0, 1.0])).round(6).ravel()
    array([1.      , 0.367879])
    """
    found = np.empty((wanted.size, begin.size))
    done = int(np.searchsorted(wanted, 0.0, side="right"))
    found[:done] = begin
    if done == wanted.size:
        return found
    end = float(wanted[-1])
    options: dict[str, Any] = {"rtol": RTOL, "atol": ATOL}

    def right(_: float, state: np.ndarray) -> np.ndarray:
        return flow.field(state)

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        stepper: DOP853 | Radau = DOP853(right, 0.0, begin, end, **options)
        runaway = flow.runaway * max(flow.scale, np.abs(stepper.f).max())
        steps, patience = 0, PATIENCE_SPARSE if flow.jacobian else PATIENCE
        while done < wanted.size:
            speed = np.abs(stepper.f).max()
            if speed <= max(1e-12 / (end - stepper.t), 1e-14 * flow.scale):
                found[done:] = stepper.y
                break
            rest = flow.finish(stepper.y, stepper.f, wanted[done:] - stepper.t) if flow.finish else None
            if rest is not None:
                found[done:] = rest
                break
            _stop_if_long(flow, stepper, steps, end)
            stepper.step()
            steps += 1
            # At a constant velocity the fastest eigenvalue reaches 0 after one over its rate.
            speed = np.abs(stepper.f).max()
            if (
                stepper.status == "failed"
                or not np.isfinite(speed)
                or (speed > runaway and end > stepper.t + 2 / speed)
            ):
                raise InputError(
                    f"the flow ends at time {stepper.t:.6g}, where eigenvalues reach 0 or run away; {end:g} was asked "
                    "for: end earlier"
                )
            reached = int(np.searchsorted(wanted, stepper.t, side="right"))
            if reached > done:
                found[done:reached] = stepper.dense_output()(wanted[done:reached]).T
                done = reached
            if flow.after_step:
                flow.after_step(stepper.y)
            if steps == patience and stepper.status == "running":
                if flow.jacobian:
                    stepper = Radau(right, stepper.t, stepper.y, end, jac=_with_time(flow.jacobian), **options)
                elif begin.size <= FEW:
                    stepper = Radau(right, stepper.t, stepper.y, end, **options)
    return found


def _with_time(jacobian: Callable[[np.ndarray], Any]) -> Callable[[float, np.ndarray], Any]:
    return lambda _, state: jacobian(state)


def _stop_if_long(flow: Flow, stepper: DOP853 | Radau, steps: int, end: float) -> None:
    work = flow.work() if flow.work else 0.0
    if steps < MOST_STEPS and work < MOST_WORK:
        return
    if steps >= MOST_STEPS:
        why = f"{steps} steps, the last of size {stepper.step_size:.2g}, which the fastest modes ask for"
    else:
        why = f"{steps} steps of {work / max(steps, 1):.1e} numbers each, which modes as many and as unlike take"
    raise InputError(
        f"the flow reached time {stepper.t:.6g} of {end:g} after {why}: end earlier, or give fewer modes or a narrower "
        "range of eigenvalues"
    )
