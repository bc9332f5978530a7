"""What a comparison of rules allows to be said in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from neuroalpha.compare.growth import FITTED_FROM
from neuroalpha.compare.wording import many, p_text

if TYPE_CHECKING:
    from neuroalpha.compare.rule_comparison import RuleComparison


def speak_of_rules(found: RuleComparison) -> list[str]:
    """The data first, then each rule at its own stop, the rules against each other, growth."""
    table = found.table
    n_good = int(table["n_good"].iloc[0]) if len(table) else 0
    said = [
        f"{many(found.n_models, 'model')}, {n_good} of them within {found.tolerance:g} percentage points of the best; "
        f"{many(found.orders, 'random order')} of one table, so intervals tell of the order, not of other sweeps.",
        *found.notes,
    ]
    own = table[table["budget"].isna()]
    for _, row in own.iterrows():
        if row["rule"] in ("interval", "improvement"):
            said.append(_own_stop(row))
        elif row["rule"] == "halving":
            said.append(
                f"Successive halving finds a good model in {_share(row['success'])} of orders for the cost of "
                f"{row['cost']:.3g} readouts, random search at that cost in {_share(row['random_success'])}."
            )
    said += _rivals(own)
    return said + _growth(found.growth, found.growth_fits)


def _own_stop(row: pd.Series) -> str:
    by = "alpha-ReQ's rule" if row["rule"] == "interval" else "Expected improvement"
    text = (
        f"{by} on {row['score']} finds a good model in {_share(row['success'])} of orders "
        f"[{_share(row['success_low'])}, {_share(row['success_high'])}] and loses {row['regret']:.2g} points on average"
        f", with {_count(row['readouts'])}"
    )
    if np.isfinite(row["readouts_printed"]):
        text += f" ({row['readouts_printed']:.3g} by the published way of counting)"
    text += f"; random search with as many: {_share(row['random_success'])}"
    if row["n_scored"] < row["n_models"]:
        text += (
            f" among the {row['n_scored']} with a value of {row['score']}, as the rule, and "
            f"{_share(row['random_all_success'])} among all {row['n_models']}"
        )
    low, high = row["difference_low"], row["difference_high"]
    verdict = "is better than" if low > 0 else "is worse than" if high < 0 else "cannot be told from"
    text += f", so it {verdict} random search here"
    if np.isfinite(row["p_shuffled"]):
        text += f"; shuffled scores do as well with {p_text(row['p_shuffled'])}"
        if low > 0 and row["p_shuffled"] > 0.05:
            text += ", which chance may explain"
    return text + "."


def _rivals(own: pd.DataFrame) -> list[str]:
    rows = own[own["improvement_success"].notna()]
    if rows.empty:
        return []
    ahead = rows["improvement_success"] - rows["success"]
    parts = [
        f"{row['score']} {_share(row['improvement_success'])} against {_share(row['success'])}"
        for _, row in rows.iterrows()
    ]
    better, worse = int((ahead > 0).sum()), int((ahead < 0).sum())
    return [
        f"With as many readouts as alpha-ReQ's rule takes, expected improvement succeeds more often for "
        f"{better} and less often for {worse} of {many(len(rows), 'score')}: {'; '.join(parts)}."
    ]


def _growth(growth: pd.DataFrame, fits: pd.DataFrame) -> list[str]:
    said = []
    for (rule, score, what), part in fits.groupby(["rule", "score", "what"], sort=False):
        if what != "readouts" and rule != "random":
            continue
        best = part[part["best"]].iloc[0]
        others = part[~part["best"]]
        clear = float(others["ahead"].min())
        shape = {
            "logarithmic": f"{best['a']:.3g} + {best['b']:.3g} log n",
            "linear": f"{best['a']:.3g} + {best['b']:.3g} n",
            "power": f"{best['a']:.3g} n^{best['b']:.2g}",
        }[str(best["form"])]
        subject = "Random search needs for 90 % success" if rule == "random" else f"{rule} on {score} takes"
        sure = "clearly the best" if clear >= 4 else "hardly better than the next"
        said.append(
            f"{subject} readouts that grow with the number of models n as {shape} ({best['form']}, {sure} of three "
            f"forms by AIC, ahead by {clear:.2g}){_success_at_the_ends(growth, str(rule), str(score))}."
        )
    return said


def _success_at_the_ends(growth: pd.DataFrame, rule: str, score: str) -> str:
    """Few readouts are no merit where success falls: what it is at the smallest and the largest n of the fit."""
    part = growth[(growth["rule"] == rule) & (growth["score"] == score) & (growth["n_models"] >= FITTED_FROM)]
    part = part[part["success"].notna()].sort_values("n_models")
    if part.empty:
        return ""
    ends = [
        f"{_share(row['success'])} for {row['n_models']} models (random search with as many readouts "
        f"{_share(row['random_success'])})"
        for _, row in part.iloc[[0, -1]].iterrows()
    ]
    return f"; with them it finds a good model in {ends[0]} and {ends[1]} of orders"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _count(readouts: float) -> str:
    return "1 readout" if readouts == 1 else f"{readouts:.3g} readouts"
