"""Kernel: the related systems as dynamics of the engine: full matrices stepped, modes predicted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neuroalpha.theory.engine.dynamics import Dynamics, State
from neuroalpha.theory.related_flows import directpred, stepwise, supervised
from neuroalpha.theory.related_flows.directpred import DirectPredSetting

DIRECTPRED = {
    "DirectPred": DirectPredSetting(),
    "DirectPred view noise": DirectPredSetting(noise=0.25, predictor_rate=2.0),
    "DirectPred weight decay": DirectPredSetting(weight_decay=0.05, noise=0.1),
    "DirectPred EMA target": DirectPredSetting(weight_decay=0.02, noise=0.1, ema=0.5),
    "DirectPred rule": DirectPredSetting(rule="directpred", epsilon=0.01, noise=0.1, weight_decay=0.02),
}
"""Settings of Tian's p, s, tau system."""

STEPWISE = {"stepwise aligned": 0.0, "stepwise 1e-2": 1e-2, "stepwise 1e-4": 1e-4, "stepwise 1e-7": 1e-7}
"""Simon's system: aligned, or random weights of so many standard deviations."""


class System(NamedTuple):
    """Dynamics with what a comparison of them needs."""

    dynamics: Dynamics
    step_sizes: tuple[float, float]
    """The larger first."""
    until: float
    """Last time that is of interest."""
    n_times: int = 101
    predicted_steps: np.ndarray | None = None
    """(mode,) times at which eigenvalues should pass 1/2; None where there are no steps."""


LEAST_STEPS = 10
"""Times are stretched to so many steps, so that steps much too large are seen to be."""


def grid(until: float, step_size: float, n_times: int = 101) -> np.ndarray:
    """Even times (t,) from 0, ``n_times`` or up to twice as many, that end on the first of them at or after ``until``.

    Whole multiples of a step size; of a large one fewer times, and at least LEAST_STEPS steps.

    Examples
    --------
    >>> grid(2.0, 0.5).tolist(), float(grid(2.0, 1.0)[-1])
    ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0], 10.0)
    """
    count = max(math.ceil(until / step_size * (1 - 1e-12)), LEAST_STEPS)
    every = max(count // (n_times - 1), 1)
    return np.arange(-(-count // every) + 1) * every * step_size


def predictor_system(name: str, setting: DirectPredSetting, n_modes: int, n_inputs: int, seed: int) -> System:
    """Tian's matrices W_p, W, W_a against (p, s, tau) of every mode; watched are all three, one after the other."""
    rng = np.random.default_rng([seed, 1])
    s = np.sort(rng.uniform(0.05, 1.2, n_modes))[::-1]
    p = rng.uniform(0.1, 0.9, n_modes)
    if setting.rule == "directpred":
        p = directpred.rule_of(s, setting.epsilon)
    tau = np.ones(n_modes) if setting.ema is None else rng.uniform(0.5, 0.9, n_modes)
    start, basis = directpred.aligned_start(p, s, tau, n_inputs, seed)

    def step(state: State, size: float, _: int) -> State:
        moves = directpred.matrix_field(state[0], state[1], state[2], setting)
        one, two, three = (part + size * move for part, move in zip(state, moves, strict=True))
        return one, two, two if setting.ema is None else three

    def observe(state: State) -> np.ndarray:
        found = directpred.modes_of(state[0], state[1], state[2], basis)
        if setting.rule == "directpred":
            found[0] = directpred.rule_of(found[1], setting.epsilon)
        return found.ravel()

    def predict(times: np.ndarray) -> np.ndarray:
        return directpred.mode_flow(np.stack([p, s, tau]), setting, times).reshape(len(times), -1)

    return System(Dynamics(name, start, step, observe, predict), (0.01, 0.001), 20.0)


def stepwise_system(name: str, gamma: np.ndarray, n_outputs: int, scale: float, seed: int) -> System:
    """Simon's weights W under the Barlow Twins loss against logistic curves; watched are the eigenvalues of W G W'.

    Aligned where ``scale`` is 0: singular values 0.01 to 0.03 on the leading eigenvectors. The times go half again
    beyond the last predicted step: from random weights among close eigenvalues a step may come by 30 % late.

    Raises
    ------
    InputError
        For more outputs than positive eigenvalues.
    """
    rng = np.random.default_rng([seed, 2])
    leading, vectors = stepwise.leading_modes(gamma, n_outputs)
    if scale:
        weights = scale * rng.standard_normal((n_outputs, len(gamma)))
        start = leading * stepwise.effective_start(weights, vectors) ** 2
    else:
        singular = rng.uniform(0.01, 0.03, n_outputs)
        turn = np.linalg.qr(rng.standard_normal((n_outputs, n_outputs)))[0]
        weights, start = (turn * singular) @ vectors[:, :n_outputs].T, leading * singular**2
    expected = stepwise.step_times(start, leading)
    large = float(f"{0.005 / leading[0]:.1g}")
    dynamics = Dynamics(
        name,
        (weights,),
        lambda state, size, _: (state[0] + size * stepwise.update(state[0], gamma),),
        lambda state: np.linalg.eigvalsh(state[0] @ gamma @ state[0].T)[::-1],
        lambda times: np.sort(stepwise.embedding_eigenvalues(start, leading, times), axis=1)[:, ::-1],
    )
    return System(dynamics, (large, large / 10), 1.5 * float(expected.max()), 401, np.sort(expected))


def supervised_system(name: str, n_modes: int, n_inputs: int, n_hidden: int, seed: int) -> System:
    """Saxe's W1 and W2 against the sigmoid of each mode; watched are the strengths of W2 W1 along the task's modes."""
    rng = np.random.default_rng([seed, 3])
    singular = np.linspace(3.0, 0.5, n_modes)
    left = np.linalg.qr(rng.standard_normal((n_modes, n_modes)))[0]
    right = np.linalg.qr(rng.standard_normal((n_inputs, n_modes)))[0]
    start = np.full(n_modes, 0.01)
    correlation = (left * singular) @ right.T

    def step(state: State, size: float, _: int) -> State:
        one, two = supervised.update(state[0], state[1], correlation)
        return state[0] + size * one, state[1] + size * two

    dynamics = Dynamics(
        name,
        supervised.balanced_start(start, left, right, n_hidden, seed),
        step,
        lambda state: np.einsum("im,ih,hj,jm->m", left, state[1], state[0], right, optimize=True),
        lambda times: supervised.strengths(start, singular, times),
    )
    return System(dynamics, (0.01, 0.001), 10.0)
