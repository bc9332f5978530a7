"""Kernel: moments of the signal covariance from repeats, unbiased by trial noise, with the sampling error of each.

The mean over neuroids of lambda^p, p = 1..5, for the eigenvalues lambda of the signal covariance. Every factor of a
cycle (see :mod:`neuroalpha.spectrum.cycles`) is a product of two responses, and every stimulus occurs in two factors;
taking it from one half of its presentations in one and from the other half in the other, trial noise averages to zero.
Which presentations go to which half is drawn at random several times and the results are averaged, which takes away
nearly half of the noise that one split leaves and is how more than two repeats are used.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuroalpha.spectrum.blocks import column_blocks, nan_to_zero
from neuroalpha.spectrum.cycles import MAX_ORDER, cycle_sums
from neuroalpha.spectrum.gram import BLAS, Engine


class Moments(NamedTuple):
    """``value`` (order,): mean over neuroids of (lambda / unit)^p; ``influence`` (order, stimulus): what each adds.

    The mean of ``influence`` over stimuli is zero; leaving stimulus s out changes the moment by -influence / (S - 1),
    to first order. ``unit``, of the size of a neuroid's variance, keeps fifth powers inside the range of numbers.
    """

    value: np.ndarray
    influence: np.ndarray
    unit: float = 1.0

    @property
    def in_units(self) -> tuple[np.ndarray, np.ndarray]:
        """Moments and their standard errors (order,) in powers of the responses' own units."""
        scale = self.unit ** np.arange(1, self.value.size + 1)
        return self.value * scale, np.sqrt(np.diag(self.covariance)) * scale

    @property
    def n_effective(self) -> float:
        """How many stimuli carry the error of the second moment, were they alike; few where tails are heavy."""
        share = self.influence[1] ** 2
        return float(share.sum() ** 2 / (share**2).sum())

    @property
    def covariance(self) -> np.ndarray:
        """Sampling covariance (order, order) over stimuli, by the jackknife.

        Where noise dominates it is too large, up to p times for order p (Efron & Stein 1981), never too small.
        """
        n_stimuli = self.influence.shape[1]
        return self.influence @ self.influence.T / (n_stimuli * (n_stimuli - 1))

    def without(self, stimuli: np.ndarray) -> Moments:
        """The moments without some stimuli, to first order."""
        kept = np.delete(self.influence, stimuli, axis=1)
        value = self.value - self.influence[:, stimuli].sum(axis=1) / kept.shape[1]
        return Moments(value, kept - kept.mean(axis=1, keepdims=True), self.unit)


def presentation_gram(values: Any, means: np.ndarray, engine: Engine = BLAS) -> Any:
    """Gram matrix of the centred rows of values (row, neuroid), numpy or dask, by blocks of neuroids, in float64.

    NaN count as the mean.
    """
    scatter = engine.zeros(values.shape[0])
    for columns, block in column_blocks(values):
        centred = np.subtract(block, means[columns], dtype=np.float64, order="C")
        engine.add_own(scatter, engine.put(nan_to_zero(centred)))
    return engine.full(scatter)


def deal_halves(
    stimulus: np.ndarray, repetition: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Deal the presentations of every stimulus to two halves at random; the odd one goes to either.

    ``stimulus`` (presentation,) holds indices 0..S-1, each at least twice; ``repetition`` makes the deal independent of
    the order of presentations. Returns two arrays (S, slots) of indices of presentations, padded with -1.
    """
    counts = np.bincount(stimulus)
    sorted_rows = np.lexsort((repetition, stimulus))
    order = sorted_rows[np.lexsort((rng.random(stimulus.size), stimulus[sorted_rows]))]
    starts = np.cumsum(counts) - counts
    small = np.where(rng.random(counts.size) < 0.5, counts // 2, -(-counts // 2))
    slots = np.arange(-(-int(counts.max()) // 2))
    halves = []
    for first, size in ((starts, small), (starts + small, counts - small)):
        inside = slots < size[:, None]
        halves.append(np.where(inside, order[np.where(inside, first[:, None] + slots, 0)], -1))
    return halves[0], halves[1]


def signal_moments(
    gram: Any, stimulus: np.ndarray, repetition: np.ndarray, n_neuroids: int, n_splits: int, rng: np.random.Generator
) -> Moments:
    """Moments from the Gram matrix (presentation, presentation) of centred responses, numpy or torch.

    Each split of the presentations into halves gives a matrix of cross products between stimuli, centred on the mean
    over stimuli. Centring takes the S-th part of the variance from every stimulus and lends it, with the other sign, to
    every pair; both are given back. ``gram`` is divided by its size in place. Time: per split four products of side S.
    """
    n_stimuli = int(stimulus.max()) + 1
    unit = float(gram.diagonal().sum()) / gram.shape[0] / n_neuroids or 1.0
    gram /= unit
    total = np.zeros((MAX_ORDER, n_stimuli))
    for _ in range(n_splits):
        first, second = deal_halves(stimulus, repetition, rng)
        cross = _mean_rows(_mean_rows(gram, first).T, second).T
        cross = cross - cross.mean(0) - cross.mean(1)[:, None] + cross.mean()
        cross *= n_stimuli / (n_stimuli - 1)
        lent = float(cross.diagonal().sum()) / n_stimuli / (n_stimuli - 1)
        cross += lent
        for order, sums in enumerate(cycle_sums(cross)):
            total[order] += np.asarray(sums.cpu() if hasattr(sums, "cpu") else sums) - (lent if order == 0 else 0.0)
    # As many cycles of p stimuli start at each stimulus as there are ways to choose the others in turn.
    ways = np.cumprod([1.0, *(n_stimuli - np.arange(1, MAX_ORDER))])
    started = total / (n_splits * n_neuroids * ways[:, None])
    value = started.mean(axis=1)
    return Moments(value, np.arange(1, MAX_ORDER + 1)[:, None] * (started - value[:, None]), unit)


def centre_repetitions(gram: Any, repetition: np.ndarray, n_stimuli: int) -> Any:
    """Centre every repetition (presentation,) that shows most stimuli on its own mean, in the Gram matrix, in place.

    A drift between repetitions is the same for all stimuli and is neither signal nor independent noise: with offset d
    it would add |d|^4 to the second moment.
    """
    for one in np.unique(repetition):
        rows = np.flatnonzero(repetition == one)
        if rows.size > n_stimuli / 2:
            gram[rows] -= gram[rows].mean(0)
            gram[:, rows] -= gram[:, rows].mean(1)[:, None]
    return gram


def _mean_rows(matrix: Any, rows: np.ndarray) -> Any:
    """Mean of the rows of a matrix named in each line of ``rows`` (line, slot), -1 for none."""
    share = (rows >= 0) / (rows >= 0).sum(axis=1, keepdims=True)
    result: Any = 0.0
    for slot in range(rows.shape[1]):
        weight: Any = share[:, slot, None]
        picked = matrix[np.maximum(rows[:, slot], 0)]
        if hasattr(picked, "new_tensor"):  # torch
            weight = picked.new_tensor(weight)
        result = result + (picked if rows.shape[1] == 1 else weight * picked)
    return result
