"""A rule of selection run over many random orders of models whose accuracies are known. Numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha.compare.halving_rule import HalvingRule
from neuroalpha.compare.improvement_rule import FIRST, LEAST, STOP, ImprovementSearch
from neuroalpha.compare.interval_rule import BATCH, TOP, IntervalRule
from neuroalpha.compare.rule import Rule
from neuroalpha.compare.surrogate import Beliefs

Orders = Sequence[np.ndarray] | np.ndarray
CHUNK = 8_000_000  # numbers held at once by surrogates


@dataclass(frozen=True, eq=False)
class Trials:
    """What a rule found in each order."""

    best: np.ndarray
    """Highest accuracy (n_orders, n_models) after 1, 2, ... readouts; a rule that has stopped keeps its best."""
    readouts: np.ndarray
    """How many (n_orders,) the rule made before it stopped."""
    cost: np.ndarray
    """The same in whole readouts (n_orders,): shorter ones count by their length."""
    printed: float = np.nan
    """alpha-ReQ's figure: the mean over batches of how many had been read out by then."""

    def at(self, readouts: np.ndarray | int) -> np.ndarray:
        """Highest accuracy (n_orders,) after so many readouts, of each order or of all."""
        count = np.broadcast_to(readouts, self.readouts.shape)
        return self.best[np.arange(count.size), count - 1]


def random_orders(n_models: int, n_orders: int, seed: int) -> np.ndarray:
    """Random orders (n_orders, n_models), the r-th that of numpy's old generator with seed ``seed + r``.

    The old one, because alpha-ReQ's published numbers come from it; its stream is frozen.

    Examples
    --------
    >>> random_orders(4, 2, 0)
    array([[2, 3, 1, 0],
           [3, 2, 0, 1]])
    """
    return np.array([np.random.RandomState(seed + r).permutation(n_models) for r in range(n_orders)])


def interval_trials(
    scores: np.ndarray,
    accuracies: np.ndarray,
    orders: Orders,
    *,
    batch: int = BATCH,
    top: int = TOP,
) -> Trials:
    """alpha-ReQ's rule. About 0.15 ms for an order of 80 models.

    Parameters
    ----------
    scores : (n_models,)
    accuracies : (n_models,) or (n_orders, n_models)
    orders : sequence of (n,)
        Indices of models that have a score.
    """
    rules = [IntervalRule(scores, order, batch=batch, top=top) for order in orders]
    found = _driven(rules, accuracies)
    printed = float(np.mean([count for rule in rules for count in rule.counts]))
    return Trials(found.best, found.readouts, found.cost, printed)


def random_trials(accuracies: np.ndarray, orders: Orders) -> Trials:
    """Random search, for the curves of single orders; its mean has a closed form in ``random_rule``."""
    return _driven([Rule(order) for order in orders], accuracies)


def improvement_trials(
    scores: np.ndarray,
    accuracies: np.ndarray,
    orders: Orders,
    *,
    tolerance: float,
    first: int = FIRST,
    least: int = LEAST,
    stop: float = STOP,
    go_on: bool = True,
) -> Trials:
    """Our rule; all orders side by side. About 1 or 2 ms for an order of 80 models and one score.

    Parameters
    ----------
    scores : (n_models, n_scores) or (n_models,)
        NaN in a row: that model is never read out.
    accuracies : (n_models,) or (n_orders, n_models)
    orders : sequence of (n,)
        Indices of models that have all scores; models that are missing do not exist for that order, and scores are
        ranked among those that do.
    go_on : bool
        Follow the rule past its stop, for the curve; else ``best`` stays what it was there.
    """
    n_models = len(scores)
    columns = np.asarray(scores, dtype=float).reshape(n_models, -1)
    scored = np.flatnonzero(np.isfinite(columns).all(axis=1))
    steps = max(len(order) for order in orders)
    values = np.broadcast_to(accuracies, (len(orders), n_models))
    shared = Beliefs(columns[scored]) if all(len(order) == scored.size for order in orders) else None
    ideas = Beliefs(columns[:1]).noise.size
    best = np.empty((len(orders), n_models))
    readouts = np.empty(len(orders), dtype=int)
    size = max(1, CHUNK // (3 * ideas * steps**2))
    for begin in range(0, len(orders), size):
        some = slice(begin, min(begin + size, len(orders)))
        # Each order's models, in the order of the table, and where its turns lie among them.
        models = [np.sort(order) for order in orders[some]]
        turns = [np.searchsorted(those, order) for those, order in zip(models, orders[some], strict=True)]
        known = np.zeros((len(models), steps))
        for row, those in enumerate(models):
            known[row, : those.size] = values[begin + row, those]
        beliefs = shared or Beliefs.of_each([columns[those] for those in models])
        best[some, :], readouts[some] = _searched(
            beliefs,
            turns,
            known,
            n_models,
            {"tolerance": tolerance, "first": first, "least": least, "stop": stop},
            go_on,
        )
    return Trials(best, readouts, readouts.astype(float))


def _searched(
    beliefs: Beliefs,
    orders: Orders,
    values: np.ndarray,
    n_models: int,
    options: dict[str, Any],
    go_on: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Run searches side by side, and leave out those that are through once they are half of all."""
    n = beliefs.covariance.shape[-1]
    lengths = np.array([len(order) for order in orders])
    whole = np.array([np.r_[order, np.setdiff1d(np.arange(n), order)] for order in orders])
    search = ImprovementSearch(beliefs, whole, most=int(lengths.max()), **options)
    for row, order in enumerate(whole):
        search.taken[row, order[lengths[row] :]] = True
    top = np.array([values[row, order].max() for row, order in enumerate(orders)])
    best = np.full((len(orders), n_models), -np.inf)
    readouts = lengths.copy()
    rows = np.arange(len(orders))
    for step in range(int(lengths.max())):
        index = search.ask()
        ended = search.over & (readouts[rows] > step)
        readouts[rows[ended]] = step
        # What an order that is through reads on does not count.
        counts = step < (lengths if go_on else readouts)[rows]
        best[rows[counts], step] = values[rows[counts], index[counts]]
        through = (step + 1 >= lengths[rows]) | (search.over & (~counts | (search.best >= top[rows])))
        search.tell(index, values[rows, index])
        if through.mean() > 0.5:
            search.keep(~through)
            rows = rows[~through]
        if rows.size == 0:
            break
    return np.maximum.accumulate(best, axis=1), readouts


def halving_trials(
    accuracies: np.ndarray,
    orders: Orders,
    *,
    lengths: Sequence[float],
    budget: float | None = None,
) -> Trials:
    """Successive halving on the length of readouts.

    Parameters
    ----------
    accuracies : (n_lengths, n_models)
        At each length, the last one whole.
    orders : sequence of (n,)
        Indices of models; with a budget, the first of them enter.
    """
    table = accuracies.tolist()
    best, cost = [], []
    for order in orders:
        rule = HalvingRule(order, lengths=lengths, budget=budget)
        while (index := rule.ask()) is not None:
            rule.tell(index, table[rule.lengths.index(rule.length)][index])
        best.append(max(table[-1][index] for index in rule.whole))
        cost.append(rule.cost)
    width = accuracies.shape[1]
    spent = np.array(cost)
    return Trials(np.repeat(np.array(best)[:, None], width, axis=1), np.ceil(spent - 1e-9).astype(int), spent)


def _driven(rules: Sequence[Rule], accuracies: np.ndarray) -> Trials:
    """Ask and tell each rule until it stops."""
    n_models = accuracies.shape[-1]
    shared = accuracies.tolist() if accuracies.ndim == 1 else None
    best = np.empty((len(rules), n_models))
    readouts = np.empty(len(rules), dtype=int)
    for row, rule in enumerate(rules):
        known = shared if shared is not None else accuracies[row].tolist()
        told = []
        while (index := rule.ask()) is not None:
            told.append(known[index])
            rule.tell(index, known[index])
        best[row, : len(told)] = np.maximum.accumulate(told)
        best[row, len(told) :] = best[row, len(told) - 1]
        readouts[row] = len(told)
    return Trials(best, readouts, readouts.astype(float))
