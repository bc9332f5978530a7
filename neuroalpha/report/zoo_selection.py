"""What figures and the zoo's page take from a comparison of selection rules: lines, how they look, their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._text import valid
from neuroalpha.errors import InputError
from neuroalpha.report.plot import colour_of
from neuroalpha.report.zoo_columns import numbers, short
from neuroalpha.report.zoo_sweep import MARKS, SCORES, Look, label_of

PLAIN = ("random", "halving", "all")  # rules that no score drives
RULES = {
    "interval": "interval rule (alpha-ReQ)", "improvement": "expected improvement", "random": "random search",
    "halving": "successive halving", "all": "all models",
}  # fmt: skip
LEFT = 0.02  # share of orders still searching, below which a curve ends: what follows are a few lucky orders
DASHES = {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot"}  # as the page's plotting library calls them


def check_comparison(comparison: Any) -> None:
    """Refuse what is no result of :func:`neuroalpha.compare_rules`."""
    for name in ("table", "curve", "growth", "growth_fits"):
        if not isinstance(getattr(comparison, name, None), pd.DataFrame):
            given = type(comparison).__name__
            raise InputError(f"expected a comparison of rules (neuroalpha.compare_rules), got {given}")


def rules_of(comparison: Any) -> list[str]:
    """The rules that get a panel: those that a score drives, or random search where there is none."""
    known = [str(rule) for rule in dict.fromkeys(comparison.table["rule"])]
    return [rule for rule in known if rule not in PLAIN] or ["random"]


def score_looks(scores: Sequence[str]) -> dict[str, Look]:
    """Colour, mark and line style of each score, the same wherever it is known; scores together are black."""
    order, marks = list(SCORES), list(MARKS)
    wanted = [score for score in dict.fromkeys(scores) if score]
    together = [score for score in wanted if " + " in score]
    order += [score for score in wanted if score not in SCORES and score not in together]
    looks = {}
    for score in wanted:
        at = together.index(score) if score in together else order.index(score)
        colour, style = ("#000000", colour_of(8 * at)[1]) if score in together else colour_of(at)
        looks[score] = Look(colour, marks[at % len(marks)], style)
    return looks


def stops_of(comparison: Any, rule: str) -> pd.DataFrame:
    """The rows of a rule where it stops by itself."""
    table = comparison.table
    return table[(table["rule"] == rule) & table["budget"].isna()]


def best_fit(fits: pd.DataFrame, rule: str, score: str, what: str) -> Any:
    """The form of growth with the least AIC; None where nothing could be fitted."""
    if fits.empty:
        return None
    rows = fits[(fits["rule"] == rule) & (fits["score"] == score) & (fits["what"] == what) & fits["best"].astype(bool)]
    return None if rows.empty else next(rows.itertuples())


def fitted(fit: Any, n: np.ndarray) -> np.ndarray:
    """Readouts at each number of models by a row of ``growth_fits``."""
    if fit.form == "logarithmic":
        return fit.a + fit.b * np.log(n)
    return fit.a + fit.b * n if fit.form == "linear" else fit.a * n**fit.b


def rule_name(rule: str) -> str:
    """A rule in words."""
    return RULES.get(rule, rule)


def score_name(score: str) -> str:
    """A score, or scores that act together, in words.

    Examples
    --------
    >>> score_name("alpha + rankme")
    'alpha + RankMe'
    """
    return " + ".join(label_of(each) for each in score.split(" + "))


def selection_data(comparison: Any) -> dict[str, Any] | None:
    """Curves, stops and growth for the page, by rule; rows of the table as text; None without a comparison."""
    if comparison is None:
        return None
    check_comparison(comparison)
    looks = score_looks([str(score) for score in comparison.table["score"]])
    halving = comparison.table[comparison.table["rule"] == "halving"]
    return {
        "rules": [{"name": valid(rule), "label": valid(rule_name(rule))} for rule in rules_of(comparison)],
        "scores": [
            {"name": valid(score), "label": valid(score_name(score)), "colour": look.colour, "mark": MARKS[look.marker],
             "dash": DASHES[look.style]}
            for score, look in looks.items()
        ],
        "curves": [_curve(comparison, rule, score) for rule in rules_of(comparison) for score in looks],
        "random": _random(comparison),
        "halving": {"x": _short(halving["cost"]), "y": _short(halving["success"])},
        "growth": [_growth(comparison, rule, score) for rule in rules_of(comparison) for score in looks],
        "tolerance": short(np.array([float(comparison.tolerance)]))[0],
        "n_models": int(comparison.n_models),
        "orders": int(comparison.orders),
        "rows": table_rows(comparison),
    }  # fmt: skip


def random_curve(comparison: Any) -> pd.DataFrame:
    """Success of random search over readouts: its own curve, else that beside a rule while all orders go on."""
    curve = comparison.curve
    plain = curve[curve["rule"] == "random"].sort_values("readouts")
    if plain.empty:
        plain = curve[curve["share"] >= 1].groupby("readouts", as_index=False).first()
        plain = plain.assign(success=plain["random_all_success"])
    return plain


def table_rows(comparison: Any) -> list[dict[str, str]]:
    """The table of a comparison as text: rules at their own stop first, then by budget."""
    table = comparison.table
    rows = []
    for row in table.sort_values("budget", kind="stable", na_position="first").itertuples():
        rows.append({
            "rule": valid(rule_name(str(row.rule))), "score": valid(score_name(str(row.score))),
            "budget": f"{row.budget:g}" if np.isfinite(row.budget) else "own stop",
            "readouts": _number(row.cost, 1), "success": _interval(row, "success", 3),
            "random": _number(row.random_success, 3), "difference": _interval(row, "difference", 3),
            "regret": _number(row.regret, 3), "printed": _number(row.readouts_printed, 1), "note": _said(row.note),
        })  # fmt: skip
    return rows


def _curve(comparison: Any, rule: str, score: str) -> dict[str, Any]:
    curve, stops = comparison.curve, stops_of(comparison, rule)
    line = curve[(curve["rule"] == rule) & (curve["score"] == score) & (curve["share"] > LEFT)].sort_values("readouts")
    stop = stops[stops["score"] == score]
    return {
        "rule": valid(rule), "score": valid(score), "x": _short(line["readouts"]), "y": _short(line["success"]),
        "stop": {name: _short(stop[name]) for name in ("readouts", "success", "random_success", "regret")},
    }  # fmt: skip


def _random(comparison: Any) -> dict[str, Any]:
    line = random_curve(comparison)
    return {"x": _short(line["readouts"]), "y": _short(line["success"])}


def _growth(comparison: Any, rule: str, score: str) -> dict[str, Any]:
    growth = comparison.growth
    line = (
        growth[(growth["rule"] == rule) & (growth["score"] == score)].sort_values("n_models") if len(growth) else growth
    )
    found: dict[str, Any] = {"rule": valid(rule), "score": valid(score), "x": [], "y": [], "form": "", "fit": []}
    if line.empty:
        return found
    fit = best_fit(comparison.growth_fits, rule, score, "readouts")
    grid = np.geomspace(line["n_models"].min(), line["n_models"].max(), 30)
    found |= {"x": _short(line["n_models"]), "y": _short(line["readouts"])}
    return (
        found
        if fit is None
        else found | {"form": str(fit.form), "fit": [short(grid.round(3)), short(fitted(fit, grid).round(3))]}
    )


def _short(values: pd.Series) -> list[float | int | None]:
    return short(numbers(values).round(4))


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") if np.isfinite(value) else ""


def _interval(row: Any, name: str, digits: int) -> str:
    value, low, high = (getattr(row, each) for each in (name, f"{name}_low", f"{name}_high"))
    if not np.isfinite([value, low, high]).all():
        return _number(value, digits)
    return f"{_number(value, digits)} [{_number(low, digits)}, {_number(high, digits)}]"


def _said(note: object) -> str:
    return valid(note) if isinstance(note, str) else ""
