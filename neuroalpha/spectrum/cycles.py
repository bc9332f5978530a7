"""Kernel: sums over cycles of distinct stimuli, the U-statistics behind Kong & Valiant's unbiased spectral moments.

For a matrix of cross products b (stimulus, stimulus) the mean of b_st b_tu ... b_zs over cycles of p *distinct* stimuli
is an unbiased estimate of tr(Sigma^p) (Kong & Valiant 2017, Annals of Statistics 45(5)). Their algorithm takes the
cycles whose indices increase, one ordering of many; the sums over all orderings follow from traces of matrix powers
once the walks that visit a stimulus twice are taken out (inclusion and exclusion over which visits coincide). With a
zero diagonal, neighbours in a walk differ of themselves; for p = 2 and 3 nothing more can coincide, for p = 4 one or
both pairs of opposite visits, for p = 5 one of five pairs of visits two steps apart, or two such pairs.
"""

from __future__ import annotations

from typing import Any

MAX_ORDER = 5  # p = 6 has 9 kinds of coincidence; the head of a spectrum is known by then


def cycle_sums(b: Any) -> list[Any]:
    """Sum of b_st b_tu ... b_zs over cycles of p distinct stimuli that start at each stimulus: p = 1..5, each (S,).

    ``b`` is (S, S), numpy or torch, not symmetric in general. Its diagonal is the answer for p = 1 and is set to zero
    here, in place. Four products of S^3, five further matrices.
    """
    order_1 = _diagonal(b)
    b -= _with_diagonal(order_1, b)
    back = b * b.T  # there and back again, s -> t -> s
    b2 = b @ b
    b3 = b2 @ b
    loops2, loops3 = back.sum(1), _diagonal(b3)

    closed4 = (b2 * b2.T).sum(1)
    order_4 = closed4 - loops2**2 - back @ loops2 + (back * back).sum(1)

    closed5 = (b2 * b3.T).sum(1)
    one_pair = (
        2 * loops2 * loops3  # the start again after two steps, or after three
        + (b * loops2 * b2.T).sum(1)  # the second visit is the fourth
        + (b2 * loops2 * b.T).sum(1)  # the third is the fifth
        + back @ loops3  # the second is the fifth
    )
    there_back_there = back * b
    two_pairs = (
        (there_back_there * b2.T).sum(1)
        + (back * b2 * b.T).sum(1)
        + (b * (there_back_there @ b).T).sum(1)
        + (b2 * b.T * back).sum(1)
        + (b * back * b2.T).sum(1)
    )
    return [order_1, loops2, loops3, order_4, closed5 - one_pair + two_pairs]


def _diagonal(matrix: Any) -> Any:
    """Copy of the diagonal."""
    return matrix.diagonal() + 0.0


def _with_diagonal(values: Any, like: Any) -> Any:
    """Matrix with these values on its diagonal."""
    if type(like).__module__.startswith("torch"):
        return values.diag()
    import numpy as np

    return np.diag(values)
