"""What images are read from: an array, a torch dataset, or ``files``. Each gives uint8 or float tensors (3, H, W)."""

from __future__ import annotations

import copy
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neuroalpha.assembly import numbered
from neuroalpha.errors import InputError
from neuroalpha.networks.unreadable import BROKEN, UnreadableImage, check_depth, refuse


class Source(Protocol):
    """A sequence of images."""

    stimulus_id: np.ndarray
    name: str
    concurrent: bool
    """Whether several threads may read at once, and ahead of time."""

    @property
    def label(self) -> np.ndarray | None:
        """One for each image, if known."""
        ...

    def read(self, index: int) -> Tensor:
        """One image, uint8 or float (3, H, W); :class:`UnreadableImage` where that cannot be."""
        ...

    def where(self, index: int) -> str:
        """How an error message calls the image."""
        ...

    def select(self, rows: np.ndarray) -> Source:
        """Some of the images, in the order of ``rows``, under the names that they have here."""
        ...


class ArraySource:
    """Images in memory (or memory-mapped), kept as given: (n, H, W), (n, H, W, 3) or, as a tensor, (n, 3, H, W)."""

    concurrent = True

    def __init__(self, values: np.ndarray | Tensor, label: np.ndarray | None = None, name: str = "array") -> None:
        dtype = str(values.dtype).removeprefix("torch.")
        if dtype not in ("uint8", "float16", "float32", "float64"):
            raise InputError(f"the images have dtype {dtype}; give uint8 (0..255) or float32 (0..1)")
        # Arrays keep channels last and tensors first, as the libraries that make them do.
        place, form = (3, "(n, H, W, 3)") if isinstance(values, np.ndarray) else (1, "(n, 3, H, W)")
        if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[place] not in (1, 3)):
            raise InputError(
                f"images of shape {tuple(values.shape)} do not have 1 or 3 channels where expected: give (n, H, W) or "
                f"{form}, as uint8 (0..255) or float32 (0..1)"
            )
        self.values = values if isinstance(values, np.ndarray) else values.detach()
        self.stimulus_id = numbered("image", len(values))
        self.label = label
        self.name = name
        self._rows: np.ndarray | None = None

    def where(self, index: int) -> str:
        """The number in the whole array."""
        return f"image {index if self._rows is None else self._rows[index]} of the array"

    def select(self, rows: np.ndarray) -> ArraySource:
        """Some of the images; the array is not copied."""
        label = None if self.label is None else self.label[rows]
        chosen = ArraySource(self.values, label, self.name)
        chosen.stimulus_id = self.stimulus_id[rows]
        chosen._rows = rows if self._rows is None else self._rows[rows]
        return chosen

    def read(self, index: int) -> Tensor:
        """One image (3, H, W)."""
        pixels = self.block(index, index + 1)[0]
        if pixels.is_floating_point() and not bool(torch.isfinite(pixels).all()):
            raise UnreadableImage.of(self.where(index), "it has pixels that are not finite")
        return pixels

    def block(self, start: int, stop: int) -> Tensor:
        """Several images (b, 3, H, W) on the CPU."""
        wanted = slice(start, stop) if self._rows is None else self._rows[start:stop]
        if isinstance(self.values, np.ndarray):
            pixels = torch.from_numpy(np.array(self.values[wanted]))  # a copy: the array may be read-only
            pixels = pixels.permute(0, 3, 1, 2) if pixels.ndim == 4 else pixels
        else:
            pixels = self.values[wanted].cpu()
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels
        return pixels.expand(-1, 3, -1, -1)


_GIVING = (OSError, SyntaxError, Image.DecompressionBombError)
"""What a dataset raises where its file is broken; anything else is a fault of the dataset and is not caught."""


def _scalar(label: Any) -> str | int | float | None:
    """A class or a number; None for masks, boxes and whatever else a dataset may pair with its images."""
    if isinstance(label, Tensor | np.ndarray | np.generic):
        label = label.item() if np.prod(label.shape) == 1 else None
    return label if isinstance(label, str | int | float) else None


class DatasetSource:
    """A map-style torch dataset of images, or of tuples that begin (image, label)."""

    # A dataset may hold file handles or caches that only one thread may touch.
    concurrent = False

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.stimulus_id = numbered("image", len(dataset))
        self.name = type(dataset).__name__
        self._rows = np.arange(len(dataset))
        self._labels: dict[int, Any] = {}
        self.labelled = False
        for row in self._rows:
            try:
                first = dataset[int(row)]
            except _GIVING:  # told when it is its turn; the next one shows just as well whether there are labels
                continue
            self.labelled = isinstance(first, tuple | list) and len(first) > 1 and _scalar(first[1]) is not None
            break

    @property
    def label(self) -> np.ndarray | None:
        """Labels, noted while images are read; items that were not read yet are read now."""
        if not self.labelled:
            return None
        for index, row in enumerate(self._rows):
            if int(row) not in self._labels:
                self.item(index)
        return np.array([self._labels[int(row)] for row in self._rows])

    def where(self, index: int) -> str:
        """The number in the whole dataset."""
        return f"item {self._rows[index]} of the dataset"

    def select(self, rows: np.ndarray) -> DatasetSource:
        """Some of the items; the others are not asked for."""
        chosen = copy.copy(self)  # it shares the labels noted so far
        chosen.stimulus_id, chosen._rows = self.stimulus_id[rows], self._rows[rows]
        return chosen

    def item(self, index: int) -> Any:
        """The image of an item; its label is noted."""
        row = int(self._rows[index])
        try:
            item = self.dataset[row]
        except _GIVING as error:
            refuse(error, self.where(index), "the dataset cannot give it")
        if isinstance(item, tuple | list):
            if self.labelled:
                self._labels[row] = _scalar(item[1])
            item = item[0]
        return item

    def read(self, index: int) -> Tensor:
        """One image as uint8 or float (3, H, W)."""
        image = self.item(index)
        if isinstance(image, Image.Image):
            check_depth(image, self.where(index))
            try:
                image = np.array(image.convert("RGB"))
            except BROKEN as error:  # an image that was opened, but not decoded
                refuse(error, self.where(index), "it does not decode")
        if isinstance(image, np.ndarray | Tensor):
            return ArraySource(image[None]).block(0, 1)[0]
        raise InputError(f"{self.where(index)} is {type(image).__name__}; expected a PIL image, an array or a tensor")
