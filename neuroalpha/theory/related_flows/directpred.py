"""Kernel: a linear network and its linear predictor, learning together (Tian, Chen and Ganguli, 2021).

Loss J = E |W_p W x1 - sg(W_a x2)|^2 / 2 with white inputs and views of noise variance s2:

    W_p' = r (W_a - (1 + s2) W_p W) W' - eta W_p
    W'   = W_p' (W_a - (1 + s2) W_p W) - eta W
    W_a' = beta (W - W_a)

(r the rate of the predictor, eta the weight decay, beta the rate of the target). With symmetric W_p, W_a = tau W and
eigenvectors that W_p and F = W W' share, each mode is three numbers: p of W_p, s of F, and tau.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.engine.inputs import number
from neuroalpha.theory.engine.integrate import integrate


@dataclass(frozen=True)
class DirectPredSetting:
    """Rates and noise of the system; time is in units of the network's own learning rate.

    Raises
    ------
    InputError
        For rates or noise that are no finite numbers of at least 0 (the predictor's rate: above 0), unknown rules.

    Examples
    --------
    >>> DirectPredSetting(weight_decay=0.05).fixed_points()
    (0.05278640450004207, 0.9472135954999579)
    """

    predictor_rate: float = 1.0
    noise: float = 0.0
    weight_decay: float = 0.0
    ema: float | None = None
    """beta; None: the target is the online network, tau = 1."""
    rule: str = "gradient"
    """How the predictor is had: "gradient" descent on J, or "directpred": p = sqrt(s) + epsilon max(s), no descent."""
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "predictor_rate", number(self.predictor_rate, "predictor_rate", above=0))
        for name in ("noise", "weight_decay", "ema", "epsilon"):
            value = getattr(self, name)
            if value is not None or name != "ema":
                object.__setattr__(self, name, number(value, name, least=0))
        if not isinstance(self.rule, str) or self.rule not in ("gradient", "directpred"):
            raise InputError(f"rule is {self.rule!r}; expected 'gradient' or 'directpred'")

    def fixed_points(self, tau: float = 1.0) -> tuple[float, float]:
        """The two p* above 0 at which a mode rests; below the lower one it collapses. NaN where all collapses.

        On the parabola s = p^2 / r: p* = (tau -+ sqrt(tau^2 - 4 eta (1 + s2))) / (2 (1 + s2)). Derived here.
        """
        inside = tau**2 - 4 * self.weight_decay * (1 + self.noise)
        if inside < 0:
            return float("nan"), float("nan")
        root = float(np.sqrt(inside))
        return (tau - root) / (2 * (1 + self.noise)), (tau + root) / (2 * (1 + self.noise))


def mode_field(state: np.ndarray, setting: DirectPredSetting) -> np.ndarray:
    """Velocities of (p, s, tau), stacked (3, mode)."""
    p, s, tau = state
    if setting.rule == "directpred":
        p = rule_of(s, setting.epsilon)
    pull = tau - (1 + setting.noise) * p
    s_rate = 2 * p * s * pull - 2 * setting.weight_decay * s
    p_rate = setting.predictor_rate * s * pull - setting.weight_decay * p
    if setting.rule == "directpred":
        p_rate = np.zeros_like(p)
    if setting.ema is None:
        return np.stack([p_rate, s_rate, np.zeros_like(tau)])
    # s tau' = beta (1 - tau) s - tau s' / 2, divided by s
    relative = 2 * p * pull - 2 * setting.weight_decay
    return np.stack([p_rate, s_rate, setting.ema * (1 - tau) - tau * relative / 2])


def mode_flow(start: np.ndarray, setting: DirectPredSetting, times: np.ndarray) -> np.ndarray:
    """(p, s, tau) (t, 3, mode) from their start (3, mode), with p of the rule where the setting has one.

    By an implicit method where modes have settled: an explicit one takes small steps for ever, 10 s until time 1e5.

    Raises
    ------
    InputError
        Where the flow runs away before the last time.

    Examples
    --------
    >>> mode_flow(np.array([[0.5], [0.25], [1.0]]), DirectPredSetting(), np.array([0.0, 1e5]))[1].ravel().round(6)
    array([1., 1., 1.])
    """
    found = integrate(lambda y: mode_field(y, setting), start, times, method="LSODA", rtol=1e-12, atol=1e-14)
    if setting.rule == "directpred":
        found[:, 0] = [rule_of(s, setting.epsilon) for s in found[:, 1]]
    return found


def rule_of(s: np.ndarray, epsilon: float) -> np.ndarray:
    """DirectPred's p (mode,) from the correlations s (mode,): sqrt(s) + epsilon max(s)."""
    held = np.maximum(s, 0)
    return np.sqrt(held) + epsilon * held.max()


def invariant(p: np.ndarray, s: np.ndarray, times: np.ndarray, setting: DirectPredSetting) -> np.ndarray:
    """The constant c = (s - p^2 / r) e^(2 eta t) of every mode; the predictor's descent conserves it (t, mode)."""
    return (s - p**2 / setting.predictor_rate) * np.exp(2 * setting.weight_decay * times)[:, None]


def matrix_field(
    predictor: np.ndarray, weights: np.ndarray, target: np.ndarray, setting: DirectPredSetting
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Velocities of the full matrices W_p (mode, mode), W (mode, input), W_a (mode, input); aligned or not."""
    if setting.rule == "directpred":
        values, vectors = np.linalg.eigh(weights @ weights.T)
        predictor = (vectors * rule_of(values, setting.epsilon)) @ vectors.T
    error = target - (1 + setting.noise) * predictor @ weights
    moved = setting.predictor_rate * error @ weights.T - setting.weight_decay * predictor
    if setting.rule == "directpred":
        moved = np.zeros_like(predictor)
    learned = predictor.T @ error - setting.weight_decay * weights
    return moved, learned, learned if setting.ema is None else setting.ema * (weights - target)


def aligned_start(
    p: np.ndarray, s: np.ndarray, tau: np.ndarray, n_inputs: int, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Matrices (W_p, W, W_a) that have these modes in a random basis, and the basis U (mode, mode)."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((p.size, p.size)))[0]
    right = np.linalg.qr(rng.standard_normal((n_inputs, p.size)))[0]
    weights = (left * np.sqrt(s)) @ right.T
    return ((left * p) @ left.T, weights, (left * tau) @ left.T @ weights), left


def modes_of(predictor: np.ndarray, weights: np.ndarray, target: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(p, s, tau) of matrices in a basis U: (3, mode)."""
    turned, aimed = basis.T @ weights, basis.T @ target
    s = (turned**2).sum(axis=1)
    return np.stack([np.diag(basis.T @ predictor @ basis), s, (turned * aimed).sum(axis=1) / s])
