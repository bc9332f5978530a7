"""What calibrate and extrapolate refuse before long work, and warnings that are told once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.estimators import ESTIMATORS, get_entry
from neuroalpha.spectrum.fit import AlphaFit

MIN_SIMULATIONS = 5
LARGEST_LEVEL = 0.9999
Result = TypeVar("Result")


def check_numbers(
    alphas: Sequence[float], n_simulations: Any, level: Any, n_jobs: Any, signal_fraction: Any, seed: Any
) -> list[float]:
    """Refuse numbers that calibrate cannot use; return the grid of exponents."""
    try:
        grid = [float(alpha) for alpha in np.atleast_1d(np.asarray(alphas, dtype=np.float64))]
    except (TypeError, ValueError):
        grid = []
    if len(grid) < 3 or not np.isfinite(grid).all() or min(grid) < 0 or (np.diff(grid) <= 0).any():
        raise InputError(f"alphas is {alphas!r}; expected at least 3 exponents, none below zero, in increasing order")
    whole(n_simulations, "n_simulations", MIN_SIMULATIONS)
    share(level, "level", 0.5, LARGEST_LEVEL)
    if n_jobs is not None:
        whole(n_jobs, "n_jobs", 1)
    if signal_fraction is not None and not share(signal_fraction, "signal_fraction", 0.0, 1.0) > 0:
        raise InputError(f"signal_fraction is {signal_fraction}; expected a share above 0, at most 1")
    check_seed(seed)
    return grid


def check_observed(observed: Any, estimator: str, fit_options: Mapping[str, Any]) -> None:
    """Refuse an observed exponent that is not a finite number; warn of a fit that the simulations do not repeat."""
    number = observed.alpha if isinstance(observed, AlphaFit) else observed
    if observed is None:
        return
    if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise InputError(f"observed is {observed!r}; expected a number, an AlphaFit, or None to read the recording")
    if not np.isfinite(number):
        raise InputError(f"observed is {float(number)}; expected a finite exponent, or None to read the recording")
    if not isinstance(observed, AlphaFit):
        return
    if observed.estimator in ESTIMATORS and observed.estimator != estimator:
        raise InputError(f"observed was made by {observed.estimator!r}, but estimator is {estimator!r}")
    method = "least squares" if observed.method in ("wls", "binned") else observed.method
    for name, used, default in (("method", method, "least squares"), ("weights", observed.weights, "1/n")):
        asked = fit_options.get(name, default)
        if asked != used:
            warnings.warn(
                f"observed was fitted with {name} {used!r}, but the simulations are fitted with {asked!r}; give "
                f"fit_options={{{name!r}: {used!r}}}",
                stacklevel=3,
            )


def check_sizes(observed: Any, n_stimuli: int, n_neuroids: int) -> None:
    """Refuse an observed fit to a spectrum of other sizes than those simulated."""
    if not isinstance(observed, AlphaFit) or observed.estimator not in ESTIMATORS:
        return
    if (observed.n_stimuli, observed.n_neuroids) != (n_stimuli, n_neuroids):
        raise InputError(
            f"observed was read from {observed.n_stimuli} stimuli and {observed.n_neuroids} neuroids, but "
            f"{n_stimuli} and {n_neuroids} would be simulated; give the recording it was read from, or its sizes"
        )


def check_recording(responses: xr.DataArray, estimator: str, told: set[str]) -> None:
    """Check responses as the estimator will, at once; ``told`` collects what was warned of."""
    tell_new(lambda: check_responses(responses, needs_repeats=get_entry(estimator).needs_repeats), told)


def tell_new(compute: Callable[[], Result], told: set[str]) -> Result:
    """Return ``compute()`` and pass its warnings on, but for those in ``told``, to which the others are added."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = compute()
    for each in caught:
        if str(each.message) not in told:
            told.add(str(each.message))
            warnings.warn(str(each.message), each.category, stacklevel=4)
    return result
