"""Kernel: a run of the toy network that keeps its weights, with theory's eyes on its step size where there is one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.engine import stability
from neuroalpha.theory.engine.dynamics import Dynamics, follow, step_counts
from neuroalpha.theory.engine.stability import DivergenceError, LateError
from neuroalpha.theory.engine.watch import Bounds, stepped, swings
from neuroalpha.theory.linearnet.system import network_dynamics

LARGEST = 1e4
"""Runs away where no theory says so: so many times the largest eigenvalue at the start (or 1)."""


def run_network(
    name: str, setting: FlowSetting, weights: np.ndarray, step_size: float, times: np.ndarray, **options: Any
) -> np.ndarray:
    """Weights (t, mode, input) at ``times``.

    Parameters
    ----------
    name : str
    setting : FlowSetting
    weights : (mode, input)
    step_size : float
    times : (t,)
    **options
        As of :func:`neuroalpha.theory.linearnet.system.network_dynamics`.

    Raises
    ------
    InputError
        For times that are not multiples of the step size.
    DivergenceError
        An InputError: the step size is too large; says the largest that is not. A ReLU network, and one whose flow is
        not known, is seen to run away, or to go to and fro for good.

    Examples
    --------
    >>> kept = run_network("iso", FlowSetting(variant="iso"), np.array([[0.5]]), 0.1, np.array([0.0, 10.0]))
    >>> kept.ravel().round(3).tolist()
    [0.5, 1.0]
    """
    dynamics = network_dynamics(name, setting, weights, **options)
    counts = step_counts(times, step_size)
    if options.get("n_samples") is not None:  # theory is of the population: a few samples stray from it, rightly
        return _without_theory(dynamics, step_size, counts)
    try:
        predicted = dynamics.predict(counts * step_size)
    except InputError:
        return _without_theory(dynamics, step_size, counts)
    return np.stack([state[0] for state in follow(dynamics, step_size, times, predicted)[1]])


def _without_theory(dynamics: Dynamics, step_size: float, counts: np.ndarray) -> np.ndarray:
    n_modes = len(dynamics.start[0])
    still = replace(dynamics, predict=lambda times: np.zeros((len(times), n_modes)))
    kept, wrong = _trial(still, step_size, counts)
    if wrong is None:
        return kept
    until, deadline = float(counts[-1] * step_size), time.process_time() + stability.SECONDS

    def fine(size: float, least: int = 1) -> bool:
        count = min(max(round(until / size), least), stability.MOST_STEPS)
        return _trial(still, size, np.array([0, count]), deadline)[1] is None

    def search() -> float:
        return stability.largest_passing(fine, lambda size: fine(size) and fine(size, stability.LEAST_STEPS), step_size)

    raise DivergenceError(
        f"{dynamics.name}: gradient descent diverges at step size {step_size:g} (seen at time {wrong * step_size:g}); "
        f"{stability.advice(search, step_size)}"
    )


def _trial(
    dynamics: Dynamics, step_size: float, counts: np.ndarray, deadline: float = np.inf
) -> tuple[np.ndarray, int | None]:
    """Weights at the counts of steps, and the step at which the run went wrong."""
    begin = dynamics.observe(dynamics.start)
    limit = LARGEST * max(1.0, float(begin[0]))
    kept = np.empty((counts.size, *dynamics.start[0].shape))
    state, index = dynamics.start, 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for row, count in enumerate(counts):
            while index < count:
                following = stepped(dynamics, state, step_size, index)
                index += 1
                if following is None or not (following[0] ** 2).sum() < limit:
                    return kept, index
                state = following
                if time.process_time() > deadline:
                    raise LateError(0.0)
            kept[row] = state[0]
        if index > 4:  # a step that moves half of what the whole run did
            moved = np.abs(dynamics.observe(state) - begin).max()
            bounds = Bounds(0.0, float(begin[0]), 5 * float(moved))
            if swings(dynamics, state, step_size, index, bounds):
                return kept, index
    return kept, None
