"""Which ranks: checking a window, choosing one by a rule fixed beforehand, and what other windows would have said."""

from __future__ import annotations

import numpy as np

from neuroalpha._checks import whole
from neuroalpha.errors import InputError

PUBLISHED = (11, 500)
MIN_RATIO = 2.0  # a window spans at least an octave of ranks


def auto_window(n_stimuli: int, n_neuroids: int, rank: int) -> tuple[int, int]:
    """Ranks by rule, never by goodness of fit.

    11 to min(500, m/5) with m = min(stimuli, neuroids, rank): far enough from the end that finite-sample bias is small
    (the published 11 to 500 for 2500 and more of both). Where that spans less than half a decade, as for an array of
    82 units, ranks 4 to m/2.

    Examples
    --------
    >>> auto_window(2800, 9000, 2800), auto_window(300, 82, 82)
    ((11, 500), (4, 41))
    """
    smaller = min(n_stimuli, n_neuroids, rank)
    first, last = 11, min(500, smaller // 5)
    if last < first * np.sqrt(10):
        first, last = 4, smaller // 2
    if last < MIN_RATIO * first:
        raise InputError(
            f"{n_stimuli} stimuli and {n_neuroids} neuroids leave no window of ranks wide enough for an exponent "
            "(ranks 4 to "
            f"{last}); record more, or name the first and last rank yourself"
        )
    return first, last


def check_window(ranks: object, size: int, rank: int, cut: bool = False) -> tuple[int, int]:
    """Return (first, last) as integers, 1-based and inclusive, or say why the spectrum cannot hold them.

    ``cut``: the spectrum was made with ``n_components``, and ``size`` says nothing of the data.
    """
    try:
        first, last = (whole(r, "rank") for r in ranks)  # type: ignore[attr-defined]
    except (TypeError, ValueError, InputError) as error:
        raise InputError(f"ranks is {ranks!r}; expected (first, last), 1-based and inclusive, or 'auto'") from error
    if first < 1 or last < first + 2:
        raise InputError(
            f"ranks {first} to {last} is not a window; ranks count from 1 and a line needs at least 3 of them"
        )
    if last > rank and cut and rank == size:
        raise InputError(
            f"ranks {first} to {last} reach outside the spectrum, which was cut at n_components={size}; make it with "
            f"more components, or end at {size}"
        )
    if last > rank:
        reason = (
            f"it has {size} components" if rank == size else f"only {rank} of its {size} eigenvalues are above rounding"
        )
        raise InputError(
            f"ranks {first} to {last} reach outside the spectrum ({reason}); use 'auto', or record more; the last rank "
            f"it holds is {rank}"
        )
    return first, last


def window_grid(first: int, last: int, smaller: int, most: int | None = None) -> list[tuple[int, int]]:
    """Windows around (first, last): starts from 1/4 to 3 times, ends from 1/3 to 2 times, at least an octave each.

    No end but the window's own passes half of ``smaller``, the least of stimuli, neuroids and rank: past it every
    exponent is one of finite sampling. None passes ``most``, where the spectrum was cut.
    """
    starts = np.round(first * np.array([1 / 4, 1 / 3, 1 / 2, 3 / 4, 1, 1.5, 2, 3])).clip(1).astype(int)
    ends = np.round(last * np.array([1 / 3, 1 / 2, 2 / 3, 1, 4 / 3, 2])).astype(int)
    ends = np.minimum(ends, max(min(smaller // 2, most or smaller), last))
    grid = {(int(a), int(b)) for a in starts for b in ends if b >= max(MIN_RATIO * a, a + 4)} | {(first, last)}
    return sorted(grid)
