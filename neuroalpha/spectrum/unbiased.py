"""Kernel: unbiased moments of the signal covariance from few stimuli, few neuroids and noisy trials.

The participation ratio of a population with covariance Sigma is (tr Sigma)^2 / tr Sigma^2. Plugging in the sample
covariance biases it: for P stimuli and Q neuroids 1 / PR comes out larger by about 1 / P + 1 / Q, and trial noise adds
its own variance (Chun, Canatar, Chung & Lee, ICLR 2026). Here both moments are U-statistics. With a, b two repeats, an
unbiased estimate of the signal covariance of neuroids n and m from the stimuli i != j is

    K_ij(n, m) = (a_i - a_j)_n (b_i - b_j)_m / 2,

in which no trial meets itself. Then, averaged over distinct stimuli i, j, k, l and distinct neuroids n, m,

    (tr Sigma)^2 <- K_ij(n, n) K_kl(m, m)        tr Sigma^2 <- (K_ij(n, m) K_kl(n, m) + K_ij(n, m) K_kl(m, n)) / 2.

Distinct stimuli undo the finite number of stimuli and the removal of each neuroid's mean (as Chen, Zhang & Zhong 2010
do for tr Sigma^2), distinct neuroids the finite sample of neuroids, two repeats the trial noise, correlated between
neuroids or not. The sums over distinct indices follow by inclusion and exclusion from the Gram matrices G = a a',
H = b b', F = a b' of repeats that are centred beforehand: the statistics do not change under shifts of a neuroid, and
all rows and columns then sum to zero.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha.spectrum.blocks import row_blocks, slices
from neuroalpha.spectrum.gram import column_means, smaller_side

CORRECTIONS = ("stimulus", "neuroid", "noise")
MIN_STIMULI = 4  # four distinct ones in each term


@dataclass(frozen=True)
class Sums:
    """What both moments need: sums over stimuli i, k (all of them) and, where squared first, over neuroids n."""

    n_stimuli: int
    n_neuroids: int
    trace: float
    """tr F"""
    ff: float
    """sum F_ik F_ik"""
    ft: float
    """sum F_ik F_ki"""
    gh: float
    """sum G_ik H_ik"""
    f_diagonal: float
    """sum F_ii F_ii"""
    gh_diagonal: float
    """sum G_ii H_ii"""
    gh_trace: float
    """tr G tr H"""
    own_product: float
    """sum_n (sum_i a_in b_in)^2"""
    own_squares: float
    """sum_n sum_i a_in^2 b_in^2"""
    own_norms: float
    """sum_n (sum_i a_in^2) (sum_i b_in^2)"""


def sums_of_repeats(one: np.ndarray, two: np.ndarray, center: bool = True) -> Sums:
    """Sums of two repeats (stimulus, neuroid), each centred by its own means; NaN count as them (uncentred: as zero).

    In float64, in blocks, on the smaller side: three products of S N min(S, N), three matrices of that side.
    """
    n_stimuli, n_neuroids = one.shape
    wide = n_stimuli <= n_neuroids
    aa, bb, ab = np.zeros((3, min(one.shape), min(one.shape)))
    row, row_a, row_b = np.zeros((3, n_stimuli))
    column, column_a, column_b = np.zeros((3, n_neuroids))
    own_squares = 0.0
    means = [column_means(x)[0] if center else np.zeros(n_neuroids) for x in (one, two)]
    for part in slices(n_neuroids, 4 * n_stimuli) if wide else slices(n_stimuli, 4 * n_neuroids):
        rows, columns = (slice(None), part) if wide else (part, slice(None))
        a, b = (_centred(x[rows, columns], mean[columns]) for x, mean in zip((one, two), means, strict=True))
        aa += a @ a.T if wide else a.T @ a
        bb += b @ b.T if wide else b.T @ b
        ab += a @ b.T if wide else a.T @ b
        product = a * b
        own_squares += float((product**2).sum())
        for each, over_columns, over_rows in (
            (product, row, column),
            (a * a, row_a, column_a),
            (b * b, row_b, column_b),
        ):
            over_columns[rows] += each.sum(axis=1)
            over_rows[columns] += each.sum(axis=0)
    same, crossed = np.vdot(aa, bb), np.vdot(ab, ab)
    # On the neuroid side the same traces stand in other places: tr(a a' b b') = |a' b|^2.
    gh, ff = (same, crossed) if wide else (crossed, same)
    return Sums(
        n_stimuli=n_stimuli,
        n_neuroids=n_neuroids,
        trace=float(row.sum()),
        ff=float(ff),
        ft=float(np.vdot(ab, ab.T)),
        gh=float(gh),
        f_diagonal=float(row @ row),
        gh_diagonal=float(row_a @ row_b),
        gh_trace=float(row_a.sum() * row_b.sum()),
        own_product=float(column @ column),
        own_squares=own_squares,
        own_norms=float(column_a @ column_b),
    )


def sums_of_responses(values: Any, center: bool = True) -> Sums:
    """The same of one matrix (stimulus, neuroid), numpy or dask, as if it were both repeats.

    Read three times, in blocks; one matrix of side min(S, N).
    """
    n_stimuli, n_neuroids = values.shape
    means = column_means(values)[0] if center else np.zeros(n_neuroids)
    square = float((smaller_side(values, np.nan_to_num(means)) ** 2).sum())
    column = np.zeros(n_neuroids)
    row_square = fourth = 0.0
    for _, rows in row_blocks(values):
        block = _centred(rows, means) ** 2
        column += block.sum(axis=0)
        row_square += float((block.sum(axis=1) ** 2).sum())
        fourth += float((block**2).sum())
    trace, norms = float(column.sum()), float(column @ column)
    return Sums(
        n_stimuli, n_neuroids, trace, square, square, square, row_square, row_square, trace**2, norms, fourth, norms
    )


def _centred(block: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.nan_to_num(block.astype(np.float64) - means, nan=0.0)


def moments(sums: Sums, correct: Collection[str] = CORRECTIONS, center: bool = True) -> tuple[float, float]:
    """Estimates of (tr Sigma)^2 and tr Sigma^2, both divided by the squared number of neuroids.

    ``correct`` names the axes whose finite sample is undone. Trial noise is undone by which sums are given, those of
    two repeats, and needs "stimulus" too: a stimulus that occurs twice in a term would take four repeats. ``center``
    as in making ``sums``; without it the moments are those of the uncentred second moment matrix.
    """
    if "stimulus" in correct:
        whole = _distinct(sums, center)
        # A neuroid by itself is a population of one: the same sums with 1 x 1 products.
        c, d, q = sums.own_product, sums.own_squares, sums.own_norms
        own = _distinct(Sums(sums.n_stimuli, 1, np.nan, q, c, c, d, d, q, c, d, q), center, trace_squared=c)
    else:
        scale = float(sums.n_stimuli) ** 2
        whole = sums.trace**2 / scale, sums.ff / scale
        own = sums.own_product / scale, sums.own_product / scale
    n = float(sums.n_neuroids)
    if "neuroid" in correct:
        return (whole[0] - own[0]) / (n * (n - 1)), (whole[1] - own[1]) / (n * (n - 1))
    return whole[0] / n**2, whole[1] / n**2


def participation_ratio(sums: Sums, correct: Collection[str] = CORRECTIONS, center: bool = True) -> float:
    """Ratio of the two moments; NaN where noise leaves one of them at or below zero, or stimuli are too few."""
    if "stimulus" in correct and sums.n_stimuli < (MIN_STIMULI if center else 2):
        return float("nan")
    if "neuroid" in correct and sums.n_neuroids < 2:
        return float("nan")
    numerator, denominator = moments(sums, correct, center)
    return numerator / denominator if denominator > 0 and numerator > 0 else float("nan")


def _distinct(sums: Sums, center: bool, trace_squared: float | None = None) -> tuple[float, float]:
    """Both moments summed over all pairs of neuroids, averaged over distinct stimuli."""
    squared = sums.trace**2 if trace_squared is None else trace_squared
    f, g = sums.f_diagonal, sums.gh_diagonal
    # Off-diagonal sums: over i != k of G_ik H_ik, F_ik F_ki and F_ik F_ik.
    same, turned, crossed = sums.gh - g, sums.ft - f, sums.ff - f
    s = float(sums.n_stimuli)
    two = s * (s - 1)
    if not center:
        return (squared - f) / two, (same + turned) / 2 / two
    three, four = two * (s - 2), two * (s - 2) * (s - 3)
    # Terms with two, three and four distinct stimuli.
    numerator = (squared - f) / two - 2 * (2 * f - squared) / three + (squared - 4 * f + turned + crossed) / four
    straight = same / two - 2 * (g - same) / three + (sums.gh_trace - 4 * g + 2 * same) / four
    across = turned / two - 2 * (f - turned) / three + (squared - 4 * f + turned + crossed) / four
    return numerator, (straight + across) / 2
