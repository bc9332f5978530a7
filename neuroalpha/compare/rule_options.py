"""The options that each rule of selection has, checked."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from neuroalpha._checks import whole
from neuroalpha.compare import halving_rule, improvement_rule, interval_rule
from neuroalpha.errors import InputError, nearest

DEFAULTS: dict[str, dict[str, Any]] = {
    "interval": {"batch": interval_rule.BATCH, "top": interval_rule.TOP},
    "improvement": {
        "first": improvement_rule.FIRST,
        "least": improvement_rule.LEAST,
        "stop": improvement_rule.STOP,
    },
    "halving": {"lengths": halving_rule.LENGTHS},
    "random": {},
}


def rule_options(rule: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of a rule, defaults filled in; raises InputError.

    Examples
    --------
    >>> rule_options("interval", {"batch": 8})
    {'batch': 8, 'top': 5}
    """
    known = DEFAULTS[rule]
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"options are {given!r}; expected a mapping such as {known}")
    options = {**known, **(given or {})}
    wrong = next((name for name in options if name not in known), None)
    if wrong is not None:
        has = f"has {', '.join(known)}" if known else "has none"
        raise InputError(f"{wrong!r} is no option of the rule {rule!r}; it {has}" + nearest(str(wrong), known))
    for name in ("batch", "top", "first", "least"):
        if name in options:
            options[name] = whole(options[name], name, 1)
    if "stop" in options:
        options["stop"] = positive(options["stop"], "stop")
    if "lengths" in options:
        given = options["lengths"]
        lengths = tuple(given) if isinstance(given, list | tuple) else (given,)
        sound = all(isinstance(each, numbers.Real) and float(each) > 0 for each in lengths)
        if not lengths or not sound or list(lengths) != sorted(set(lengths)) or lengths[-1] != 1:
            raise InputError(f"lengths are {lengths!r}; expected rising shares of a whole readout that end with 1")
        options["lengths"] = lengths
    return options


def positive(value: Any, name: str) -> float:
    """Return a finite number of at least 0 as float, or say what was given."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= float(value) < float("inf"):
        raise InputError(f"{name} is {value!r}; expected a number of at least 0")
    return float(value)
