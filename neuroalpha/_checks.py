"""Checks of plain numbers that many functions take, before any long work."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from neuroalpha.errors import InputError


def whole(value: Any, name: str, least: int = 0) -> int:
    """Return a whole number as int, or say what was given.

    Examples
    --------
    >>> whole(np.int64(3), "n_draws")
    3
    """
    sound = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    if not sound or int(value) < least:
        raise InputError(f"{name} is {value!r}; expected a whole number of at least {least}")
    return int(value)


def check_seed(seed: Any) -> int:
    """Return a seed as int: every random thing is repeatable, so None is refused."""
    return whole(seed, "seed")


def share(value: Any, name: str, low: float, high: float) -> float:
    """Return a number between ``low`` and ``high``, both allowed, or say what was given."""
    sound = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if not sound or not low <= float(value) <= high:
        raise InputError(f"{name} is {value!r}; expected a number from {low:g} to {high:g}")
    return float(value)
