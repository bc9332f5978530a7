"""Kernel: whether a run has left what theory says: values beyond its range, jumps to and fro, rest elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neuroalpha.errors import InputError

if TYPE_CHECKING:
    from neuroalpha.theory.engine.dynamics import Dynamics, State

WINDOW, WINDOWS = 20, 10
"""Jumps to and fro are followed for so many steps, so many times over, to see whether they decline."""
TO_AND_FRO = 0.02
"""Share of the largest parameter by which one may go and come back."""
PATIENCE = 100
"""Steps after which a run that lags behind has come nearer."""


class Bounds(NamedTuple):
    """Between what theory's numbers run until some time."""

    low: float
    high: float
    range: float
    """Of the number that moves most."""
    share: float = 0.02
    """Of the largest: what rounding may amount to, and samples about a theory at rest."""

    @property
    def floor(self) -> float:
        """The same in its own unit."""
        return max(self.share * max(abs(self.low), abs(self.high)), 1e-12)

    def left_by(self, found: np.ndarray) -> bool:
        """Whether values are not finite, or beyond theory's whole course by more than its range.

        Examples
        --------
        >>> Bounds(0.0, 1.0, 1.0).left_by(np.array([0.5, 2.5]))
        True
        """
        margin = max(1.01 * self.range, self.floor)
        return bool(not ((found >= self.low - margin) & (found <= self.high + margin)).all())


class Course:
    """What theory says over time: predicted once, bounds read off it for any end.

    Parameters
    ----------
    dynamics : Dynamics
    times : (t,)
        Rising.
    predicted : (t, mode), optional
        Where it is known already.

    Raises
    ------
    InputError
        Where theory's values are not finite.
    """

    def __init__(self, dynamics: Dynamics, times: np.ndarray, predicted: np.ndarray | None = None) -> None:
        begun = time.process_time()
        values = dynamics.predict(times) if predicted is None else predicted
        self.seconds = time.process_time() - begun
        known = np.vstack([dynamics.observe(dynamics.start), values])
        if not np.isfinite(known).all():
            raise InputError(f"{dynamics.name}: the theory's own values are not finite; end at an earlier time")
        self.end = float(times[-1])
        self._times = np.concatenate([[0.0], times])
        self._known = known
        least, most = np.minimum.accumulate(known), np.maximum.accumulate(known)
        self._low, self._high, self._range = least.min(axis=1), most.max(axis=1), (most - least).max(axis=1)

    def until(self, end: float) -> Bounds:
        """Bounds from time 0 to the first known time from ``end`` on."""
        at = self._at(end)
        return Bounds(float(self._low[at]), float(self._high[at]), float(self._range[at]))

    def rest(self, end: float) -> np.ndarray | None:
        """Values (mode,) at which theory has come to rest by a time; None where it has not."""
        at = self._at(end)
        late = self._known[max(at - 1, 0) : at + 1]
        return late[-1] if np.ptp(late, axis=0).max() <= 0.01 * self._range[at] else None

    def _at(self, end: float) -> int:
        return min(int(np.searchsorted(self._times, end * (1 - 1e-9))), self._times.size - 1)


def stepped(dynamics: Dynamics, state: State, step_size: float, index: int) -> State | None:
    """The next state; None where it is not finite."""
    try:
        after = dynamics.step(state, step_size, index)
    except np.linalg.LinAlgError:  # decompositions of overflowing matrices
        return None
    return after if all(np.isfinite(part).all() for part in after) else None


def watched(dynamics: Dynamics, state: State | None) -> np.ndarray:
    """What is observed of a state (mode,); NaN where that cannot be computed."""
    try:
        return np.full(1, np.nan) if state is None else dynamics.observe(state)
    except np.linalg.LinAlgError:
        return np.full(1, np.nan)


def departs(dynamics: Dynamics, found: np.ndarray, bounds: Bounds, step_size: float) -> bool:
    """Whether values leave the bounds; steps on samples may wander by half of the largest value."""
    if not bounds.left_by(found):
        return False
    wander = watched(dynamics, stepped(dynamics, dynamics.start, step_size, 0))
    again = watched(dynamics, stepped(dynamics, dynamics.start, step_size, 1))
    return bool((wander == again).all()) or bounds._replace(share=0.5).left_by(found)


def swings(dynamics: Dynamics, state: State, step_size: float, index: int, bounds: Bounds) -> bool:
    """Whether steps from a state on go to and fro for good.

    Either what is watched jumps by a tenth of theory's range beyond what theory moves (and what is random in a step),
    or parameters go away and come back, which sorted eigenvalues may hide; and it does not decline over the next
    steps: swings that decline are those of a stable step near its limit.
    """
    allowed = max(0.1 * bounds.range, bounds.floor)
    last_turned = last_jumped = np.inf
    for _ in range(WINDOWS):
        first, begin, now, value = state, index, state, watched(dynamics, state)
        ways: tuple[np.ndarray, ...] = ()
        turns = [np.zeros_like(part) for part in state]
        jumps = np.zeros(0)
        for count in range(1, WINDOW + 1):
            after = stepped(dynamics, now, step_size, index)
            if after is None:
                return True
            before, value = value, watched(dynamics, after)
            jumps = np.append(jumps, np.abs(value - before).max())
            if not np.isfinite(jumps[-1]):
                return True
            way = tuple(two - one for one, two in zip(now, after, strict=True))
            for total, one, two in zip(turns, ways, way, strict=False):  # a way and the way back, if it is one
                total -= np.sign(one) * np.sign(two) * np.minimum(np.abs(one), np.abs(two))
            now, ways, index = after, way, index + 1
            if count == 3 and jumps.max() <= allowed and _share(turns, first, dynamics.start) <= 2 * TO_AND_FRO:
                return False
        turned, jumped = _share(turns, first, dynamics.start) / (WINDOW - 1), jumps.max()
        if turned > TO_AND_FRO:
            turned -= 4 * _share(_scatter(dynamics, first, step_size, begin), first, dynamics.start)
        if turned > max(TO_AND_FRO, 0.9 * last_turned):
            return True
        if jumped > max(allowed, 0.9 * last_jumped):
            if _excess(dynamics, first, step_size, begin, jumps) > allowed:
                return True
            jumped = 0.0
        if turned <= TO_AND_FRO and jumped <= allowed:
            return False
        last_turned, last_jumped, state = turned, jumped, now
    return False


def strays(dynamics: Dynamics, state: State, step_size: float, index: int, course: Course) -> bool:
    """Whether theory is at rest and a number is off by almost its range, and further steps do not bring it nearer.

    So end steps that throw a run into the basin of another fixed point. One that merely lags behind comes nearer.
    """
    wanted, size = course.rest(index * step_size), course.until(index * step_size).range
    if wanted is None:
        return False
    off = np.abs(watched(dynamics, state) - wanted)
    if off.max() <= max(0.9 * size, 1e-12):
        return False
    following: State | None = state
    for later in range(index, index + PATIENCE):
        following = stepped(dynamics, following, step_size, later) if following is not None else None
    return not np.abs(watched(dynamics, following) - wanted)[off.argmax()] < (1 - 1e-9) * off.max()


def _share(ways: Sequence[np.ndarray], state: State, start: State) -> float:
    """Largest of some lengths as a share of the largest entry that the same part of the state has, or began with."""
    sizes = [max(np.abs(one).max(), np.abs(two).max(), 1e-300) for one, two in zip(state, start, strict=True)]
    return max(float(way.max()) / size for way, size in zip(ways, sizes, strict=True))


def _scatter(dynamics: Dynamics, state: State, step_size: float, index: int) -> list[np.ndarray]:
    """How two steps from one state differ, which they do on samples only."""
    one, two = (stepped(dynamics, state, step_size, each) for each in (index, index + 1))
    return [np.abs(a - b) for a, b in zip(one or state, two or state, strict=True)]


def _excess(dynamics: Dynamics, state: State, step_size: float, begin: int, jumps: np.ndarray) -> float:
    """By how much the largest jump is beyond twice what theory moves, and what is random; -inf where theory ends."""
    try:
        predicted = dynamics.predict(np.arange(begin, begin + jumps.size + 1) * step_size)
    except InputError:
        return -np.inf
    one, two = (watched(dynamics, stepped(dynamics, state, step_size, other)) for other in (begin, begin + 1))
    return float(np.max(jumps - 2 * np.abs(np.diff(predicted, axis=0)).max(axis=1)) - 4 * np.abs(two - one).max())
