"""From whatever holds images to an :class:`ImageSet`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from neuroalpha.errors import InputError
from neuroalpha.networks.arrayfiles import SUFFIXES as ARRAY_SUFFIXES
from neuroalpha.networks.arrayfiles import read_array_file
from neuroalpha.networks.files import read_files, read_folder
from neuroalpha.networks.imageset import ImageSet
from neuroalpha.networks.sources import ArraySource, DatasetSource, Source
from neuroalpha.networks.transform import Normalize, make_transform


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
    key: str | None = None,
    label_key: str | None = None,
    limit: int | None = None,
    sample_seed: int | None = None,
    skip_bad: bool | Sequence[str] = False,
    progress: bool = False,
) -> ImageSet:
    """Gather images to show to a network.

    Parameters
    ----------
    source
        A folder (searched with its sub-folders, in sorted order; the first sub-folder is the label, the path below the
        folder the ``stimulus_id``), a file or a list of files, an array (n, H, W) or (n, H, W, 3), an ``.npy`` or
        ``.npz`` file of such an array, a tensor (n, H, W) or (n, 3, H, W), or a map-style torch dataset of images or
        (image, label). Arrays and tensors hold uint8, or floats in 0..1. Grey images become RGB by repeating the
        channel; an alpha channel in a file is dropped.
    size
        Resize the shorter side to so many pixels, or to (height, width), antialiased and bilinear. Default: not at all.
    crop
        Then cut so many pixels, or (height, width), from the centre.
    normalize
        ``"imagenet"`` (default; ImageNet's channel means and standard deviations, which torchvision's classifiers
        expect), ``"cifar"`` (what the published CIFAR ResNets were trained with: the same numbers), ``(mean, sd)`` of
        three numbers each for pixels in 0..1, or None.
    stimulus_id, label
        One for each image of the source, in place of what the source says.
    identifier
        A name for the set. Default: the folder's name, ``"files"``, ``"array"``, the dataset's class, or the name of
        the array file and the key.
    transform
        Any function from one image (uint8 or float tensor (3, H, W), as read) to a float tensor (3, H', W'), such as
        ``torchvision``'s ``weights.transforms()``; takes the place of size, crop and normalize.
    key, label_key
        Which array of an ``.npz`` file holds the images (default: the only one that could) and which their labels
        (default: none). An ``.npy`` file stays on the disk and is read batch by batch.
    limit
        Show so many images at most: the first ones, which in a folder are all of the first classes.
    sample_seed
        With it, ``limit`` images chosen at random, in the order of the source.
    skip_bad
        What happens to images that cannot be read (no images, cut short, more than 8 bits a channel, pixels that are
        not finite) among those that ``limit`` leaves. ``False`` (default): an error that names and counts them, here if
        their headers tell, else from ``check()`` or ``digest()`` of the set. ``True``: every image is read here, once
        (``digest()`` does not read them again), the bad ones are left out, named and counted by a warning and listed as
        ``skipped``. A list of names, such as the ``skipped`` of an equal set: these are left out unread.
    progress
        Show a bar on stderr while ``skip_bad=True`` reads the images.

    Returns
    -------
    ImageSet
        Without ``skip_bad=True`` nothing is decoded yet, but the header of every file has been read (about 10,000 a
        second from a local disk).

    Raises
    ------
    InputError
        No images, unreadable ones (named and counted), wrong channel count or dtype, double names, impossible options.

    Examples
    --------
    >>> grey = np.zeros((5, 8, 8), dtype=np.uint8)
    >>> stimuli = images(grey, size=16, normalize=None, label=[0, 1, 0, 1, 1])
    >>> tuple(stimuli.batch(0, 2).shape), [step["step"] for step in stimuli.preprocessing]
    ((2, 3, 16, 16), ['rgb', 'scale', 'resize'])
    """
    if isinstance(source, ImageSet):
        raise InputError("the images are an ImageSet already; give the options where it was made")
    if not isinstance(skip_bad, bool) and (isinstance(skip_bad, str) or not isinstance(skip_bad, Sequence)):
        raise InputError(f"skip_bad= is True, False or a list of names, not {skip_bad!r}")
    preprocessing = make_transform(size, crop, normalize, transform)
    whole = ImageSet(_source(source, key, label_key), preprocessing, stimulus_id, label, identifier)
    chosen = whole.choose(limit, sample_seed)
    if skip_bad is True:
        return chosen.without_bad(progress)
    if skip_bad:
        chosen = chosen.without(skip_bad)
    chosen.glance()
    return chosen


def _source(source: Any, key: str | None, label_key: str | None) -> Source:
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path is not None and path.is_file() and path.suffix.lower() in ARRAY_SUFFIXES:
        return read_array_file(path, key, label_key)
    if key is not None or label_key is not None:
        raise InputError(
            f"key= and label_key= name arrays of an .npz file, which {path or type(source).__name__} is not"
        )
    if path is not None:
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
