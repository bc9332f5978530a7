"""Kernel: the tables of a recommendation: signals, cost against information, sparsities, ranges of beta."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha.theory.triplets import costs, ratios
from neuroalpha.theory.triplets.tradeoff import Purchases, item_steps, purchases, undominated
from neuroalpha.theory.triplets.utility import UTILITIES, utility_of
from neuroalpha.theory.triplets.weighing import Problem, Weighing, price_factor, refined, weigh

_SHOWN = 200  # rows of the frontier, of the curve of one signal, and of the ranges of one utility


def thin(rows: np.ndarray) -> np.ndarray:
    """At most 200 of the rows, the first and the last among them."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).round().astype(int))]


def describe(problem: Problem, options: Purchases) -> pd.DataFrame:
    """Purchases as a table: what is bought, what it costs, what it tells, with exact counts of triplets."""
    names = np.array([*problem.names, "none"])[options.signal]
    columns = [names.tolist(), options.n_items.tolist(), options.sparsity.tolist()]
    some = [signal != "none" for signal in names]
    rows = list(zip(*columns, some, strict=True))
    kept = np.array([*(problem.kept_bits[signal] for signal in problem.names), 0.0])[options.signal]
    exact = [ratios.count(s, m, problem.n_classes, k) if bought else 0 for s, m, k, bought in rows]
    return pd.DataFrame(
        {
            "signal": names,
            "sparsity": pd.array([k if s in ("sparse", "top-class") else None for s, _, k, _ in rows], dtype="Int64"),
            "n_labelled": options.n_items,
            "judgements": [costs.judgements(s, m, problem.n_classes, k) if bought else 0 for s, m, k, bought in rows],
            "cost": options.cost,
            "triplets": exact,
            "bits": kept * np.array(exact, dtype=np.float64),
            "information_ratio": kept * np.array(exact, dtype=np.float64) / problem.questions,
            "affordable": options.affordable,
        }
    )


def _weighed(weighing: Weighing, rows: np.ndarray) -> pd.DataFrame:
    table = describe(weighing.problem, weighing.options.only(rows))
    return table.assign(score=weighing.score[rows], utility=weighing.gain[rows], objective=weighing.objective[rows])


def signal_table(weighing: Weighing, picks: Mapping[str, int | None]) -> pd.DataFrame:
    """One row for each signal at its best; one that the budget does not buy has no items and no objective."""
    problem = weighing.problem
    bought = np.array([row is not None for row in picks.values()])
    table = _weighed(weighing, np.array([row or 0 for row in picks.values()]))
    numbers = ["n_labelled", "judgements", "cost", "triplets", "bits", "information_ratio"]
    table.loc[~bought, numbers] = 0
    table.loc[~bought, "sparsity"] = pd.NA
    table.loc[~bought, ["score", "utility", "objective"]] = np.nan
    table["signal"], table["affordable"] = list(picks), bought
    table.insert(1, "price", [str(problem.prices[signal]) for signal in picks])
    kept = [None if pd.isna(k) else int(k) for k in table["sparsity"]]
    table["cost_of_all"] = [problem.whole_cost(signal, k) for signal, k in zip(picks, kept, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        bits_per_cost = np.where(bought, table["bits"] / table["cost"], np.nan)
    table.insert(table.columns.tolist().index("bits") + 1, "bits_per_cost", bits_per_cost)
    table["price_factor"] = [price_factor(weighing, signal) for signal in picks]
    return table


def cost_curves(problem: Problem, sparsities: Mapping[str, int]) -> pd.DataFrame:
    """Cost against information of each signal, at one sparsity each, for growing numbers of items."""
    parts = []
    for signal, kept in sparsities.items():
        bought = purchases(
            {signal: problem.prices[signal]}, problem.n_items, problem.n_classes, [kept], problem.budget,
            item_steps(problem.n_items),
        )  # fmt: skip
        _, first = np.unique(bought.n_items, return_index=True)
        parts.append(
            bought.only(thin(first[1:]))._replace(signal=np.full(len(thin(first[1:])), problem.names.index(signal)))
        )
    return describe(problem, Purchases(*(np.concatenate(column) for column in zip(*parts, strict=True))))


def frontier(problem: Problem) -> pd.DataFrame:
    """The most bits for each amount of money: affordable purchases that tell more than all cheaper ones."""
    bought = purchases(
        problem.prices, problem.n_items, problem.n_classes, problem.sparsities, problem.budget,
        item_steps(problem.n_items),
    )  # fmt: skip
    bought = bought.only(bought.affordable)
    kept = np.array([*(problem.kept_bits[signal] for signal in problem.names), 0.0])
    return describe(problem, bought.only(thin(undominated(bought.cost, bought.triplets * kept[bought.signal]))))


def sparsity_table(weighing: Weighing) -> pd.DataFrame:
    """The best purchase at each sparsity of sparse and top-class labels."""
    options, objective, best = weighing.options, weighing.objective, [np.zeros(0, dtype=int)]
    for number, signal in enumerate(weighing.problem.names):
        rows = np.flatnonzero(options.signal == number)
        if signal in ("sparse", "top-class") and rows.size:
            ordered = rows[np.lexsort((objective[rows], options.sparsity[rows]))]
            best.append(ordered[np.unique(options.sparsity[ordered], return_index=True)[1]])
    return _weighed(weighing, np.concatenate(best))


def flip_table(weighing: Weighing) -> pd.DataFrame:
    """The best purchase for every beta, for each utility."""
    utilities: dict[str, str | Callable[[np.ndarray], np.ndarray]] = {name: name for name in UTILITIES}
    if callable(weighing.problem.utility):
        utilities["custom"] = weighing.problem.utility
    parts = []
    for name, utility in utilities.items():
        reigns = weighing.envelope(utility_of(weighing.score, utility))
        rows = np.array([reign.row for reign in reigns])
        table = describe(weighing.problem, weighing.options.only(rows)).assign(score=weighing.score[rows])
        table.insert(0, "beta_high", [reign.high for reign in reigns])
        table.insert(0, "beta_low", [reign.low for reign in reigns])
        table.insert(0, "utility", name)
        parts.append(table.drop(columns="affordable"))
    return pd.concat(parts, ignore_index=True)


def nothing(weighing: Weighing, table: pd.DataFrame) -> pd.Series:
    """The purchase of nothing, as a row of the table."""
    found = {"sparsity": pd.NA, "score": float(weighing.score[0]), "objective": float(weighing.objective[0])}
    return pd.Series({str(name): found.get(str(name), 0) for name in table}, dtype=object)


def per_label(problem: Problem, plain: Sequence[str]) -> dict[str, Any] | None:
    """The answer if plain numbers are the prices of whole labels, where they could be."""
    soft = [signal for signal in plain if signal in ("soft", "sparse", "top-class")]
    meant = {signal: problem.prices[signal].judgement for signal in soft if problem.prices[signal].judgement}
    if not meant:
        return None
    whole = {**problem.prices, **{signal: costs.Price(item=price) for signal, price in meant.items()}}
    weighing = weigh(refined(replace(problem, prices=whole)))
    row = weighing.best()
    signal, bought = weighing.name(row), weighing.options
    return {
        "prices": meant,
        "signal": None if signal == "none" else signal,
        "sparsity": int(bought.sparsity[row]) if signal in ("sparse", "top-class") else None,
        "n_labelled": int(bought.n_items[row]),
        "cost": float(bought.cost[row]),
    }
