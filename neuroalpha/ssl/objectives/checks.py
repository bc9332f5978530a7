"""Checks of an objective's options, before a network is built."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

from neuroalpha.errors import InputError, nearest


def number(value: Any, name: str, *, least: float = 0.0, most: float = math.inf, open_low: bool = False) -> float:
    """Return a finite number from ``least`` (itself excluded if ``open_low``) to ``most``, or say what was given.

    Examples
    --------
    >>> number(1, "temperature", open_low=True)
    1.0
    """
    sound = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or not least <= value <= most or (open_low and value == least):
        low = f"above {least:g}" if open_low else f"of at least {least:g}"
        high = "" if math.isinf(most) else f" and at most {most:g}"
        raise InputError(f"{name} is {value!r}; expected a number {low}{high}")
    return float(value)


def switch(value: Any, name: str) -> bool:
    """Return true or false, or say what was given."""
    if not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; expected true or false")
    return value


def target_switches(stop_gradient: Any, ema: Any) -> tuple[bool, bool]:
    """Return both switches of a target; without the stop-gradient it is the online network, where nothing else is said.

    Examples
    --------
    >>> target_switches(True, None), target_switches(False, None)
    ((True, True), (False, False))
    """
    stop_gradient = switch(stop_gradient, "stop_gradient")
    ema = stop_gradient if ema is None else switch(ema, "ema")
    if ema and not stop_gradient:
        raise InputError(
            "stop_gradient is False with ema True: a target that follows slowly has no gradient; leave ema out"
        )
    return stop_gradient, ema


def choice(value: Any, name: str, known: Sequence[str]) -> str:
    """Return one of the known words, or say what was given.

    Examples
    --------
    >>> choice("cosine", "loss", ("cosine", "euclidean"))
    'cosine'
    """
    if not isinstance(value, str) or value not in known:
        hint = nearest(str(value), known, n=1)
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(known)}{hint}")
    return value
