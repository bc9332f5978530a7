"""One rule on one score over many orders, as rows of numbers: success, regret, readouts, and random search beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from neuroalpha.compare.random_rule import random_regret, random_success
from neuroalpha.compare.selection_trials import Trials

ROUNDING = 1e-9  # of differences between accuracies, beside the tolerance
COLUMNS = (
    "rule", "score", "budget", "n_models", "n_scored", "n_good", "n_good_scored", "orders", "success", "success_low",
    "success_high", "regret", "regret_median", "regret_max", "readouts", "readouts_low", "readouts_high",
    "readouts_printed", "cost", "random_success", "random_regret", "random_all_success", "difference", "difference_low",
    "difference_high", "improvement_success", "improvement_regret", "p_shuffled", "note",
)  # fmt: skip
CURVE = (
    "rule", "score", "readouts", "success", "regret", "share", "random_success", "random_regret", "random_all_success",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Contest:
    """A rule that took part."""

    rule: str
    score: tuple[str, ...]
    trials: Trials
    readable: np.ndarray
    """Which models (n_models,) the rule may read out: those with a score, all for a rule that uses none. Random search
    beside the rule draws from the same ones: it must not lose for reading out models that are known to be collapsed."""
    budgeted: dict[int, Trials] | None = None
    """Where a budget changes what the rule does from its start on; else it is cut off."""
    shuffled: Trials | None = None
    """The same rule on shuffled scores, as many orders for each shuffle, in turn."""
    n_shuffles: int = 0
    rival: Trials | None = None
    """The improvement rule on the same score and orders."""
    note: str = ""
    blind: int = 0
    """Readouts in random order that the rule begins with; with a budget of no more it is random search."""

    @property
    def name(self) -> str:
        """Of its scores."""
        return " + ".join(self.score)

    def random(self, accuracies: np.ndarray, readouts: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
        """Success and regret of random search among the models that this rule may read out, after so many readouts."""
        top, mine = accuracies.max(), accuracies[self.readable]
        success = random_success(mine.size, good_models(mine, tolerance, top), readouts)
        return success, random_regret(mine, readouts, top)


def good_models(accuracies: np.ndarray, tolerance: float, top: float | None = None) -> int:
    """How many models are within the tolerance of the best, which is ``top`` where it is not among them."""
    best = accuracies.max() if top is None else top
    return int((best - accuracies <= tolerance + ROUNDING).sum())


def contest_rows(
    contests: Sequence[Contest], accuracies: np.ndarray, tolerance: float, budgets: Sequence[int], level: float
) -> pd.DataFrame:
    """The table of :func:`~neuroalpha.compare.rule_comparison.compare_rules`."""
    rows = []
    for contest in contests:
        if contest.rule != "random":
            rows.append(_row(contest, None, accuracies, tolerance, level))
        if contest.rule != "all":
            small = [budget for budget in budgets if budget < accuracies.size]
            rows += [_row(contest, budget, accuracies, tolerance, level) for budget in small]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    contest: Contest, budget: int | None, accuracies: np.ndarray, tolerance: float, level: float
) -> dict[str, Any]:
    n, n_good = accuracies.size, good_models(accuracies, tolerance)
    trials = contest.trials
    if budget is not None and contest.budgeted is not None:
        trials = contest.budgeted[budget]
        budget_left = np.full(trials.readouts.shape, n)
    else:
        budget_left = np.full(trials.readouts.shape, n if budget is None else budget)
    readouts = np.minimum(trials.readouts, budget_left)
    cost = np.minimum(trials.cost, budget_left)
    n_orders = readouts.size
    regret = accuracies.max() - trials.at(readouts)
    success = regret <= tolerance + ROUNDING
    blind, blind_regret = contest.random(accuracies, cost, tolerance)
    note = contest.note
    if budget is not None and budget <= contest.blind:
        note = "; ".join(each for each in (note, f"within the first batch of {contest.blind}: random search") if each)
    row: dict[str, Any] = {
        "rule": contest.rule, "score": contest.name, "budget": np.nan if budget is None else float(budget),
        "n_models": n, "n_scored": int(contest.readable.sum()), "n_good": n_good, "orders": n_orders,
        "n_good_scored": good_models(accuracies[contest.readable], tolerance, accuracies.max()),
        "regret_median": np.median(regret), "regret_max": regret.max(), "readouts": readouts.mean(),
        "readouts_low": np.quantile(readouts, 0.05), "readouts_high": np.quantile(readouts, 0.95),
        "readouts_printed": trials.printed if budget is None else np.nan, "cost": cost.mean(),
        "random_success": blind.mean(), "random_regret": blind_regret.mean(),
        "random_all_success": random_success(n, n_good, cost).mean(), "improvement_success": np.nan,
        "improvement_regret": np.nan, "p_shuffled": np.nan, "note": note,
    }  # fmt: skip
    if contest.rule == "random":
        # Known exactly; the orders would only add their chance.
        same = {"success": blind.mean(), "success_low": blind.mean(), "success_high": blind.mean()}
        return row | same | {
            "regret": blind_regret.mean(), "difference": 0.0, "difference_low": 0.0, "difference_high": 0.0
        }  # fmt: skip
    low, high = wilson(float(success.mean()), n_orders, level)
    gain = success - blind
    around = float(ndtri((1 + level) / 2)) * gain.std() / np.sqrt(n_orders)
    row |= {
        "success": success.mean(), "success_low": low, "success_high": high, "regret": regret.mean(),
        "difference": gain.mean(), "difference_low": gain.mean() - around, "difference_high": gain.mean() + around,
    }  # fmt: skip
    if contest.rival is not None:
        lost = accuracies.max() - contest.rival.at(readouts)
        row |= {"improvement_success": (lost <= tolerance + ROUNDING).mean(), "improvement_regret": lost.mean()}
    if contest.shuffled is not None and contest.n_shuffles:
        chance = shuffled_gains(contest, budget, accuracies, tolerance)
        row["p_shuffled"] = (1 + (chance >= gain.mean() - ROUNDING).sum()) / (1 + chance.size)
    return row


def shuffled_gains(contest: Contest, budget: int | None, accuracies: np.ndarray, tolerance: float) -> np.ndarray:
    """Success less random search's (n_shuffles,), with scores shuffled among models."""
    trials = contest.shuffled
    assert trials is not None
    readouts = trials.readouts if budget is None else np.minimum(trials.readouts, budget)
    success = accuracies.max() - trials.at(readouts) <= tolerance + ROUNDING
    blind, _ = contest.random(accuracies, readouts, tolerance)
    return (success - blind).reshape(contest.n_shuffles, -1).mean(axis=1)


def curve_rows(contests: Sequence[Contest], accuracies: np.ndarray, tolerance: float) -> pd.DataFrame:
    """Success and regret after each number of readouts; halving, which reads out parts, has one row."""
    n, n_good = accuracies.size, good_models(accuracies, tolerance)
    frames = []
    for contest in contests:
        if contest.rule == "all":
            continue
        trials = contest.trials
        count = np.arange(1, n + 1).astype(float)
        lost = accuracies.max() - trials.best
        if contest.rule == "halving":
            count, lost = trials.cost[:1], lost[:, :1]
        blind, blind_regret = contest.random(accuracies, count, tolerance)
        rand = contest.rule == "random"
        frames.append(
            pd.DataFrame({
                "rule": contest.rule, "score": contest.name, "readouts": count,
                "success": blind if rand else (lost <= tolerance + ROUNDING).mean(axis=0),
                "regret": blind_regret if rand else lost.mean(axis=0),
                "share": (trials.readouts[:, None] >= count).mean(axis=0), "random_success": blind,
                "random_regret": blind_regret, "random_all_success": random_success(n, n_good, count),
            })
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(CURVE))


def wilson(share: float, n: int, level: float) -> tuple[float, float]:
    """Interval of a share of n trials (Wilson, J. American Statistical Association 22, 1927).

    Examples
    --------
    >>> [round(end, 4) for end in wilson(0.9, 10, 0.95)]
    [0.5958, 0.9821]
    """
    z = float(ndtri((1 + level) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
