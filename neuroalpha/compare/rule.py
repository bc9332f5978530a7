"""What all rules of selection share: they are asked which model to read out next, and told how accurate it is."""

from __future__ import annotations

import numpy as np


class Rule:
    """Chooses the next model to read out; the live search and the simulation of many orders drive the same object.

    ``ask`` and ``tell`` alternate. An accuracy of NaN is a readout that failed: the model is never asked for again and
    counts for nothing.

    Examples
    --------
    >>> rule = Rule(np.array([2, 0, 1]))
    >>> rule.ask()
    2
    >>> rule.tell(2, 0.71)
    >>> rule.ask()
    0
    """

    length: float = 1.0
    """How long a readout the model asked for gets; 1 is a whole one."""

    def __init__(self, order: np.ndarray) -> None:
        self.waiting = [int(index) for index in order]
        self.stopped = ""
        """Why there is no next model; empty while there may be one."""

    def ask(self) -> int | None:
        """Index of the model to read out next, None when the rule has stopped."""
        if self.waiting:
            return self.waiting[0]
        self.stopped = "every model was read out"
        return None

    def tell(self, index: int, accuracy: float) -> None:
        """Take the accuracy of the model that was asked for."""
        self.waiting.remove(index)
