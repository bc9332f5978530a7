"""Whole numbers that a small integer type spoiled: cut off at its largest value, or wrapped around."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

INTEGER_LIMITS = (127, 255, 32_767, 65_535, 2_147_483_647, 4_294_967_295)
UNSIGNED_LIMITS = (255, 65_535, 4_294_967_295)
N_BINS = 256  # of the range of an unsigned type, among which a gap is looked for
COUNT_WORDS = ("count", "spike", "event", "photon")


def _zeros() -> np.ndarray:
    return np.zeros(len(INTEGER_LIMITS), dtype=np.int64)


@dataclass
class Integers:
    """Running counts of whole numbers near the limits of integer types."""

    at_limit: np.ndarray = field(default_factory=_zeros)
    below_limit: np.ndarray = field(default_factory=_zeros)
    bins: np.ndarray = field(default_factory=lambda: np.zeros((len(INTEGER_LIMITS), N_BINS), dtype=np.int64))

    def add(self, block: np.ndarray, dtype: Any) -> None:
        """Count the whole numbers of a block of responses of this dtype."""
        low, high = block.min(), block.max()
        for k, limit in enumerate(_limits(dtype)):
            self.at_limit[k] += np.count_nonzero(block == limit)
            self.below_limit[k] += np.count_nonzero((block >= limit - limit // 16) & (block < limit))
            if INTEGER_LIMITS[k] in UNSIGNED_LIMITS and low >= 0 and high <= limit:
                index = (block * (N_BINS / (limit + 1))).astype(np.int64).ravel()
                self.bins[k] += np.bincount(index, minlength=N_BINS)


def _limits(dtype: Any) -> list[int]:
    """INTEGER_LIMITS as the dtype holds them: float32 rounds those of 32 bits."""
    return [int(np.float32(limit)) if dtype == np.float32 else limit for limit in INTEGER_LIMITS]


def check_integers(seen: Integers, low: float, high: float, responses: xr.DataArray) -> int:
    """Whole numbers: at the limit of an integer type, wrapped around it, or negative counts. Returns those at it.

    ``low`` and ``high`` are the extremes of all responses.
    """
    units = str(responses.attrs.get("units", ""))
    if low < 0 and any(word in units.lower() for word in COUNT_WORDS):
        warnings.warn(
            f"units say {units!r}, but the smallest value is {low:g}: counts are never negative, so they may have "
            "wrapped around in a small integer type; convert to float before any sum (name "
            "other units if a baseline was subtracted)",
            stacklevel=4,
        )
    for k, limit in enumerate(_limits(responses.dtype)):
        signed = INTEGER_LIMITS[k] not in UNSIGNED_LIMITS
        if signed and -limit - 1 <= low <= -0.9 * (limit + 1) and 0.9 * limit <= high <= limit:
            warnings.warn(
                f"whole numbers from {low:g} to {high:g} fill the range of a signed integer type (largest value "
                f"{limit}): sums seem to have wrapped around, or to be cut off; convert to float before any sum",
                stacklevel=4,
            )
        near = int(seen.at_limit[k] + seen.below_limit[k])
        if high > limit or near < 3:
            continue
        gap = _wrap_gap(seen.bins[k], int(seen.below_limit[k])) if not signed and 0 <= low < limit // 4 else None
        if gap is not None:
            first, last = (round(end * (limit + 1) / N_BINS) for end in gap)
            warnings.warn(
                f"whole numbers lie below {first} or above {last} and nowhere between: differences "
                f"below zero seem to have wrapped around in an unsigned integer type (largest value {limit}); convert "
                "to float before any sum or difference",
                stacklevel=4,
            )
        elif seen.at_limit[k] >= 3 and seen.at_limit[k] > seen.below_limit[k]:
            warnings.warn(
                f"{seen.at_limit[k]} values are exactly {limit}, the largest of an integer type, more than in the "
                "range just below it: counts seem to have been cut off there; export them in a larger type",
                stacklevel=4,
            )
            return int(seen.at_limit[k])
    return 0


def _wrap_gap(bins: np.ndarray, n_below: int) -> tuple[int, int] | None:
    """First bin and end of the widest empty gap of an unsigned range, if values on both sides look wrapped around.

    Half of the range is always enough; an eighth where values above it are at least 1 % and not the limit alone, as
    counts that were cut off, or a long tail, would be.
    """
    filled = np.flatnonzero(bins)
    widths = np.diff(filled) - 1
    if widths.size == 0:
        return None
    k = int(widths.argmax())
    above = bins[filled[k + 1] :].sum()
    wide = widths[k] >= N_BINS // 2 or (widths[k] >= N_BINS // 8 and n_below > 0 and above >= 0.01 * bins.sum())
    return (int(filled[k]) + 1, int(filled[k + 1])) if wide else None
