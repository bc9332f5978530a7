"""How many readouts a rule needs when there are more models, and whether that grows with their logarithm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from neuroalpha.compare.comparison_rows import ROUNDING, good_models
from neuroalpha.compare.random_rule import random_success
from neuroalpha.compare.selection_trials import Trials
from neuroalpha.errors import InputError

SMALLEST = 10
SIZES = 8
FITTED_FROM = 20
"""Fewest models that a fit uses: of 10, alpha-ReQ's rule always reads out all, one batch, which would shape the fit."""
NEEDED = 0.9
"""Share of successes that ``needed`` asks for."""
FORMS = ("logarithmic", "linear", "power")
GROWTH = (
    "rule", "score", "n_models", "readouts", "readouts_low", "readouts_high", "success", "random_success",
    "random_all_success", "needed",
)  # fmt: skip
FITS = ("rule", "score", "what", "form", "a", "b", "residual", "aic", "ahead", "best", "n_sizes")


def sizes(n_models: int) -> list[int]:
    """Numbers of models to look at, 10 to all, evenly spread; of 40 models or more all but the first from 20 on.

    Examples
    --------
    >>> sizes(80), sizes(12), sizes(9)
    ([10, 20, 30, 40, 50, 60, 70, 80], [10, 11, 12], [])
    """
    if n_models < SMALLEST:
        return []
    if n_models < 2 * FITTED_FROM:
        return sorted({round(each) for each in np.linspace(SMALLEST, n_models, SIZES)})
    return [SMALLEST, *(round(each) for each in np.linspace(FITTED_FROM, n_models, SIZES - 1))]


def growth_rows(
    rule: str,
    score: str,
    run: Callable[[list[np.ndarray]], Trials] | None,
    accuracies: np.ndarray,
    orders: np.ndarray,
    tolerance: float,
    readable: np.ndarray,
) -> list[dict[str, Any]]:
    """Run a rule on the first n models of each random order, which are n models at random.

    Parameters
    ----------
    run : callable
        Takes one array of indices of models for each order; None is random search, which has no stop of its own.
    accuracies : (n_models,)
    orders : (n_orders, n_models)
    readable : (n_models,) of bool
        Models that the rule may read out, at least one among the first ten of each order.

    Returns
    -------
    list of dict
        ``readouts`` is the mean number at the rule's own stop, ``success`` is within the tolerance of the best of the
        n models, ``random_success`` is that of random search among those of them that the rule may read out,
        ``random_all_success`` among all n; ``needed`` is how many readouts give success in ``NEEDED`` of the orders
        (NaN: never so many).
    """
    rows = []
    for size in sizes(accuracies.size):
        subsets = [order[:size] for order in orders]
        top = np.array([accuracies[subset].max() for subset in subsets])
        count = np.arange(1, size + 1)
        blind_all = _blind(subsets, accuracies, top, tolerance, size)
        blind = _blind([subset[readable[subset]] for subset in subsets], accuracies, top, tolerance, size)
        row: dict[str, Any] = {"rule": rule, "score": score, "n_models": size}
        if run is None:
            found = blind[:, 1:].mean(axis=0)
            row |= {"readouts": np.nan, "readouts_low": np.nan, "readouts_high": np.nan, "success": np.nan}
            row |= {"random_success": np.nan, "random_all_success": np.nan}
        else:
            trials = run(subsets)
            successes = top[:, None] - trials.best[:, :size] <= tolerance + ROUNDING
            found = successes.mean(axis=0)
            rows_of = np.arange(len(subsets))
            row |= {
                "readouts": trials.readouts.mean(), "readouts_low": np.quantile(trials.readouts, 0.05),
                "readouts_high": np.quantile(trials.readouts, 0.95),
                "success": successes[rows_of, trials.readouts - 1].mean(),
                "random_success": blind[rows_of, trials.readouts].mean(),
                "random_all_success": blind_all[rows_of, trials.readouts].mean(),
            }  # fmt: skip
        enough = count[found >= NEEDED - ROUNDING]
        row["needed"] = float(enough[0]) if enough.size else np.nan
        rows.append(row)
    return rows


def _blind(
    subsets: Sequence[np.ndarray], accuracies: np.ndarray, top: np.ndarray, tolerance: float, size: int
) -> np.ndarray:
    """Success (n_orders, size + 1) of random search after 0 ... ``size`` readouts in each subset of models."""
    counts, rows = np.arange(size + 1), []
    for subset, best in zip(subsets, top, strict=True):
        rows.append(random_success(subset.size, good_models(accuracies[subset], tolerance, best), counts))
    return np.array(rows)


def fit_growth(growth: pd.DataFrame) -> pd.DataFrame:
    """Fit a + b log n, a + b n and a n^b to ``readouts`` and ``needed`` against ``n_models``, by least squares.

    Parameters
    ----------
    growth : DataFrame
        Columns ``rule``, ``score``, ``n_models`` and ``readouts`` or ``needed``.

    Returns
    -------
    DataFrame
        A row for each rule, score, ``what`` ("readouts", "needed") and ``form``: ``a``, ``b``, ``residual`` (root mean
        square), ``aic`` (Akaike 1974, normal errors), ``ahead`` (that less the least of the three), ``best``,
        ``n_sizes``. All forms have two constants, so the criterion compares residuals. The points come from subsets of
        the same models and are not independent: the fits describe, they do not test. Sizes below 20 are left out (of
        10 models alpha-ReQ's rule always reads out all, its first batch), and fewer than four sizes are not fitted.

    Raises
    ------
    InputError
        For missing columns.

    Examples
    --------
    >>> table = pd.DataFrame({"rule": "interval", "score": "alpha", "n_models": [20, 40, 80, 160]})
    >>> table["readouts"] = 3 + 4 * np.log(table.n_models)
    >>> fit_growth(table).query("best")[["form", "a", "b"]].round(3).values.tolist()
    [['logarithmic', 3.0, 4.0]]
    """
    missing = [name for name in ("rule", "score", "n_models") if name not in growth.columns]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; give the .growth of compare_rules")
    rows = []
    for (rule, score), part in growth.groupby(["rule", "score"], sort=False):
        for what in ("readouts", "needed"):
            if what in part.columns:
                known = part[part[what].notna() & (part["n_models"] >= FITTED_FROM)]
                rows += _fits(
                    str(rule), str(score), what, known["n_models"].to_numpy(float), known[what].to_numpy(float)
                )
    return pd.DataFrame(rows, columns=list(FITS))


def _fits(rule: str, score: str, what: str, n: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    if n.size < 4:
        return []
    rows = []
    for form in FORMS:
        a, b, curve = _fit(form, n, y)
        squares = max(float(((y - curve) ** 2).sum()), 1e-12 * float((y**2).sum()) + 1e-300)
        # Three constants with the variance.
        aic = n.size * np.log(squares / n.size) + 2 * 3
        rows.append({
            "rule": rule, "score": score, "what": what, "form": form, "a": a, "b": b,
            "residual": np.sqrt(squares / n.size), "aic": aic, "n_sizes": n.size,
        })  # fmt: skip
    least = min(row["aic"] for row in rows)
    first = next(row["form"] for row in rows if row["aic"] == least)
    for row in rows:
        row |= {"ahead": row["aic"] - least, "best": row["form"] == first}
    return rows


def _fit(form: str, n: np.ndarray, y: np.ndarray) -> tuple[float, float, np.ndarray]:
    if form == "power":
        start = np.polyfit(np.log(n), np.log(np.maximum(y, 1e-9)), 1)
        found = least_squares(lambda p: np.exp(p[0]) * n ** p[1] - y, [start[1], start[0]], x_scale="jac")
        return float(np.exp(found.x[0])), float(found.x[1]), np.exp(found.x[0]) * n ** found.x[1]
    x = np.log(n) if form == "logarithmic" else n
    b, a = np.polyfit(x, y, 1)
    return float(a), float(b), a + b * x


def grown(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The table of growth."""
    return pd.DataFrame(list(rows), columns=list(GROWTH))
