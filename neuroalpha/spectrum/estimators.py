"""The estimators by name, imported when asked for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import xarray as xr

from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum.fit import fit_alpha


class Entry(NamedTuple):
    """Where an estimator lives, whether it needs repeated stimuli, and the options that leave out what is slow.

    ``bare`` gives the eigenvalues without intervals and tests, the same eigenvalues as without it.
    """

    module: str
    function: str
    needs_repeats: bool
    bare: Mapping[str, Any]


ESTIMATORS: Mapping[str, Entry] = {
    "pca": Entry("neuroalpha.spectrum.pca", "eigenspectrum", False, {"n_draws": 0}),
    "cvpca": Entry("neuroalpha.spectrum.cvpca", "cvpca", True, {"n_draws": 0}),
    "meme": Entry("neuroalpha.spectrum.meme", "meme", True, {"n_draws": 0}),
    "heldout": Entry("neuroalpha.spectrum.heldout", "heldout_spectrum", True, {"n_draws": 0, "n_permutations": 0}),
}


def get_estimator(name: str) -> Callable[..., xr.Dataset]:
    """Return the function that makes a spectrum of an assembly, by name.

    Raises
    ------
    InputError
        For a name that is not in ``ESTIMATORS``.

    Examples
    --------
    >>> get_estimator("cvpca").__name__
    'cvpca'
    """
    entry = get_entry(name)
    return getattr(importlib.import_module(entry.module), entry.function)


def get_entry(name: str) -> Entry:
    """Return the registry's entry for a name, or say which names there are."""
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise InputError(f"estimator is {name!r}; expected one of {tuple(ESTIMATORS)}{nearest(str(name), ESTIMATORS)}")
    return ESTIMATORS[name]


def options_of(name: str) -> list[str]:
    """Names of the keyword options that an estimator takes."""
    return [p.name for p in inspect.signature(get_estimator(name)).parameters.values() if p.kind == p.KEYWORD_ONLY]


def check_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse options that the estimator does not take, before long work; return them as a dict."""
    known = options_of(name)
    for option in options:
        if option not in known:
            raise InputError(
                f"estimator_options holds {option!r}, which {name!r} does not take{nearest(option, known)}; it takes "
                f"{', '.join(known)}"
            )
    return dict(options)


def check_fit_options(options: Mapping[str, Any], reserved: Collection[str] = ("ranks",)) -> dict[str, Any]:
    """Refuse options that :func:`neuroalpha.fit_alpha` does not take, or that have an argument of their own."""
    known = [name for name in inspect.signature(fit_alpha).parameters if name not in ("spectrum", *reserved)]
    for option in options:
        if option in reserved:
            raise InputError(f"fit_options holds {option!r}, which is an argument of its own: give {option}=...")
        if option not in known:
            raise InputError(
                f"fit_options holds {option!r}, which fit_alpha does not take{nearest(str(option), known)}; it takes "
                f"{', '.join(known)}"
            )
    return dict(options)


def bare_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the options that leave out what is slow, where the given ones do not ask for it."""
    return {**get_entry(name).bare, **options}
