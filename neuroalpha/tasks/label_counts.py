"""Reader: how many people chose each class of each image, as CIFAR-10H publishes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuroalpha.errors import InputError


def read_label_counts(
    path: str | os.PathLike[str],
    *,
    index: Sequence[int] | np.ndarray | None = None,
    labels: Any = None,
) -> np.ndarray:
    """Read how many raters chose each class of each image.

    CIFAR-10H has 47 to 63 raters for each of the 10,000 test images of CIFAR-10, in the original order of images and
    classes (``cifar10h-counts.npy``).

    Parameters
    ----------
    path : path
        ``.npy`` with whole numbers (n, k): a row for each image, a column for each class. Never a pickle.
    index : int array (m,), optional
        Which images, as rows of the file. Default: all.
    labels : int array (m,), optional
        True classes of these images, as columns from 0. They are compared with what most raters said, which shows
        whether the images are in the file's order.

    Returns
    -------
    array (m, k)
        int64.

    Raises
    ------
    InputError
        For a file that is missing, damaged, pickled, that holds no counts (fractions, negative numbers, images without
        raters), an index past its end, or labels that most raters of more than half of the images did not give.

    Notes
    -----
    Peterson, Battleday, Griffiths & Russakovsky 2019, "Human uncertainty makes classification more robust" (ICCV).

    Examples
    --------
    >>> import numpy as np
    >>> np.save(tmp / "counts.npy", [[48, 2, 0], [1, 0, 50]])
    >>> read_label_counts(tmp / "counts.npy", index=[1])
    array([[ 1,  0, 50]])
    """
    path = Path(path)
    counts = _checked(_read(path), path)
    if index is not None:
        counts = counts[_rows(index, len(counts), path)]
    if labels is not None:
        _check_order(np.asarray(labels), counts, path)
    return counts


def _read(path: Path) -> np.ndarray:
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of label counts, such as cifar10h-counts.npy")
    if path.suffix.lower() != ".npy":
        raise InputError(f"{path} is no .npy file; save counts (images, classes) with np.save")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as an array that numpy saved without pickle: {first}") from error


def _checked(counts: np.ndarray, path: Path) -> np.ndarray:
    if counts.ndim != 2 or counts.shape[0] < 1 or counts.shape[1] < 2 or counts.dtype.kind not in "iuf":
        raise InputError(
            f"{path} has shape {counts.shape} and dtype {counts.dtype}; expected counts of raters, a row for each "
            "image and a column for each of 2 or more classes"
        )
    if counts.dtype.kind == "f":
        if not (np.isfinite(counts).all() and (counts == np.round(counts)).all()):
            raise InputError(
                f"{path} holds fractions or NaN: probabilities, perhaps; expected counts, as in cifar10h-counts.npy"
            )
    if (counts < 0).any():
        raise InputError(f"{path} holds the count {counts.min():g}; expected 0 or more")
    counts = counts.astype(np.int64)
    empty = counts.sum(axis=1) == 0
    if empty.any():
        raise InputError(f"{path} has no raters for {int(empty.sum())} images, the first in row {int(empty.argmax())}")
    return counts


def _rows(index: Any, size: int, path: Path) -> np.ndarray:
    rows = np.asarray(index)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.size == 0:
        raise InputError(f"index has shape {rows.shape} and dtype {rows.dtype}; expected a list of whole numbers")
    if rows.min() < 0 or rows.max() >= size:
        wrong = rows.min() if rows.min() < 0 else rows.max()
        raise InputError(f"index {wrong} is outside the {size} images of {path}; count them from 0")
    return rows


def _check_order(labels: np.ndarray, counts: np.ndarray, path: Path) -> None:
    if labels.shape != (len(counts),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"labels have shape {labels.shape} and dtype {labels.dtype}; expected the classes of {len(counts)} images "
            "as columns from 0"
        )
    if labels.min() < 0 or labels.max() >= counts.shape[1]:
        raise InputError(f"labels go from {labels.min()} to {labels.max()}, but {path} has {counts.shape[1]} classes")
    same = float((counts.argmax(axis=1) == labels).mean())
    if same < 0.5:
        raise InputError(
            f"most raters of {path} give {same:.1%} of the images the label given: the images or the classes are in "
            "another order; give the images' rows as index="
        )
