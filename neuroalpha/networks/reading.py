"""Read every image of a source once, in threads: which cannot be read, and what the others hold."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from neuroalpha._text import first_few
from neuroalpha.networks.sources import Source
from neuroalpha.networks.unreadable import UnreadableImage

READERS = min(8, os.cpu_count() or 1)
"""Threads that decode files; Pillow, torch and hashlib release the interpreter lock while they work."""

_ROUND = 4096
"""Images handed to the threads at once: a million waiting tasks would take more memory than the images."""

Result = TypeVar("Result")


@contextmanager
def readers(concurrent: bool) -> Iterator[Callable[..., Any]]:
    """A ``map`` that keeps the order, in threads where the source allows it."""
    if not concurrent or READERS == 1:
        yield map
        return
    pool = ThreadPoolExecutor(READERS)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)  # after an error or an interrupt the rest is not read


def survey(
    look: Callable[[int], Result], n: int, concurrent: bool, progress: bool
) -> tuple[list[Result | None], dict[int, str]]:
    """Look at images 0 to n - 1: what ``look`` gives for each, and why the unreadable ones (None there) are that.

    Examples
    --------
    >>> def look(index):
    ...     if index == 1:
    ...         raise UnreadableImage.of("the image b.jpg", "it is cut short")
    ...     return index
    >>> survey(look, 3, concurrent=True, progress=False)
    ([0, None, 2], {1: 'it is cut short'})
    """
    found: list[Result | None] = []
    faults: dict[int, str] = {}

    def one(index: int) -> tuple[Result | None, str]:
        try:
            return look(index), ""
        except UnreadableImage as error:
            return None, error.reason or str(error)

    bar = tqdm(total=n, desc="reading images", unit="image", file=sys.stderr, disable=not progress, delay=1)
    with bar, readers(concurrent) as parallel:
        for start in range(0, n, _ROUND):
            for index, (result, fault) in enumerate(parallel(one, range(start, min(start + _ROUND, n))), start):
                found.append(result)
                if fault:
                    faults[index] = fault
                bar.update()
    return found, faults


def fingerprint(source: Source, index: int) -> bytes:
    """SHA-256 of the type, shape and pixels of one image as it was read."""
    pixels = source.read(index).detach()
    digest = hashlib.sha256(f"{pixels.dtype} {tuple(pixels.shape)};".encode())
    # numpy puts them in order: torch would share that out among its own threads, which the readers already keep busy.
    digest.update(np.ascontiguousarray(pixels.numpy()).data)
    return digest.digest()


def told(names: np.ndarray, faults: Mapping[int, str]) -> str:
    """Which images cannot be read, how many of how many, and why the first cannot.

    Examples
    --------
    >>> told(np.array(["a.jpg", "b.jpg", "c.jpg"]), {0: "it is cut short", 2: "it is no image"})
    "2 of 3 images cannot be read: 'a.jpg', 'c.jpg' (the first: it is cut short)"
    """
    first = next(iter(faults.values()))
    which = f"{first_few(names[list(faults)])} ({'the first: ' if len(faults) > 1 else ''}{first})"
    return f"{len(faults):,} of {len(names):,} images cannot be read: {which}"
