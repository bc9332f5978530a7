"""Kernel: weigh purchases of labels, pick the best of each signal, and see how far the choice holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.triplets import costs, counts, ratios
from neuroalpha.theory.triplets.tradeoff import Purchases, Reign, best_row, item_steps, lower_envelope, purchases
from neuroalpha.theory.triplets.utility import Utility, utility_of

Score = Callable[[str, np.ndarray], np.ndarray]
"""(signal, information ratio) -> score, for instance a correlation rho that was simulated."""

_FREE, _DEAREST = 1e-12, 1e6  # factors on a price between which a change of the recommendation is looked for
_JUST_BELOW = math.nextafter(1.0, 0.0)
_FINER = 64  # sparsities added in a round of refining


@dataclass(frozen=True)
class Problem:
    """What is to be decided: sizes, prices, bits kept of a triplet, and how purchases are weighed."""

    n_items: int
    n_classes: int
    prices: Mapping[str, costs.Price]
    kept_bits: Mapping[str, float]
    sparsities: Sequence[int]
    budget: float
    information: str | Score
    utility: str | Utility
    beta: float = 1.0
    value: float | None = None
    """With a value the number of items is free and to buy nothing is a choice; without, all that can be paid for."""
    cost_scale: float | None = None

    @property
    def names(self) -> list[str]:
        """The priced signals, in the order of their numbers."""
        return list(self.prices)

    @property
    def questions(self) -> int:
        """All questions about the items and the centroids."""
        return counts.all_questions(self.n_items, self.n_classes)

    def whole_cost(self, signal: str, sparsity: int | None = None) -> float:
        """Cost of a signal on all items, with its largest sparsity unless another is given."""
        kept = self.sparsities[-1] if sparsity is None else sparsity
        return float(costs.cost(self.prices[signal], signal, self.n_items, self.n_classes, kept))

    def cheaper(self, signal: str, factor: float) -> Problem:
        """The same problem with the price of one signal multiplied."""
        price = self.prices[signal]
        changed = costs.Price(price.judgement * factor, price.item * factor)
        return replace(self, prices={**self.prices, signal: changed})


@dataclass(frozen=True, eq=False)
class Weighing:
    """Purchases that compete, with their bits, scores, utilities and objectives (purchase,)."""

    problem: Problem
    options: Purchases
    bits: np.ndarray
    score: np.ndarray
    gain: np.ndarray
    scale: float
    beta: float
    reference: str
    """The signal whose triplets are a share of 1."""

    @property
    def objective(self) -> np.ndarray:
        """L^ = beta * cost / scale - utility."""
        return self.beta * self.options.cost / self.scale - self.gain

    def envelope(self, gain: np.ndarray | None = None) -> list[Reign]:
        """The best purchase for every beta, by the utility weighed or by another one."""
        return lower_envelope(self.options.cost / self.scale, self.gain if gain is None else gain)

    def best(self) -> int:
        """Row of the best purchase at the problem's beta."""
        return best_row(self.envelope(), self.beta)

    def name(self, row: int) -> str:
        """Name of a purchase's signal; "none" for nothing."""
        number = int(self.options.signal[row])
        return "none" if number < 0 else self.problem.names[number]

    def best_of(self, number: int) -> int | None:
        """Best row of one signal, None without any; where nothing beats it, the best with the most items."""
        rows = np.flatnonzero(self.options.signal == number)
        if not rows.size:
            return None
        best = rows[np.argmin(self.objective[rows])]
        if self.options.signal[0] >= 0 or self.objective[best] < self.objective[0]:
            return int(best)
        items, kept = self.options.n_items[rows], self.options.sparsity[rows]
        most = np.zeros(kept.max() + 1, dtype=np.int64)
        np.maximum.at(most, kept, items)
        rows = rows[items == most[kept]]
        return int(rows[np.argmin(self.objective[rows])])

    def picks(self) -> dict[str, int | None]:
        """Row of each signal's best purchase (None: the budget buys none), the recommended signal first."""
        chosen, objective = self.best(), self.objective
        rows = {name: self.best_of(number) for number, name in enumerate(self.problem.names)}
        if self.options.signal[chosen] >= 0:
            rows[self.name(chosen)] = chosen
        ranks = {s: (row != chosen, math.inf if row is None else float(objective[row])) for s, row in rows.items()}
        return {signal: rows[signal] for signal in sorted(rows, key=lambda signal: ranks[signal])}

    def reign(self) -> tuple[float, float]:
        """From which to which beta the same signal is recommended, without a break around the present beta."""
        envelope = self.envelope()
        names = [self.name(reign.row) for reign in envelope]
        here = next(i for i in reversed(range(len(envelope))) if envelope[i].low <= self.beta)
        first = last = here
        while first > 0 and names[first - 1] == names[here]:
            first -= 1
        while last < len(names) - 1 and names[last + 1] == names[here]:
            last += 1
        return envelope[first].low, envelope[last].high

    def purchase_reign(self) -> tuple[float, float]:
        """From which to which beta the same purchase is the best: signal, sparsity and number of items."""
        here = next(reign for reign in reversed(self.envelope()) if reign.low <= self.beta)
        return here.low, here.high


def _scores(problem: Problem, options: Purchases, bits: np.ndarray, reference: float) -> np.ndarray:
    if problem.information == "share":
        return bits / reference if reference > 0 else np.zeros(len(bits))
    ratio = bits / problem.questions
    if not callable(problem.information):
        return ratio
    found = np.zeros(len(bits))
    for number, signal in enumerate(problem.names):
        rows = options.signal == number
        found[rows] = _called(problem.information, signal, ratio[rows])
    nothing = options.signal < 0
    found[nothing] = _called(problem.information, problem.names[0], ratio[nothing])
    return found


def _called(score: Score, signal: str, ratio: np.ndarray) -> np.ndarray:
    given = np.asarray(score(signal, ratio), dtype=np.float64)
    if given.shape != ratio.shape or not np.isfinite(given).all():
        raise InputError(
            f"information gave shape {given.shape} for {len(ratio)} ratios of {signal!r}, or values not finite; "
            "expected one finite score for each ratio"
        )
    return given


def _too_poor(problem: Problem) -> str:
    few = np.arange(1, min(problem.n_items, 3) + 1)
    some = purchases(problem.prices, problem.n_items, problem.n_classes, problem.sparsities, math.inf, few)
    named = ", ".join(problem.names)
    if not (some.signal >= 0).any():
        needs = {"pairwise": "pairwise similarities need a third item", "hard": "hard labels need a second class"}
        needed = [needs.get(name, f"{name} labels need a second item or entry") for name in problem.names]
        return (
            f"{problem.n_items} items and {problem.n_classes} classes leave nothing to tell for {named}; "
            f"{', '.join(needed)}"
        )
    cheapest = some.cost[some.signal >= 0].min()
    return (
        f"budget is {problem.budget:g}, and the cheapest labels that tell something cost {cheapest:g}; raise the budget"
    )


def weigh(problem: Problem) -> Weighing:
    """Weigh every purchase of a problem that its budget allows.

    Costs are divided by that of the dearest signal on all items, unless a scale is given. Without a value a share of
    information is one of the most that a competing purchase tells. With a value beta * cost / scale is cost / value,
    and a share is one of the most that any priced signal tells of all items.
    """
    dearest = max(problem.whole_cost(signal) for signal in problem.names)
    steps = None if problem.value is None else item_steps(problem.n_items)
    options = purchases(problem.prices, problem.n_items, problem.n_classes, problem.sparsities, problem.budget, steps)
    options = options.only(options.affordable)
    if not (options.signal >= 0).any():
        raise InputError(_too_poor(problem))
    scale = dearest if problem.cost_scale is None else problem.cost_scale
    scale = scale or 1.0  # nothing costs anything
    if problem.value is None:
        row = int(np.argmax(options.triplets))
        reference, most = problem.names[options.signal[row]], float(options.triplets[row])
        beta = problem.beta
    else:
        whole = {s: ratios.count(s, problem.n_items, problem.n_classes, problem.sparsities[-1]) for s in problem.names}
        reference = max(whole, key=lambda signal: whole[signal])
        most, beta = float(whole[reference]), scale / problem.value
    kept = np.array([*(problem.kept_bits[signal] for signal in problem.names), 0.0])  # the last one is signal -1
    bits = options.triplets * kept[options.signal]
    score = _scores(problem, options, bits, most)
    return Weighing(problem, options, bits, score, utility_of(score, problem.utility), scale, beta, reference)


def refined(problem: Problem) -> Problem:
    """The same problem with more sparsities around the best one of each signal, until its neighbours are among them.

    Nothing to do where all are weighed already.
    """
    if list(problem.sparsities) == list(range(problem.sparsities[0], problem.sparsities[-1] + 1)):
        return problem
    while True:
        weighing, known = weigh(problem), np.asarray(problem.sparsities)
        more = set(known.tolist())
        for number, signal in enumerate(problem.names):
            row = weighing.best_of(number)
            if signal in ("sparse", "top-class") and row is not None:
                place = int(np.searchsorted(known, weighing.options.sparsity[row]))
                edges = known[max(place - 1, 0)], known[min(place + 1, len(known) - 1)]
                more |= set(np.unique(np.linspace(*edges, _FINER + 1).round().astype(int)).tolist())
        if len(more) == len(known):
            return problem
        problem = replace(problem, sparsities=sorted(more))


def price_factor(weighing: Weighing, signal: str) -> float:
    """Factor on the price of one signal at which the recommendation changes, all other prices as they are.

    Of the recommended signal, above 1: up to which factor it stays (infinite beyond a million). Of another, below 1:
    under which factor it is recommended; 0 where it must be free, nan where it is not recommended even then. A scale of
    costs that was not given follows the prices, as it does when the problem is weighed again with the new price. A
    budget can make the answer change more than once; this is the change next to the present price, found by weighing
    again at factors of 1.4 apart and between two of them.
    """
    problem, number = weighing.problem, weighing.problem.names.index(signal)
    if problem.value is not None:
        return _factor_of_value(weighing, signal)

    def wins(factor: float) -> bool:
        try:
            again = weigh(problem.cheaper(signal, factor))
        except InputError:  # this signal alone has a price, and the budget no longer buys a label
            return False
        mine = again.options.signal == number
        return bool(mine.any()) and bool(mine.all() or again.objective[mine].min() < again.objective[~mine].min())

    recommended = weighing.name(weighing.best()) == signal
    price = problem.prices[signal]
    if not price.item and not price.judgement:
        return math.inf if recommended else math.nan
    limit = _DEAREST if recommended else _FREE
    tried = np.geomspace(1.0, limit, round(abs(math.log(limit)) / math.log(1.4)))
    near = 1.0
    for far in tried[1:].tolist():
        if wins(far) != recommended:
            break
        near = far
    else:
        if recommended:
            return math.inf
        return 0.0 if wins(0.0) else math.nan
    for _ in range(30):
        middle = math.sqrt(near * far)
        near, far = (middle, far) if wins(middle) == recommended else (near, middle)
    return near if recommended else min(near, _JUST_BELOW)  # of two equal ones another was named


def _factor_of_value(weighing: Weighing, signal: str) -> float:
    """The factor where numbers of items are free: no search is needed, since no worth depends on the price."""
    problem, options = weighing.problem, weighing.options
    rival = weighing.objective[options.signal != problem.names.index(signal)].min()
    alone = purchases(
        {signal: problem.prices[signal]},
        problem.n_items,
        problem.n_classes,
        problem.sparsities,
        problem.budget,
        item_steps(problem.n_items),
    )
    alone = alone.only(alone.signal == 0)
    bits = alone.triplets * problem.kept_bits[signal]
    whole = ratios.count(weighing.reference, problem.n_items, problem.n_classes, problem.sparsities[-1])
    own = replace(problem, prices={signal: problem.prices[signal]})
    spare = rival + utility_of(_scores(own, alone, bits, float(whole)), problem.utility)
    if not (spare > 0).any():
        return math.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(spare > 0, np.where(alone.cost > 0, spare * (problem.value or 0) / alone.cost, np.inf), 0.0)
        within = np.where(alone.cost > 0, problem.budget / alone.cost, np.inf)
    factor = float(np.minimum(worth, within).max())
    return factor if weighing.name(weighing.best()) == signal else min(factor, _JUST_BELOW)
