"""Kernel: what repeats say of a recording's noise: its share, its spectrum, how far it lies along the signal's axes.

Everything is in cross products of different presentations, so that noise does not count as signal. ``x`` is (repeat,
stimulus, neuroid), float64, centred over all presentations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuroalpha.spectrum.gram import eigenvalues, smaller_side
from neuroalpha.spectrum.powerlaw import geometric_bins

ENOUGH_ROWS = 50  # with this many rows a neuroid, sample eigenvalues are within some per cent of the population's
N_FULL, N_AVERAGED, BINS_PER_DECADE = 7, 10, 6


class Noise(NamedTuple):
    """Of one presentation: share of variance that is signal, noise eigenvalues (neuroid,) of sum 1, and the overlap.

    ``overlap`` is ``N tr(S E) / (tr S tr E)`` for signal and noise covariances S, E of N neuroids: 1 where noise has
    nothing to do with the signal's eigenvectors (white, or random axes), more where they share leading ones.
    """

    signal_fraction: float
    power: np.ndarray
    overlap: float
    sample: np.ndarray
    """Leading eigenvalues as shares of the sum, as the recording's sample has them; empty where none was measured."""
    n_rows: int
    """Independent rows behind the sample."""


def measure_noise(x: np.ndarray, rng: np.random.Generator) -> Noise:
    """Signal share, noise spectrum and overlap of x (at least 2 repeats); ``rng`` is for the spectrum's correction."""
    n_repeats, n_stimuli, n_neuroids = x.shape
    deviations = (x - x.mean(axis=0)).reshape(-1, n_neuroids)
    rows = n_stimuli * (n_repeats - 1)
    noise = float((deviations**2).sum()) / rows
    # sum over pairs of different repeats, of one stimulus
    summed = x.sum(axis=0)
    pairs = n_repeats * (n_repeats - 1) * (n_stimuli - 1)
    signal = float((summed**2).sum() - (x**2).sum()) / pairs
    signal += noise / (n_repeats * (n_stimuli - 1))  # the means that were subtracted hold this much noise
    sample = eigenvalues(smaller_side(deviations, 0.0), min(rows, n_neuroids)) / rows
    power = population_spectrum(sample, rows, n_neuroids, rng) if noise > 0 else np.zeros(n_neuroids)
    known = sample[: n_known(sample, rows, n_neuroids)] / noise if noise > 0 else np.empty(0)
    overlap = n_neuroids * trace_product(x) / (signal * noise) if noise > 0 and signal > 0 else np.nan
    return Noise(signal / (signal + noise) if signal + noise > 0 else np.nan, power, overlap, known, rows)


def trace_product(x: np.ndarray) -> float:
    """Unbiased tr(signal covariance @ noise covariance): (y_1i . d_j)(y_2i . d_j) over different stimuli i, j.

    d_j are differences of two repeats over sqrt(2); the two y are different repeats. Memory: one (stimulus, stimulus)
    matrix.
    """
    n_repeats, n_stimuli, _ = x.shape
    total = 0.0
    for pair in range(n_repeats // 2):
        difference = (x[2 * pair] - x[2 * pair + 1]) / np.sqrt(2)
        difference -= difference.mean(axis=0)
        summed, squares = np.zeros((n_stimuli, n_stimuli)), np.zeros((n_stimuli, n_stimuli))
        for one in x:
            product = one @ difference.T
            summed += product
            squares += product**2
        cross = summed**2 - squares
        total += float(cross.sum() - np.trace(cross))
    return total / (n_repeats // 2 * n_repeats * (n_repeats - 1) * n_stimuli * (n_stimuli - 1))


def population_spectrum(sample: np.ndarray, n_rows: int, n_axes: int, rng: np.random.Generator) -> np.ndarray:
    """Eigenvalues (n_axes,), of sum 1, of a Gaussian population whose sample of ``n_rows`` has eigenvalues ``sample``.

    A sample's spectrum is steeper than its population's and ends at rank ``n_rows``; simulating noise from it would
    add that steepness twice. The population's is found by repeating: draw a Gaussian sample of the present guess, and
    move the guess by the log ratio of its eigenvalues to the observed ones, in geometric bins up to half of the smaller
    size; a few whole steps, then ever smaller ones, which average over the draws (one draw would lend its own scatter,
    as large as the recording's). Beyond, the slope of the last half decade goes on, flat at most. Spectra are exact in
    sum. Time: 17 spectra of the recording's size.
    """
    total = sample.sum()
    if n_rows >= ENOUGH_ROWS * n_axes:
        return np.r_[sample, np.zeros(n_axes - sample.size)] / total
    known = n_known(sample, n_rows, n_axes)
    if known < 4:
        return np.r_[sample, np.zeros(n_axes - sample.size)] / total
    bins = geometric_bins(1, known, BINS_PER_DECADE)
    centre = np.array([np.log(b).mean() for b in bins])
    observed = np.array([np.log(sample[b - 1]).mean() for b in bins])
    log_rank = np.log(np.arange(1, n_axes + 1))
    guess = observed
    power = _extend(centre, guess, log_rank, total)
    for step in [1.0] * N_FULL + [1 / k for k in range(2, N_AVERAGED + 2)]:
        draw = rng.standard_normal((n_rows, n_axes), dtype=np.float32) * np.sqrt(power).astype(np.float32)
        seen = eigenvalues(smaller_side(draw, 0.0), known) / n_rows
        guess = guess + step * (observed - np.array([np.log(seen[b - 1]).mean() for b in bins]))
        power = _extend(centre, guess, log_rank, total)
    return power / total


def n_known(sample: np.ndarray, n_rows: int, n_axes: int) -> int:
    """Return how many leading sample eigenvalues say something of the population's: all, or those of the upper half."""
    known = max(3, min(n_rows, n_axes) // (2 if n_rows < 4 * n_axes else 1))
    return min(known, int(np.count_nonzero(sample > sample[0] * 1e-12)))


def redraw(power: np.ndarray, sample: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """``power`` as another recording of the same size would have told it: moved by its sampling error.

    The leading noise axes decide which ranks hold noise, and so what a window reads; that they are estimated from a
    finite recording has to be in the spread of the readings. The error is that of the leading sample eigenvalues,
    relative to those that were observed.
    """
    draw = rng.standard_normal((n_rows, power.size), dtype=np.float32) * np.sqrt(power).astype(np.float32)
    seen = eigenvalues(smaller_side(draw, 0.0), sample.size) / n_rows
    moved = power.copy()
    moved[: sample.size] *= seen / sample
    return moved / moved.sum()


def _extend(centre: np.ndarray, level: np.ndarray, log_rank: np.ndarray, total: float) -> np.ndarray:
    """Piecewise power law of sum ``total`` through (centre, level) in logs, never rising, its last slope continued."""
    level = np.minimum.accumulate(level)
    last = centre >= centre[-1] - np.log(10) / 2
    slope = min(0.0, float(np.polyfit(centre[last], level[last], 1)[0])) if last.sum() > 1 else 0.0
    inside = np.interp(log_rank, centre, level)
    power = np.exp(np.where(log_rank > centre[-1], level[-1] + slope * (log_rank - centre[-1]), inside))
    return power * (total / power.sum())


def aligned_overlap(alpha: float, power: np.ndarray) -> float:
    """Overlap (see :class:`Noise`) of signal eigenvalues n^-alpha and noise ``power`` (neuroid,) on the same axes."""
    signal = np.arange(1, power.size + 1, dtype=np.float64) ** -alpha
    return float(power.size * (signal @ power) / (signal.sum() * power.sum()))
