"""Corrupted copies of one image set, kept while memory allows: many models of a run are shown the same ones."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import torch

MOST_BYTES = 512 * 2**20


class _Copy:
    """Pixels of one corrupted set, filled as they are made."""

    def __init__(self, n: int, shape: tuple[int, ...]) -> None:
        self.pixels = torch.empty((n, *shape), dtype=torch.uint8)
        self.made = np.zeros(n, dtype=bool)


_copies: dict[tuple[str, str], _Copy] = {}  # by digest of the set, and what was done to it
_guard = threading.Lock()


def corrupted(images: Any, digest: str, kind: str, severity: int, seed: int) -> Any:
    """The image set with every image corrupted, before it is normalised.

    The pixels are kept for whoever asks for the same, up to 512 MB in all and until those of another set are shown or
    :func:`forget` is called; what is being shown then goes on from the copy that it has.

    Parameters
    ----------
    images
        ImageSet.
    digest
        Of its pixels.
    kind, severity, seed
        As for :func:`neuroalpha.corrupt`; the corruption of an image depends on its place in the set.
    """
    from neuroalpha.tasks.corruptions.corrupt import corrupt

    steps = [step for step in images.preprocessing if step["step"] != "normalize"]
    key = digest, json.dumps([steps, kind, severity, seed])
    asked: list[_Copy | None] = []  # once: what is dropped meanwhile stays in use here, and drops no other

    def change(pixels: torch.Tensor, index: np.ndarray) -> torch.Tensor:
        if not asked:
            asked.append(_held(key, len(images), tuple(pixels.shape[1:])))
        held = asked[0]
        if held is not None and held.made[index].all() and held.pixels.shape[1:] == pixels.shape[1:]:
            return held.pixels[torch.from_numpy(index)]
        made = torch.as_tensor(corrupt(pixels, kind, severity, seed=seed, index=index))
        if held is not None and held.pixels.shape[1:] == made.shape[1:]:
            held.pixels[torch.from_numpy(index)] = made
            held.made[index] = True
        return made

    return images.changed(change, {"step": "corrupt", "kind": kind, "severity": severity, "seed": seed})


def forget() -> None:
    """Drop all copies that are kept; those in use live until nobody uses them.

    Examples
    --------
    >>> forget()
    """
    with _guard:
        _copies.clear()


def _held(key: tuple[str, str], n: int, shape: tuple[int, ...]) -> _Copy | None:
    """The copy under a key, a new one if there is room, else None; copies of other sets are dropped."""
    with _guard:
        for other in [each for each in _copies if each[0] != key[0]]:
            del _copies[other]
        if key not in _copies:
            room = MOST_BYTES - sum(each.pixels.numel() for each in _copies.values())
            if n * int(np.prod(shape)) > room:
                return None
            _copies[key] = _Copy(n, shape)
        return _copies[key]
