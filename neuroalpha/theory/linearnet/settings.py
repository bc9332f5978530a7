"""Kernel: the settings of the toy network by name, with the step sizes, times and weights of its notebook."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.eigenflow.settings import NAMES, TOY_NOISE, FlowSetting

TOY = MappingProxyType({name: replace(setting, noise2=TOY_NOISE) for name, setting in NAMES.items()})
"""The eight settings of the published toy networks, with their views: the first clean, the second a little noisy."""

EXTRA = MappingProxyType(
    {
        "euclidean weight decay": FlowSetting(weight_decay=0.1),
        "euclidean iso weight decay": FlowSetting(variant="iso", weight_decay=0.1),
        "euclidean view noise": FlowSetting(noise1=0.25, noise2=0.25),
        "euclidean no predictor view noise": FlowSetting(variant="no predictor", noise1=0.25, noise2=0.25),
        "euclidean EMA target": FlowSetting(ema=0.5),
        "euclidean iso EMA target": FlowSetting(variant="iso", ema=0.5),
        "euclidean power 1/2": FlowSetting(power=0.5),
        "euclidean iso power 1/2": FlowSetting(variant="iso", power=0.5),
        "cosine weight decay": FlowSetting("cosine", noise2=TOY_NOISE, weight_decay=0.01),
        "cosine view noise": FlowSetting("cosine", noise1=0.25, noise2=0.25),
        "cosine EMA target": FlowSetting("cosine", noise2=TOY_NOISE, ema=0.5),
        "cosine power 1/2": FlowSetting("cosine", noise2=TOY_NOISE, power=0.5),
        "cosine iso power 1/2": FlowSetting("cosine", "iso", noise2=TOY_NOISE, power=0.5),
        "cosine no stop-gradient exact": FlowSetting(
            "cosine", "no stop-gradient", noise2=TOY_NOISE, exact_gradient=True
        ),
    }
)
"""The further settings: weight decay, noise of both views, a running average as target, DirectPred's square root."""

TARGET = 0.035
"""Largest error of an eigenvalue that was agreed on, at the larger step."""


def as_settings(
    settings: str | FlowSetting | Sequence[str | FlowSetting] | Mapping[str, FlowSetting] | None,
) -> dict[str, FlowSetting]:
    """Settings by name, from whatever :func:`compare_eigenspace` takes."""
    if settings is None:
        return dict(TOY)
    if isinstance(settings, str) and settings in ("extra", "all"):
        return {**(TOY if settings == "all" else {}), **EXTRA}
    if isinstance(settings, Mapping):
        many = [(str(name), as_named(each)[1]) for name, each in settings.items()]
    else:
        many = [as_named(each) for each in ([settings] if isinstance(settings, (str, FlowSetting)) else settings)]
    if not many:
        raise InputError(f"no settings were given; known are {', '.join([*TOY, *EXTRA])}")
    return dict(many)


def as_named(setting: str | FlowSetting) -> tuple[str, FlowSetting]:
    """A setting with its name."""
    if isinstance(setting, FlowSetting):
        return setting.name, setting
    known = {**TOY, **EXTRA}
    if not isinstance(setting, str) or setting not in known:
        raise InputError(f"no setting {setting!r}{nearest(str(setting), known)}; known are {', '.join(known)}")
    return setting, known[setting]


def defaults(setting: FlowSetting) -> tuple[float, float]:
    """Step size and last time."""
    if setting.loss == "cosine":
        return (10.0, 10_000.0) if setting.variant == "no predictor" else (0.1, 150.0)
    return (0.1, 150.0) if setting.variant == "no predictor" else (0.01, 15.0)


def even_times(until: float, step_size: float, n_times: int) -> np.ndarray:
    """About ``n_times`` evenly spaced times (t,) from 0 to ``until``, whole multiples of a step size."""
    whole(n_times, "n_times", 2)
    for value, label in ((step_size, "the step size"), (until, "until")):
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < np.inf:
            raise InputError(f"{label} is {value!r}; expected a number above 0")
    if until < step_size:
        raise InputError(f"until is {until:g}, less than one step of {step_size:g}; end later or step less")
    n_steps = round(until / step_size)
    every = max(round(n_steps / (n_times - 1)), 1)
    return np.arange(0, n_steps + 1, every) * step_size


def start_weights(n_modes: int, n_inputs: int, seed: int) -> np.ndarray:
    """Normal weights / 4 (mode, input)."""
    whole(n_modes, "n_modes", 1)
    whole(n_inputs, "n_inputs", 1)
    if n_inputs < n_modes:
        raise InputError(f"n_inputs is {n_inputs} for {n_modes} modes; expected at least as many inputs as modes")
    return np.random.default_rng(check_seed(seed)).standard_normal((n_modes, n_inputs)) / 4
