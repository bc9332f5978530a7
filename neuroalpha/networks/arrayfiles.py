"""Images from array files: one array of an .npz file, or an .npy file, which stays on the disk."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.memory import check_fits
from neuroalpha.networks.sources import ArraySource

SUFFIXES = {".npz", ".npy"}


def read_array_file(path: Path, key: str | None = None, label_key: str | None = None) -> ArraySource:
    """Take images, and labels, from a file that numpy wrote; pickled objects are refused.

    Parameters
    ----------
    path
        ``.npy`` (memory-mapped: images are read from the disk as they are needed) or ``.npz`` (one array is loaded).
    key, label_key
        Arrays of an ``.npz`` file. Without ``key`` the only array that has the form of images is taken.

    Returns
    -------
    ArraySource
        Of (n, H, W) or (n, H, W, 3), uint8 or floats in 0..1; named after the file and the key.

    Raises
    ------
    InputError
        No such array (with the nearest), several that could be meant, a wrong shape or type, a damaged file.

    Examples
    --------
    >>> np.savez(tmp / "test.npz", pixels=np.zeros((4, 8, 8), np.uint8), classes=np.arange(4))
    >>> source = read_array_file(tmp / "test.npz", label_key="classes")
    >>> source.name, source.label.tolist()
    ('test.npz:pixels', [0, 1, 2, 3])
    """
    if path.suffix.lower() == ".npy":
        if key is not None or label_key is not None:
            raise InputError(f"{path} holds one array without a name; key= and label_key= are for .npz files")
        with _reading(path):
            values = np.load(path, mmap_mode="r", allow_pickle=False)
        return _source(values, None, str(path), path.name)
    with _reading(path), zipfile.ZipFile(path) as archive:
        headers = {name.removesuffix(".npy"): _header(archive, name) for name in archive.namelist()}
        listing = ", ".join(f"{name} {shape}" for name, (shape, _) in list(headers.items())[:8])
        if key is None:
            fitting = [name for name, (shape, _) in headers.items() if len(shape) in (3, 4)]
            if len(fitting) != 1:
                raise InputError(
                    f"{path} has {len(fitting)} arrays that could be images, name one with key=: {listing}"
                )
            key = fitting[0]
        for name, option in ((key, "key"), (label_key, "label_key")):
            if name is not None and name not in headers:
                raise InputError(f"{path} has no array {name!r} ({option}=){nearest(name, headers)}; it has {listing}")
        shape, dtype = headers[key]
        check_fits(
            math.prod(shape) * dtype.itemsize, f"loading {key} of {path}", "save it as .npy, which stays on disk"
        )
        label = None if label_key is None else _load(archive, label_key)
        if label is not None and label.shape != shape[:1]:
            raise InputError(
                f"{label_key} of {path} has shape {label.shape}, but labels of {shape[0]} images are asked for"
            )
        values = _load(archive, key)
    return _source(values, label, f"{key} of {path}", f"{path.name}:{key}")


def _source(values: np.ndarray, label: np.ndarray | None, where: str, name: str) -> ArraySource:
    try:
        return ArraySource(values, label, name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array that is not loaded."""
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return shape, dtype


def _load(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    with archive.open(f"{key}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (ValueError, OSError, EOFError, KeyError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read as arrays that numpy saved without pickle: {reason}") from error
