"""The models, scores and accuracies that selection is about, checked: one row a model, accuracies in percent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.compare.wording import many
from neuroalpha.errors import InputError, nearest


@dataclass(frozen=True, eq=False)
class Points:
    """What is left of a table."""

    frame: pd.DataFrame
    """One row for each model with an accuracy: ``model`` (text), ``accuracy`` in percent, the scores; the index is that
    of the rows of the table."""
    scores: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def accuracies(self) -> np.ndarray:
        """In percent (n_models,)."""
        return self.frame["accuracy"].to_numpy(dtype=float)

    def values(self, scores: Sequence[str]) -> np.ndarray:
        """Scores (n_models, n_scores), NaN where a model has none."""
        return self.frame[[f"score: {name}" for name in scores]].to_numpy(dtype=float)


def selection_points(table: pd.DataFrame, scores: Sequence[str], accuracy: str) -> Points:
    """Check the table of :func:`~neuroalpha.compare.rule_comparison.compare_rules`; raises InputError."""
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"table is {type(table).__name__}; expected a pandas DataFrame with a row for each model")
    names = list(dict.fromkeys(scores))
    if not names:
        raise InputError("no score is given; name at least one column, such as scores=['alpha']")
    columns = {name: number_column(table, name) for name in [accuracy, *names]}
    models = model_names(table)
    twice = pd.Series(models)[pd.Series(models).duplicated()].unique()
    if len(twice):
        raise InputError(
            f"{many(len(twice), 'model')} of the table {'has' if len(twice) == 1 else 'have'} several rows: "
            f"{first_few(twice)}; keep one row a model, such as table[table.layer == 'backbone']"
        )
    frame = pd.DataFrame({"model": models, "accuracy": as_percent(columns[accuracy])}, index=range(len(table)))
    for name in names:
        values = columns[name]
        frame[f"score: {name}"] = np.where(np.isfinite(values), values, np.nan)
    notes = []
    known = np.isfinite(frame["accuracy"].to_numpy())
    if not known.all():
        lacking = frame.loc[~known, "model"]
        notes.append(f"{many(len(lacking), 'model')} without {accuracy} left out: {first_few(lacking)}.")
    frame = frame[known]
    if len(frame) < 2:
        raise InputError(
            f"{many(len(frame), 'row')} of the table have a number in {accuracy!r}; selection needs two models"
        )
    for name in names:
        column = frame[f"score: {name}"]
        lacking = frame.loc[column.isna(), "model"]
        if len(lacking) == len(frame):
            raise InputError(
                f"no model has a number in {name!r}: every model collapsed or none was measured; nothing can be chosen"
            )
        if len(lacking):
            notes.append(
                f"{many(len(lacking), 'model')} without {name} (collapsed or not measured), never read out where "
                f"{name} drives the rule: {first_few(lacking)}."
            )
        if column.nunique() == 1:
            notes.append(f"{name} is {column.dropna().iloc[0]:g} for all models that have it: it can choose nothing.")
    return Points(frame, tuple(names), tuple(notes))


def number_column(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column (n_rows,) as numbers, or say what is wrong with it."""
    if name not in table.columns:
        raise InputError(f"the table has no column {name!r}" + nearest(str(name), map(str, table.columns)))
    try:
        return pd.to_numeric(table[name]).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(f"column {name!r} holds no numbers; a score and an accuracy are numbers") from None


def model_names(table: pd.DataFrame) -> list[str]:
    """Names of the rows: the column ``model`` if there is one, else the index."""
    return [str(name) for name in (table["model"] if "model" in table.columns else table.index)]


def as_percent(accuracies: np.ndarray) -> np.ndarray:
    """Accuracies in percent: where none is above 1 they are taken as fractions.

    Examples
    --------
    >>> as_percent(np.array([0.5, 0.75])), as_percent(np.array([50.0, 75.0]))
    (array([50., 75.]), array([50., 75.]))
    """
    return accuracies * percent(accuracies)


def percent(accuracies: np.ndarray) -> float:
    """What brings these accuracies to percent: 100 for fractions, else 1."""
    finite = accuracies[np.isfinite(accuracies)]
    return 100.0 if finite.size and finite.max() <= 1 else 1.0


def length_columns(
    table: pd.DataFrame, points: Points, accuracy: str, lengths: Mapping[float, str] | str
) -> tuple[tuple[float, ...], np.ndarray]:
    """Lengths of readouts, rising to 1, and accuracies in percent (n_lengths, n_models); empty without any shorter."""
    if lengths == "auto":
        named = re.compile(re.escape(accuracy) + r" at (0?\.\d+)")
        found = {_length(m.group(1)): str(name) for name in table.columns if (m := named.fullmatch(str(name)))}
    elif isinstance(lengths, Mapping):
        found = {_length(key): name for key, name in lengths.items() if key not in (1, "1")}
    else:
        raise InputError(f"lengths is {lengths!r}; expected a mapping from length to column, or 'auto'")
    values = {length: number_column(table, name)[points.frame.index] for length, name in sorted(found.items())}
    # The same unit as the whole readout's.
    scale = percent(number_column(table, accuracy))
    rows = [column * scale for column in values.values()]
    short = [length for length, column in values.items() if not np.isfinite(column).all()]
    if short:
        raise InputError(f"some models have no accuracy at length {short[0]:g}; halving needs it for every model")
    return (*values, 1.0), np.array([*rows, points.accuracies])


def _length(value: Any) -> float:
    try:
        length = float(value)
    except (TypeError, ValueError):
        length = np.nan
    if not 0 < length < 1:
        raise InputError(f"{value!r} is no length of a readout; expected a share of a whole one, between 0 and 1")
    return length
