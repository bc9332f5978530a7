"""Images to learn from as one block of bytes with class numbers, whatever they come from; and a held-out part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha.errors import InputError
from neuroalpha.networks.images import images as make_images
from neuroalpha.networks.imageset import ImageSet

_BLOCK = 1024  # images read at once


@dataclass(frozen=True, eq=False)
class TrainSet:
    """Images with or without labels; made by :func:`read_trainset`."""

    pixels: Tensor
    """uint8 (n, 3, H, W), on the CPU."""
    labels: np.ndarray | None
    """(n,) as given, or None."""

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: np.ndarray) -> TrainSet:
        """Some of the images."""
        return TrainSet(self.pixels[torch.from_numpy(rows)], None if self.labels is None else self.labels[rows])

    def digest(self) -> str:
        """``"sha256:"`` and 16 hex digits of pixels and labels, the same wherever they were read from."""
        found = hashlib.sha256(repr(tuple(self.pixels.shape)).encode())
        found.update(self.pixels.numpy().data)
        found.update(repr(None if self.labels is None else [str(each) for each in self.labels]).encode())
        return f"sha256:{found.hexdigest()[:16]}"

    def codes(self, classes: np.ndarray) -> Tensor | None:
        """Class numbers int64 (n,), or None without labels."""
        if self.labels is None:
            return None
        return torch.from_numpy(np.searchsorted(classes, self.labels).astype(np.int64))


def read_trainset(images: Any, labels: Any = None, name: str = "images") -> TrainSet:
    """Read all images once.

    Parameters
    ----------
    images
        An :class:`~neuroalpha.networks.imageset.ImageSet`, of which everything but the normalisation counts, or what
        :func:`neuroalpha.images` takes: an array (n, H, W, 3), a tensor (n, 3, H, W), a folder, ...
    labels
        (n,); default: those of the set.
    name
        How messages call them.

    Examples
    --------
    >>> found = read_trainset(np.zeros((4, 8, 8, 3), dtype=np.uint8), ["cat", "dog", "cat", "dog"])
    >>> tuple(found.pixels.shape), found.codes(np.array(["cat", "dog"])).tolist()
    ((4, 3, 8, 8), [0, 1, 0, 1])
    """
    given = images
    if not isinstance(images, ImageSet):
        if isinstance(images, np.ndarray) and images.ndim == 4 and images.shape[3] != 3 and images.shape[1] == 3:
            given = torch.from_numpy(np.ascontiguousarray(images))
        given = make_images(given, normalize=None)
    pixels = torch.cat([_bytes(given, start) for start in range(0, len(given), _BLOCK)])
    found = given.label if labels is None else np.asarray(labels)
    if found is not None and found.shape != (len(given),):
        raise InputError(f"labels of {name} have shape {found.shape}, but there are {len(given)} images: one for each")
    return TrainSet(pixels.contiguous(), found)


def _bytes(images: ImageSet, start: int) -> Tensor:
    """Images from ``start`` on as the network would see them but for the normalisation, as bytes."""
    block = images.batch(start, min(start + _BLOCK, len(images)))
    step = images.preprocessing[-1]
    if step["step"] == "normalize":
        mean, sd = (torch.tensor(step[each], dtype=torch.float32).view(3, 1, 1) for each in ("mean", "sd"))
        block = block * sd + mean
    low, high = (float(end) for end in block.aminmax())
    if low < -1e-3 or high > 1 + 1e-3:
        raise InputError(
            f"images to learn from must hold pixels in 0..1, not {low:.3g} to {high:.3g}: leave the normalisation to "
            "the training"
        )
    return (block * 255).round().clamp(0, 255).to(torch.uint8)


def split(train: TrainSet, test: TrainSet | None, seed: int) -> tuple[TrainSet, TrainSet | None]:
    """What is learned from and what is told apart: ``test``, else a tenth of images that have labels; else None."""
    if test is not None or train.labels is None:
        return train, test
    n = len(train)
    order = np.random.default_rng(seed).permutation(n)
    out = max(1, n // 10)
    return train.take(np.sort(order[out:])), train.take(np.sort(order[:out]))
