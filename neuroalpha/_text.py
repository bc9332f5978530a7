"""Arrays of text labels: conversion, fast search for duplicates, short listings for messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neuroalpha.errors import InputError


def to_text(labels: Any, name: str) -> np.ndarray:
    """Return labels as a one-dimensional numpy unicode array; numbers become their decimal text."""
    array = np.asarray(labels)
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    if array.dtype.kind in "iu":
        return array.astype(str)
    if array.dtype.kind == "O":
        wrong = [type(label).__name__ for label in array.ravel() if not isinstance(label, str)]
        if not wrong:
            return array.astype(str)
        raise InputError(f"coordinate {name!r} must be text, but holds {wrong[0]} values; convert them with str()")
    if array.size == 0:
        return array.astype(str)
    raise InputError(f"coordinate {name!r} must be text or whole numbers, but has dtype {array.dtype}")


def duplicates(labels: np.ndarray) -> np.ndarray:
    """Return the labels that occur more than once, sorted.

    Unicode arrays are first compared by a 64-bit hash of their code points, which takes some tens of milliseconds for a
    million labels; different hashes prove different labels, and only where two agree are the labels themselves
    compared.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind != "U":
        labels = labels.astype(str)
    if labels.size < 2:
        return labels[:0]
    width = labels.dtype.itemsize // 4
    if width == 0:
        return labels[:1]
    codes = np.ascontiguousarray(labels).view(np.uint32).reshape(labels.size, width)
    factors = np.random.default_rng(0).integers(1, 2**63, size=width, dtype=np.uint64) | np.uint64(1)
    hashed = np.zeros(labels.size, dtype=np.uint64)
    for column, factor in enumerate(factors):
        hashed += codes[:, column] * factor
    ordered = np.sort(hashed)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if again.size == 0:
        return labels[:0]
    suspects = labels[np.isin(hashed, again)]
    values, counts = np.unique(suspects, return_counts=True)
    return values[counts > 1]


def first_few(names: Iterable[Any], n: int = 4) -> str:
    """Write at most ``n`` names for an error message: ``'a', 'b', ... (7 in all)``."""
    listed = [repr(str(name)) for name in names]
    return ", ".join(listed[:n]) + (f", ... ({len(listed)} in all)" if len(listed) > n else "")


def check_encodable(labels: np.ndarray, name: str) -> None:
    """Refuse text that files cannot hold: lone surrogates (file names in another encoding give them) and NUL inside."""
    labels = np.atleast_1d(np.asarray(labels, dtype=str)).ravel()
    if labels.size == 0 or labels.dtype.itemsize == 0:
        return
    codes = np.ascontiguousarray(labels).view(np.uint32).reshape(labels.size, -1)
    wrong = ((codes >= 0xD800) & (codes <= 0xDFFF)).any(axis=1)
    wrong |= ((codes[:, :-1] == 0) & (codes[:, 1:] != 0)).any(axis=1)
    if wrong.any():
        raise InputError(
            f"{name} holds text that is not valid Unicode or has a NUL inside: {labels[wrong][0]!a}; rename it"
        )


def valid(name: str) -> str:
    """Make valid Unicode of a file name in another encoding; what cannot be read becomes a question mark."""
    return name.encode("utf-8", "replace").decode("utf-8")
