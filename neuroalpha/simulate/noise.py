"""Trial noise for simulated recordings, of four kinds, scaled to a chosen share of signal variance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.fft import dct

from neuroalpha.errors import InputError

KINDS = ("aligned", "independent", "white", "gain")
# Gain of Stringer et al. 2019, simPowerLaw_with_gain.m: 0.5 + 1.7 Exp(1) in each trial, here divided by its mean, times
# a response of unit variance about 3. (There the response is also cut off at zero, 3 standard deviations down; here
# not.)
GAIN_OFFSET, GAIN_SCALE, GAIN_BASELINE = 0.5, 1.7, 3.0
GAIN_SD = GAIN_SCALE / (GAIN_OFFSET + GAIN_SCALE)

Basis = Callable[[np.ndarray], np.ndarray]


def random_rotation(n: int, rng: np.random.Generator) -> Basis:
    """A random orthogonal map of row vectors of length n, at O(n log n) a row.

    Two rounds of random signs and a cosine transform: exactly orthogonal, and it spreads every axis over all neuroids,
    without the n^3 of a Haar-distributed matrix.
    """
    signs = rng.choice([-1.0, 1.0], size=(2, n))
    order = rng.permutation(n)

    def rotate(x: np.ndarray) -> np.ndarray:
        once = dct(x * signs[0], axis=-1, norm="ortho")[..., order]
        return dct(once * signs[1], axis=-1, norm="ortho")

    return rotate


def check_noise(kind: str, signal_fraction: float) -> None:
    """Refuse unknown kinds and impossible shares."""
    if kind not in KINDS:
        raise InputError(f"noise is {kind!r}; expected one of {KINDS}")
    if not 0 < signal_fraction <= 1:
        raise InputError(f"signal_fraction is {signal_fraction}; expected a share above 0, at most 1")


def add_noise(
    signal: np.ndarray, kind: str, signal_fraction: float, signal_basis: Basis, n_axes: int, rng: np.random.Generator
) -> np.ndarray:
    """Noisy trials (presentation, neuroid) of noise-free ones with unit mean variance.

    The noise variance, averaged over neuroids, is (1 - f) / f. "aligned": power 1/n along the signal's own eigenvectors
    (``signal_basis`` maps coordinates along ``n_axes`` of them to neuroids); "independent": power 1/n along random
    axes; "white": equal along all; "gain": one multiplicative gain a trial for signal and baseline, its spread as
    published or as small as the share asks, with white noise for what it does not reach.
    """
    n_presentations, n_neuroids = signal.shape
    variance = (1 - signal_fraction) / signal_fraction
    if variance == 0:
        return signal.copy()
    if kind == "gain":
        mean_square = 1 + GAIN_BASELINE**2
        spread = min(GAIN_SD, np.sqrt(variance / mean_square))
        error = spread * (rng.exponential(size=(n_presentations, 1)) - 1)
        rest = max(variance - mean_square * spread**2, 0.0)
        return signal + error * (signal + GAIN_BASELINE) + np.sqrt(rest) * rng.standard_normal(signal.shape)
    if kind == "white":
        return signal + np.sqrt(variance) * rng.standard_normal(signal.shape)
    if kind == "independent":
        signal_basis, n_axes = random_rotation(n_neuroids, rng), n_neuroids
    power = 1.0 / np.arange(1, n_axes + 1)
    power *= variance * n_neuroids / power.sum()
    return signal + signal_basis(rng.standard_normal((n_presentations, n_axes)) * np.sqrt(power))
