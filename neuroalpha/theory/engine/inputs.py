"""What every theory takes, checked in one way: real numbers, rising times, step sizes, symmetric matrices."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from neuroalpha.errors import InputError


def real_array(values: Any, name: str, dims: int | tuple[int, ...], expected: str = "numbers") -> np.ndarray:
    """Return finite numbers as float64 with so many dimensions, none empty; booleans and complex numbers are refused.

    Raises
    ------
    InputError
        Says what was given and ``expected``.

    Examples
    --------
    >>> real_array([1, 2], "start", 1)
    array([1., 2.])
    """
    several = (dims,) if isinstance(dims, int) else dims
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{name} has rows of different lengths; expected {expected}") from error
    if array.dtype.kind not in "iuf":
        kind = {"b": "booleans", "c": "complex numbers", "U": "text", "S": "text"}.get(
            array.dtype.kind, f"a {type(values).__name__}"
        )
        raise InputError(f"{name} is {kind}; expected {expected}")
    if array.ndim not in several or not array.size:
        wanted = " or ".join(str(each) for each in several)
        hint = f", as [{values}]" if array.ndim == 0 and 1 in several else ""
        raise InputError(
            f"{name} has shape {array.shape}; expected {expected} with {wanted} dimension{'s' * (several != (1,))}, "
            f"none empty{hint}"
        )
    array = array.astype(np.float64)
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise InputError(f"{name} holds {bad} NaN or infinite value{'s' * (bad > 1)}; drop or fill them first")
    return array


def number(value: Any, name: str, *, above: float | None = None, least: float | None = None) -> float:
    """Return a finite number as float, above or at least a bound; booleans are refused.

    Raises
    ------
    InputError

    Examples
    --------
    >>> number(np.float32(0.5), "scale", above=0)
    0.5
    """
    sound = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)) and math.isfinite(value)
    if sound and (above is None or value > above) and (least is None or value >= least):
        return float(value)
    bound = f" above {above:g}" if above is not None else f" of at least {least:g}" if least is not None else ""
    raise InputError(f"{name} is {value!r}; expected a finite number{bound}")


def rising(times: Any, name: str = "times") -> np.ndarray:
    """Return times (t,) as float64: from 0 on, rising.

    Raises
    ------
    InputError

    Examples
    --------
    >>> rising([0, 1, 2.5])
    array([0. , 1. , 2.5])
    """
    array = real_array(times, name, 1, "a list of numbers from 0 on")
    if array[0] < 0:
        raise InputError(f"{name} begin at {array[0]:g}; expected numbers from 0 on")
    falls = np.flatnonzero(np.diff(array) <= 0)
    if falls.size:
        at = falls[0]
        raise InputError(f"{name} do not rise: {array[at]:g} is followed by {array[at + 1]:g}; sort them, no doubles")
    return array


def two_steps(step_sizes: Any, name: str = "step_sizes") -> tuple[float, ...]:
    """Return two step sizes or more, the largest first.

    Raises
    ------
    InputError

    Examples
    --------
    >>> two_steps([0.001, 0.01])
    (0.01, 0.001)
    """
    if isinstance(step_sizes, str) or not isinstance(step_sizes, (Sequence, np.ndarray)):
        raise InputError(f"{name} is {step_sizes!r}; expected two different ones, as (0.01, 0.001)")
    sizes = tuple(sorted({number(size, f"a step size of {name}", above=0) for size in step_sizes}, reverse=True))
    if len(sizes) < 2:
        raise InputError(f"{name} is {list(step_sizes)}; expected two different ones, as (0.01, 0.001)")
    return sizes


def symmetric(matrix: Any, name: str = "matrix", *, definite: bool = False) -> np.ndarray:
    """Return a symmetric matrix (n, n) as float64.

    Parameters
    ----------
    matrix : array (n, n)
        Entries may differ from their mirror by 1e-8 of the largest; they are then averaged.
    name : str
        For the message.
    definite : bool, optional
        Refuse eigenvalues below 0 (beyond rounding), as of an indefinite matrix.

    Raises
    ------
    InputError

    Examples
    --------
    >>> symmetric([[2, 1], [1, 2]], "gamma")
    array([[2., 1.],
           [1., 2.]])
    """
    array = real_array(matrix, name, 2, "a symmetric matrix (n, n)")
    if array.shape[0] != array.shape[1]:
        raise InputError(f"{name} has shape {array.shape}; expected a square, symmetric matrix (n, n)")
    gap, size = np.abs(array - array.T).max(), np.abs(array).max()
    if gap > 1e-8 * size:
        raise InputError(
            f"{name} is not symmetric: entries differ from their mirror by up to {gap:.3g}; give its symmetric part, "
            f"({name} + {name}.T) / 2"
        )
    array = (array + array.T) / 2
    if definite:
        lowest = float(np.linalg.eigvalsh(array)[0])
        if lowest < -1e-10 * size:
            raise InputError(
                f"{name} has the negative eigenvalue {lowest:.3g}; expected a positive semi-definite matrix, as a "
                "covariance is"
            )
    return array
