"""Responses to training and test images as readouts need them: labelled, something recorded, one population."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._text import first_few
from neuroalpha.assembly import check_assembly, drop_blanks
from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum.blocks import row_blocks


def labels_of(assembly: xr.DataArray, label: str, of: str) -> np.ndarray:
    """The coordinate (presentation,) that holds the classes, or what to do about its lack."""
    if not isinstance(label, str) or label not in assembly.coords:
        known = [str(name) for name in assembly.coords if assembly.coords[name].dims == ("presentation",)]
        raise InputError(
            f"the {of} images have no coordinate {label!r} along 'presentation'{nearest(str(label), known)}; add it: "
            "assembly.assign_coords(label=('presentation', labels))"
        )
    if assembly.coords[label].dims != ("presentation",):
        raise InputError(
            f"the coordinate {label!r} of the {of} images lies along {assembly.coords[label].dims}; expected "
            "('presentation',), one class for each image"
        )
    return assembly.coords[label].values


def recorded(assembly: xr.DataArray, of: str) -> xr.DataArray:
    """The presentations that showed a stimulus to which something was recorded; the others are told and left out."""
    assembly = drop_blanks(check_assembly(assembly))
    if not assembly.size:
        raise InputError(f"there are no {of} responses: {assembly.shape[0]} images, {assembly.shape[1]} neuroids")
    shown = has_values(assembly.data, of)
    if shown.all():
        return assembly
    if not shown.any():
        raise InputError(f"all {shown.size} {of} images are NaN in every neuroid; check what was recorded")
    names = assembly.coords["stimulus_id"].values[~shown]
    warnings.warn(
        f"{int((~shown).sum())} of {shown.size} {of} images are NaN in every neuroid and are left out: stimulus_id "
        f"{first_few(names)}",
        stacklevel=3,
    )
    return assembly.isel(presentation=np.flatnonzero(shown))


def has_values(features: Any, of: str) -> np.ndarray:
    """Which rows (n,) of features (n, p), numpy or dask, are not NaN throughout; infinite ones are refused."""
    shown = np.empty(features.shape[0], dtype=bool)
    for rows, block in row_blocks(features):
        total = block.sum(axis=1, dtype=np.float64)
        shown[rows] = True
        if not np.isfinite(total).all():
            infinite = np.isinf(block).any(axis=1)
            if infinite.any():
                raise InputError(
                    f"{of} image {rows.start + int(np.flatnonzero(infinite)[0])} (counted from 0) holds infinite "
                    "values; leave it out, or extract activations in float32"
                )
            shown[rows] = ~np.isnan(block).all(axis=1)
    return shown


def check_same_neuroids(train: xr.DataArray, test: xr.DataArray) -> None:
    """Refuse test responses of another population than the training responses, or in another order."""
    ours, theirs = train.coords["neuroid_id"].values, test.coords["neuroid_id"].values
    if ours.size != theirs.size:
        raise InputError(
            f"training responses are of {ours.size} neuroids, test responses of {theirs.size}; give the same layer of "
            "the same model, or the same units, for both"
        )
    unlike = ours.astype(str) != theirs.astype(str)
    if unlike.any():
        where = int(np.flatnonzero(unlike)[0])
        raise InputError(
            f"{int(unlike.sum())} of {ours.size} neuroids differ between training and test responses: neuroid_id "
            f"{str(ours[where])!r} against {str(theirs[where])!r}; give the same ones in the same order"
        )
