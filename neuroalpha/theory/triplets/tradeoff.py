"""Kernel: purchases of labels, and which has the smallest L^ = beta c^ - u^, for every beta at once.

A purchase is a signal, a sparsity k^ and a number of items m that are labelled (the classes are taken to stay
balanced). Its questions are those about the m items alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neuroalpha.theory.triplets import costs

_FINE = 512  # numbers of items tried beyond the first 128
_ALL_SPARSITIES, _COARSE = 256, 128  # sparsities all tried, and how many beyond them


class Purchases(NamedTuple):
    """Purchases as columns of equal length. Signal -1 is to buy nothing."""

    signal: np.ndarray
    sparsity: np.ndarray
    n_items: np.ndarray
    cost: np.ndarray
    triplets: np.ndarray
    """float64, before noise."""
    affordable: np.ndarray

    def only(self, rows: np.ndarray) -> Purchases:
        """Some of the purchases."""
        return Purchases(*(column[rows] for column in self))


def count_columns(signal: str, n_items: np.ndarray, n_classes: int, sparsity: np.ndarray) -> np.ndarray:
    """``ratios.count`` of arrays in float64 (exact below 9e15 questions).

    Examples
    --------
    >>> count_columns("sparse", np.array([60]), 12, np.array([4]))
    array([14160.])
    """
    n, k, kept = np.asarray(n_items, dtype=np.float64), float(n_classes), np.asarray(sparsity, dtype=np.float64)
    if signal == "pairwise":
        return n * (n - 1) * (n - 2) / 2
    if signal in ("soft", "top-class"):
        used = kept if signal == "top-class" else k
        return n * used * (n + used - 2) / 2
    if signal == "hard":
        size, larger = np.divmod(n, k)
        return n * (k - 1) + n * n - larger * (size + 1) ** 2 - (k - larger) * size**2
    given, larger = np.divmod(n * kept, k)
    more = given + 1
    return n * (kept * (kept - 1) / 2 + kept * (k - kept)) + (
        larger * (more * (more - 1) / 2 + more * (n - more))
        + (k - larger) * (given * (given - 1) / 2 + given * (n - given))
    )


def most_items(
    price: costs.Price, signal: str, n_items: int, n_classes: int, sparsity: np.ndarray, budget: float
) -> np.ndarray:
    """Most items (sparsity,) that a budget pays for; 0 where not even one."""
    low, high = np.zeros(len(sparsity), dtype=np.int64), np.full(len(sparsity), n_items)
    while (low < high).any():
        middle = (low + high + 1) // 2
        paid = costs.cost(price, signal, middle, n_classes, sparsity) <= budget * (1 + 1e-12)
        low, high = np.where(paid, middle, low), np.where(paid, high, middle - 1)
    return low


def item_steps(n_items: int) -> np.ndarray:
    """Numbers of items to try: all up to 128, then 512 equal steps to n."""
    steps = np.round(np.linspace(0, n_items, _FINE + 1))[1:]
    found = np.unique(np.r_[np.arange(1, min(n_items, 128) + 1), steps]).astype(np.int64)
    return found[found > 0]


def sparsity_steps(n_classes: int) -> list[int]:
    """Sparsities to try: all up to 256, then 128 in equal ratios up to the number of classes.

    Examples
    --------
    >>> sparsity_steps(300)[254:260], len(sparsity_steps(1_000_000))
    ([255, 256, 257, 258, 259, 260], 384)
    """
    every = np.arange(1, min(n_classes, _ALL_SPARSITIES) + 1)
    if n_classes > _ALL_SPARSITIES:
        every = np.r_[every, np.round(np.geomspace(_ALL_SPARSITIES, n_classes, _COARSE + 1))]
    return [int(kept) for kept in np.unique(every)]


def purchases(
    prices: Mapping[str, costs.Price],
    n_items: int,
    n_classes: int,
    sparsities: Sequence[int],
    budget: float,
    steps: np.ndarray | None = None,
) -> Purchases:
    """For each signal and sparsity as many items as the budget pays for; with ``steps`` also these numbers of items.

    With ``steps`` some purchases are beyond the budget, and the first one is to buy nothing. Purchases that answer no
    question are left out.
    """
    rows: list[tuple[np.ndarray, ...]] = []
    if steps is not None:
        rows.append((np.array([-1]), np.array([0]), np.array([0]), np.zeros(1), np.zeros(1), np.ones(1, dtype=bool)))
    tried = np.zeros(0, dtype=np.int64) if steps is None else steps
    for number, (signal, price) in enumerate(prices.items()):
        kept = np.asarray(sparsities if signal in ("sparse", "top-class") else [n_classes], dtype=np.int64)
        most = most_items(price, signal, n_items, n_classes, kept, budget)
        items = np.concatenate([np.broadcast_to(tried, (len(kept), len(tried))), most[:, None]], axis=1)
        spread, within = np.broadcast_to(kept[:, None], items.shape).ravel(), (items <= most[:, None]).ravel()
        items = items.ravel()
        paid = np.asarray(costs.cost(price, signal, items, n_classes, spread), dtype=np.float64)
        triplets = count_columns(signal, items, n_classes, spread)
        tell = triplets > 0  # one item, or two in a pair, or one class may tell nothing
        columns = (np.full(len(items), number), spread, items, paid, triplets, within)
        rows.append(tuple(column[tell] for column in columns))
    return Purchases(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def undominated(cost: np.ndarray, utility: np.ndarray) -> np.ndarray:
    """Rows, by rising cost, whose utility nothing of the same or a lower cost reaches; of equal ones the first.

    Examples
    --------
    >>> undominated(np.array([0.0, 2.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0, 4.0]))
    array([0, 2, 3])
    """
    order = np.lexsort((np.arange(len(cost)), -utility, cost))
    best_before = np.r_[-np.inf, np.maximum.accumulate(utility[order])[:-1]]
    return order[utility[order] > best_before]


class Reign(NamedTuple):
    """A purchase (its row) that is the best one for beta from ``low`` to ``high``."""

    row: int
    low: float
    high: float


def lower_envelope(cost: np.ndarray, utility: np.ndarray) -> list[Reign]:
    """For every beta >= 0, which purchase has the smallest beta * cost - utility; from dear (beta 0) to cheap.

    These are the corners of the upper convex hull of utility over cost. Of equal purchases the first one is named.

    Examples
    --------
    >>> lower_envelope(np.array([0.0, 1.0, 2.0]), np.array([0.0, 3.0, 4.0]))
    [Reign(row=2, low=0.0, high=1.0), Reign(row=1, low=1.0, high=3.0), Reign(row=0, low=3.0, high=inf)]
    """
    corners: list[int] = []
    for row in undominated(cost, utility).tolist():
        while len(corners) > 1:
            one, two = corners[-2], corners[-1]
            turn = (utility[two] - utility[one]) * (cost[row] - cost[two])
            if turn > (utility[row] - utility[two]) * (cost[two] - cost[one]):
                break
            corners.pop()
        corners.append(row)
    steps = [float((utility[b] - utility[a]) / (cost[b] - cost[a])) for a, b in itertools.pairwise(corners)]
    lows, highs = [*steps, 0.0], [np.inf, *steps]
    return [Reign(row, low, high) for row, low, high in zip(corners, lows, highs, strict=True)][::-1]


def best_row(envelope: Sequence[Reign], beta: float) -> int:
    """Row of the purchase that is best at one beta; where two are, the cheaper."""
    return next(reign.row for reign in reversed(envelope) if reign.low <= beta)
