"""Checks of what label noise is asked to do, before any long work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._text import first_few
from neuroalpha.assembly import check_assembly
from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum import gram
from neuroalpha.tasks.label_noise import NOISES, check_levels
from neuroalpha.tasks.labels import codes_of, label_text

PLACE = "place_among_given"  # coordinate: where a presentation stood before some were left out


def human_codes(human: Mapping[str, Any] | None, names: np.ndarray, n_train: int) -> dict[str, np.ndarray]:
    """Codes (n,) of label sets that people gave the training images, by name.

    Parameters
    ----------
    human : mapping of name to labels (n,), or None
    names : str array (C,)
        Of the classes, in the order of their codes.
    n_train : int
        Training images.

    Raises
    ------
    InputError
        For a set of another number of labels, a missing label, or a label that is no class.

    Examples
    --------
    >>> human_codes({"worst": ["dog", "cat"]}, np.array(["cat", "dog"]), 2)
    {'worst': array([1, 0])}
    """
    if human is not None and not isinstance(human, Mapping):
        raise InputError(
            f"human is {type(human).__name__}; expected a dict of label sets by name: human={{'mine': ...}}"
        )
    sets = {}
    for name, labels in (human or {}).items():
        text = label_text(labels, f"human ({name})", n_train)
        codes = codes_of(text, names)
        if (codes < 0).any():
            unknown = np.unique(text[codes < 0])
            raise InputError(
                f"the human labels {str(name)!r} have classes that the training images lack: {first_few(unknown)} "
                f"against {first_few(names)}; name them alike, as read_human_labels does with classes="
            )
        sets[str(name)] = codes
    return sets


def check_noises(noises: Sequence[str], others: bool) -> list[str]:
    """Return kinds of noise as a list, or say which is unknown; none at all only where there are other label sets."""
    kinds = [noises] if isinstance(noises, str) else list(noises)
    for kind in kinds:
        if kind not in NOISES:
            raise InputError(
                f"there is no noise {kind!r}{nearest(str(kind), NOISES)}; expected some of {', '.join(NOISES)}"
            )
    if len(set(kinds)) < len(kinds):
        raise InputError(f"noises={kinds} names a kind twice; name each once")
    if not kinds and not others:
        raise InputError("no noise is asked for; name some of " + ", ".join(NOISES) + ", or give human labels")
    return kinds


def all_levels(levels: Any) -> np.ndarray:
    """Levels (l,) ascending, each once, with 0: what is lost is lost against clean labels."""
    return np.unique(np.r_[0.0, check_levels(levels)])


def check_features(features: Any, n_train: int) -> np.ndarray:
    """Return what instance noise depends on as an array (n, q) of float64, or say what was given."""
    try:
        array = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the features of instance noise are no numbers: {error}") from error
    if array.ndim != 2 or array.shape[0] != n_train or not array.shape[1]:
        raise InputError(
            f"the features of instance noise have shape {array.shape}; expected a row for each of {n_train} training "
            "images: images.reshape(len(images), -1)"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{int((~np.isfinite(array)).sum())} features of instance noise are not finite; fill them")
    return array


def numbered(assembly: xr.DataArray) -> xr.DataArray:
    """The assembly with the place of each presentation, by which labels are found again when some are left out."""
    places = np.arange(check_assembly(assembly).sizes["presentation"])
    return assembly.assign_coords({PLACE: ("presentation", places)})


def filled(train: xr.DataArray) -> np.ndarray:
    """Responses in memory (n, p), a missing one as its neuroid's mean: features for instance noise.

    A neuroid of which nothing was recorded is 0 throughout, and tells nothing.
    """
    values = np.array(train.data, dtype=np.float64)
    missing = np.isnan(values)
    if missing.any():
        values[missing] = np.broadcast_to(np.nan_to_num(gram.column_means(values)[0]), values.shape)[missing]
    return values
