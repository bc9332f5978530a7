"""Kernel: a run of the toy network that keeps its weights; no theory is needed for it."""

from __future__ import annotations

import numpy as np

from neuroalpha.theory.eigenflow.settings import FlowSetting
from neuroalpha.theory.engine.dynamics import State, step_counts
from neuroalpha.theory.engine.stability import DivergenceError
from neuroalpha.theory.linearnet.system import eigenvalues, network_start, network_step

LARGEST = 1e4
"""Runs away: so many times the largest eigenvalue at the start (or 1), and growing ever faster."""


def run_network(
    name: str,
    setting: FlowSetting,
    weights: np.ndarray,
    step_size: float,
    times: np.ndarray,
    *,
    n_samples: int | None = None,
    quasi_random: bool = False,
    relu: bool = False,
    whiten: bool = False,
    covariance: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Weights (t, mode, input) at ``times``.

    Raises
    ------
    DivergenceError
        An InputError: the step size is too large; says the largest that is not.
    """
    shape = (len(weights), weights.shape[1])
    step = network_step(
        setting,
        shape,
        n_samples=n_samples,
        quasi_random=quasi_random,
        relu=relu,
        whiten=whiten,
        covariance=covariance,
        seed=seed,
    )
    limit = LARGEST * max(1.0, float(eigenvalues(weights, covariance)[0]))

    def trial(size: float, counts: np.ndarray) -> tuple[np.ndarray, int | None]:
        """Weights at the counts of steps, and the step at which the run went wrong."""
        kept = np.empty((counts.size, *shape))
        state: State = network_start(weights, setting)
        index = 0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for row, count in enumerate(counts):
                while index < count:
                    before, state = state, step(state, size, index)
                    index += 1
                    if not _sound(state[0], limit):
                        return kept, index
                kept[row] = state[0]
            if index > 4 and _swings(before[0], state[0], kept[0], covariance):
                return kept, index
        return kept, None

    counts = step_counts(times, step_size)
    kept, wrong = trial(step_size, counts)
    if wrong is not None:
        low, high = step_size / 2, step_size
        until = wrong * step_size
        while trial(low, np.array([0, max(round(until / low), 1)]))[1] is not None and low > step_size / 1000:
            low, high = low / 2, low
        while high / low > 1.05:
            middle = float(np.sqrt(low * high))
            fine = trial(middle, np.array([0, max(round(until / middle), 1)]))[1] is None
            low, high = (middle, high) if fine else (low, middle)
        raise DivergenceError(
            f"{name}: gradient descent diverges at step size {step_size:g} (seen at time {until:g}); the largest "
            f"stable step is about {low:.2g}"
        )
    return kept


def _sound(weights: np.ndarray, limit: float) -> bool:
    return bool(np.isfinite(weights).all() and (weights**2).sum() < limit)


def _swings(before: np.ndarray, after: np.ndarray, start: np.ndarray, covariance: np.ndarray | None) -> bool:
    """Whether the last step still moves an eigenvalue by half of what the whole run did: it goes to and fro."""
    one, two, begin = (eigenvalues(each, covariance) for each in (before, after, start))
    moved = np.abs(two - begin).max()
    return bool(np.abs(two - one).max() > 0.5 * max(moved, 1e-3 * begin.max()))
