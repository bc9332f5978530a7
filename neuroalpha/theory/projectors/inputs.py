"""Labelled: what the public functions share: views that were given or made, names of losses, how a result was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import neuroalpha
from neuroalpha.errors import InputError, nearest
from neuroalpha.theory.engine.dynamics import step_counts
from neuroalpha.theory.engine.inputs import rising
from neuroalpha.theory.projectors.checks import views
from neuroalpha.theory.projectors.losses import LOSSES, make_views

REDERIVED = (
    "re-derived after Esser, Mukherjee & Ghoshdastidar 2023 (arXiv 2309.02011); the theorems of the paper could not be "
    "read"
)
"""Every result says so."""
TIME_UNIT = "1 / |C|, |C| the largest absolute eigenvalue of the symmetric matrix of the loss"


def views_or_made(
    x: Any,
    positive: Any,
    negative: Any,
    center: bool,
    seed: int,
    *,
    n_samples: int = 60,
    n_features: int = 20,
    n_outputs: int = 2,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The views that were given, checked, or made ones.

    Raises
    ------
    InputError
        As :func:`neuroalpha.theory.projectors.checks.views`, and where some of x and positive are left out.
    """
    if x is None and positive is None and negative is None:
        x, positive, negative = make_views(n_samples, n_features, min(n_outputs, n_features), seed=seed)
    elif x is None or positive is None:
        raise InputError("give samples and their views, x and positive (and negative), or none of them")
    return views(x, positive, negative, center)


def names_of(names: Sequence[str] | str, known: Iterable[str], what: str, plural: str) -> list[str]:
    """Names among those that are known, one at least, none twice.

    Raises
    ------
    InputError

    Examples
    --------
    >>> names_of("polar", ["polar", "qr"], "retraction", "retractions")
    ['polar']
    """
    there = list(known)
    many = [names] if isinstance(names, str) else names
    if not isinstance(many, (Sequence, np.ndarray)) or not len(many):
        raise InputError(f"{plural} is {names!r}; expected some of {there}")
    for name in many:
        if name not in there:
            raise InputError(f"there is no {what} {name!r}{nearest(str(name), there)}; there are {there}")
    if len(set(many)) < len(many):
        raise InputError(f"{plural} is {list(many)}; expected each of them once")
    return [str(name) for name in many]


def losses_of(losses: Sequence[str] | None, has_negative: bool) -> list[str]:
    """Names of losses, checked.

    Raises
    ------
    InputError
        For other names, and for the contrastive loss without negative views.
    """
    if losses is None:
        return [name for name in LOSSES if has_negative or name != "contrastive"]
    names = names_of(losses, LOSSES, "loss", "losses")
    if "contrastive" in names and not has_negative:
        raise InputError("the contrastive loss needs negative views; give negative, or losses=['non-contrastive']")
    return names


def times_of(times: Any, step_sizes: Sequence[float], until: float, spacing: float) -> np.ndarray:
    """Times (t,) that all step sizes reach in whole steps: those that were given, checked, or default ones.

    Default times go from 0 to about ``until``, about ``spacing`` apart, both in whole steps of the largest step size
    (of as many as it takes to be whole steps of the others as well), and hold 10 of them at least: too large steps then
    have the time to show.

    Raises
    ------
    InputError
        For times that do not rise or are no whole number of steps, and for step sizes without common times.

    Examples
    --------
    >>> times_of(None, (0.5, 0.05), until=2.0, spacing=0.25)
    array([0. , 0.5, 1. , 1.5, 2. , 2.5, 3. , 3.5, 4. , 4.5, 5. ])
    """
    if times is not None:
        given = rising(times)
        for size in step_sizes:
            step_counts(given, size)
        return given
    largest = step_sizes[0]
    for many in range(1, 101):
        shares = many * largest / np.asarray(step_sizes)
        if (np.abs(shares - np.rint(shares)) < 1e-9 * shares).all():
            unit = many * largest
            break
    else:
        listed = " and ".join(f"{size:g}" for size in step_sizes)
        raise InputError(
            f"steps of {listed} meet at no time within 100 of the largest; make each a whole multiple of the next, as "
            f"{largest:g} and {largest / 10:g}"
        )
    every = max(round(spacing / unit), 1) * unit
    return np.round(np.arange(max(int(np.ceil(until / every - 1e-9)), 10) + 1) * every, 12)


def made_by(seed: int | None = None, **more: str | int | float) -> dict[str, str | int | float]:
    """Attributes of a result: seed, what else is known, the version."""
    return {**({} if seed is None else {"seed": seed}), **more, "software": f"neuroalpha {neuroalpha.__version__}"}
