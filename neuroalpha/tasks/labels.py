"""Class labels of training and test images as codes, over the classes that both share."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroalpha._text import first_few
from neuroalpha.errors import InputError

MISSING = ("", "nan", "None", "NaT", "<NA>")  # what text makes of a label that is not there


@dataclass(frozen=True, eq=False)
class Classes:
    """Codes of training and test labels: position of each label's name in ``names``."""

    names: np.ndarray
    """Classes (C,) of the training images, as text; numbers in their order, else in that of the alphabet."""
    train: np.ndarray
    """Code (n,) of each training image."""
    test: np.ndarray
    """Code (k,) of each test image that is kept."""
    test_rows: np.ndarray
    """Which test images (k,) are kept: those of a class that the training images have."""
    shared: np.ndarray
    """Codes (S,) of the classes that the kept test images hold: predictions are restricted to these."""
    dropped: tuple[str, ...]
    """Classes of the test images that no training image has."""
    absent: tuple[str, ...]
    """Classes of the training images that no test image has."""


def encode(
    train_labels: Any, test_labels: Any, n_train: int | None = None, n_test: int | None = None, *, tell: bool = True
) -> Classes:
    """Match the classes of training and test images by name.

    Parameters
    ----------
    train_labels, test_labels
        Label (n,) and (m,) of each image: text or whole numbers, where 3, 3.0 and "3" are the same class.
    n_train, n_test
        How many images there are, to be checked against the labels.
    tell
        Warn when classes differ. Threads that ask about the same images once more leave it off: a filter of warnings
        is not a thread's own.

    Returns
    -------
    Classes
        All training images are kept: what a readout learns does not depend on the test images. Test images of a class
        that was not trained are left out.

    Raises
    ------
    InputError
        For labels that do not match the images in number, missing labels, a single class, or no two shared classes.

    Warns
    -----
    UserWarning
        When classes differ and ``tell``; names those that were dropped.

    Examples
    --------
    >>> classes = encode(["cat", "dog", "cat"], ["dog", "cat"])
    >>> classes.names.tolist(), classes.train.tolist(), classes.test.tolist()
    (['cat', 'dog'], [0, 1, 0], [1, 0])
    """
    train = label_text(train_labels, "training", n_train)
    test = label_text(test_labels, "test", n_test)
    names = class_names(train, "training images")
    codes = codes_of(test, names)
    rows = np.flatnonzero(codes >= 0)
    shared = np.unique(codes[rows])
    dropped, absent = np.setdiff1d(test, names), np.delete(names, shared)
    if shared.size < 2:
        raise InputError(
            f"training and test images share {shared.size} of {names.size} and {np.unique(test).size} classes: "
            f"{first_few(names)} against {first_few(np.unique(test))}; at least 2 must have the same names"
        )
    if tell and dropped.size:
        warnings.warn(
            f"{test.size - rows.size} of {test.size} test images are left out: their classes {first_few(dropped)} are "
            "not among those of the training images",
            stacklevel=3,
        )
    if tell and absent.size:
        warnings.warn(
            f"{absent.size} of {names.size} classes have no test image: {first_few(absent)}; predictions are "
            f"restricted to the {shared.size} that have",
            stacklevel=3,
        )
    return Classes(
        names,
        codes_of(train, names),
        codes[rows],
        rows,
        shared,
        tuple(map(str, dropped)),
        tuple(map(str, absent)),
    )


def class_names(labels: np.ndarray, of: str = "images") -> np.ndarray:
    """Names (C,) of the classes in text labels (n,): numbers in their order, else alphabetically; at least 2.

    Examples
    --------
    >>> class_names(np.array(["10", "9", "9"])).tolist()
    ['9', '10']
    """
    names = np.array(np.unique(labels).tolist())  # no wider than the longest
    if names.size < 2:
        raise InputError(f"the {of} have one class only ({first_few(names)}); a readout tells at least 2 apart")
    try:
        order = np.argsort(names.astype(np.int64), kind="stable")
    except (ValueError, OverflowError):
        return names
    return names[order]


def codes_of(labels: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Position (n,) of text labels in ``names`` (C,); -1 for a label that is not among them.

    Examples
    --------
    >>> codes_of(np.array(["b", "x"]), np.array(["c", "b"])).tolist()
    [1, -1]
    """
    order = np.argsort(names)
    place = np.minimum(np.searchsorted(names, labels, sorter=order), names.size - 1)
    return np.where(names[order[place]] == labels, order[place], -1)


def label_text(labels: Any, of: str, n_images: int | None = None) -> np.ndarray:
    """Labels (n,) as text, whole numbers as their decimals; missing ones and a wrong number of them are refused.

    Examples
    --------
    >>> label_text([3.0, 5.0], "training").tolist()
    ['3', '5']
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InputError(f"the {of} labels have shape {array.shape}; expected one label for each image")
    if n_images is not None and array.size != n_images:
        raise InputError(f"there are {array.size} {of} labels for {n_images} {of} images; give one for each")
    if array.size == 0:
        raise InputError(f"there are no {of} labels; give one for each image")
    if array.dtype.kind == "f":
        _refuse_missing(~np.isfinite(array), of)
        if (array % 1 != 0).any():
            raise InputError(
                f"the {of} labels are numbers such as {array[array % 1 != 0][0]:g}; expected classes: text or whole "
                "numbers"
            )
        array = array.astype(np.int64)
    text = np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array.astype(str)
    if array.dtype.kind == "O":  # 3.0 of a table's column is the class 3
        whole = np.array([isinstance(each, float) and each == each and each % 1 == 0 for each in array])
        text[whole] = [str(int(each)) for each in array[whole]]
    text = np.char.strip(text)
    _refuse_missing(np.isin(text, MISSING), of)
    return text


def _refuse_missing(missing: np.ndarray, of: str) -> None:
    if missing.any():
        raise InputError(
            f"{int(missing.sum())} of {missing.size} {of} labels are missing (the first is that of image "
            f"{int(np.flatnonzero(missing)[0])}, counted from 0); leave these images out, or label them"
        )
