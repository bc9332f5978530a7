"""A set of stimuli with names, labels and a recorded preprocessing, read batch by batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha._text import duplicates, first_few, to_text
from neuroalpha.errors import InputError
from neuroalpha.networks.sources import ArraySource, DatasetSource, Source, read_files, read_folder
from neuroalpha.networks.transform import Normalize, Transform, make_transform

_READERS = min(8, os.cpu_count() or 1)
"""Threads that decode files; Pillow and torch release the interpreter lock while they work."""


class ImageSet:
    """Stimuli for a network; made by :func:`images`.

    Attributes
    ----------
    stimulus_id : ndarray of str (n,)
        Unique names, in the order in which the images are shown.
    preprocessing : list of dict
        What is done to each image, one step after the other, with all parameters.
    identifier : str
        A name for the whole set.
    """

    def __init__(
        self, source: Source, transform: Transform, stimulus_id: Any, label: Any, identifier: str | None
    ) -> None:
        n = len(source.stimulus_id)
        if n == 0:
            raise InputError("there are no images: the source is empty")
        self.stimulus_id = source.stimulus_id if stimulus_id is None else to_text(stimulus_id, "stimulus_id")
        self.preprocessing = [dict(step) for step in transform.steps]
        self.identifier = identifier or source.name
        self._source, self._transform = source, transform
        self._label = None if label is None else np.asarray(label)
        for name, given in (("stimulus_id", self.stimulus_id), ("label", self._label)):
            if given is not None and given.shape != (n,):
                raise InputError(f"{name}= has shape {given.shape}, but there are {n} images: give one for each")
        twice = duplicates(self.stimulus_id)
        if twice.size:
            raise InputError(
                f"stimulus_id must be unique, but {first_few(twice)} occur more than once; rename or drop them"
            )

    def __len__(self) -> int:
        return len(self.stimulus_id)

    def __repr__(self) -> str:
        return f"<ImageSet {self.identifier!r}: {len(self)} images>"

    @property
    def label(self) -> np.ndarray | None:
        """Labels (n,) or None. Of a torch dataset they are noted while it is read; asking earlier reads all of it."""
        return self._source.label if self._label is None else self._label

    @property
    def concurrent(self) -> bool:
        """Whether the next batch may be read in another thread while a network works on this one."""
        return self._source.concurrent

    def batch(self, start: int, stop: int) -> Tensor:
        """Images ``start`` to ``stop`` (exclusive) as the network sees them: float32 (b, 3, H, W) on the CPU.

        Raises
        ------
        InputError
            If a file does not decode (it is named) or the images differ in size.
        """
        if isinstance(self._source, ArraySource) and self._transform.own is None:
            where = f"the array (images {start} to {stop - 1})"
            with torch.no_grad():
                return self._transform.many(self._one(self._source.block(start, stop), where))
        with self._map() as parallel:
            read = list(parallel(self._load, range(start, stop)))
        for index, image in enumerate(read, start):
            if image.shape != read[0].shape:
                raise InputError(
                    f"images differ in size: {self._source.where(index)} is {tuple(image.shape[-2:])} where "
                    f"{self._source.where(start)} is {tuple(read[0].shape[-2:])}; make them equal with size= and crop="
                )
        return self._transform.many(torch.stack(read))

    def digest(self) -> str:
        """Return ``"sha256:"`` and 16 hex digits over names, preprocessing and pixels; reads every image once."""
        digest = hashlib.sha256(repr((self.preprocessing, self.stimulus_id.tolist())).encode())
        for index in range(len(self)):
            pixels = self._source.read(index).contiguous()
            digest.update(f"{pixels.dtype} {tuple(pixels.shape)};".encode())
            digest.update(pixels.reshape(-1).view(torch.uint8).numpy().data)
        return f"sha256:{digest.hexdigest()[:16]}"

    def _load(self, index: int) -> Tensor:
        with torch.no_grad():  # grad mode belongs to a thread, and readers have their own
            return self._one(self._source.read(index), self._source.where(index))

    def _one(self, pixels: Tensor, where: str) -> Tensor:
        image = self._transform.one(pixels, where)
        if image.ndim < 3 or image.shape[-3] != 3:
            raise InputError(f"transform= made {where} of shape {tuple(image.shape)}; networks need (3, H, W)")
        return image

    @contextmanager
    def _map(self) -> Iterator[Callable[..., Any]]:
        if not self.concurrent or _READERS == 1:
            yield map
            return
        with ThreadPoolExecutor(_READERS) as pool:
            yield pool.map


def images(
    source: Any,
    *,
    size: int | tuple[int, int] | None = None,
    crop: int | tuple[int, int] | None = None,
    normalize: Normalize = "imagenet",
    stimulus_id: Sequence[Any] | np.ndarray | None = None,
    label: Sequence[Any] | np.ndarray | None = None,
    identifier: str | None = None,
    transform: Callable[[Any], Any] | None = None,
) -> ImageSet:
    """Gather images to show to a network.

    Parameters
    ----------
    source
        A folder (searched with its sub-folders, in sorted order; the first sub-folder is the label, the path below the
        folder the ``stimulus_id``), a file or a list of files, an array (n, H, W) or (n, H, W, 3), a tensor (n, H, W)
        or (n, 3, H, W), or a map-style torch dataset of images or (image, label). Arrays and tensors hold uint8, or
        floats in 0..1. Grey images become RGB by repeating the channel; an alpha channel in a file is dropped.
    size
        Resize the shorter side to so many pixels, or to (height, width), antialiased and bilinear. Default: not at all.
    crop
        Then cut so many pixels, or (height, width), from the centre.
    normalize
        ``"imagenet"`` (default; ImageNet's channel means and standard deviations, which torchvision's classifiers
        expect), ``"cifar"`` (what the published CIFAR ResNets were trained with: the same numbers), ``(mean, sd)`` of
        three numbers each for pixels in 0..1, or None.
    stimulus_id, label
        One for each image, in place of what the source says.
    identifier
        A name for the set. Default: the folder's name, ``"files"``, ``"array"`` or the dataset's class.
    transform
        Any function from one image (uint8 or float tensor (3, H, W), as read) to a float tensor (3, H', W'), such as
        ``torchvision``'s ``weights.transforms()``; takes the place of size, crop and normalize.

    Returns
    -------
    ImageSet
        Nothing is decoded yet, but the header of every file has been read (about 10,000 a second from a local disk).

    Raises
    ------
    InputError
        No images, a file that is no image (named), wrong channel count or dtype, double names, impossible options.

    Examples
    --------
    >>> grey = np.zeros((5, 8, 8), dtype=np.uint8)
    >>> stimuli = images(grey, size=16, normalize=None, label=[0, 1, 0, 1, 1])
    >>> tuple(stimuli.batch(0, 2).shape), [step["step"] for step in stimuli.preprocessing]
    ((2, 3, 16, 16), ['rgb', 'scale', 'resize'])
    """
    if isinstance(source, ImageSet):
        raise InputError("the images are an ImageSet already; give the options where it was made")
    return ImageSet(_source(source), make_transform(size, crop, normalize, transform), stimulus_id, label, identifier)


def _source(source: Any) -> Source:
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir():
            return read_folder(path)
        if not path.exists():
            raise InputError(f"there is no folder or image file {path}")
        return read_files([path])
    if isinstance(source, np.ndarray | Tensor):
        return ArraySource(source)
    if isinstance(source, list | tuple):
        if not source:
            raise InputError("there are no images: the list is empty")
        if all(isinstance(item, str | os.PathLike) for item in source):
            return read_files(source)
        raise InputError(f"a list of images must hold file names, not {type(source[0]).__name__}; stack arrays first")
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return DatasetSource(source)
    raise InputError(
        f"cannot read images from {type(source).__name__}; give a folder, a list of files, an array, a tensor or a "
        "map-style torch dataset"
    )
