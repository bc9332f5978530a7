"""Checks of what the theory of projectors needs: symmetric matrices, orthonormal starts, views of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuroalpha._checks import whole
from neuroalpha.errors import InputError


def numbers(values: Any, name: str, dims: int) -> np.ndarray:
    """Return a finite float64 array with this many dimensions, or say what was given."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is a {type(values).__name__}; expected an array of numbers") from error
    if array.ndim != dims or not array.size:
        raise InputError(f"{name} has shape {array.shape}; expected {dims} dimension{'s' * (dims > 1)}, none empty")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; drop or fill them first")
    return array


def symmetric(matrix: Any, name: str = "matrix") -> np.ndarray:
    """Return a symmetric matrix (d, d); indefinite ones are fine, as a contrastive loss gives them.

    Examples
    --------
    >>> symmetric([[1.0, 2.0], [2.0, -1.0]]).shape
    (2, 2)
    """
    array = numbers(matrix, name, 2)
    if array.shape[0] != array.shape[1]:
        raise InputError(f"{name} has shape {array.shape}; expected a square matrix (feature, feature)")
    gap, scale = np.abs(array - array.T).max(), np.abs(array).max()
    if scale == 0:
        raise InputError(f"{name} is all zeros: there is nothing to learn from it")
    if gap > 1e-10 * scale:
        raise InputError(
            f"{name} is not symmetric (entries differ from their mirror by up to {gap:.2g}); only the symmetric part "
            "acts on the loss: give (C + C.T) / 2, as of grassmann_matrices"
        )
    return (array + array.T) / 2


def start_frame(start: Any, n_features: int, *, orthonormal: bool) -> np.ndarray:
    """Return a start W (d, z), z <= d: of orthonormal columns where asked, otherwise of full rank."""
    array = numbers(start, "start", 2)
    if array.shape[0] != n_features or array.shape[1] > n_features:
        raise InputError(
            f"start has shape {array.shape}; expected ({n_features}, outputs) with at most {n_features} outputs"
        )
    if orthonormal:
        gap = np.abs(array.T @ array - np.eye(array.shape[1])).max()
        if gap > 1e-8:
            raise InputError(
                f"the columns of start are not orthonormal (W^T W differs from 1 by {gap:.2g}); take "
                "numpy.linalg.qr(start)[0]"
            )
    elif np.linalg.matrix_rank(array) < array.shape[1]:
        raise InputError(f"start has rank {np.linalg.matrix_rank(array)} for {array.shape[1]} outputs; expected full")
    return array


def rising(times: Any, name: str = "times") -> np.ndarray:
    """Return times (t,), from 0 on, rising."""
    array = numbers(times, name, 1)
    if array[0] < 0 or (np.diff(array) <= 0).any():
        raise InputError(f"{name} must begin at 0 or later and rise; sort them and leave out doubles")
    return array


def views(
    x: Any, positive: Any, negative: Any = None, center: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the views, all of one shape (n, d), each without its mean where asked."""
    given = {"x": x, "positive": positive} | ({} if negative is None else {"negative": negative})
    arrays = {name: numbers(values, name, 2) for name, values in given.items()}
    shape = arrays["x"].shape
    for name, array in arrays.items():
        if array.shape != shape:
            raise InputError(
                f"{name} has shape {array.shape}, but x {shape}; expected a view of each sample, (sample, feature)"
            )
    if shape[0] < 2:
        raise InputError(f"there is {shape[0]} sample; expected at least 2")
    if center:
        arrays = {name: array - array.mean(axis=0) for name, array in arrays.items()}
    return arrays["x"], arrays["positive"], arrays.get("negative")


def widths_of(
    widths: Any, n_outputs: int, name: str = "widths", most: int | None = None, least: int | None = None
) -> tuple[int, ...]:
    """Return widths of hidden layers, none smaller than the output."""
    many = [widths] if np.isscalar(widths) else widths
    if not isinstance(many, (Sequence, np.ndarray)):
        raise InputError(f"{name} is {widths!r}; expected whole numbers, as (32, 128)")
    checked = tuple(whole(width, name, 1) for width in many)
    if not checked or len(set(checked)) < len(checked):
        raise InputError(f"{name} is {list(many)}; expected different whole numbers")
    for width in checked:
        if width < n_outputs:
            raise InputError(
                f"{name} holds {width}, smaller than the {n_outputs} outputs: no {n_outputs} orthonormal columns fit; "
                f"give at least {n_outputs}"
            )
        if most is not None and width > most:
            raise InputError(f"{name} holds {width}; this form has at most as many hidden units as features, {most}")
        if least is not None and width < least:
            raise InputError(f"{name} holds {width}; expected at least features + outputs = {least} hidden units here")
    return checked
