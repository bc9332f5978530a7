"""Kernel: what is kept of a layer while stimuli pass by, and the eigenvalues that follow from it.

Two accumulators with one result. :class:`Covariance` takes all units of some stimuli and keeps moments (unit, unit):
memory does not grow with the number of stimuli. :class:`Gram` takes all stimuli of some units and keeps the matrix
(stimulus, stimulus): memory does not grow with the number of units. Both have the same non-zero eigenvalues. For the
interval the stimuli are dealt to groups, and each draw leaves one group out (delete-group jackknife); the deal belongs
to the stimuli, so both accumulators give the same draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.spectrum import gram, moments
from neuroalpha.spectrum.crossgram import SINGLE
from neuroalpha.spectrum.gram import Engine
from neuroalpha.spectrum.moments import Moments

STAGE_BYTES = 16 * 2**20  # rows put together before they are multiplied: one product of many rows is the faster
BLOCK_SIDE = 2**19  # values in a block of columns that stays in the cache while it is centred and multiplied
PANEL = 2**15  # values that are converted and centred in one go
SHIFT_ROWS = 32  # stimuli whose mean is taken away before the product
CONSTANT = 1e-12  # standard deviation over mean up to which a unit counts as constant: rounding of float64 sums


@dataclass(frozen=True)
class Accumulated:
    """What came out: ``eigenvalue`` (component,), ``draws`` (draw, component) or None, ``n_constant`` units."""

    eigenvalue: np.ndarray
    draws: np.ndarray | None
    n_constant: int


def deal(n: int, n_groups: int, seed: int) -> np.ndarray | None:
    """Group (stimulus,) of each of ``n`` stimuli, dealt at random; None without groups."""
    return np.random.default_rng(seed).integers(n_groups, size=n) if n_groups else None


def kept_share(n_groups: int) -> float:
    """Share f whose sqrt(f / (1 - f)) is (g - 1) / sqrt(g): the factor from the draws' spread to the standard error."""
    return (n_groups - 1) ** 2 / ((n_groups - 1) ** 2 + n_groups) if n_groups else 1.0


def block_width(n: int) -> int:
    """Units in one block of a Gram matrix of ``n`` stimuli.

    It depends on nothing else, so that the sum over blocks, and with it every bit of the result, is the same whichever
    way the blocks were kept. Many stimuli need wide blocks, or adding to the large matrix takes as long as the product.
    """
    return max(BLOCK_SIDE // n, min(1024, max(256, n // 8)))


class Covariance:
    """Moments of ``p`` units over stimuli that come in order, in any number of pieces.

    Memory: (groups + 1) matrices (p, p) in float64, four more at the end, and a few times STAGE_BYTES.
    """

    def __init__(self, p: int, groups: np.ndarray | None, n_groups: int, engine: Engine) -> None:
        self._p, self._engine = p, engine
        self._groups = groups
        self._states = [moments.empty(p, engine) for _ in range(max(n_groups, 1))]
        self._stage: Any = None
        self._first = self._filled = 0  # the first stimulus that is staged, and how many are

    def add(self, start: int, rows: Any) -> None:
        """Add responses (row, unit), numpy or torch, of the stimuli from ``start`` on."""
        if self._stage is None:
            self._stage = _like(rows, max(1, STAGE_BYTES // (4 * self._p)))
        taken = 0
        while taken < rows.shape[0]:
            if not self._filled:
                self._first = start + taken
            stop = min(rows.shape[0], taken + self._stage.shape[0] - self._filled)
            self._stage[self._filled : self._filled + stop - taken] = rows[taken:stop]
            self._filled += stop - taken
            taken = stop
            if self._filled == self._stage.shape[0]:
                self.flush()

    def flush(self) -> None:
        """Multiply what is staged; InputError where it holds NaN or infinite values, naming unit and stimulus."""
        if not self._filled:
            return
        batch, index = self._stage[: self._filled], np.arange(self._first, self._first + self._filled)
        self._filled = 0
        for group in range(len(self._states)):
            part = batch if self._groups is None else batch[np.flatnonzero(self._groups[index] == group)]
            state = moments.update(self._states[group], part, self._engine)
            if not np.isfinite(state.total).all():
                self._states = []  # nothing of it can be used
                raise InputError(_not_finite(_numpy(batch), index, 0))
            self._states[group] = state

    @property
    def states(self) -> list[Moments]:
        """Moments of each group (one in all without groups), complete after :meth:`flush`."""
        return self._states

    def finish(self, center: bool = True) -> Accumulated:
        """Eigenvalues of the covariance, and without each group in turn. The accumulator is spent."""
        self.flush()
        states, self._states, self._stage = self._states, [], None
        return from_moments(states, center, self._engine)


def from_moments(states: list[Moments], center: bool, engine: Engine) -> Accumulated:
    """Eigenvalues from the moments of all groups, which are merged in their order."""
    whole = states[0]
    for other in states[1:]:
        whole = moments.merge(whole, other, engine)
    n_constant = _constant_units(whole, engine)
    eigenvalue = moments.eigenvalues(whole, center, engine)
    draws = np.full((len(states), eigenvalue.size), np.nan)
    for group, state in enumerate(states if len(states) > 1 else []):
        found = moments.eigenvalues(without(whole, state, engine), center, engine)
        draws[group, : found.size] = found
    return Accumulated(eigenvalue, draws if len(states) > 1 else None, n_constant)


def without(whole: Moments, part: Moments, engine: Engine) -> Moments:
    """Moments of the rows of ``whole`` that are not in ``part``: the reverse of a merge."""
    count = whole.count - part.count
    if part.count == 0:
        return whole
    middle = (moments.mean(whole) * whole.count - moments.mean(part) * part.count) / max(count, 1)
    apart = moments.mean(part) - middle
    product = moments.scatter(whole, engine)
    product -= moments.scatter(part, engine)
    product -= engine.place(np.outer(apart, apart) * (count * part.count / whole.count))
    return Moments(count, middle, np.zeros(middle.size), product)


class Gram:
    """Gram matrix of ``n`` stimuli, from blocks of units that hold all of them.

    Memory: one matrix (n, n) in float64, two more at the end, and one block in float64.
    """

    def __init__(self, n: int, groups: np.ndarray | None, n_groups: int, engine: Engine, center: bool = True) -> None:
        self._engine, self._center = engine, center
        self._groups, self._n_groups = groups, n_groups
        self._room = np.empty(0)  # for a block while it is centred: fresh memory for each would cost more than that
        self.scatter = engine.zeros(n)
        self.counts = np.zeros(2, dtype=np.int64)  # units, constant units

    def add(self, block: Any, first: int = 0) -> None:
        """Add all stimuli of the units (stimulus, unit) from ``first`` on, numpy or torch; each unit is centred."""
        if not block.shape[1]:  # which BLAS refuses
            return
        self._engine.add_own(self.scatter, self._shifted(block))
        if not np.isfinite(_numpy(self.scatter.diagonal())).all():  # one wrong value spoils its stimulus' own entry
            raise InputError(_not_finite(_numpy(block), np.arange(block.shape[0]), first))
        self.counts += block.shape[1], _constant_columns(block)

    def _shifted(self, block: Any) -> Any:
        """A block as it is multiplied: each unit less a mean of some stimuli, which is near that of all.

        The rest is taken from the finished matrix, where it is no larger than the spread itself; one pass over the
        values less is a tenth of the product.
        """
        if not isinstance(block, np.ndarray):
            values = block.double()
            return values - values.mean(0) if self._center else values
        n, width = block.shape
        wanted = np.float32 if self._engine is SINGLE else np.float64
        if self._room.size < block.size:
            self._room = np.empty(block.size, dtype=wanted)
        room = self._room[: block.size].reshape(block.shape)
        with np.errstate(invalid="ignore", over="ignore"):  # told when multiplied
            middle = block[:: -(-n // SHIFT_ROWS)].mean(0, dtype=np.float64).astype(wanted) * self._center
            step = max(1, PANEL // width)
            for start in range(0, n, step):  # what was converted is still in the cache when it is shifted
                part = room[start : start + step]
                np.copyto(part, block[start : start + step], casting="same_kind")
                np.subtract(part, middle, out=part)
        return room

    def merge(self, other: Gram) -> Gram:
        """Add the matrix of other units of the same stimuli; returns itself."""
        self.scatter += other.scatter
        self.counts += other.counts
        return self

    def finish(self) -> Accumulated:
        """Eigenvalues of the covariance, and without each group in turn. The accumulator is spent."""
        n = self.scatter.shape[0]
        matrix = self._recentred(self._engine.full(self.scatter))
        self.scatter, self._room = None, np.empty(0)
        draws = np.full((self._n_groups, min(n - self._center, int(self.counts[0]))), np.nan)
        for group in range(self._n_groups):
            left = np.flatnonzero(self._groups != group)
            found = self._values(self._recentred(matrix[left[:, None], left]))
            draws[group, : found.size] = found[: draws.shape[1]]
        return Accumulated(self._values(matrix), draws if self._n_groups else None, int(self.counts[1]))

    def _recentred(self, matrix: Any) -> Any:
        """The matrix of rows less their mean row, in place: a matrix of 10,000 stimuli is 800 MB."""
        if self._center:
            means, middle = matrix.mean(0), matrix.mean()
            matrix -= means
            matrix -= means[:, None] - middle
        return matrix

    def _values(self, matrix: Any) -> np.ndarray:
        divisor = matrix.shape[0] - bool(self._center)
        return gram.eigenvalues(matrix, min(divisor, int(self.counts[0])), self._engine) / divisor


def check_varies(done: Accumulated, n_units: int) -> Accumulated:
    """The same; a layer whose output never changes is refused."""
    if done.n_constant == n_units:
        raise InputError(
            f"all {n_units} units are constant over the stimuli: there is nothing to decompose; check the layer, the "
            "weights and the images"
        )
    return done


def _constant_units(state: Moments, engine: Engine) -> int:
    diagonal = state.product.diagonal()
    diagonal = diagonal if isinstance(diagonal, np.ndarray) else diagonal.cpu().numpy()
    variance = diagonal / state.count - (state.total / state.count) ** 2
    return int((variance <= (CONSTANT * moments.mean(state)) ** 2).sum())


def _constant_columns(block: Any) -> int:
    """How many columns hold the same value in every row; few rows first, which nearly all columns drop out in."""
    left = block
    for stop in (4, 32, block.shape[0]):
        rows = left[:stop]
        same = (rows == rows[0]).all(0)
        left = left[:, same] if isinstance(block, np.ndarray) else left[:, same.nonzero()[:, 0]]
        if not left.shape[1]:
            break
    return int(left.shape[1])


def _not_finite(values: np.ndarray, index: np.ndarray, first_unit: int) -> str:
    """Say where NaN or infinite activations are: counts, the first unit, the first stimulus."""
    wrong = ~np.isfinite(values)
    rows, units = np.flatnonzero(wrong.any(axis=1)), np.flatnonzero(wrong.any(axis=0))
    if not rows.size:  # finite numbers whose sum is not
        return "its activations are so large that their sums leave the range of numbers; scale them down"
    return (
        f"NaN or infinite activations: {units.size} units of these {values.shape[1]} (the first is unit "
        f"{first_unit + units[0]}) for {rows.size} of {values.shape[0]} stimuli (first: number {index[rows[0]]}); "
        "check the weights, the images, or half precision"
    )


def _like(rows: Any, capacity: int) -> Any:
    """An empty stage of the same kind as ``rows``."""
    shape = (capacity, rows.shape[1])
    return np.empty(shape, rows.dtype) if isinstance(rows, np.ndarray) else rows.new_empty(shape)


def _numpy(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()
