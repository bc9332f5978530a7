"""The null within families: y is shuffled among models of one family; the largest of many statistics. Numpy only."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-9
CHUNK = 4_000_000  # signs of pairs of models held at once


def n_possible(groups: np.ndarray) -> int:
    """How many orders of the models keep each within its group, the given one included."""
    return math.prod(math.factorial(int(size)) for size in np.unique(groups, return_counts=True)[1])


def all_permutations(groups: np.ndarray) -> np.ndarray:
    """Every order (n_possible - 1, n_models) that keeps models within their group, but for the given one."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    orders = []
    for chosen in itertools.product(*(itertools.permutations(each.tolist()) for each in members)):
        order = np.empty(groups.size, dtype=int)
        for into, taken in zip(members, chosen, strict=True):
            order[into] = taken
        orders.append(order)
    return np.array(orders[1:], dtype=int).reshape(-1, groups.size)


def random_permutations(groups: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """One order (n_models,) for each row of random keys (n_permutations, n_models): a group is sorted by its keys.

    Where a combination lacks some models, the keys of the others give it the nearest to the same order: so do the
    combinations keep their dependence on each other.
    """
    orders = np.empty(keys.shape, dtype=int)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        orders[:, members] = members[np.argsort(keys[:, members], axis=1)]
    return orders


def null_pearson(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Pearson's r of each column of ``x`` (n_models, n_columns) with shuffled ``y``; of ranks, it is Spearman's rho.

    Returns (n_permutations, n_columns), NaN for constant columns.
    """
    x, y = x - x.mean(axis=0), y - y.mean()
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    flat = scale <= ROUNDING
    return np.where(flat, np.nan, y[orders] @ x / np.where(flat, 1.0, scale))


def null_kendall(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Kendall's tau-b, as :func:`null_pearson`; in chunks, for pairs of models are many."""
    first, second = np.triu_indices(y.size, 1)
    signs_x = np.sign(x[first] - x[second]).astype(np.float32)
    untied_x, untied_y = np.abs(signs_x).sum(axis=0, dtype=float), float((y[first] != y[second]).sum())
    scale = np.sqrt(untied_x * untied_y)
    result = np.empty((len(orders), x.shape[1]))
    step = max(CHUNK // max(first.size, 1), 1)
    ranked = np.unique(y, return_inverse=True)[1].ravel().astype(np.int32)
    for begin in range(0, len(orders), step):
        shuffled = ranked[orders[begin : begin + step]]
        signs_y = np.sign(shuffled[:, first] - shuffled[:, second]).astype(np.float32)
        result[begin : begin + step] = signs_y @ signs_x
    return np.where(scale > 0, result / np.where(scale > 0, scale, 1.0), np.nan)


@dataclass(frozen=True, eq=False)
class Null:
    """P values of many statistics of the same kind, and what shuffling alone gives; arrays (n_statistics,)."""

    p: np.ndarray
    p_corrected: np.ndarray
    """Of the largest deviation anywhere: the chance that any statistic deviates so far when none is related."""
    mean: np.ndarray
    """What the groups alone give: 0 where all models are one group."""
    low: np.ndarray
    high: np.ndarray


def compare_to_null(observed: np.ndarray, null: np.ndarray, level: float, *, one_sided: bool = False) -> Null:
    """Compare statistics with those of shuffled data.

    A statistic's deviation is counted from the mean of its null, which is not zero where groups differ in both
    variables, and in units of the null's standard deviation, so that combinations with fewer models can be compared.
    p = (1 + shuffles that deviate as far) / (1 + shuffles), Westfall & Young 1993 for the corrected one (single step).

    Parameters
    ----------
    observed : (n_statistics,)
    null : (n_permutations, n_statistics)
    level : float
        Of the null's interval.
    one_sided : bool
        Only larger values count.

    Returns
    -------
    Null
        NaN for a statistic that shuffling cannot change or that is not known.
    """
    if len(null) == 0:
        empty = np.full(observed.shape, np.nan)
        return Null(empty, empty, empty, empty, empty)
    everything = np.vstack([observed, null])
    # One shuffle may leave a statistic undefined (a constant residual); then it says nothing.
    usable = np.isfinite(observed) & (np.isfinite(everything).mean(axis=0) > 0.5)
    everything = np.where(usable, everything, 0.0)
    mean, spread = np.nanmean(everything, axis=0), np.nanstd(everything, axis=0)
    usable &= spread > ROUNDING
    scores = np.where(usable, (everything - mean) / np.where(usable, spread, 1.0), -np.inf)
    scores = np.nan_to_num(scores if one_sided else np.abs(scores), nan=-np.inf)
    scores = np.where(usable, scores, -np.inf)
    # The observed row counts itself: that is the 1 in (1 + count) / (1 + n).
    p = (scores >= scores[0] - ROUNDING).mean(axis=0)
    largest = scores.max(axis=1)
    corrected = (largest[:, None] >= scores[0] - ROUNDING).mean(axis=0)
    low, high = np.nanquantile(everything[1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Null(*(np.where(usable, each, np.nan) for each in (p, corrected, mean, low, high)))


def holm(p: np.ndarray) -> np.ndarray:
    """P values corrected for their number, whatever their dependence (Holm, Scand. J. Statistics 6, 1979)."""
    order = np.argsort(p)
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return corrected
