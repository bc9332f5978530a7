"""alpha-ReQ's selection: read out batches of models, and keep to the interval of the score that holds the best ones."""

from __future__ import annotations

import numpy as np

from neuroalpha.compare.rule import Rule

BATCH = 10
TOP = 5


class IntervalRule(Rule):
    """The procedure of Agrawal, Mondal, Ghosh & Richards (NeurIPS 2022), as their simulation runs it.

    Models come in a random order, ``batch`` at a time. Of each batch, those are read out whose score lies within the
    interval, ends included; it starts without ends. After a batch, all models read out so far are sorted by score; the
    interval's lower end becomes the score of the first that is among the ``top`` most accurate, unless that one is the
    first of all, and the upper end likewise. Accuracies that tie with one of the top count among them. The last batch
    may be smaller. Models with equal scores are taken in the order in which they were read out.

    Theirs starts with the interval from 0 to 10,000, which no alpha leaves; without ends, any score can drive the rule.

    Parameters
    ----------
    scores : (n_models,)
        Finite for all models in ``order``.
    order : (n,)
        Indices of models.
    batch, top : int
        Theirs are 10 and half of it.

    Attributes
    ----------
    counts : list of int
        Models read out after each batch. The "expected number of linear evaluations" that their code prints is the mean
        of these over batches and orders; how many are read out in the end is the last one.

    Examples
    --------
    >>> scores = np.array([0.4, 0.9, 1.0, 1.8, 0.5, 1.1])
    >>> accuracies = 90 - 10 * abs(scores - 1)
    >>> rule = IntervalRule(scores, np.arange(6), batch=3, top=2)
    >>> while (index := rule.ask()) is not None:
    ...     rule.tell(index, accuracies[index])
    >>> rule.counts, rule.interval  # 0.5 lay outside when its turn came
    ([3, 5], (0.9, 1.1))
    """

    def __init__(self, scores: np.ndarray, order: np.ndarray, *, batch: int = BATCH, top: int = TOP) -> None:
        super().__init__(order)
        self.interval = (-np.inf, np.inf)
        self.counts: list[int] = []
        self._scores = np.asarray(scores, dtype=float).tolist()
        self._batch, self._top = batch, top
        self._turn = 0
        self._read: list[tuple[float, float]] = []

    def ask(self) -> int | None:
        """The next model within the interval."""
        while self._turn < len(self.waiting):
            index = self.waiting[self._turn]
            if self.interval[0] <= self._scores[index] <= self.interval[1]:
                return index
            self._next()
        self.stopped = "every batch was gone through"
        return None

    def tell(self, index: int, accuracy: float) -> None:
        """Take the accuracy; the interval moves when a batch is through."""
        if accuracy == accuracy:
            self._read.append((self._scores[index], accuracy))
        self._next()

    def _next(self) -> None:
        self._turn += 1
        if self._turn % self._batch == 0 or self._turn == len(self.waiting):
            self._move()
            self.counts.append(len(self._read))

    def _move(self) -> None:
        if not self._read:
            return
        least = sorted(accuracy for _, accuracy in self._read)[-self._top :][0]
        ranked = sorted(self._read, key=lambda pair: pair[0])
        top = [place for place, (_, accuracy) in enumerate(ranked) if accuracy >= least]
        low, high = self.interval
        if top[0] != 0:
            low = ranked[top[0]][0]
        if top[-1] != len(ranked) - 1:
            high = ranked[top[-1]][0]
        self.interval = low, high
