"""Every statistic at every combination of layer and rank window, with one set of shuffles for all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm import tqdm

from neuroalpha.compare import near_one, partial, permutation
from neuroalpha.compare.correlation import (
    MOST_FOR_PAIRS,
    Resamples,
    interval,
    midranks,
    resample_groups,
    resample_models,
    standardised,
)
from neuroalpha.compare.mixed_model import slope

FEWEST = 5  # models with which anything is said beyond the points
FEWEST_GROUPS = 5  # that can be drawn with return
BEND = "kink position"


@dataclass(frozen=True, eq=False)
class Place:
    """The models at one combination of layer and window; arrays over its models."""

    where: dict[str, Any]
    models: np.ndarray
    """Codes of the models (n,), ascending."""
    x: np.ndarray
    y: np.ndarray
    controls: np.ndarray
    """(n, n_controls), independent of each other."""
    note: str = ""
    controlled: bool = False
    """Whether controls were asked for, even if none is left."""


@dataclass(frozen=True, eq=False)
class Question:
    """How places are to be read."""

    x_name: str
    groups: np.ndarray | None
    """Codes of the groups of all models; None: all are one group."""
    near: float | None
    n_bootstrap: int
    n_permutations: int
    level: float
    seed: int

    @property
    def distance_name(self) -> str:
        """Name of the predictor that is the distance from ``near``."""
        return f"|{self.x_name} - {self.near:g}|"


@dataclass
class Answers:
    """Rows of the table as they come, and the shuffled statistics that wait for the correction."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    forms: list[dict[str, Any]] = field(default_factory=list)
    """How well each form of relation predicts, at each place."""
    exact: bool = False
    n_shuffles: int = 0
    nulls: dict[tuple[str, str], list[tuple[dict[str, Any], float, np.ndarray]]] = field(default_factory=dict)

    def add(self, place: Place, predictor: str, statistic: str, **rest: Any) -> dict[str, Any]:
        """A row of the table."""
        row = {**place.where, "predictor": predictor, "statistic": statistic, "n_models": place.models.size, **rest}
        row["note"] = "; ".join(part for part in (rest.get("note", ""), place.note) if part)
        self.rows.append(row)
        return row

    def shuffled(self, row: dict[str, Any], observed: float, null: np.ndarray) -> None:
        """Remember what shuffling gives for a row."""
        self.nulls.setdefault((row["predictor"], row["statistic"]), []).append((row, observed, null))


def answer(places: list[Place], question: Question, *, progress: bool = False) -> Answers:
    """Compute every statistic at every place, then correct for the number of places.

    Models are shuffled in the same way at all places, so that these keep their dependence on each other; with few
    enough orders, all of them are taken, once each.
    """
    answers = Answers()
    shuffle = _shuffler(places, question, answers)
    resampled = _resampler(question)
    kendalls = _kendall_nulls(places, question, shuffle)
    bar = tqdm(places, desc="combinations", file=sys.stderr, disable=not progress, delay=1, leave=False)
    for number, place in enumerate(bar):
        rng = np.random.default_rng([question.seed, 1, number])
        predictors = _predictors(place, question)
        for index, (name, x) in enumerate(predictors):
            side = _one_sided(place.x, question.near) if index else ""
            _correlations(place, name, x, question, answers, resampled(place), shuffle(place), side)
            if place.models.size >= FEWEST:
                tau = next(row for row in reversed(answers.rows) if row["statistic"] == "kendall")
                if kendalls:
                    answers.shuffled(tau, tau["value"], kendalls[number][:, index])
                _slope(place, name, x, question, answers, side)
        if question.near is not None and place.models.size >= FEWEST:
            _bend(place, question, answers, shuffle(place), rng)
    _correct(answers, question.level)
    return answers


def _predictors(place: Place, question: Question) -> list[tuple[str, np.ndarray]]:
    found = [(question.x_name, place.x)]
    if question.near is not None:
        found.append((question.distance_name, np.abs(place.x - question.near)))
    return found


def _one_sided(x: np.ndarray, near: float | None) -> str:
    """A note where the distance from ``near`` orders models as x does, or the other way round."""
    if near is None or ((x < near).any() and (x > near).any()):
        return ""
    return f"all values are {'above' if (x >= near).all() else 'below'} {near:g}: the distance says no more than x"


def _resampler(question: Question) -> Callable[[Place], tuple[Resamples, int]]:
    """A function that gives a place its resamples and how many of them are of models.

    The models as they are come first, then resamples of models, then of whole groups. Places with the same models share
    them.
    """
    cache: dict[bytes, tuple[Resamples, int]] = {}

    def make(models: np.ndarray) -> tuple[Resamples, int]:
        n, n_models = models.size, 0
        codes = None
        if question.groups is not None:
            codes = np.unique(question.groups[models], return_inverse=True)[1].ravel()
        weights = [np.ones((1, n), dtype=int)]
        if n >= FEWEST and question.n_bootstrap:
            rng = np.random.default_rng([question.seed, 1])
            n_models = question.n_bootstrap
            weights.append(resample_models(n, n_models, rng))
            if codes is not None and codes.max() + 1 >= FEWEST_GROUPS:
                weights.append(resample_groups(codes, n_models, rng))
        return Resamples(np.vstack(weights), codes), n_models

    def resamples(place: Place) -> tuple[Resamples, int]:
        key = place.models.tobytes()
        if key not in cache:
            cache.clear()
            cache[key] = make(place.models)
        return cache[key]

    return resamples


def _shuffler(places: list[Place], question: Question, answers: Answers) -> Callable[[Place], np.ndarray]:
    """A function that gives a place its shuffles (n_permutations, n_models of it)."""
    n_models = 1 + max(int(place.models.max()) for place in places)
    groups = np.zeros(n_models, dtype=int) if question.groups is None else question.groups
    alike = all(np.array_equal(place.models, places[0].models) for place in places)
    first = groups[places[0].models]
    if alike and permutation.n_possible(first) <= question.n_permutations:
        orders = permutation.all_permutations(first)
        answers.exact, answers.n_shuffles = True, len(orders)
        return lambda place: orders
    keys = np.random.default_rng([question.seed, 0]).random((question.n_permutations, n_models))
    answers.n_shuffles = question.n_permutations
    cache: dict[bytes, np.ndarray] = {}

    def shuffle(place: Place) -> np.ndarray:
        key = place.models.tobytes()
        if key not in cache:
            cache[key] = permutation.random_permutations(groups[place.models], keys[:, place.models])
        return cache[key]

    return shuffle


def _kendall_nulls(
    places: list[Place], question: Question, shuffle: Callable[[Place], np.ndarray]
) -> dict[int, np.ndarray]:
    """Shuffled taus (n_permutations, n_predictors) of each place; those that share y share the work."""
    if any(place.models.size > MOST_FOR_PAIRS for place in places):
        return {}
    alike: dict[tuple[bytes, bytes], list[int]] = {}
    for number, place in enumerate(places):
        if place.models.size >= FEWEST:
            alike.setdefault((place.models.tobytes(), place.y.tobytes()), []).append(number)
    found: dict[int, np.ndarray] = {}
    for numbers in alike.values():
        columns = [x for number in numbers for _, x in _predictors(places[number], question)]
        first = places[numbers[0]]
        null = permutation.null_kendall(np.column_stack(columns), first.y, shuffle(first))
        for number, part in zip(numbers, np.split(null, len(numbers), axis=1), strict=True):
            found[number] = part
    return found


def _correlations(
    place: Place,
    name: str,
    x: np.ndarray,
    question: Question,
    answers: Answers,
    resampled: tuple[Resamples, int],
    orders: np.ndarray,
    side: str,
) -> None:
    """Rows for the correlations of one predictor at one place."""
    y, controls, n = place.y, place.controls, place.models.size
    resamples, n_models = resampled
    enough = n >= FEWEST
    few = "" if enough else f"{n} models: no p value and no interval"

    def add(statistic: str, values: np.ndarray, null: np.ndarray | None, note: str = "") -> None:
        if n < 3:
            values = np.full(1, np.nan)
        low, high = interval(values[1 : 1 + n_models], question.level)
        low_groups, high_groups = interval(values[1 + n_models :], question.level)
        told = [few, side, note]
        if n >= 3 and np.isnan(values[0]):
            told.append("undefined: x or y is constant, or follows from the controls")
        row = answers.add(
            place, name, statistic, value=float(values[0]), low=low, high=high, low_groups=low_groups,
            high_groups=high_groups, note="; ".join(part for part in told if part),
        )  # fmt: skip
        if enough and null is not None and np.isfinite(values[0]):
            answers.shuffled(row, row["value"], null)

    def ranks(values: np.ndarray) -> np.ndarray:
        return midranks(values, np.ones((1, n)))[0]

    def linear(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return permutation.null_pearson(standardised(a)[:, None], standardised(b), orders)[:, 0]

    add("spearman", resamples.spearman(x, y), linear(ranks(x), ranks(y)))
    if n > MOST_FOR_PAIRS:
        tau = Resamples(np.ones((1, n))).kendall(x, y)
        add("kendall", tau, None, f"over {MOST_FOR_PAIRS} models: no interval and no p value")
    else:
        add("kendall", resamples.kendall(x, y), None)
    add("pearson", resamples.pearson(x, y), linear(x, y))
    codes = resamples.groups
    if codes is not None and enough and 1 <= codes.max() < n - 1:
        means = (codes[:, None] == np.arange(codes.max() + 1)) / np.bincount(codes)

        def centred(values: np.ndarray) -> np.ndarray:
            return ranks(values) - (means.T @ ranks(values))[codes]

        add("spearman within groups", resamples.spearman_within(x, y), linear(centred(x), centred(y)))
    if not place.controlled or not enough:
        return
    if n <= controls.shape[1] + 3:
        reason = f"{n} models are too few to take out {controls.shape[1]} controls"
        for statistic in ("partial spearman", "partial pearson"):
            answers.add(place, name, statistic, value=np.nan, note=reason)
        return
    for statistic, kind, form in (("partial spearman", "rank", ranks), ("partial pearson", "value", standardised)):
        columns = [form(column) for column in (x, y, *controls.T)]
        null = partial.null_partial(columns[0], columns[1], np.array(columns[2:]).T.reshape(n, -1), orders)
        add(statistic, partial.partial_correlation(resamples, x, y, controls, kind), null)


def _slope(place: Place, name: str, x: np.ndarray, question: Question, answers: Answers, side: str) -> None:
    groups = None if question.groups is None else question.groups[place.models]
    found = slope(x, place.y, place.controls, groups, question.level)
    told = "; ".join(part for part in (side, found.note) if part)
    answers.add(
        place,
        name,
        "slope",
        value=found.value,
        low=found.low,
        high=found.high,
        p=found.p,
        method=found.method,
        note=told,
    )


def _bend(place: Place, question: Question, answers: Answers, orders: np.ndarray, rng: np.random.Generator) -> None:
    """Rows for the best bend, and the forms of relation side by side."""
    x, y, controls, near = place.x, place.y, place.controls, question.near
    assert near is not None
    sides = {"n_below": int((x < near).sum()), "n_above": int((x > near).sum())}
    errors = near_one.prediction_errors(x, y, controls, near)
    criteria = near_one.corrected_criterion(x, y, controls, near)
    best = min((name for name in ("line", "monotone")), key=lambda name: np.nan_to_num(errors[name].mean(), nan=np.inf))
    for name, squares in errors.items():
        ahead = errors[best] - squares
        answers.forms.append({
            **place.where, "form": name, "prediction_error": float(np.sqrt(squares.mean())),
            "corrected_criterion": criteria.get(name, np.nan), "ahead": float(ahead.mean()),
            "ahead_error": float(ahead.std(ddof=1) / np.sqrt(x.size)), "n_models": x.size, **sides,
        })  # fmt: skip
    found = near_one.kink(x, y, controls, question.n_bootstrap, question.level, rng)
    name = question.x_name
    if found is None:
        answers.add(place, name, BEND, value=np.nan, note=f"too few different values of {name} for a bend")
        return
    for statistic, (value, low, high) in (
        (BEND, found.position), ("slope below kink", found.slope_below), ("slope above kink", found.slope_above)
    ):  # fmt: skip
        row = answers.add(place, name, statistic, value=value, low=low, high=high)
        if statistic == BEND:
            answers.shuffled(row, found.gain, near_one.null_bend(x, y, controls, orders))


def _correct(answers: Answers, level: float) -> None:
    """Write p values into the rows: of shuffles where there are any, Holm's correction for slopes."""
    for (_, statistic), found in answers.nulls.items():
        observed = np.array([value for _, value, _ in found])
        nulls = np.column_stack([null for _, _, null in found])
        compared = permutation.compare_to_null(observed, nulls, level, one_sided=statistic == BEND)
        for index, (row, _, _) in enumerate(found):
            row["p"], row["p_corrected"] = compared.p[index], compared.p_corrected[index]
            if statistic != BEND:
                row["null"] = compared.mean[index]
                row["null_low"], row["null_high"] = compared.low[index], compared.high[index]
    for name in {row["predictor"] for row in answers.rows}:
        slopes = [
            row for row in answers.rows
            if row["predictor"] == name and row["statistic"] == "slope" and np.isfinite(row["p"])
        ]  # fmt: skip
        if slopes:
            corrected = permutation.holm(np.array([row["p"] for row in slopes]))
            for row, p in zip(slopes, corrected, strict=True):
                row["p_corrected"] = float(p)
