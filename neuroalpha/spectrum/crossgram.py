"""Kernel: Gram matrices within and between repeats, in one pass over blocks of neuroids.

Each block of neuroids holds all stimuli and repeats, so that it is centred exactly before it is multiplied, and no
centred copy of the data is ever whole in memory. The matrices X_i X_j' (stimulus, stimulus) are all that cvPCA and
moment estimators need of a recording with more neuroids than stimuli.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import blas

from neuroalpha.spectrum.blocks import column_blocks, in_passes, nan_to_zero, within
from neuroalpha.spectrum.gram import BLAS, DRAW_BYTES, Engine, column_sums, multiply, over_present

STAGED = 2048  # neuroids that a float32 product sums over before it is added up in float64


@dataclass(frozen=True)
class CrossGrams:
    """Gram matrices of centred repeats X_i (stimulus, neuroid): ``blocks[i, j]`` is X_i X_j' for i >= j.

    ``totals`` (repeat, stimulus): sums over neuroids; ``means``, ``missing`` (neuroid,): of the values before, over
    stimuli and repeats, and how many NaN counted as the mean.
    """

    blocks: dict[tuple[int, int], Any]
    totals: np.ndarray
    means: np.ndarray
    missing: np.ndarray
    n_neuroids: int

    @property
    def cross(self) -> Any:
        """X2 X1'."""
        return self.blocks[1, 0]

    def own(self, repeat: int) -> Any:
        """X_i X_i'."""
        return self.blocks[repeat, repeat]


class Single(Engine):
    """Products in float32 of blocks that were centred in float64, added up in float64; for float32 values."""

    rows_factor = 8  # each block's product is added up in float64, which takes a while

    def put(self, block: np.ndarray) -> Any:
        """Round a centred block to float32."""
        return block.astype(np.float32)

    def shifted(self, batch: Any, shift: np.ndarray) -> Any:
        """``batch - shift``; float32 is subtracted in float32, whose error is that of the result: small near zero."""
        batch = np.asarray(batch)
        if batch.dtype != np.float32:
            return super().shifted(batch, shift).astype(np.float32)
        with np.errstate(invalid="ignore"):
            return np.subtract(batch, shift.astype(np.float32), order="C")

    def add_own(self, scatter: Any, block: Any) -> None:
        """Add the lower triangle of ``block @ block.T``, in panels of rows."""
        if block.flags.f_contiguous:
            product = blas.ssyrk(1.0, block, lower=1)
        else:
            product = blas.ssyrk(1.0, np.ascontiguousarray(block).T, trans=1, lower=1)
        for start in range(0, scatter.shape[0], 512):
            stop = start + 512
            scatter[start:, start:stop] += product[start:, start:stop]

    def add_cross(self, product: Any, one: Any, two: Any) -> None:
        """Add ``one @ two.T``, blocks in C order."""
        product += multiply(one, two.T)


SINGLE = Single()


def cross_grams(x: Any, center: bool = True, engine: Engine = BLAS) -> CrossGrams:
    """Gram matrices of all pairs of repeats of ``x`` (repeat, stimulus, neuroid), R >= 1, in float64.

    ``x`` is numpy, dask, or a :class:`neuroalpha.trials.Split`; read once. Each neuroid is centred on its mean over
    stimuli and repeats (unless ``center`` is False); NaN count as the mean, or as zero. Memory: R (R + 1) / 2 matrices
    (S, S) and a block. Products stop as soon as a neuroid is found that has no value or an infinite one, which is for
    the caller to look for in ``means`` and to refuse.
    """
    n_repeats, n_stimuli, n_neuroids = x.shape
    means, missing = np.empty(n_neuroids), np.empty(n_neuroids, dtype=np.int64)
    totals = np.zeros((n_repeats, n_stimuli))
    blocks = _empty(n_repeats, n_stimuli, engine)
    sound = True
    stage: list[Any] = []
    for where, read in column_blocks(x):
        block = np.array(read, dtype=np.float64, order="C")
        summed, missing[where] = column_sums(block.reshape(-1, block.shape[2]))
        means[where] = over_present(summed, n_repeats * n_stimuli - missing[where])
        sound = sound and bool(np.isfinite(means[where]).all())
        if not sound:
            continue
        if center:
            block -= means[where]
        totals += nan_to_zero(block).sum(axis=2)
        stage.append(engine.put(block))
        del block
        if engine is not SINGLE or sum(part.shape[2] for part in stage) >= STAGED:
            _add(blocks, stage, engine)
    _add(blocks, stage, engine)
    _complete(blocks, engine)
    return CrossGrams(blocks, totals, means, missing, n_neuroids)


def subsample_grams(
    x: Any, grams: CrossGrams, picks: Sequence[tuple[np.ndarray, np.ndarray]], center: bool, engine: Engine = BLAS
) -> Iterator[CrossGrams]:
    """The same for subsamples (stimuli, neuroids; sorted indices) of ``x``, each centred on itself, in their order.

    ``grams`` are those of ``x``: a subsample of stimuli alone is a part of them, without another look at the values.
    Else as many subsamples as fit into DRAW_BYTES are filled in one pass over the values.
    """
    n_pairs = x.shape[0] * (x.shape[0] + 1) // 2
    for group in in_passes(picks, [n_pairs * 8 * stimuli.size**2 for stimuli, _ in picks], DRAW_BYTES):
        some = [neuroids.size < x.shape[2] for _, neuroids in group]
        filled = [
            _empty(x.shape[0], stimuli.size, engine) if new else {}
            for (stimuli, _), new in zip(group, some, strict=True)
        ]
        totals = [np.zeros((x.shape[0], stimuli.size)) for stimuli, _ in group]
        for where, read in column_blocks(x) if any(some) else ():
            block = np.subtract(read, grams.means[where] if center else 0.0, dtype=np.float64)
            nan_to_zero(block)
            for (stimuli, neuroids), new, blocks, total in zip(group, some, filled, totals, strict=True):
                if new:
                    # Indexing would put the repeats next to each other in memory, to be copied for every product.
                    part = np.take(np.take(block, stimuli, axis=1), within(neuroids, where)[0], axis=2)
                    total += part.sum(axis=2)
                    _add(blocks, [engine.put(part)], engine)
        while filled:
            (stimuli, neuroids), blocks, total = group.pop(0), filled.pop(0), totals.pop(0)
            if blocks:
                _complete(blocks, engine)
            else:
                blocks = {pair: matrix[stimuli][:, stimuli] for pair, matrix in grams.blocks.items()}
                total = grams.totals[:, stimuli]
            if center:
                blocks, total = _centred(blocks), total - total.mean()
            yield CrossGrams(blocks, total, grams.means[neuroids], grams.missing[neuroids], neuroids.size)


def _empty(n_repeats: int, n_stimuli: int, engine: Engine) -> dict[tuple[int, int], Any]:
    return {(i, j): engine.zeros(n_stimuli) for i in range(n_repeats) for j in range(i + 1)}


def _add(blocks: dict[tuple[int, int], Any], stage: list[Any], engine: Engine) -> None:
    """Add the products of the staged blocks (repeat, stimulus, neuroid), and empty the stage."""
    if not stage:
        return
    staged = np.concatenate(stage, axis=2) if len(stage) > 1 else stage[0]
    stage.clear()
    for (i, j), matrix in blocks.items():
        if i == j:
            engine.add_own(matrix, staged[i])
        else:
            engine.add_cross(matrix, staged[i], staged[j])


def _complete(blocks: dict[tuple[int, int], Any], engine: Engine) -> None:
    for (i, j), matrix in blocks.items():
        if i == j:
            engine.full(matrix)


def _centred(blocks: dict[tuple[int, int], Any]) -> dict[tuple[int, int], Any]:
    """Take the mean over all rows of all repeats away, as double centring of the joint Gram matrix does."""
    n = 1 + max(i for i, _ in blocks)
    rows = [sum(blocks[i, j].mean(1) if j <= i else blocks[j, i].mean(0) for j in range(n)) / n for i in range(n)]
    overall = sum(row.mean() for row in rows) / n
    return {(i, j): matrix - rows[i][:, None] - rows[j] + overall for (i, j), matrix in blocks.items()}
