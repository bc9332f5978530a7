"""Kernel: whether steps are too large, and the largest that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuroalpha.errors import InputError

if TYPE_CHECKING:
    from neuroalpha.theory.engine.dynamics import Dynamics

MOST_STEPS = 200_000
"""A trial of a step size ends after so many steps, even where the time is not reached."""


class DivergenceError(InputError):
    """Steps of gradient descent that are too large; the message says the largest stable one."""


def bounds_of(dynamics: Dynamics, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest value that each number takes by theory or at the start: two arrays (mode,)."""
    known = np.vstack([dynamics.observe(dynamics.start), dynamics.predict(times)])
    if not np.isfinite(known).all():
        raise InputError(f"{dynamics.name}: the theory's own values are not finite; end at an earlier time")
    return known.min(axis=0), known.max(axis=0)


def departs(found: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether values (mode,) are not finite, or beyond theory's whole course by more than its range."""
    margin = max(1.01 * (high - low).max(), 1e-6 * np.abs(high).max(), 1e-12)
    return bool(not ((found >= low.min() - margin) & (found <= high.max() + margin)).all())


def largest_stable_step(dynamics: Dynamics, until: float, above: float) -> float:
    """The largest step size below ``above`` with which the simulation keeps to theory's range until a time.

    Halved until stable, then bisected to 2 %. 0 where a thousandth of ``above`` is not stable either.

    Examples
    --------
    >>> from neuroalpha.theory.engine.dynamics import Dynamics
    >>> spring = Dynamics("spring", (np.ones(1),), lambda s, h, i: (s[0] * (1 - h),), lambda s: s[0],
    ...                   lambda t: np.exp(-t)[:, None])
    >>> round(largest_stable_step(spring, 400.0, 5.0), 1)  # by linear stability 2
    2.0
    """
    high, low = above, above / 2
    while not is_stable(dynamics, low, until):
        high, low = low, low / 2
        if low < above / 1000:
            return 0.0
    while high / low > 1.02:
        middle = np.sqrt(high * low)
        low, high = (middle, high) if is_stable(dynamics, middle, until) else (low, middle)
    return float(low)


def is_stable(dynamics: Dynamics, step_size: float, until: float) -> bool:
    """Whether simulating until a time with this step size keeps to theory's range and settles where theory does."""
    from neuroalpha.theory.engine.dynamics import departs_at_end

    count = int(min(max(round(until / step_size), 1), MOST_STEPS))
    low, high = bounds_of(dynamics, np.linspace(0, count * step_size, 100))
    state = dynamics.start
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for index in range(count):
            state = dynamics.step(state, step_size, index)
            if not all(np.isfinite(part).all() for part in state) or departs(dynamics.observe(state), low, high):
                return False
        return not departs_at_end(dynamics, state, step_size, count, low, high)
