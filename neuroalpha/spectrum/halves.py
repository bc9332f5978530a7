"""Kernel: spectra of random halves of the stimuli, and how far finite sampling bends them.

Eigenvalues of a finite sample are biased, the more the nearer their rank is to the number of stimuli, so a population
that follows a power law shows a bent spectrum. Two halves share that bend, and a law with a bend would win on held-out
stimuli too. ``sampling_bias`` therefore simulates what a population that follows a given law would show: that law over
the window, what was recorded before and after it, the recorded noise along the recorded axes, at the size of
a half, through the same estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

from neuroalpha.spectrum import gram
from neuroalpha.spectrum.crossval import cv_scatter, swaps
from neuroalpha.spectrum.models import Law, Points, fit, predict

SHUFFLES = 4  # swaps of repeats a half; the splits average over the rest
EARLY = (2, 2, 2)  # simulations in the rounds before the last: they only have to bring the population near
MOST_DIMENSIONS = 8  # simulated dimensions for each stimulus; beyond, only the variance that they add up to matters
STEEPEST = 30.0  # exponent of a tail that has next to nothing in it
SMALL = 1e-3

Estimate = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def pca(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Covariance eigenvalues of x (1, S, N), centred here; nothing in it is random."""
    values = x[0]
    scatter = gram.smaller_side(values, values.mean(axis=0))
    return gram.eigenvalues(scatter, min(values.shape[0] - 1, values.shape[1])) / (values.shape[0] - 1)


def crossvalidated(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cross-validated eigenvalues of two repeats x (2, S, N), centred here over both, mean over random swaps."""
    masks = swaps(x.shape[1], SHUFFLES, rng)
    return cv_scatter(x - x.mean(axis=(0, 1)), masks) / (x.shape[1] - 1)


class Setting(NamedTuple):
    """What a simulated population shares with the recorded one."""

    x: np.ndarray  # (k, S, coordinate): one or two repeats
    estimate: Estimate
    axes: np.ndarray | None  # (component, coordinate) of the signal; None where there is no noise: directions are free
    size: int  # dimensions of the signal


def setting(x: np.ndarray, estimate: Estimate) -> Setting:
    """Prepare centred responses x (k, S, N) for splitting and simulation.

    Both estimators are unchanged by a rotation of the neuroids, so x is first written in its own row space, with at
    most k S coordinates.
    """
    k, n_stimuli, n_neuroids = x.shape
    if n_neuroids > k * n_stimuli:
        scatter = gram.smaller_side(x.reshape(-1, n_neuroids), 0.0)
        # Centred rows are dependent; the ridge makes them independent far below any eigenvalue of interest.
        scatter[np.diag_indices_from(scatter)] += 1e-12 * np.trace(scatter) / scatter.shape[0]
        x = linalg.cholesky(scatter, lower=True).reshape(k, n_stimuli, -1)
    if k == 1:
        return Setting(x, estimate, None, min(n_neuroids, MOST_DIMENSIONS * n_stimuli))
    mean = x.mean(axis=0) - x.mean(axis=(0, 1))
    values, vectors = linalg.eigh(mean @ mean.T if n_stimuli <= x.shape[2] else mean.T @ mean)
    kept = np.flatnonzero(values > values[-1] * 1e-9)[::-1]
    basis = vectors[:, kept]
    axes = (basis / np.sqrt(values[kept])).T @ mean if n_stimuli <= x.shape[2] else basis.T
    # The sign of an eigenvector is arbitrary and may hang on the memory layout, and would decide what is simulated
    # together with the recorded noise. So the stimulus that lies farthest out along an axis is on its positive side.
    scores = mean @ axes.T
    axes *= np.where(scores[np.abs(scores).argmax(axis=0), np.arange(kept.size)] < 0, -1.0, 1.0)[:, None]
    return Setting(x, estimate, axes, kept.size)


def split_spectra(of: Setting, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Spectra (component,) of two disjoint random halves of the stimuli."""
    n_stimuli = of.x.shape[1]
    order = rng.permutation(n_stimuli)
    half = n_stimuli // 2
    return of.estimate(of.x[:, order[:half]], rng), of.estimate(of.x[:, order[half : 2 * half]], rng)


def population(law: Law, at: Points, head: np.ndarray, tail: float, size: int) -> np.ndarray:
    """Eigenvalues (size,): ``head`` (first - 1,) before the window, ``law`` in it, a sum of ``tail`` after it.

    After the window they go on as a power law, of the exponent that gives that sum: for the bias inside the window it
    is the sum that matters.
    """
    first, last = int(at.ranks[0][0]), int(at.ranks[-1][-1])
    rank = np.arange(1, size + 1, dtype=np.float64)
    values = np.exp(law.log(rank))
    values[: first - 1] = np.maximum(head, values[first - 1])
    beyond = rank[last:] / last
    sought = tail / values[last - 1]

    def excess(exponent: float) -> float:
        return float(np.sum(beyond**-exponent)) - sought

    if beyond.size:
        steep = 0.0
        if excess(0.0) > 0:
            steep = STEEPEST if excess(STEEPEST) >= 0 else float(optimize.brentq(excess, 0.0, STEEPEST))
        values[last:] = values[last - 1] * beyond**-steep
    return values


def simulate(of: Setting, eigenvalue: np.ndarray, half: int, rng: np.random.Generator) -> np.ndarray:
    """Draw responses (k, half, coordinate) of a Gaussian signal with these eigenvalues, in the recorded setting.

    With two repeats the signal lies along the recorded axes, and each repeat carries the recorded noise of other
    stimuli (their difference over sqrt 2, of random sign), so that noise keeps its own spectrum and directions.
    """
    signal = rng.standard_normal((half, eigenvalue.size)) * np.sqrt(eigenvalue)
    if of.axes is None:
        return signal[None]
    chosen = rng.permutation(of.x.shape[1])[: 2 * half].reshape(2, half)
    sign = rng.choice([-1.0, 1.0], size=(2, half, 1)) / np.sqrt(2)
    return (signal @ of.axes)[None] + (of.x[0] - of.x[1])[chosen] * sign


class Outside(NamedTuple):
    """What a simulated population is outside the law, and the bias that it shows."""

    bias: np.ndarray  # (group,), added to log eigenvalues in the window
    head: np.ndarray  # (first - 1,) eigenvalues before the window
    tail: float  # sum of the eigenvalues after the window


def sampling_bias(
    name: str, of: Setting, at: Points, spectrum: np.ndarray, n_simulations: int, seed: int
) -> Iterator[Outside]:
    """Log of what the estimator returns over what is true (group,), if the population follows the law ``name``.

    ``spectrum`` (component,) is the mean over halves. The law is fitted to it, a population that follows it simulated,
    and what the simulation shows beyond the population taken off window, head and tail, and so on. Yields after each
    simulation, the result last.
    """
    half = of.x.shape[1] // 2
    before, last = int(at.ranks[0][0]) - 1, int(at.ranks[-1][-1])
    y = np.log(at.mean(spectrum))
    recorded = max(float(spectrum[last:].sum()), SMALL * float(spectrum[last - 1]))
    state = _first_guess(name, at, y, spectrum, recorded, of.size)
    for n_drawn in (*EARLY, n_simulations):
        law = fit(name, at, y - state.bias)
        eigenvalue = population(law, at, state.head, state.tail, of.size)
        mean, truth = np.zeros(spectrum.size), np.exp(predict(law, at))
        for number in range(n_drawn):
            # The same random numbers in every round and for every law, so that only the population differs.
            rng = np.random.default_rng([seed, number])
            mean += of.estimate(simulate(of, eigenvalue, half, rng), rng)[: mean.size] / n_drawn
            yield state
        # A simulated mean at or below zero has no logarithm: the law says that this group cannot be seen above noise.
        state = Outside(
            np.log(np.maximum(at.mean(mean), SMALL * truth) / truth),
            spectrum[:before] * eigenvalue[:before] / np.maximum(mean[:before], SMALL * eigenvalue[:before]),
            float(eigenvalue[last:].sum()) * recorded / max(float(mean[last:].sum()), 0.2 * recorded),
        )
    yield state


def _first_guess(name: str, at: Points, y: np.ndarray, spectrum: np.ndarray, recorded: float, size: int) -> Outside:
    """Continue the law as fitted to the last dimension, and lower it until all adds up to the recorded variance.

    A sample gives the sum of all eigenvalues without bias but moves part of it from the tail into the window; from the
    recorded tail it would take many rounds to move it back.
    """
    before, last = int(at.ranks[0][0]) - 1, int(at.ranks[-1][-1])
    values = np.exp(fit(name, at, y).log(np.arange(1, size + 1)))
    factor = float(np.clip(spectrum[before:].sum() / values[before:].sum(), 0.2, 1.0))
    tail = max(factor * float(values[last:].sum()), recorded)
    return Outside(np.full(y.size, -np.log(factor)), spectrum[:before], tail)
