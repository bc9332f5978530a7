"""What the functions of the eigenvalue flows take, checked, and the settings as coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.theory.eigenflow.settings import FlowSetting, as_setting
from neuroalpha.theory.engine.inputs import real_array

Settings = str | FlowSetting | Sequence[str | FlowSetting]


def as_settings(setting: Settings, changes: dict[str, float]) -> list[FlowSetting]:
    """One setting or several, with changes made to all.

    Raises
    ------
    InputError
        For no setting, one that is listed twice, and what :func:`~neuroalpha.theory.eigenflow.settings.as_setting`
        refuses.

    Examples
    --------
    >>> [each.name for each in as_settings(["euclidean", "cosine iso"], {"power": 0.5})]
    ['euclidean, power 0.5', 'cosine iso, power 0.5']
    """
    listed = isinstance(setting, Iterable) and not isinstance(setting, str)
    several: list[Any] = list(setting) if listed else [setting]  # type: ignore[arg-type]
    if not several:
        raise InputError("no setting was given; expected a name as 'euclidean', a FlowSetting, or a list of them")
    made = [as_setting(each, **changes) for each in several]
    if len(set(made)) < len(made):
        raise InputError("a setting is listed twice; leave out the doubles")
    return made


def changes(**given: float | None) -> dict[str, float]:
    """The arguments that were given: those that are not None."""
    return {name: value for name, value in given.items() if value is not None}


def coordinates(settings: list[FlowSetting]) -> dict[str, Any]:
    """Names and parameters of settings, as coordinates along ``setting``."""
    columns: dict[str, Any] = {"setting": np.array([each.name for each in settings], dtype=object)}
    for name in ("loss", "variant"):
        columns[name] = ("setting", np.array([getattr(each, name) for each in settings], dtype=object))
    for name in ("power", "noise1", "noise2", "weight_decay"):
        columns[name] = ("setting", np.array([float(getattr(each, name)) for each in settings]))
    columns["ema"] = ("setting", np.array([np.nan if each.ema is None else float(each.ema) for each in settings]))
    return columns


def starting_eigenvalues(start: Any) -> np.ndarray:
    """Return eigenvalues (m,) as float64, none below 0.

    Raises
    ------
    InputError

    Examples
    --------
    >>> starting_eigenvalues([1, 0.5])
    array([1. , 0.5])
    """
    begin = real_array(start, "start", 1, "eigenvalues, one for each mode")
    if begin.min() < 0:
        raise InputError(f"eigenvalue {begin.min():g} of start is below 0: a covariance has none; give those of W W'")
    return begin
