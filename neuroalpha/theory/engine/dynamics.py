"""Kernel: a model of some dynamics, and its simulator: the discrete steps that a learner really takes."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.stability import DivergenceError, bounds_of, departs, largest_stable_step

State = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Dynamics:
    """One system: what one step of gradient descent does, what is watched, and what theory says of it.

    Examples
    --------
    >>> decay = Dynamics(
    ...     "decay",
    ...     start=(np.array([1.0, 2.0]),),
    ...     step=lambda state, size, index: (state[0] * (1 - size),),
    ...     observe=lambda state: state[0],
    ...     predict=lambda times: np.exp(-times)[:, None] * [1.0, 2.0],
    ... )
    >>> simulate(decay, 0.5, [0.0, 1.0]).tolist()
    [[1.0, 2.0], [0.25, 0.5]]
    """

    name: str
    """Of the setting, as ``"cosine iso"``."""
    start: State
    """Parameters at time 0, one array or several."""
    step: Callable[[State, float, int], State]
    """(state, step size, index of the step) to the next state. Its input is not changed; what is random in it comes
    from a seed and the index."""
    observe: Callable[[State], np.ndarray]
    """State to the numbers that are compared (mode,): eigenvalues, entries of a projector."""
    predict: Callable[[np.ndarray], np.ndarray]
    """Times (t,) to what theory says (t, mode). Time is step size times number of steps."""


def simulate(dynamics: Dynamics, step_size: float, times: np.ndarray | list[float]) -> np.ndarray:
    """Take the steps, return what is watched at ``times``: (t, mode), float64.

    Parameters
    ----------
    dynamics : Dynamics
    step_size : float
    times : (t,)
        Rising, from 0 on, whole multiples of the step size.

    Raises
    ------
    InputError
        For a step size that is not positive, times that are not its multiples or do not rise.
    DivergenceError
        An InputError: the steps are too large; says the largest that are not.
    """
    counts = step_counts(times, step_size)
    wanted = counts * step_size
    low, high = bounds_of(dynamics, wanted)
    found = np.empty((counts.size, low.size))
    state, index = dynamics.start, 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # told below, by one error
        for row, count in enumerate(counts):
            while index < count:
                state = dynamics.step(state, step_size, index)
                index += 1
                if not all(np.isfinite(part).all() for part in state):
                    break
            found[row] = dynamics.observe(state) if index == count else np.nan
            if departs(found[row], low, high):
                _tell(dynamics, step_size, index * step_size, float(wanted[-1]))
    if counts[-1] and departs_at_end(dynamics, state, step_size, index, low, high):
        _tell(dynamics, step_size, index * step_size, float(wanted[-1]))
    return found


def departs_at_end(
    dynamics: Dynamics, state: State, step_size: float, index: int, low: np.ndarray, high: np.ndarray
) -> bool:
    """Whether one step more still jumps by a tenth of the range beyond what theory moves: it goes to and fro."""
    now, after = dynamics.observe(state), dynamics.observe(dynamics.step(state, step_size, index))
    expected = np.abs(np.diff(dynamics.predict(np.array([index, index + 1]) * step_size), axis=0)).max()
    return bool(not np.abs(after - now).max() <= 0.1 * (high - low).max() + 2 * expected)


def step_counts(times: np.ndarray | list[float], step_size: float) -> np.ndarray:
    """Numbers of steps (t,) after which the times are reached."""
    if not isinstance(step_size, numbers.Real) or not np.isfinite(step_size) or step_size <= 0:
        raise InputError(f"the step size is {step_size!r}; expected a number above 0, as 0.01")
    wanted = np.asarray(times, dtype=np.float64)
    if wanted.ndim != 1 or not wanted.size or not np.isfinite(wanted).all() or wanted[0] < 0:
        raise InputError(f"times are {times!r}; expected a list of numbers from 0 on")
    if (np.diff(wanted) <= 0).any():
        raise InputError("the times do not rise; sort them and leave out doubles")
    counts = np.rint(wanted / step_size)
    far = np.abs(counts * step_size - wanted) > 1e-6 * np.maximum(wanted, step_size)
    if far.any():
        raise InputError(
            f"time {wanted[far][0]:g} is not a whole number of steps of {step_size:g}; choose times that are, as "
            f"{counts[far][0] * step_size:g}"
        )
    return counts.astype(np.int64)


def _tell(dynamics: Dynamics, step_size: float, time: float, until: float) -> None:
    largest = largest_stable_step(dynamics, until, step_size)
    advice = (
        f"the largest stable step is about {largest:.2g}" if largest else "no step down to a 1000th of it is stable"
    )
    raise DivergenceError(
        f"{dynamics.name}: gradient descent diverges at step size {step_size:g} (seen at time {time:g}); {advice}"
    )
