"""Kernel: one simulated recording of a known exponent, and what an estimator reads from it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuroalpha.assembly import make_assembly, numbered
from neuroalpha.errors import InputError
from neuroalpha.simulate.noise import random_rotation
from neuroalpha.spectrum.estimators import get_estimator
from neuroalpha.spectrum.fit import fit_alpha
from neuroalpha.spectrum.noise_spectrum import redraw

REVISION = 4  # raised when the same plan gives other numbers, so that no cache mixes them
NoiseKind = str | float  # "white", "none", or the share of noise variance along the signal's eigenvectors


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that one simulation depends on but its true alpha, its noise and its number."""

    shown: np.ndarray  # how often each stimulus is (stimulus,)
    n_neuroids: int
    signal_fraction: float
    noise_power: np.ndarray
    estimator: str
    ranks: tuple[int, int]
    estimator_options: Mapping[str, Any] = field(default_factory=dict)
    fit_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    noise_sample: np.ndarray = field(default_factory=lambda: np.empty(0))  # leading eigenvalues as observed, if any
    noise_rows: int = 0

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return int(self.shown.size)

    @property
    def n_repeats(self) -> int:
        """Most presentations of a stimulus."""
        return int(self.shown.max())

    def parameters(self) -> dict[str, Any]:
        """All fields by name, for a cache key."""
        return {"revision": REVISION} | {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}


def simulate(plan: Plan, noise: NoiseKind, alpha: float, index: int) -> np.ndarray:
    """Responses (repeat, stimulus, neuroid), float32, of a Gaussian population with signal eigenvalues n^-alpha.

    They stand in the signal's eigenbasis, which no estimator notices that is invariant to rotations of the neuroids:
    only noise on axes of its own needs a rotation. Subsamples of neuroids do notice, so with them all is rotated. The
    random numbers depend on the seed, alpha and ``index``: all kinds of noise see the same stimuli, so that what
    differs between their curves is the noise; different alphas see others, so that the spread found at each adds to
    what is known of it.
    """
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(*_words(alpha), index)))
    n = plan.n_neuroids
    power = np.arange(1, n + 1, dtype=np.float64) ** -alpha
    power *= n / power.sum()
    signal = rng.standard_normal((plan.n_stimuli, n), dtype=np.float32) * np.sqrt(power).astype(np.float32)
    x = np.repeat(signal[None], plan.n_repeats, axis=0)
    variance = (1 - plan.signal_fraction) / plan.signal_fraction
    if noise != "none" and variance > 0:
        rotate = random_rotation(n, np.random.default_rng(rng.integers(2**63)))
        apart = np.random.default_rng(rng.integers(2**63))
        spread = plan.noise_power
        if noise != "white" and plan.noise_sample.size:
            spread = redraw(spread, plan.noise_sample, plan.noise_rows, apart)
        spread = np.sqrt(spread * variance * n).astype(np.float32)
        for repeat in range(plan.n_repeats):  # one at a time: the rotation works in float64
            along, across = rng.standard_normal((2, plan.n_stimuli, n), dtype=np.float32)
            if noise == "white":
                x[repeat] += np.float32(np.sqrt(variance)) * along
                continue
            share = float(noise)
            if share > 0:
                x[repeat] += np.float32(np.sqrt(share)) * spread * along
            if share < 1:
                x[repeat] += (np.sqrt(1 - share) * rotate(spread * across)).astype(np.float32)
    if plan.estimator_options.get("n_draws", 0):
        whole = random_rotation(n, np.random.default_rng(rng.integers(2**63)))
        for repeat in range(plan.n_repeats):
            x[repeat] = whole(x[repeat])
    return x


def _words(alpha: float) -> tuple[int, ...]:
    """The bits of an exponent, so that its random numbers do not depend on the grid around it."""
    return tuple(int(word) for word in np.array([alpha], dtype=np.float64).view(np.uint32))


def read_alpha(
    plan: Plan, noise: NoiseKind, alpha: float, index: int, *, strict: bool = False
) -> tuple[float, float, float]:
    """Alpha and its interval (NaN without draws) that the estimator reads from one simulation.

    All NaN where it reads nothing, because no rank of the window is above noise; ``strict`` raises the estimator's
    InputError instead.
    """
    x = simulate(plan, noise, alpha, index)
    n_repeats, n_stimuli, n_neuroids = x.shape
    repetition, stimulus = np.repeat(np.arange(n_repeats), n_stimuli), np.tile(np.arange(n_stimuli), n_repeats)
    rows = np.flatnonzero(repetition < plan.shown[stimulus])
    values = x.reshape(-1, n_neuroids)
    assembly = make_assembly(
        values if rows.size == len(values) else values[rows],
        stimulus_id=numbered("", n_stimuli)[stimulus[rows]],
        repetition=repetition[rows],
    )
    del x, values
    with warnings.catch_warnings():
        # The user's own recording has warned once where there is something to warn of.
        warnings.simplefilter("ignore", UserWarning)
        try:
            spectrum = get_estimator(plan.estimator)(assembly, **plan.estimator_options)
            fit = fit_alpha(spectrum, plan.ranks, **plan.fit_options)
        except InputError:
            if strict:
                raise
            return float("nan"), float("nan"), float("nan")
    return fit.alpha, fit.low, fit.high
