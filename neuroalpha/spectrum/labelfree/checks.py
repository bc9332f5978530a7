"""Kernel: which arrays the scores take, checked before any work."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroalpha.errors import InputError

# Between these a sum of squares stays inside float64.
SMALLEST, LARGEST = 1e-100, 1e100


def matrix(features: Any, name: str = "features", least: int = 2) -> np.ndarray:
    """Features (stimulus, unit) as a finite real array, at least ``least`` rows; not copied."""
    return _real(features, name, 2, "(stimulus, unit), one row for each image", least)


def view_array(views: Any, name: str = "views") -> np.ndarray:
    """Views (object, view, unit) as a finite real array with at least 2 objects of at least 2 views; not copied."""
    array = _real(views, name, 3, "(object, view, unit), several views of each image", 2)
    if array.shape[1] < 2:
        raise InputError(
            f"{name} hold one view of each of {array.shape[0]} objects; LiDAR compares views of one image, so give at "
            "least 2, better 10 and more"
        )
    return array


def _real(values: Any, name: str, ndim: int, expected: str, least: int) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (TypeError, RuntimeError, ValueError) as error:  # torch: on a GPU, or with a gradient; ragged lists
        raise InputError(
            f"{name} cannot be read as an array ({error}); of a torch tensor give tensor.detach().cpu()"
        ) from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} must be real numbers, but have dtype {array.dtype}")
    if array.ndim != ndim or array.shape[0] < least or 0 in array.shape:
        raise InputError(f"{name} have shape {array.shape}; expected {expected}, at least {least} rows")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    low, high = array.min(), array.max()  # of an array with a NaN, NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = ~np.isfinite(array).reshape(array.shape[0], -1).all(axis=1)
        raise InputError(
            f"{name} hold NaN or infinite values in {int(bad.sum())} of {bad.size} rows (the first is row "
            f"{int(np.flatnonzero(bad)[0])}): did the training diverge? leave those rows out, or extract in float32"
        )
    largest = max(abs(float(low)), abs(float(high)))
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise InputError(
            f"{name} reach {largest:.3g}: squared, such numbers leave the range of float64; give them in other units"
        )
    return array
