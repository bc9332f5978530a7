"""Spearman, Kendall and Pearson correlation over resamples of models, each a row of whole weights. Numpy only."""

from __future__ import annotations

import numpy as np

MOST_FOR_PAIRS = 300  # models up to which Kendall's tau is resampled and permuted: memory and time grow with pairs
FLAT = 1e-10  # a variance this small beside the scale of the data is rounding
KEPT = 24  # columns whose resamples are remembered: y and controls serve many windows


def resample_models(n_models: int, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """How often each model is drawn (n_bootstrap, n_models) when as many models as there are are drawn, with return."""
    return rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=n_bootstrap)


def resample_groups(groups: np.ndarray, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """The same, where whole groups are drawn; ``groups`` are the models' codes 0, 1, ..."""
    n_groups = int(groups.max()) + 1
    return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_bootstrap)[:, groups]


def midranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ranks, ties at their mean, in each resample.

    Parameters
    ----------
    values : (n_models,)
    weights : (n_resamples, n_models)
        How often each model occurs.

    Returns
    -------
    (n_resamples, n_models)
        Rank that each copy of a model has in the resample.
    """
    order = np.argsort(values, kind="stable")
    inside = values[order]
    begins = np.flatnonzero(np.r_[True, inside[1:] != inside[:-1]])
    tied = weights[:, order].astype(float)
    if begins.size < inside.size:
        tied = np.add.reduceat(tied, begins, axis=1)
    ranks = np.cumsum(tied, axis=1)
    tied -= 1
    tied /= 2
    ranks -= tied
    place = np.empty(inside.size, dtype=int)
    place[order] = np.repeat(np.arange(begins.size), np.diff(np.r_[begins, inside.size]))
    return ranks[:, place]


def standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 along the first axis; a constant column becomes exactly 0."""
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    flat = spread <= FLAT * np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))


class Resamples:
    """Weights (n_resamples, n_models) of the same models, and what has been computed with them.

    Correlations return (n_resamples,), NaN where one of the two is constant. ``groups`` are codes 0, 1, ... of the
    models, for :meth:`spearman_within`.
    """

    def __init__(self, weights: np.ndarray, groups: np.ndarray | None = None) -> None:
        self.weights = weights.astype(float)
        self.groups = groups
        self._root = np.sqrt(self.weights)
        self._total = self.weights.sum(axis=1)
        self._known: dict[tuple[str, bytes], np.ndarray] = {}

    def pearson(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Pearson's r of ``x`` and ``y`` (n_models,)."""
        return correlated(self.deviations(x, "value"), self.deviations(y, "value"))

    def spearman(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Spearman's rho; models are ranked anew in each resample."""
        return correlated(self.deviations(x, "rank"), self.deviations(y, "rank"))

    def spearman_within(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Correlation of ranks from which the mean rank of their group is taken.

        What is left is how models of one group are ordered; groups of a single model say nothing.
        """
        return correlated(self.deviations(x, "within"), self.deviations(y, "within"))

    def kendall(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Kendall's tau-b; two copies of one model are tied in both."""
        untied = self._untied(x) * self._untied(y)
        signs = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
        return np.where(untied > 0, self._pairs(signs) / np.sqrt(np.where(untied > 0, untied, 1.0)), np.nan)

    def deviations(self, values: np.ndarray, kind: str) -> np.ndarray:
        """Values, ranks or ranks within groups, less their mean and times the root of the weight; do not change it.

        Products of two such arrays, summed over models, are the covariances of the resamples.
        """
        key = (kind, values.tobytes())
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.pop(next(iter(self._known)))
            column = standardised(values)[None, :] if kind == "value" else midranks(values, self.weights)
            if kind == "within":
                assert self.groups is not None
                member = (self.groups[:, None] == np.arange(self.groups.max() + 1)).astype(float)
                size = np.maximum(self.weights @ member, 1)
                mean = ((self.weights * column) @ member / size)[:, self.groups]
            else:
                sums = self.weights @ column[0] if kind == "value" else np.einsum("bn,bn->b", self.weights, column)
                mean = (sums / self._total)[:, None]
            self._known[key] = (column - mean) * self._root
        return self._known[key]

    def _pairs(self, signs: np.ndarray) -> np.ndarray:
        return np.einsum("bi,bi->b", self.weights @ signs, self.weights)

    def _untied(self, values: np.ndarray) -> np.ndarray:
        """Twice the number of pairs that differ."""
        key = ("untied", values.tobytes())
        if key not in self._known:
            if np.unique(values).size == values.size:
                found = self._total**2 - np.einsum("bi,bi->b", self.weights, self.weights)
            else:
                found = self._pairs((values[:, None] != values).astype(float))
            self._known[key] = found
        return self._known[key]


def correlated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlation of two arrays of deviations (n_resamples, n_models)."""
    squares = np.einsum("bn,bn->b", a, a), np.einsum("bn,bn->b", b, b)
    sound = np.minimum(*squares) > FLAT
    scale = np.sqrt(np.where(sound, squares[0] * squares[1], 1.0))
    return np.where(sound, np.einsum("bn,bn->b", a, b) / scale, np.nan)


def interval(draws: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of resampled values; NaN where fewer than half of the resamples have one."""
    finite = draws[np.isfinite(draws)]
    if draws.size == 0 or finite.size < draws.size / 2:
        return np.nan, np.nan
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
