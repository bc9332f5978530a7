"""Which rule finds the best model with the fewest readouts: all rules, many orders, random search beside each."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha.compare.comparison_rows import contest_rows, curve_rows
from neuroalpha.compare.contests import SCORED, Contests
from neuroalpha.compare.growth import fit_growth, grown
from neuroalpha.compare.rule_options import positive, rule_options
from neuroalpha.compare.rule_sentences import speak_of_rules
from neuroalpha.compare.selection_points import length_columns, selection_points
from neuroalpha.compare.selection_trials import random_orders
from neuroalpha.errors import InputError, nearest

RULES = ("interval", "improvement", "halving", "random", "all")


@dataclass(frozen=True, eq=False, repr=False)
class RuleComparison:
    """How rules of selection do on a table of models. Printing it prints the sentences."""

    table: pd.DataFrame
    """A row for each rule, score and budget; see :func:`compare_rules`."""
    curve: pd.DataFrame
    """Success and regret after 1, 2, ... readouts."""
    growth: pd.DataFrame
    """Readouts and success for 10 to all models; empty where it was not asked for."""
    growth_fits: pd.DataFrame
    """How readouts grow with the number of models; see :func:`neuroalpha.compare.growth.fit_growth`."""
    sentences: list[str]
    points: pd.DataFrame
    """The models used."""
    notes: tuple[str, ...]
    """What was left out."""
    accuracy: str
    n_models: int
    tolerance: float
    """In percentage points."""
    orders: int
    level: float
    seed: int

    def __str__(self) -> str:
        """Return the sentences, one on each line."""
        return "\n".join(self.sentences)

    __repr__ = __str__

    def to_frame(self) -> pd.DataFrame:
        """Return the table with what was asked on every row."""
        return self.table.assign(accuracy=self.accuracy, tolerance=self.tolerance, level=self.level, seed=self.seed)


def compare_rules(
    table: pd.DataFrame,
    scores: str | Sequence[str] = ("alpha",),
    accuracy: str = "accuracy",
    *,
    rules: Sequence[str] = RULES,
    tolerance: float = 1.0,
    orders: int = 1000,
    budgets: Sequence[int] = (5, 10, 20),
    combined: Sequence[str] = (),
    lengths: Mapping[float, str] | str = "auto",
    growth: bool = True,
    n_shuffles: int = 0,
    level: float = 0.95,
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    progress: bool = False,
) -> RuleComparison:
    """Simulate rules of model selection on a table whose accuracies are known, in many random orders of the models.

    Parameters
    ----------
    table : DataFrame
        One row a model, named by ``model`` or the index.
    scores : str or sequence of str
        Columns that need no labels, each of which drives the rules alone. A model without a number (collapsed) is never
        read out on that score, yet counts when the best model is asked for.
    accuracy : str
        Column of the readout's accuracy, in percent, or in fractions (none above 1).
    rules : sequence of str
        "interval": alpha-ReQ's procedure; "improvement": a surrogate with expected improvement; "halving": successive
        halving on readout length; "random"; "all": read out everything.
    tolerance : float
        Percentage points: success is a model found within so much of the best.
    orders : int
        Random orders, the r-th that of numpy's old generator seeded with ``seed + r``, as in alpha-ReQ's simulation.
    budgets : sequence of int
        Also report each rule when it is cut off after so many readouts.
    combined : sequence of str
        Columns that together drive "improvement", besides each alone.
    lengths : mapping of float to str, or "auto"
        Columns with accuracies of shorter readouts, for "halving". "auto" takes the columns named ``ACCURACY at 0.33``.
    growth : bool
        Repeat with 10 to all models, and fit how readouts grow.
    n_shuffles : int
        Shufflings of the scores among models, for ``p_shuffled``; each is run on 50 orders, or on ``orders`` where that
        is less.
    level : float
        Of intervals.
    seed : int
    options : mapping, optional
        By rule, such as ``{"interval": {"batch": 10, "top": 5}, "improvement": {"first": 5, "stop": 0.05}}``.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    RuleComparison
        ``.table`` has the columns ``rule``; ``score``; ``budget`` (NaN: until the rule's own stop); ``n_models``,
        ``n_scored``, ``n_good`` (within the tolerance of the best), ``n_good_scored`` (of those that have the score);
        ``orders``; ``success`` (share of orders) with ``success_low``, ``success_high`` (Wilson); ``regret``,
        ``regret_median``, ``regret_max`` (percentage points lost); ``readouts`` (mean of the final counts) with
        ``readouts_low``, ``readouts_high`` (5 % and 95 % of orders); ``readouts_printed`` (alpha-ReQ's figure, the mean
        of counts after all batches, which is smaller); ``cost`` (shorter readouts count by their length);
        ``random_success``, ``random_regret`` (random search with as many readouts, order by order, in closed form,
        among the models that the rule may read out: those that have the score), ``random_all_success`` (the same among
        all models, collapsed ones included, which is lower where the rule gains by leaving those out); ``difference``
        (success less ``random_success``) with ``difference_low``, ``difference_high``; ``improvement_success``,
        ``improvement_regret`` (in rows of "interval": the improvement rule on the same score with as many readouts);
        ``p_shuffled``; ``note``.

    Raises
    ------
    InputError
        For unknown columns and rules, several rows for one model, fewer than two models, no score at all (every model
        collapsed), or accuracies that all lie within the tolerance.

    Notes
    -----
    Intervals are over orders of this one table: they say what chance in the order does, not how another sweep would
    turn out. Whether the score tells anything is what ``p_shuffled`` is for: the share of shufflings in which the rule
    beats random search by as much. A shuffling is a mean over 50 orders, the rule's own over all: with more than 50 the
    chance of the orders widens the shufflings a little, and p is rather too large than too small.

    1,000 orders of 80 models take 0.1 s for "interval", and for "improvement" on one score 0.5 s where it tells much to
    2 s where it tells nothing; three scores together take four times that. Growth takes about as long again.
    ``n_shuffles=200`` takes 2 s for each score for "interval", and for "improvement" half a minute (8 s for 40 models),
    three scores together four times that. Memory stays below some 200 MB.

    Source of "interval": Agrawal, Mondal, Ghosh & Richards, "alpha-ReQ: Assessing representation quality in
    self-supervised learning by measuring eigenspectrum decay", NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> sweep = pd.DataFrame({"alpha": rng.uniform(0.5, 2.5, 40)})
    >>> sweep["accuracy"] = 90 - 10 * abs(sweep.alpha - 1) + rng.normal(size=40)
    >>> found = compare_rules(sweep, orders=100, growth=False)
    >>> columns = ["rule", "success", "random_success", "readouts"]
    >>> found.table.query("budget != budget")[columns].round(2).values.tolist()
    [['interval', ...], ['improvement', 1.0, ...], ['all', 1.0, 1.0, 40.0]]
    """
    names = (scores,) if isinstance(scores, str) else tuple(scores)
    together = (combined,) if isinstance(combined, str) else tuple(combined)
    settings = _settings(rules, options)
    check_seed(seed)
    allowed = positive(tolerance, "tolerance")
    if not isinstance(level, numbers.Real) or not 0.5 <= float(level) < 1:
        raise InputError(f"level is {level!r}; expected a number from 0.5 to below 1, such as 0.95")
    limits = sorted({whole(each, "a budget", 1) for each in budgets})
    points = selection_points(table, (*names, *together), accuracy)
    accuracies = points.accuracies
    if accuracies.max() - accuracies.min() <= allowed:
        raise InputError(
            f"all {accuracies.size} accuracies lie within {accuracies.max() - accuracies.min():.3g} percentage points, "
            f"and tolerance is {allowed:g}: every choice would succeed; give a smaller tolerance"
        )
    work = Contests(
        accuracies, random_orders(accuracies.size, whole(orders, "orders", 1), seed), allowed, limits, settings,
        whole(n_shuffles, "n_shuffles"), growth, seed,
    )  # fmt: skip
    notes = list(points.notes)
    sets = [(name,) for name in dict.fromkeys(names)]
    both = [together] if len(together) > 1 else []
    jobs = [(rule, each) for rule in rules if rule in SCORED for each in sets + (both if rule == "improvement" else [])]
    for rule, each in tqdm(jobs, desc="rules", file=sys.stderr, disable=not progress, delay=1):
        work.add_scored(rule, each, points.values(each))
    work.pair_rivals()
    if "halving" in rules:
        steps, short = length_columns(table, points, accuracy, lengths)
        if len(steps) > 1:
            work.add_halving(steps, short)
        else:
            notes.append("No successive halving: the table has no accuracies of shorter readouts.")
    work.add_blind([rule for rule in rules if rule in ("random", "all")])
    grown_rows = grown(work.grown)
    made = RuleComparison(
        table=contest_rows(work.contests, accuracies, allowed, limits, float(level)),
        curve=curve_rows(work.contests, accuracies, allowed), growth=grown_rows, growth_fits=fit_growth(grown_rows),
        sentences=[], points=points.frame.reset_index(drop=True), notes=tuple(notes), accuracy=accuracy,
        n_models=accuracies.size, tolerance=allowed, orders=len(work.orders), level=float(level), seed=seed,
    )  # fmt: skip
    made.sentences.extend(speak_of_rules(made))
    return made


def _settings(rules: Sequence[str], options: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    for each in (*rules, *(options or {})):
        if each not in RULES:
            raise InputError(f"there is no rule {each!r}; there are {', '.join(RULES)}" + nearest(str(each), RULES))
    return {rule: rule_options(rule, (options or {}).get(rule)) for rule in RULES if rule != "all"}
