"""Image files, alone or in folders: which they are, what they are called, how one is decoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neuroalpha.errors import InputError
from neuroalpha.networks.unreadable import BROKEN, check_depth, refuse

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
"""Which files of a folder count as images; a list of files may have any suffix."""


class FileSource:
    """Image files. Nothing is opened before it is asked for."""

    concurrent = True

    def __init__(self, files: Sequence[Path], stimulus_id: Sequence[str], label: np.ndarray | None, name: str) -> None:
        self.files = list(files)
        self.stimulus_id = np.asarray(stimulus_id, dtype=str)
        self.label = label
        self.name = name

    def where(self, index: int) -> str:
        """The path."""
        return f"the image {self.files[index]}"

    def select(self, rows: np.ndarray) -> FileSource:
        """Some of the files."""
        label = None if self.label is None else self.label[rows]
        return FileSource([self.files[row] for row in rows], self.stimulus_id[rows], label, self.name)

    def glance(self, index: int) -> None:
        """Read the header, which tells most wrong files without decoding them."""
        self._open(index).close()

    def read(self, index: int) -> Tensor:
        """Decode one file to uint8 (3, H, W)."""
        with self._open(index) as image:
            try:
                pixels = np.array(image.convert("RGB"))
            except BROKEN as error:
                refuse(error, self.where(index), "it does not decode")
        return torch.from_numpy(pixels).permute(2, 0, 1)

    def _open(self, index: int) -> Image.Image:
        try:
            image = Image.open(self.files[index])
        except BROKEN as error:
            refuse(error, self.where(index), "it does not open")
        try:
            check_depth(image, self.where(index))
        except InputError:
            image.close()
            raise
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
