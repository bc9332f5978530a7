"""Kernel: velocities of the eigenvalues under the Euclidean loss; each mode moves by itself.

Halvagal, Laborieux & Zenke 2023 (NeurIPS 36, arXiv 2212.04858). For z = W x, white x, views x1 = x + noise of variance
s1 and x2 likewise s2, C = W W' with eigenvalues lam = s^2, predictor W_P = C^a (p = lam^a, c = 1 + s1), gradient flow
of half the mean of |W_P z1 - z2|^2 with weight decay w, the population average gives

    predictor           lam' = 2 lam p (1 - c p) - 2 w lam
    iso                 lam' = 2 lam (1 - c p) - 2 w lam
    no predictor        lam' = -2 s1 lam - 2 w lam
    no stop-gradient    lam' = 2 lam [2 p - c p^2 - (1 + s2)] - 2 w lam

With a target network of singular values s_a (W_a' = beta (W - W_a), derived here and checked against matrices):

    predictor           s' = p (s_a - c p s) - w s,        s_a' = beta (s - s_a)
    iso                 s' =    s_a - c p s  - w s
    no predictor        s' =    s_a - c s    - w s
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_matrix, diags

from neuroalpha.theory.eigenflow.settings import FlowSetting


def euclidean_rate(log_eigenvalue: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """(log lam)' (m,) of log lam (m,), without a target network."""
    p = np.exp(setting.power * log_eigenvalue)
    c = 1 + setting.noise1
    if setting.variant == "predictor":
        rate = p * (1 - c * p)
    elif setting.variant == "iso":
        rate = 1 - c * p
    elif setting.variant == "no predictor":
        rate = np.full_like(p, -setting.noise1)
    else:
        rate = 2 * p - c * p**2 - (1 + setting.noise2)
    return 2 * (rate - setting.weight_decay)


def jacobian(log_eigenvalue: np.ndarray, setting: FlowSetting) -> csc_matrix:
    """Derivatives (m, m) of the rates by the log eigenvalues: a diagonal."""
    p = np.exp(setting.power * log_eigenvalue)
    c = 1 + setting.noise1
    iso, falling = np.full_like(p, -c), 1 - 2 * c * p
    by_p = {"predictor": falling, "iso": iso, "no predictor": 0 * p, "no stop-gradient": 2 - 2 * c * p}
    return diags([2 * setting.power * p * by_p[setting.variant]], [0], format="csc")


def euclidean_rate_ema(log_eigenvalue: np.ndarray, log_target: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """(log lam)' (m,) with a target network of squared singular values exp(log_target) (m,)."""
    log_p = setting.power * log_eigenvalue if setting.has_predictor else np.zeros_like(log_eigenvalue)
    outer = log_p if setting.variant == "predictor" else 0.0  # inside the exponent, for the ratio alone may overflow
    pull = np.exp(outer + (log_target - log_eigenvalue) / 2) - (1 + setting.noise1) * np.exp(outer + log_p)
    return 2 * (pull - setting.weight_decay)


def target_rate(log_eigenvalue: np.ndarray, log_target: np.ndarray, setting: FlowSetting) -> np.ndarray:
    """(log lam_a)' (m,) of the target network's squared singular values."""
    return 2 * (setting.ema or 0.0) * (np.exp((log_eigenvalue - log_target) / 2) - 1)


def jacobian_ema(log_eigenvalue: np.ndarray, log_target: np.ndarray, setting: FlowSetting) -> csc_matrix:
    """Derivatives (2 m, 2 m) of the rates of log eigenvalues and of the target's, by both: four diagonals."""
    outer = setting.power if setting.variant == "predictor" else 0.0
    inner = setting.power if setting.has_predictor else 0.0
    pull = np.exp(outer * log_eigenvalue + (log_target - log_eigenvalue) / 2)
    push = (1 + setting.noise1) * np.exp((outer + inner) * log_eigenvalue)
    follow = (setting.ema or 0.0) * np.exp((log_eigenvalue - log_target) / 2)
    size, own = log_eigenvalue.size, (2 * outer - 1) * pull - 2 * (outer + inner) * push
    return diags([np.concatenate([own, -follow]), pull, follow], [0, size, -size], format="csc")
