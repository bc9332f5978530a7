"""Kernel: the largest step size with which a run keeps to theory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.watch import Course, departs, stepped, strays, swings, watched

if TYPE_CHECKING:
    from neuroalpha.theory.engine.dynamics import Dynamics

MOST_STEPS = 200_000
"""A trial of a step size ends after so many steps, even where the time is not reached."""
LEAST_STEPS = 100
"""A step size is named only after so many steps with it went well, however short the time."""
SECONDS = 3.0
"""Of the processor: the search for a stable step is given up after so long."""


class DivergenceError(InputError):
    """Steps of gradient descent that are too large; the message says the largest stable one."""


class LateError(Exception):
    """The search took longer than :data:`SECONDS`; holds the largest step that went well so far, or 0."""


def largest_stable_step(dynamics: Dynamics, until: float, above: float, course: Course | None = None) -> float:
    """The largest step size below ``above`` with which the simulation keeps to theory's range until a time.

    Halved until stable, bisected, rounded down to two digits; then tried until the time and for 100 steps, and made
    smaller by a tenth until it passes. 0 where a thousandth of ``above`` is not stable either.

    Parameters
    ----------
    dynamics : Dynamics
    until : float
    above : float
        Not stable itself.
    course : Course, optional
        Theory until then, where it is known already.

    Raises
    ------
    LateError
        After :data:`SECONDS`.
    InputError
        Where theory's values are not finite.

    Examples
    --------
    >>> from neuroalpha.theory.engine.dynamics import Dynamics
    >>> spring = Dynamics("spring", (np.ones(1),), lambda s, h, i: (s[0] * (1 - h),), lambda s: s[0],
    ...                   lambda t: np.exp(-t)[:, None])
    >>> largest_stable_step(spring, 400.0, 5.0)  # by linear stability below 2
    1.9
    """
    limit = np.inf if dynamics.largest_step is None else dynamics.largest_step
    deadline = time.process_time() + SECONDS
    near = course or Course(dynamics, np.linspace(0, until, 101)[1:])
    far: list[Course] = []
    steps_before = max(round(until / above), 1)

    def passes(size: float) -> bool:
        return size < limit and keeps_to(dynamics, size, [until / size], near, deadline)

    def confirmed(size: float) -> bool:
        ends = [until / size, LEAST_STEPS, steps_before]
        if not far:
            far.append(_far(dynamics, max(ends) * size, near))
        known = [end for end in ends if (end - 1) * size < far[0].end]
        return size < limit and keeps_to(dynamics, size, known, far[0], deadline)

    if limit <= above:
        below = rounded_down(limit * (1 - 1e-9))
        if confirmed(below):
            return below
    return largest_passing(passes, confirmed, min(above, limit))


def _far(dynamics: Dynamics, until: float, near: Course) -> Course:
    """Theory to a later time; to the earlier one where it ends between the two, or is slow already until there."""
    if near.seconds > SECONDS / 3:
        return near
    times = np.unique(np.concatenate([np.geomspace(1e-4 * until, until, 150), np.linspace(0, until, 151)[1:]]))
    try:
        return Course(dynamics, times)
    except InputError:
        return near


def largest_passing(passes: Callable[[float], bool], confirmed: Callable[[float], bool], above: float) -> float:
    """The largest number of two digits below ``above`` that is confirmed, or 0.

    Parameters
    ----------
    passes : callable
        A quick trial, for halving and bisection, which assume that what is smaller than a good step is good.
    confirmed : callable
        The whole trial, on numbers of two digits, which assumes nothing.
    above : float

    Raises
    ------
    LateError
        Where a trial raises it, now with the largest step that passed so far.

    Examples
    --------
    >>> largest_passing(lambda step: step < 0.4567, lambda step: True, 3.0)
    0.45
    """
    high, low, good = above, above / 2, 0.0
    try:
        while not passes(low):
            high, low = low, low / 2
            if low < above / 1000:
                return 0.0
        good = low
        while high / low > 1.02:
            middle = float(np.sqrt(high * low))
            low, high = (middle, high) if passes(middle) else (low, middle)
        good = low = rounded_down(low)
        while not confirmed(low):
            low = rounded_down(0.9 * low)
            if low < above / 1000:
                return 0.0
    except LateError as late:
        raise LateError(good) from late
    return low


def rounded_down(value: float) -> float:
    """A positive number rounded down to two digits.

    Examples
    --------
    >>> rounded_down(0.0199), rounded_down(2.0), rounded_down(27.9)
    (0.019, 2.0, 27.0)
    """
    place = int(np.floor(np.log10(value))) - 1
    return float(f"{int(value / 10.0**place * (1 + 1e-12))}e{place}")


def keeps_to(dynamics: Dynamics, step_size: float, ends: Sequence[float], course: Course, deadline: float) -> bool:
    """Whether a run with this step size keeps to theory's range and settles where theory does, whichever its end.

    ``ends`` are numbers of steps, ``deadline`` a time of ``time.process_time`` after which :class:`LateError` is
    raised.
    """
    counts = sorted({int(min(max(round(end), 1), MOST_STEPS)) for end in ends})
    widest = course.until(counts[-1] * step_size)
    state, index, every = dynamics.start, 0, max(counts[-1] // 500, 1)
    reached = np.array([np.inf, -np.inf])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for count in counts:
            while index < count:
                following = stepped(dynamics, state, step_size, index)
                if following is None:
                    return False
                state, index = following, index + 1
                if index > LEAST_STEPS and index % every and index < count:
                    continue
                found = watched(dynamics, state)
                if departs(dynamics, found, widest, step_size):
                    return False
                reached = np.array([min(reached[0], found.min()), max(reached[1], found.max())])
                if time.process_time() > deadline:
                    raise LateError(0.0)
            bounds = course.until(count * step_size)
            if departs(dynamics, reached, bounds, step_size) or swings(dynamics, state, step_size, index, bounds):
                return False
            if strays(dynamics, state, step_size, index, course):
                return False
    return True


def advice(search: Callable[[], float], step_size: float) -> str:
    """What to say of the largest stable step, and to do where the search for it finds none or takes too long."""
    try:
        largest = search()
    except LateError as late:
        tried = rounded_down(late.args[0] / 2 or step_size / 10)
        return f"the largest stable step was not found in {SECONDS:g} s; try {tried:g}"
    if not largest:
        return "no step down to a 1000th of it is stable"
    return f"the largest stable step is about {largest:g}"
