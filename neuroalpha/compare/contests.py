"""All rules that take part in a comparison, run over the same orders, shuffled orders and growing numbers of models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neuroalpha.compare.comparison_rows import Contest
from neuroalpha.compare.growth import growth_rows
from neuroalpha.compare.selection_trials import (
    Orders,
    Trials,
    halving_trials,
    improvement_trials,
    interval_trials,
    random_orders,
    random_trials,
)

SCORED = ("interval", "improvement")
PER_SHUFFLE = 50
"""Orders for each shuffle of the scores, or all orders where there are fewer: with few, the chance of the orders would
widen what shuffled scores reach, and p would be too large; with more than the rule itself had, p would be too small."""
GROWN = 200  # orders for each number of models

Run = Callable[[np.ndarray, Orders], Trials]


class Contests:
    """Runs rules and keeps what they found.

    Parameters
    ----------
    accuracies : (n_models,)
        In percent.
    orders : (n_orders, n_models)
    tolerance : float
    budgets : sequence of int
    settings : dict
        Options by rule.
    n_shuffles : int
    growth : bool
    seed : int
        Of the shuffles.
    """

    def __init__(
        self,
        accuracies: np.ndarray,
        orders: np.ndarray,
        tolerance: float,
        budgets: Sequence[int],
        settings: dict[str, dict[str, Any]],
        n_shuffles: int,
        growth: bool,
        seed: int,
    ) -> None:
        self.accuracies, self.orders, self.tolerance = accuracies, orders, tolerance
        self.contests: list[Contest] = []
        self.grown: list[dict[str, Any]] = []
        self._budgets, self._settings = budgets, settings
        self._n_shuffles, self._growth, self._seed = n_shuffles, growth, seed

    def add_scored(self, rule: str, names: tuple[str, ...], scores: np.ndarray) -> None:
        """A rule driven by scores (n_models, n_scores), NaN where a model has none."""
        scored = np.isfinite(scores).all(axis=1)
        n_scored = int(scored.sum())
        if n_scored == 0:
            return
        run = self._interval(scores[:, 0]) if rule == "interval" else self._improvement(scores)

        def known(orders: Orders) -> list[np.ndarray]:
            return [order[scored[order]] for order in orders]

        trials = run(self.accuracies, known(self.orders))
        shuffled = None
        if self._n_shuffles:
            # Shuffling the scores among the models that have one is shuffling those models' accuracies.
            rng = np.random.default_rng(self._seed)
            mixed = np.tile(self.accuracies, (self._n_shuffles, 1))
            for row in mixed:
                row[scored] = rng.permutation(row[scored])
            each = min(PER_SHUFFLE, len(self.orders))
            orders = random_orders(scored.size, self._n_shuffles * each, self._seed)
            # What comes after a stop is for the curve, and costs time.
            only = run if rule == "interval" else self._improvement(scores, go_on=False)
            shuffled = only(np.repeat(mixed, each, axis=0), known(orders))
        left = scored.size - n_scored
        note = f"{left} of {scored.size} models have no score and are never read out" if left else ""
        blind = self._settings["interval"]["batch"] if rule == "interval" else 0
        self.contests.append(
            Contest(rule, names, trials, scored, shuffled=shuffled, n_shuffles=self._n_shuffles, note=note, blind=blind)
        )
        if self._growth:

            def on(subsets: list[np.ndarray]) -> Trials:
                return run(self.accuracies, known(subsets))

            self._grow(rule, " + ".join(names), on, self.orders[self._usable(known)], scored)

    def pair_rivals(self) -> None:
        """Tell each contest of alpha-ReQ's rule of the improvement rule on the same score."""
        rivals = {contest.score: contest.trials for contest in self.contests if contest.rule == "improvement"}
        self.contests = [
            dataclasses.replace(contest, rival=rivals.get(contest.score)) if contest.rule == "interval" else contest
            for contest in self.contests
        ]

    def add_halving(self, lengths: Sequence[float], accuracies: np.ndarray) -> None:
        """Successive halving on readouts whose accuracies (n_lengths, n_models) are known."""
        trials = halving_trials(accuracies, self.orders, lengths=lengths)
        budgeted = {
            budget: halving_trials(accuracies, self.orders, lengths=lengths, budget=budget)
            for budget in self._budgets
            if budget < self.accuracies.size
        }
        self.contests.append(Contest("halving", (), trials, self._every, budgeted=budgeted))

    def add_blind(self, rules: Sequence[str]) -> None:
        """Random search, and reading out everything."""
        trials = random_trials(self.accuracies, self.orders)
        self.contests += [Contest(rule, (), trials, self._every) for rule in rules]
        if "random" in rules and self._growth:
            self._grow("random", "", None, self.orders, self._every)

    @property
    def _every(self) -> np.ndarray:
        """A rule without scores may read out every model."""
        return np.ones(self.accuracies.size, dtype=bool)

    def _grow(
        self,
        rule: str,
        score: str,
        run: Callable[[list[np.ndarray]], Trials] | None,
        orders: np.ndarray,
        readable: np.ndarray,
    ) -> None:
        if not len(orders):  # next to no model has a score: no order has one among its first ten
            return
        self.grown += growth_rows(rule, score, run, self.accuracies, orders[:GROWN], self.tolerance, readable)

    def _usable(self, known: Callable[[Orders], list[np.ndarray]]) -> np.ndarray:
        """Orders whose first ten models are not all without a score."""
        return np.array([order.size > 0 for order in known([order[:10] for order in self.orders])])

    def _interval(self, scores: np.ndarray) -> Run:
        return lambda accuracies, orders: interval_trials(scores, accuracies, orders, **self._settings["interval"])

    def _improvement(self, scores: np.ndarray, go_on: bool = True) -> Run:
        return lambda accuracies, orders: improvement_trials(
            scores, accuracies, orders, tolerance=self.tolerance, go_on=go_on, **self._settings["improvement"]
        )
