"""Kernel: mean and scatter of a matrix that comes in batches of rows, mergeable in any order.

Rows are shifted by a vector near their mean before they are multiplied, so that unit means that are large against
their spread cost nothing, and sums run in float64: any split, any order, any tree of merges gives the same moments to
rounding (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha.spectrum import gram
from neuroalpha.spectrum.blocks import slices
from neuroalpha.spectrum.gram import BLAS, Engine

FAR = 100.0  # squared distance of the shift from the mean, over the variance, from which a new shift is taken


@dataclass(frozen=True)
class Moments:
    """Of ``count`` rows x: ``total`` (p,) is the sum of x - shift, ``product`` (p, p) that of (x - shift)(x - shift)'.

    ``shift`` (p,) is zero before the first rows. Only the lower triangle of ``product`` counts.
    """

    count: int
    shift: np.ndarray
    total: np.ndarray
    product: Any


def empty(p: int, engine: Engine = BLAS) -> Moments:
    """Moments of no rows of ``p`` columns."""
    return Moments(0, np.zeros(p), np.zeros(p), engine.zeros(p))


def update(state: Moments, batch: Any, engine: Engine = BLAS) -> Moments:
    """Moments with the rows of ``batch`` (row, p) added.

    The product is added into the memory of ``state``, which is not to be used afterwards. A batch with NaN or infinite
    values leaves ``total`` not finite, which is for the caller to refuse.
    """
    n, p = batch.shape
    if n == 0:
        return state
    shift, total = state.shift, state.total
    if state.count == 0:
        total = engine.sum_rows(engine.shifted(batch, shift))
        with np.errstate(over="ignore", invalid="ignore"):  # rounded, so that float32 rows can be shifted in float32
            shift, total = (total / n).astype(np.float32).astype(np.float64), np.zeros(p)
    for rows in slices(n, p // engine.rows_factor + 1):
        block = engine.shifted(batch[rows], shift)
        total = total + engine.sum_rows(block)
        engine.add_own(state.product, block.T)
    grown = Moments(state.count + n, shift, total, state.product)
    off = float((total**2).sum()) / grown.count
    spread = float(grown.product.diagonal().sum()) - off
    return _reshifted(grown, engine) if off > FAR * spread else grown


def merge(one: Moments, two: Moments, engine: Engine = BLAS) -> Moments:
    """Moments of the rows of both; neither is changed."""
    if one.count == 0 or two.count == 0:
        return two if one.count == 0 else one
    count = one.count + two.count
    apart = mean(two) - mean(one)
    product = scatter(one, engine)  # added to in place: it keeps the order of axes that BLAS adds to
    product += scatter(two, engine)
    product += engine.place(np.outer(apart, apart) * (one.count * two.count / count))
    return Moments(count, mean(one) + apart * (two.count / count), np.zeros(apart.size), product)


def mean(state: Moments) -> np.ndarray:
    """Mean row (p,)."""
    return state.shift + state.total / max(state.count, 1)


def scatter(state: Moments, engine: Engine = BLAS) -> Any:
    """Scatter matrix (p, p) about the mean: count times the covariance; a new matrix."""
    product = engine.full(engine.copy(state.product))
    product -= engine.place(np.outer(state.total, state.total) / max(state.count, 1))
    return product


def raw_scatter(state: Moments, engine: Engine = BLAS) -> Any:
    """Scatter matrix (p, p) about zero: the sum of x x'."""
    middle = mean(state)
    return scatter(state, engine) + engine.place(np.outer(middle, middle) * state.count)


def eigenvalues(state: Moments, center: bool = True, engine: Engine = BLAS) -> np.ndarray:
    """Eigenvalues of the covariance (divided by count - 1; about zero and divided by count without ``center``)."""
    divisor = state.count - bool(center)
    rank = min(divisor, state.total.size)
    matrix = scatter(state, engine) if center else raw_scatter(state, engine)
    return gram.eigenvalues(matrix, rank, engine) / divisor


def _reshifted(state: Moments, engine: Engine) -> Moments:
    """The same moments about a new shift, the present mean."""
    middle = mean(state)
    shift = middle.astype(np.float32).astype(np.float64)
    left = middle - shift
    product = scatter(state, engine)
    product += engine.place(np.outer(left, left) * state.count)
    return Moments(state.count, shift, left * state.count, product)
