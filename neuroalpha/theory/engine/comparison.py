"""Kernel: the distance between theory and simulation at two step sizes.

The explicit Euler steps of gradient descent lag behind their flow by an error in proportion to the step size. A single
error says little; an error that falls tenfold with a tenfold smaller step says that nothing else separates the two.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuroalpha.theory.engine.dynamics import Dynamics, follow, step_counts
from neuroalpha.theory.engine.inputs import rising, two_steps


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found."""

    name: str
    times: np.ndarray
    """(t,)"""
    step_sizes: tuple[float, ...]
    """The largest first."""
    simulated: np.ndarray
    """(step size, t, mode)"""
    predicted: np.ndarray
    """(t, mode)"""
    seconds: float
    """That simulating and predicting took."""

    @property
    def max_error(self) -> np.ndarray:
        """Largest absolute difference over times and modes (step size,)."""
        return np.abs(self.simulated - self.predicted).max(axis=(1, 2))

    @property
    def mean_error(self) -> np.ndarray:
        """Mean absolute difference over times and modes (step size,)."""
        return np.abs(self.simulated - self.predicted).mean(axis=(1, 2))

    @property
    def ratio(self) -> float:
        """How many times smaller the largest error gets for a step ten times smaller; about 10 where all is right.

        From the largest and the smallest step size. NaN where the error is rounding at both, so that no ratio means
        anything.
        """
        large, small = float(self.max_error[0]), float(self.max_error[-1])
        scale = max(float(np.abs(self.predicted).max()), 1e-300)
        if large < 1e-12 * scale:
            return float("nan")
        if small == 0:
            return float("inf")
        return float((large / small) ** (1 / np.log10(self.step_sizes[0] / self.step_sizes[-1])))


def compare(dynamics: Dynamics, step_sizes: Sequence[float], times: np.ndarray | Sequence[float]) -> Comparison:
    """Simulate with each step size and predict, at the same times.

    Parameters
    ----------
    dynamics : Dynamics
    step_sizes : two numbers or more
    times : (t,)
        Whole multiples of every step size.

    Raises
    ------
    InputError
        For fewer than two step sizes, and as :func:`neuroalpha.theory.engine.dynamics.simulate`.
    DivergenceError
        An InputError: steps are too large; says the largest that are not.

    Examples
    --------
    >>> decay = Dynamics("decay", (np.ones(1),), lambda s, h, i: (s[0] * (1 - h),), lambda s: s[0],
    ...                  lambda t: np.exp(-t)[:, None])
    >>> found = compare(decay, (0.01, 0.001), np.linspace(0, 2, 21))
    >>> found.max_error.round(5).tolist(), round(found.ratio, 1)
    ([0.00185, 0.00018], 10.0)
    """
    sizes, wanted = two_steps(step_sizes), rising(times)
    for size in sizes:
        step_counts(wanted, size)
    begun = time.perf_counter()
    predicted = dynamics.predict(wanted)
    simulated = np.stack([follow(dynamics, size, wanted, predicted)[0] for size in sizes])
    return Comparison(dynamics.name, wanted, sizes, simulated, predicted, time.perf_counter() - begun)
