"""Labelled features for a readout: each image once, its class, how many to train on; or why they cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr

from neuroalpha._checks import whole
from neuroalpha._text import first_few
from neuroalpha.assembly import check_assembly, drop_blanks
from neuroalpha.errors import InputError, nearest


def images_of(features: xr.DataArray) -> xr.DataArray:
    """The assembly with each image once, blanks left out."""
    if isinstance(features, xr.DataArray) and features.dims == ("stimulus", "neuroid"):
        features = features.rename(stimulus="presentation").assign_coords(
            repetition=("presentation", np.zeros(features.sizes["stimulus"], dtype=np.int64))
        )
    assembly = drop_blanks(check_assembly(features))
    n_images = assembly.sizes["presentation"]
    n_different = np.unique(assembly.coords["stimulus_id"].values.astype(str)).size
    if n_different < n_images:
        raise InputError(
            f"{n_images} presentations show {n_different} images, but training and test images must differ; average "
            "repeats first: neuroalpha.repeats(assembly, 1)[0]"
        )
    return assembly


def classes(assembly: xr.DataArray, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Names of the classes (class,) and the class of each image (presentation,)."""
    if label not in assembly.coords or assembly.coords[label].dims != ("presentation",):
        known = [str(name) for name, coord in assembly.coords.items() if coord.dims == ("presentation",)]
        raise InputError(
            f"the assembly has no labels {label!r} along presentation, it has {first_few(known)}{nearest(label, known)}"
            "; add them: assembly.assign_coords(label=('presentation', labels))"
        )
    text = _as_text(assembly.coords[label].values, label)
    missing = np.isin(text, ("", "nan", "None", "NaT", "<NA>"))
    if missing.any():
        raise InputError(f"{int(missing.sum())} of {missing.size} images have no label; drop them first")
    names, codes = np.unique(text, return_inverse=True)
    if names.size < 2:
        raise InputError(f"all images are of one class, {str(names[0])!r}; a readout needs at least two")
    return names, codes.reshape(-1)


def _as_text(given: np.ndarray, label: str) -> np.ndarray:
    """Labels as text by the rule of readouts: 3, 3.0 and "3" are one class; text of what is missing is ``nan``."""
    if given.dtype.kind not in "iufbUSO":
        raise InputError(f"the labels {label!r} have dtype {given.dtype}; expected class names or whole numbers")
    text = np.char.strip(np.char.decode(given, "utf-8") if given.dtype.kind == "S" else given.astype(str))
    if given.dtype.kind == "f":
        known = np.isfinite(given)
        broken = given[known][given[known] % 1 != 0]
        if broken.size:
            raise InputError(f"the labels {label!r} are numbers such as {broken[0]:g}; expected classes, whole numbers")
        return np.where(known, np.where(known, given, 0).astype(np.int64).astype(str), "nan")
    if given.dtype.kind == "O":  # 3.0 of a table's column is the class 3
        whole_ones = np.array([isinstance(each, float) and each % 1 == 0 for each in given])
        text[whole_ones] = [str(int(each)) for each in given[whole_ones]]
    return text


def training_sizes(n_train: Sequence[int] | None, n_images: int) -> np.ndarray:
    """Numbers of training images (k,), checked."""
    if n_train is None:
        return np.unique(np.geomspace(max(n_images / 64, 4), max(n_images / 2, 5), 8).round().astype(np.int64))
    try:
        sizes = [whole(n, "n_train", 2) for n in n_train]
    except TypeError as error:
        raise InputError(f"n_train is {n_train!r}; expected a list of whole numbers") from error
    if not sizes or max(sizes) > n_images - 2 or len(set(sizes)) < len(sizes):
        raise InputError(
            f"n_train is {list(n_train)}; expected different numbers of at most {n_images - 2}, so that some of the "
            f"{n_images} images are left to test"
        )
    return np.array(sizes, dtype=np.int64)


def penalties_of(penalty: object, sizes: np.ndarray) -> np.ndarray | Literal["best"]:
    """Penalties (k,), one for each number of training images, or "best"."""
    if isinstance(penalty, str) and penalty == "best":
        return "best"
    try:
        given = np.asarray(penalty, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.full(1, np.nan)
    if given.ndim > 1 or not (np.isfinite(given).all() and (given >= 0).all()):
        raise InputError(f"penalty is {penalty!r}; expected a number of at least 0, one for each n_train, or 'best'")
    if given.ndim == 1 and given.size != sizes.size:
        raise InputError(f"got {given.size} penalties for {sizes.size} numbers of training images; give one each")
    return np.broadcast_to(given, sizes.shape).copy()
