"""Where images are read from: files, one array, or a torch dataset. Each gives uint8 or float (3, H, W) tensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neuroalpha.assembly import numbered
from neuroalpha.errors import InputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
"""Which files of a folder count as images; a list of files may have any suffix."""

_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file that is no image, is cut short, or claims an absurd size."""

_DEEP = ("I", "F")
"""Pillow modes (and prefixes, as in ``I;16``) of more than 8 bits a channel, which its RGB conversion would clip."""


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
        """One image, uint8 or float (3, H, W)."""
        ...

    def where(self, index: int) -> str:
        """How an error message calls the image."""
        ...


class FileSource:
    """Image files. Their headers are read at once, so that a wrong file is found before the work begins."""

    concurrent = True

    def __init__(self, files: Sequence[Path], stimulus_id: Sequence[str], label: np.ndarray | None, name: str) -> None:
        self.files = list(files)
        self.stimulus_id = np.asarray(stimulus_id, dtype=str)
        self.label = label
        self.name = name
        for file in self.files:
            _open(file).close()

    def where(self, index: int) -> str:
        """The path."""
        return str(self.files[index])

    def read(self, index: int) -> Tensor:
        """Decode one file to uint8 (3, H, W)."""
        file = self.files[index]
        with _open(file) as image:
            try:
                pixels = np.array(image.convert("RGB"))
            except _BROKEN as error:
                raise InputError(f"the image {file} does not decode ({error}); replace or remove it") from error
        return torch.from_numpy(pixels).permute(2, 0, 1)


def _open(file: Path) -> Image.Image:
    try:
        image = Image.open(file)
    except FileNotFoundError as error:
        raise InputError(f"there is no image file {file}") from error
    except _BROKEN as error:
        raise InputError(f"{file} is not an image that can be read ({error}); replace or remove it") from error
    if image.mode.startswith(_DEEP):
        image.close()
        raise InputError(f"the image {file} has more than 8 bits a channel (mode {image.mode}); convert it to 8-bit")
    return image


def read_folder(folder: Path) -> FileSource:
    """Find the images of a folder and its sub-folders, sorted; the first sub-folder of a path is its label."""
    found: list[str] = []
    seen: set[str] = set()
    for here, below, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:  # a link that leads back up
            below.clear()
            continue
        seen.add(real)
        below[:] = [name for name in below if not name.startswith(".")]
        found += [
            Path(here, name).relative_to(folder).as_posix()
            for name in files
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    if not found:
        raise InputError(f"the folder {folder} holds no images ({', '.join(sorted(SUFFIXES))}), in it or below it")
    found.sort()
    labels = [name.split("/")[0] if "/" in name else "" for name in found]
    label = np.array(labels) if any(labels) else None
    return FileSource([folder / name for name in found], found, label, folder.resolve().name or "images")


def read_files(files: Sequence[str | os.PathLike[str]]) -> FileSource:
    """Take a list of files; a stimulus is called by its path below the folder that all of them share."""
    paths = [Path(file) for file in files]
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} in the list of images is a folder; give files, or the folder alone")
    shared = os.path.commonpath([path.absolute().parent for path in paths])
    return FileSource(paths, [path.absolute().relative_to(shared).as_posix() for path in paths], None, "files")


class ArraySource:
    """Images in memory (or memory-mapped), kept as given: (n, H, W), (n, H, W, 3) or, as a tensor, (n, 3, H, W)."""

    concurrent = True

    def __init__(self, values: np.ndarray | Tensor) -> None:
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
        self.label: np.ndarray | None = None
        self.name = "array"

    def where(self, index: int) -> str:
        """The number."""
        return f"image {index} of the array"

    def read(self, index: int) -> Tensor:
        """One image (3, H, W)."""
        return self.block(index, index + 1)[0]

    def block(self, start: int, stop: int) -> Tensor:
        """Several images (b, 3, H, W) on the CPU."""
        if isinstance(self.values, np.ndarray):
            pixels = torch.from_numpy(np.array(self.values[start:stop]))  # a copy: the array may be read-only
            pixels = pixels.permute(0, 3, 1, 2) if pixels.ndim == 4 else pixels
        else:
            pixels = self.values[start:stop].cpu()
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels
        return pixels.expand(-1, 3, -1, -1)


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
        self._labels: dict[int, Any] = {}
        first = dataset[0] if len(dataset) else None
        self.labelled = isinstance(first, tuple | list) and len(first) > 1 and _scalar(first[1]) is not None

    @property
    def label(self) -> np.ndarray | None:
        """Labels, noted while images are read; items that were not read yet are read now."""
        if not self.labelled:
            return None
        for index in range(len(self.stimulus_id)):
            if index not in self._labels:
                self.item(index)
        return np.array([self._labels[index] for index in range(len(self.stimulus_id))])

    def where(self, index: int) -> str:
        """The number."""
        return f"item {index} of the dataset"

    def item(self, index: int) -> Any:
        """The image of an item; its label is noted."""
        item = self.dataset[index]
        if isinstance(item, tuple | list):
            if self.labelled:
                self._labels[index] = _scalar(item[1])
            item = item[0]
        return item

    def read(self, index: int) -> Tensor:
        """One image as uint8 or float (3, H, W)."""
        image = self.item(index)
        if isinstance(image, Image.Image):
            if image.mode.startswith(_DEEP):
                raise InputError(f"{self.where(index)} has more than 8 bits a channel (mode {image.mode})")
            image = np.array(image.convert("RGB"))
        if isinstance(image, np.ndarray | Tensor):
            return ArraySource(image[None]).read(0)
        raise InputError(f"{self.where(index)} is {type(image).__name__}; expected a PIL image, an array or a tensor")
