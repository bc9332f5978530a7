"""Pick the best of many models with few readouts: a rule asks, the user's own readout answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from neuroalpha._checks import check_seed
from neuroalpha._text import first_few
from neuroalpha.compare.candidates import Candidates, candidates
from neuroalpha.compare.halving_rule import HalvingRule
from neuroalpha.compare.improvement_rule import ImprovementRule
from neuroalpha.compare.interval_rule import IntervalRule
from neuroalpha.compare.random_rule import RandomRule
from neuroalpha.compare.rule import Rule
from neuroalpha.compare.rule_options import DEFAULTS, positive, rule_options
from neuroalpha.compare.selection_points import percent
from neuroalpha.compare.wording import many
from neuroalpha.errors import InputError, nearest


@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """The model that was picked, and how. Printing it prints the sentences."""

    best: str
    """Name of the model with the highest accuracy among those read out."""
    best_model: Any
    """That model, as it was given."""
    accuracy: float
    """Of its readout."""
    names: list[str]
    """Models in the order of their readouts; with successive halving a model may come several times."""
    accuracies: np.ndarray
    """Of those readouts (n_readouts,), NaN where one failed."""
    lengths: np.ndarray
    """Of those readouts; 1 is a whole one."""
    cost: float
    """Sum of the lengths."""
    interval: tuple[float, float] | None
    """Of the score, where alpha-ReQ's rule ended."""
    stopped: str
    """Why no more models were read out."""
    failed: dict[str, str]
    """Models whose readout raised, and what."""
    left_out: dict[str, str]
    """Models never considered, and why."""
    sentences: list[str]
    models: tuple[str, ...]
    """All names."""
    scores: pd.DataFrame
    """Of all models, a row for each."""
    rule: str
    score: str
    budget: float | None
    tolerance: float
    seed: int
    options: str

    @property
    def n_readouts(self) -> int:
        """How often the readout was called."""
        return len(self.names)

    def __str__(self) -> str:
        """Return the sentences, one on each line."""
        return "\n".join(self.sentences)

    __repr__ = __str__

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each model: scores, ``step`` of its last readout, ``accuracy``, ``length``, ``status``."""
        rows = []
        last = {name: step for step, name in enumerate(self.names)}
        for name in self.models:
            step = last.get(name)
            status = "not read out" if step is None else "read out"
            if name in self.failed:
                status = f"failed: {self.failed[name]}"
            elif name in self.left_out:
                status = f"left out: {self.left_out[name]}"
            rows.append({
                "step": np.nan if step is None else step + 1.0,
                "accuracy": np.nan if step is None else self.accuracies[step],
                "length": np.nan if step is None else self.lengths[step],
                "status": status, "best": name == self.best,
            })  # fmt: skip
        frame = pd.concat([self.scores.reset_index(drop=True), pd.DataFrame(rows)], axis=1)
        frame.insert(0, "model", list(self.models))
        return frame.assign(
            rule=self.rule, scored_by=self.score, budget=np.nan if self.budget is None else self.budget,
            tolerance=self.tolerance, seed=self.seed, options=self.options,
        )  # fmt: skip


def select(
    models: Sequence[Any] | Mapping[str, Any] | pd.DataFrame,
    readout: Callable[..., float],
    *,
    score: Any = None,
    rule: str = "interval",
    budget: float | None = 20,
    tolerance: float = 1.0,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Selection:
    """Pick the best of many models, and call the readout, the costly step that needs labels, for few of them.

    Parameters
    ----------
    models : sequence, mapping or DataFrame
        Anything the readout takes; a mapping names them. Of a DataFrame, each row is a model, named by ``model`` or the
        index, and the readout gets the row.
    readout : callable
        Takes a model and returns its accuracy, in fractions or in percent. With ``rule="halving"`` it takes the model
        and a length, the share of a whole readout (of its epochs or training images). Where it raises, that model
        is left out and the search goes on; it ends with an error when more than half of the calls have failed, three at
        least.
    score : str, sequence, array, mapping or callable
        What is known of each model without labels: a column of the DataFrame or several; numbers (n_models,) or
        (n_models, n_scores); numbers by name; or a function of the model. A model with NaN (alpha of a collapsed
        spectrum) is left out. The rules "random" and "halving" need none.
    rule : {"interval", "improvement", "random", "halving"}
        alpha-ReQ's interval of the score that holds the most accurate models so far
        (:class:`~neuroalpha.compare.interval_rule.IntervalRule`); the model of the largest expected improvement
        (:class:`~neuroalpha.compare.improvement_rule.ImprovementRule`), the only one to use several scores; a random
        order; or successive halving (:class:`~neuroalpha.compare.halving_rule.HalvingRule`).
    budget : float, optional
        Most readouts; for "halving" most of the sum of their lengths. None: until the rule stops by itself. With a
        budget of one batch or less "interval" is random search among the models that have a score.
    tolerance : float
        Percentage points that do not matter: "improvement" stops when hardly any model can be better by more.
    seed : int
        Of the order in which models come.
    options : mapping, optional
        Of the rule: ``batch`` and ``top`` of "interval" (10 and 5); ``first``, ``least`` and ``stop`` of "improvement"
        (3 readouts that only explore, no stop before 10, a stop when fewer than 0.02 models are expected to be better
        by more than the tolerance); ``lengths`` of "halving" (1/9, 1/3, 1).
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Selection
        ``.best``, ``.accuracy``, ``.n_readouts``, ``.stopped``, ``.sentences``; ``.to_frame()`` has a row for each
        model.

    Raises
    ------
    InputError
        For no models, an unknown rule, score or option, scores that do not match the models, no score at all (every
        model collapsed), a readout that returns no number, or too many readouts that raise.

    Notes
    -----
    The accuracy of the winner is the highest of several and so a little too high: measure it anew on images that no
    readout was scored on.

    Source of the default rule: Agrawal, Mondal, Ghosh & Richards, NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> alphas = np.random.default_rng(0).uniform(0.5, 2.5, 60)
    >>> picked = select(list(range(60)), lambda model: 0.9 - 0.1 * abs(alphas[model] - 1), score=alphas)
    >>> picked.best, round(picked.accuracy, 3), picked.n_readouts
    ('51', 0.898, 16)
    """
    if rule not in DEFAULTS:
        raise InputError(f"there is no rule {rule!r}; there are {', '.join(DEFAULTS)}" + nearest(str(rule), DEFAULTS))
    if not callable(readout):
        raise InputError(
            f"readout is {type(readout).__name__}; expected a function of a model that returns its accuracy"
        )
    settings = rule_options(rule, options)
    allowed = positive(tolerance, "tolerance")
    limit = None if budget is None else positive(budget, "budget")
    if limit is not None and limit < (1 if rule != "halving" else min(settings["lengths"])):
        raise InputError(f"budget is {budget!r}: not one readout; expected at least 1, or None for no limit")
    of = candidates(
        models, score, needed=rule in ("interval", "improvement"), single=rule == "interval", budget=limit,
        blind=settings["batch"] if rule == "interval" else max(settings.get("first", 0), 2),
    )  # fmt: skip
    order = np.random.RandomState(check_seed(seed)).permutation(len(of.names))
    order = np.array([index for index in order if index not in of.unusable], dtype=int)
    made = _rule(rule, of, order, allowed, limit, settings)
    search = _Search(made, of, readout, limit, allowed)
    search.run(progress)
    return _selection(search, of, rule, limit, allowed, seed, settings)


def _rule(
    rule: str, of: Candidates, order: np.ndarray, tolerance: float, budget: float | None, settings: dict[str, Any]
) -> Rule:
    if rule == "interval":
        return IntervalRule(of.scores.to_numpy(dtype=float)[:, 0], order, **settings)
    if rule == "improvement":
        return ImprovementRule(of.scores.to_numpy(dtype=float), order, tolerance=tolerance, **settings)
    return HalvingRule(order, budget=budget, **settings) if rule == "halving" else RandomRule(order)


class _Search:
    """Asks the rule, calls the readout, tells the rule."""

    def __init__(
        self, rule: Rule, of: Candidates, readout: Callable[..., float], budget: float | None, tolerance: float
    ) -> None:
        self.rule, self.names, self.budget = rule, of.names, budget
        self.asked: list[int] = []
        self.accuracies: list[float] = []
        self.lengths: list[float] = []
        self.failed: dict[str, str] = {}
        self._models, self._readout, self._tolerance = of.models, readout, tolerance

    def run(self, progress: bool) -> None:
        """Until the rule stops or the budget is spent."""
        total = None if self.budget is None or isinstance(self.rule, HalvingRule) else int(self.budget)
        with tqdm(total=total, desc="readouts", file=sys.stderr, disable=not progress) as bar:
            while (index := self.rule.ask()) is not None:
                if self.budget is not None and self._spent() + self.rule.length > self.budget + 1e-9:
                    self.rule.stopped = f"the budget of {self.budget:g} readouts was spent"
                    return
                self._one(index, self.rule.length)
                bar.update(1)
                bar.set_postfix_str(f"best {np.nanmax(self.accuracies):.4g}" if self._any() else "none yet")

    def _one(self, index: int, length: float) -> None:
        name, model = self.names[index], self._models[index]
        accuracy = float("nan")
        try:
            answer = self._readout(model, length) if isinstance(self.rule, HalvingRule) else self._readout(model)
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises is told, and the rest goes on
            self.failed[name] = " ".join(f"{type(error).__name__}: {error}".split())
        else:
            accuracy = _number(answer, name)
            if not np.isfinite(accuracy):
                self.failed[name] = f"the accuracy is {accuracy}"
                accuracy = float("nan")
        self.asked.append(index)
        self.accuracies.append(accuracy)
        self.lengths.append(length)
        if len(self.failed) >= 3 and len(self.failed) > len(self.asked) / 2:
            first, why = next(iter(self.failed.items()))
            raise InputError(
                f"{len(self.failed)} of {len(self.asked)} readouts failed, so the search was given up; the first was "
                f"model {first!r}: {why}"
            )
        self.rule.tell(index, accuracy)
        if isinstance(self.rule, ImprovementRule):
            self.rule.tolerance = self._tolerance / percent(np.array(self.accuracies))

    def _any(self) -> bool:
        return bool(np.isfinite(self.accuracies).any())

    def _spent(self) -> float:
        return sum(self.lengths)


def _number(answer: Any, name: str) -> float:
    try:
        return float(answer)
    except (TypeError, ValueError):
        raise InputError(
            f"the readout of model {name!r} returned {type(answer).__name__}; expected its accuracy, a number"
        ) from None


def _selection(
    search: _Search, of: Candidates, rule: str, budget: float | None, tolerance: float, seed: int, settings: Any
) -> Selection:
    accuracies, lengths = np.array(search.accuracies), np.array(search.lengths)
    # Of readouts of different length, only the longest can be compared.
    usable = np.isfinite(accuracies) & (lengths >= lengths[np.isfinite(accuracies)].max(initial=0))
    if not usable.any():
        first, why = next(iter(search.failed.items()))
        raise InputError(f"no readout gave an accuracy; model {first!r}: {why}")
    place = int(np.flatnonzero(usable)[accuracies[usable].argmax()])
    index = search.asked[place]
    interval = search.rule.interval if isinstance(search.rule, IntervalRule) else None
    left_out = {of.names[each]: why for each, why in of.unusable.items()}
    picked = Selection(
        best=of.names[index], best_model=of.models[index], accuracy=float(accuracies[place]),
        names=[of.names[each] for each in search.asked], accuracies=accuracies, lengths=lengths,
        cost=float(lengths.sum()), interval=interval, stopped=search.rule.stopped, failed=search.failed,
        left_out=left_out, sentences=[], models=tuple(of.names), scores=of.scores, rule=rule,
        score=" + ".join(map(str, of.scores.columns)), budget=budget, tolerance=tolerance, seed=seed,
        options=", ".join(f"{key}={value}" for key, value in settings.items()),
    )  # fmt: skip
    picked.sentences.extend(_sentences(picked, of))
    return picked


def _sentences(picked: Selection, of: Candidates) -> list[str]:
    cost = "" if picked.rule != "halving" else f" for the cost of {picked.cost:.3g} whole ones"
    said = [
        f"{picked.best} has the highest accuracy, {picked.accuracy:.4g}, of {many(picked.n_readouts, 'readout')}{cost} "
        f"among {many(len(of.names), 'model')}; it stopped because {picked.stopped}."
    ]
    if picked.interval is not None and np.isfinite(picked.interval).any():
        low, high = picked.interval
        said.append(f"The interval of {picked.score} that holds the most accurate models is {low:.3g} to {high:.3g}.")
    said += of.notes
    if picked.left_out:
        reasons = list(dict.fromkeys(picked.left_out.values()))
        said.append(f"Left out: {first_few(picked.left_out)} ({'; '.join(reasons)}).")
    said += [f"The readout of {name} failed: {why}." for name, why in picked.failed.items()]
    return said
