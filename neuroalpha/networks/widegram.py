"""Gram matrices of wide layers, one layer after the other, so that only one such matrix is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from neuroalpha.errors import InputError
from neuroalpha.networks.sharding import Part
from neuroalpha.spectrum.accumulate import Accumulated, Gram

Outcome = Accumulated | InputError


class WideGrams:
    """Takes the blocks of all wide layers in the order of ``layers`` and ends a layer when the next one begins.

    A layer in several parts has a matrix for each, made by ``make``; they are merged in the order of the parts, also
    across processes.
    """

    def __init__(self, make: Callable[[], Gram], part: Part, layers: Sequence[str]) -> None:
        self._make, self._part, self._waiting = make, part, list(layers)
        self._gram: Gram | None = None  # of the part at work
        self._index = -1
        self._before: Gram | None = None  # of the parts before it
        self._fault = ""

    def add(self, layer: str, part: int, first: int, values: Any) -> dict[str, Outcome]:
        """Add all stimuli of the units from ``first`` on; returns the layers that ended before this block."""
        done = {}
        while self._waiting[0] != layer:
            done.update(self._end())
        if part != self._index:
            self._fold()
            self._index = part
        if not self._fault:
            try:
                self._gram = self._gram or self._make()
                self._gram.add(values, first)
            except InputError as error:  # of this layer only
                self._fault, self._gram, self._before = str(error), None, None
        return done

    def finish(self) -> dict[str, Outcome]:
        """End the layers that are left."""
        done = {}
        while self._waiting:
            done.update(self._end())
        return done

    def _fold(self) -> None:
        """Add the part that is complete to those before it."""
        if self._gram is not None:
            self._before = self._gram if self._before is None else self._before.merge(self._gram)
        self._gram = None

    def _end(self) -> dict[str, Outcome]:
        layer = self._waiting.pop(0)
        self._fold()
        fault, whole = self._part.first_fault(self._fault), self._before
        self._before, self._fault, self._index = None, "", -1
        if fault:
            return {layer: InputError(fault)}
        if self._part.together:
            whole = self._together(whole)
        assert whole is not None
        return {layer: whole.finish()}

    def _together(self, own: Gram | None) -> Gram | None:
        """Merge the matrices of all processes in their order, one at a time; a process may have no block at all."""
        whole: Gram | None = None
        for index in range(self._part.n_parts):
            given = own if index == self._part.rank and own is not None else self._make()
            self._part.share([given.counts, given.scatter], index)
            if given.counts[0]:
                whole = given if whole is None else whole.merge(given)
        return whole
