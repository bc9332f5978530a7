"""Models to choose among, in whatever form they are given, and what is known of them without labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neuroalpha._text import first_few
from neuroalpha.compare.selection_points import model_names, number_column
from neuroalpha.compare.wording import many
from neuroalpha.errors import InputError


@dataclass(frozen=True, eq=False)
class Candidates:
    """Models with names and scores."""

    models: list[Any]
    names: list[str]
    scores: pd.DataFrame
    """A row for each model, NaN where a score is missing; no columns without scores."""
    unusable: dict[int, str]
    """Indices of models that cannot be considered, and why."""
    notes: list[str]


def candidates(
    models: Any, score: Any, *, needed: bool, single: bool, blind: int = 0, budget: float | None = None
) -> Candidates:
    """Read models and scores; raises InputError.

    Parameters
    ----------
    models, score
        See :func:`neuroalpha.compare.selection.select`.
    needed : bool
        Whether the rule uses scores; if not they are kept for the table, and models without one stay.
    single : bool
        Whether it can use only one.
    blind : int
        Readouts that the rule makes before accuracies decide which come next, for the notes.
    budget : float, optional
        Most readouts, for the notes.
    """
    given, names = _models(models)
    twice = pd.Series(names)[pd.Series(names).duplicated()].unique()
    if len(twice):
        raise InputError(
            f"{many(len(twice), 'name')} of models occur several times: {first_few(twice)}; name each once"
        )
    if score is None:
        if needed:
            raise InputError("this rule needs a score: a column, numbers (one for each model) or a function of a model")
        return Candidates(given, names, pd.DataFrame(index=range(len(given))), {}, [])
    scores = _scores(models, given, names, score)
    if single and scores.shape[1] != 1:
        raise InputError(
            f"rule 'interval' takes one score, {scores.shape[1]} were given; give one, or rule='improvement', which "
            "uses them all"
        )
    if not needed:
        return Candidates(given, names, scores, {}, [])
    missing = ~np.isfinite(scores.to_numpy(dtype=float))
    unusable = {
        int(
            index
        ): f"no {' and no '.join(str(name) for name in scores.columns[missing[index]])} (collapsed or not measured)"
        for index in np.flatnonzero(missing.any(axis=1))
    }
    if len(unusable) == len(given):
        raise InputError(
            f"none of {many(len(given), 'model')} has a score: every model collapsed or none was measured; there is "
            "nothing to choose by"
        )
    return Candidates(given, names, scores, unusable, _notes(scores, unusable, single, blind, budget))


def _notes(scores: pd.DataFrame, unusable: dict[int, str], single: bool, blind: int, budget: float | None) -> list[str]:
    notes = []
    usable = scores.drop(index=list(unusable))
    flat = [str(name) for name in usable.columns if usable[name].nunique() == 1]
    if flat and len(usable) > 1:
        notes.append(f"{', '.join(flat)} is the same for every model and can choose nothing: the order was random.")
    if budget is not None and budget <= blind and budget < len(usable):
        notes.append(
            f"The budget of {many(int(budget), 'readout')} ends within the first batch of {blind}, which comes in "
            "random order: this was random search, the score chose nothing."
            if single
            else f"The budget of {many(int(budget), 'readout')} ends with the first {blind}, which only explore: no "
            "accuracy decided which models were read out."
        )
    elif single and len(usable) <= blind:
        notes.append(
            f"{many(len(usable), 'model')} make one batch of at most {blind}: all of them are read out, the score "
            "chooses nothing."
        )
    return notes


def _models(models: Any) -> tuple[list[Any], list[str]]:
    if isinstance(models, pd.DataFrame):
        given, names = [row for _, row in models.iterrows()], model_names(models)
    elif isinstance(models, Mapping):
        given, names = list(models.values()), [str(name) for name in models]
    elif isinstance(models, Sequence) and not isinstance(models, (str, bytes)):
        given = list(models)
        plain = all(isinstance(model, (str, int, np.integer)) for model in given)
        names = [str(model) for model in given] if plain else [str(index) for index in range(len(given))]
    else:
        raise InputError(
            f"models is {type(models).__name__}; expected a list, a mapping from name to model or a DataFrame"
        )
    if not given:
        raise InputError("there are no models to choose among")
    return given, names


def _scores(models: Any, given: list[Any], names: list[str], score: Any) -> pd.DataFrame:
    index = range(len(given))
    columns = [score] if isinstance(score, str) else score
    if isinstance(columns, (list, tuple)) and columns and all(isinstance(each, str) for each in columns):
        if not isinstance(models, pd.DataFrame):
            raise InputError(
                f"score {columns[0]!r} names a column, but models are no DataFrame; give numbers or a function"
            )
        return pd.DataFrame({name: number_column(models, name) for name in columns}, index=index)
    if isinstance(score, pd.Series) and not isinstance(models, pd.DataFrame):
        own = [str(name) for name in score.index]
        if set(names) <= set(own) and len(set(own)) == len(own):  # its index names the models: by name, not by place
            score = dict(zip(own, score, strict=True))
    if isinstance(score, Mapping):
        score = {str(name): value for name, value in score.items()}
        lacking = [name for name in names if name not in score]
        if lacking:
            raise InputError(f"{many(len(lacking), 'model')} have no score in the mapping: {first_few(lacking)}")
        score = [score[name] for name in names]
    elif callable(score):
        score = _called(score, given, names)
    try:
        values = np.asarray(score, dtype=float)
    except (TypeError, ValueError):
        raise InputError("score holds no numbers; expected one number (or one row of numbers) for each model") from None
    if values.ndim not in (1, 2) or len(values) != len(given) or values.size == 0:
        raise InputError(
            f"score has shape {values.shape} for {many(len(given), 'model')}; expected one row for each model"
        )
    values = values.reshape(len(given), -1)
    headers = ["score"] if values.shape[1] == 1 else [f"score {place}" for place in range(1, values.shape[1] + 1)]
    return pd.DataFrame(values, columns=headers, index=index)


def _called(score: Callable[[Any], Any], given: list[Any], names: list[str]) -> list[Any]:
    values = []
    for model, name in zip(given, names, strict=True):
        try:
            values.append(score(model))
        except Exception as error:
            raise InputError(
                f"the score of model {name!r} cannot be computed: {type(error).__name__}: {error}"
            ) from error
    return values
