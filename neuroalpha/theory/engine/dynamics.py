"""Kernel: a model of some dynamics, and its simulator: the discrete steps that a learner really takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.inputs import number, rising
from neuroalpha.theory.engine.stability import DivergenceError, advice, largest_stable_step
from neuroalpha.theory.engine.watch import Course, departs, stepped, strays, swings, watched

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
    largest_step: float | None = None
    """A limit known in closed form, of which watching would show nothing (as where shares end at another eigenvector,
    still between 0 and 1): larger steps are refused, and the step that is named is below it."""


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
    return follow(dynamics, step_size, times)[0]


def follow(
    dynamics: Dynamics, step_size: float, times: np.ndarray | list[float], predicted: np.ndarray | None = None
) -> tuple[np.ndarray, list[State]]:
    """Take the steps, return what is watched at ``times`` (t, mode) and the states there.

    Parameters
    ----------
    dynamics, step_size, times
        As of :func:`simulate`.
    predicted : (t, mode), optional
        Theory at these times, where it is known already.

    Raises
    ------
    InputError, DivergenceError
        As :func:`simulate`.
    """
    counts = step_counts(times, step_size)
    wanted = counts * step_size
    until = float(wanted[-1])
    course = Course(dynamics, wanted, predicted)
    bounds = course.until(until)

    def tell(seen: str) -> NoReturn:
        largest = advice(lambda: largest_stable_step(dynamics, max(until, step_size), step_size, course), step_size)
        raise DivergenceError(
            f"{dynamics.name}: gradient descent diverges at step size {step_size:g} ({seen}); {largest}"
        )

    if dynamics.largest_step is not None and step_size > dynamics.largest_step:
        tell(f"the limit is {dynamics.largest_step:.3g}")
    found = np.empty((counts.size, dynamics.observe(dynamics.start).size))
    kept: list[State] = []
    state, index = dynamics.start, 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # told below, by one error
        for row, count in enumerate(counts):
            following: State | None = state
            while index < count and following is not None:
                state = following
                following = stepped(dynamics, state, step_size, index)
                index += 1
            found[row] = watched(dynamics, following)
            if following is None or departs(dynamics, found[row], bounds, step_size):
                tell(f"seen at time {index * step_size:g}")
            state = following
            kept.append(state)
        wrong = index and (
            swings(dynamics, state, step_size, index, bounds) or strays(dynamics, state, step_size, index, course)
        )
        if wrong:
            tell(f"seen at time {index * step_size:g}")
    return found, kept


def step_counts(times: np.ndarray | list[float], step_size: float) -> np.ndarray:
    """Numbers of steps (t,) after which the times are reached.

    Raises
    ------
    InputError
        For a step size that is not positive, times that are not its multiples or do not rise.
    """
    size, wanted = number(step_size, "the step size", above=0), rising(times)
    counts = np.rint(wanted / size)
    far = np.abs(counts * size - wanted) > 1e-6 * np.maximum(wanted, size)
    if far.any():
        raise InputError(
            f"time {wanted[far][0]:g} is not a whole number of steps of {size:g}; choose times that are, as "
            f"{max(counts[far][0], 1) * size:g}"
        )
    return counts.astype(np.int64)
