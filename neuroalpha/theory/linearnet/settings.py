"""Kernel: the settings of the toy network by name, with the step sizes, times and weights of its notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.eigenflow.settings import NAMES, TOY_NOISE, FlowSetting
from neuroalpha.theory.engine.inputs import number, real_array, symmetric

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


def named_settings(
    settings: str | FlowSetting | Sequence[str | FlowSetting] | Mapping[str, FlowSetting] | None,
) -> dict[str, FlowSetting]:
    """Settings by name, from whatever :func:`compare_eigenspace` takes.

    Raises
    ------
    InputError
        For no, unknown or double settings.

    Examples
    --------
    >>> list(named_settings(["cosine", FlowSetting(power=0.5)]))
    ['cosine', 'euclidean, power 0.5']
    """
    if settings is None:
        return dict(TOY)
    if isinstance(settings, str) and settings in ("extra", "all"):
        return {**(TOY if settings == "all" else {}), **EXTRA}
    if isinstance(settings, Mapping):
        many = [(str(name), as_named(each)[1]) for name, each in settings.items()]
    elif isinstance(settings, (str, FlowSetting)):
        many = [as_named(settings)]
    elif isinstance(settings, Iterable):
        many = [as_named(each) for each in settings]
    else:
        raise InputError(
            f"settings is {settings!r}; expected names as ['euclidean', 'cosine'], FlowSettings, 'extra' or 'all'"
        )
    if not many:
        raise InputError(f"no settings were given; known are {', '.join([*TOY, *EXTRA])}")
    made = dict(many)
    if len(made) < len(many):
        raise InputError("a setting is listed twice; leave out the doubles, or give a mapping of your own names")
    return made


def as_named(setting: str | FlowSetting) -> tuple[str, FlowSetting]:
    """A setting with its name.

    Raises
    ------
    InputError
        For an unknown one.
    """
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
    """About ``n_times`` evenly spaced times (t,) from 0 to ``until``, whole multiples of a step size.

    Raises
    ------
    InputError
        For numbers that are not above 0, an end before the first step.

    Examples
    --------
    >>> even_times(1.0, 0.1, 6).round(1).tolist()
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    whole(n_times, "n_times", 2)
    size, end = number(step_size, "the step size", above=0), number(until, "until", above=0)
    if end < size:
        raise InputError(f"until is {end:g}, less than one step of {size:g}; end later or step less")
    n_steps = round(end / size)
    every = max(round(n_steps / (n_times - 1)), 1)
    return np.arange(0, n_steps + 1, every) * size


def start_weights(n_modes: int, n_inputs: int, seed: int) -> np.ndarray:
    """Normal weights / 4 (mode, input).

    Raises
    ------
    InputError
        For numbers below 1, more modes than inputs.

    Examples
    --------
    >>> start_weights(2, 3, seed=2).shape
    (2, 3)
    """
    whole(n_modes, "n_modes", 1)
    whole(n_inputs, "n_inputs", 1)
    if n_inputs < n_modes:
        raise InputError(f"n_inputs is {n_inputs} for {n_modes} modes; expected at least as many inputs as modes")
    return np.random.default_rng(check_seed(seed)).standard_normal((n_modes, n_inputs)) / 4


def checked_weights(start: Any) -> np.ndarray:
    """Weights (mode, input) as float64, no more modes than inputs, not all 0.

    Raises
    ------
    InputError
        For others.

    Examples
    --------
    >>> checked_weights([[1, 0]])
    array([[1., 0.]])
    """
    weights = real_array(start, "start", 2, "weights (mode, input)")
    if len(weights) > weights.shape[1]:
        raise InputError(f"start has shape {weights.shape}; expected weights (mode, input), no more modes than inputs")
    if not weights.any():
        raise InputError("start is 0 everywhere, where nothing ever moves; start with other weights")
    return weights


def checked_covariance(covariance: Any, n_inputs: int) -> np.ndarray | None:
    """A covariance (input, input), from itself or from variances (input,); None stays None.

    Raises
    ------
    InputError
        For one that is not symmetric, has negative eigenvalues, is 0, or of another number of inputs.

    Examples
    --------
    >>> checked_covariance([2, 1], 2)
    array([[2., 0.],
           [0., 1.]])
    """
    if covariance is None:
        return None
    values = real_array(covariance, "covariance", (1, 2), "variances (input,) or a matrix (input, input)")
    matrix = symmetric(np.diag(values) if values.ndim == 1 else values, "covariance", definite=True)
    if len(matrix) != n_inputs:
        raise InputError(f"covariance is of {len(matrix)} inputs and the weights of {n_inputs}; expected one number")
    if not matrix.any():
        raise InputError("covariance is 0 everywhere: inputs that do not vary teach nothing; expected some variance")
    return matrix
