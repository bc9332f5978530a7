"""Successive halving: many models get a short readout, the better ones a longer one, the best a whole one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from neuroalpha.compare.rule import Rule

LENGTHS = (1 / 9, 1 / 3, 1.0)


class HalvingRule(Rule):
    """Jamieson & Talwalkar (AISTATS 2016) and Li et al. (JMLR 2018): the same effort for every length.

    All models are read out at the shortest length; of n at one length, the n x (this length) / (next length) most
    accurate, rounded up, go on. Uses no score. A readout costs its length, and each starts anew.

    Parameters
    ----------
    order : (n,)
        Indices of models; with a budget, only the first of them enter.
    lengths : sequence of float
        Rising, the last one 1. Default: thirds, the factor of 3 that Li et al. use.
    budget : float, optional
        Most that all readouts may cost together.

    Examples
    --------
    >>> rule = HalvingRule(np.arange(9), lengths=(1 / 3, 1))
    >>> while (index := rule.ask()) is not None:
    ...     rule.tell(index, 50 + index)
    >>> round(rule.cost, 3), rule.whole  # nine short ones and three whole ones
    (6.0, [8, 7, 6])
    """

    def __init__(self, order: np.ndarray, *, lengths: Sequence[float] = LENGTHS, budget: float | None = None) -> None:
        entering = len(order)
        while budget is not None and entering > 1 and _cost(entering, lengths) > budget + 1e-9:
            entering -= 1
        super().__init__(order[:entering])
        self.lengths = tuple(float(length) for length in lengths)
        self.cost = 0.0
        self.whole: list[int] = []
        """Models that got a whole readout, in their order."""
        self._stage = 0
        self._read: list[tuple[float, int]] = []

    @property
    def length(self) -> float:  # type: ignore[override]
        """Of the readout of the model asked for."""
        return self.lengths[self._stage]

    def ask(self) -> int | None:
        """The next model at this length, or the best of the last."""
        if not self.waiting and self._stage + 1 < len(self.lengths) and self._read:
            kept = _kept(len(self._read), self.lengths[self._stage], self.lengths[self._stage + 1])
            # Equal accuracies: the one that came first.
            self._read.sort(key=lambda pair: -pair[0])
            self.waiting = [index for _, index in self._read[:kept]]
            self._read = []
            self._stage += 1
        if self.waiting:
            return self.waiting[0]
        self.stopped = "the best models of the shorter readouts got a whole one"
        return None

    def tell(self, index: int, accuracy: float) -> None:
        """Take the accuracy of a readout of the present length."""
        super().tell(index, accuracy)
        self.cost += self.length
        if accuracy == accuracy:
            self._read.append((accuracy, index))
        if self._stage + 1 == len(self.lengths):
            self.whole.append(index)


def _kept(n: int, length: float, following: float) -> int:
    # A third of nine is three, whatever rounding says.
    return max(1, math.ceil(n * length / following - 1e-9))


def _cost(n: int, lengths: Sequence[float]) -> float:
    """Of a whole run that ``n`` models enter."""
    total = 0.0
    for stage, length in enumerate(lengths):
        total += n * length
        if stage + 1 < len(lengths):
            n = _kept(n, length, lengths[stage + 1])
    return total
