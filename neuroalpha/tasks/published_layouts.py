"""Which published data set of shifted images a folder holds, told by its names and the shapes in its files."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroalpha._text import first_few
from neuroalpha.errors import InputError

SEVERITIES = (1, 2, 3, 4, 5)
KNOWN = (
    "CIFAR-10-C or -100-C (KIND.npy and labels.npy), CIFAR-10-P (KIND.npy of sequences), CIFAR-10.1 (NAME_data.npy and "
    "NAME_labels.npy), CIFAR-10.2 (.npz with images and labels), ImageNet-C (KIND/SEVERITY/CLASS/images), ImageNet-V2, "
    "-A, -R, -Sketch or any other folder with a sub-folder of images for each class"
)
_PAIR = re.compile(r"(?P<name>.+)[_-]data\.npy")


@dataclass(frozen=True, eq=False)
class Found:
    """One shift of a folder, not opened yet."""

    layout: str
    kind: str
    severity: int | None
    path: Path
    """A folder of class folders, or an array file."""
    rows: slice | None = None
    """Which images of an .npy file; None for all."""
    frame: int | None = None
    """Which frame of its sequences."""
    labels: np.ndarray | None = None
    """As the files say; None for class folders, whose names they are, and for an .npz file, which holds them."""


def recognise(folder: Path, label: Sequence[Any] | np.ndarray | None, frame: int) -> list[Found]:
    """List what a folder holds.

    Parameters
    ----------
    folder
        With the files of a published data set.
    label
        One for each image of the test set, for stacked corruptions and for sequences; in place of ``labels.npy``.
    frame
        Of sequences.

    Raises
    ------
    InputError
        For a folder of unknown layout, arrays of unknown shape, labels that do not fit.

    Examples
    --------
    >>> (tmp / "new").mkdir()
    >>> np.save(tmp / "new" / "v1_data.npy", np.zeros((3, 8, 8, 3), np.uint8))
    >>> np.save(tmp / "new" / "v1_labels.npy", np.arange(3))
    >>> [(found.layout, found.kind) for found in recognise(tmp / "new", None, -1)]
    [('CIFAR-10.1', 'v1')]
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give the one that holds the shifted images")
    names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    arrays = [name for name in names if name.endswith(".npy")]
    found = list(_pairs(folder, arrays))
    taken = {name for each in found for name in (each.path.name, _labels_of(each.path).name)}
    found += list(_archives(folder, [name for name in names if name.endswith(".npz")]))
    stacked = [name for name in arrays if name not in taken and name != "labels.npy"]
    if stacked:
        found += _stacked(folder, stacked, label, frame)
    elif label is not None:
        raise InputError(
            f"label= is for arrays of corruptions or sequences, of which {folder} holds none; class folders and label "
            "files say the labels themselves"
        )
    return found or _class_folders(folder, names)


def _pairs(folder: Path, arrays: Sequence[str]) -> Iterator[Found]:
    """CIFAR-10.1: images and labels in two files (github.com/modestyachts/CIFAR-10.1)."""
    for name in arrays:
        match = _PAIR.fullmatch(name)
        path = folder / name
        if match is None or _labels_of(path).name not in arrays:
            continue
        labels, n = _read_labels(_labels_of(path)), _shape(path)[0]
        if labels.size != n:
            raise InputError(f"{_labels_of(path)} holds {labels.size} labels, but {name} {n} images; they must match")
        yield Found("CIFAR-10.1", match["name"], None, path, labels=labels)


def _labels_of(path: Path) -> Path:
    return path.with_name(re.sub(r"data\.npy$", "labels.npy", path.name))


def _archives(folder: Path, archives: Sequence[str]) -> Iterator[Found]:
    """CIFAR-10.2: images and labels in one .npz file (github.com/modestyachts/cifar-10.2)."""
    for name in archives:
        try:
            with zipfile.ZipFile(folder / name) as archive:
                keys = {each.removesuffix(".npy") for each in archive.namelist()}
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{folder / name} cannot be read as an .npz file: {error}; copy it again") from error
        if {"images", "labels"} <= keys:
            yield Found("CIFAR-10.2", name.removesuffix(".npz"), None, folder / name)


def _stacked(folder: Path, arrays: Sequence[str], label: Any, frame: int) -> list[Found]:
    """CIFAR-10-C: five severities one after the other; CIFAR-10-P: sequences (github.com/hendrycks/robustness)."""
    shapes = {name: _shape(folder / name) for name in arrays}
    for name, shape in shapes.items():
        if len(shape) not in (4, 5) or shape[-1] not in (1, 3):
            raise InputError(
                f"{folder / name} has shape {shape}; expected (5 n, H, W, 3), five severities of n images as in "
                "CIFAR-10-C, or (n, frames, H, W, 3), sequences as in CIFAR-10-P"
            )
    given = np.asarray(label) if label is not None else None
    if given is None and (folder / "labels.npy").is_file():
        given = _read_labels(folder / "labels.npy")
    found: list[Found] = []
    for name, shape in shapes.items():
        kind = name.removesuffix(".npy")
        if len(shape) == 5:
            labels = None if given is None else _labels_for(folder / name, shape[0], 1, given)
            if not -shape[1] <= frame < shape[1]:
                raise InputError(f"frame= is {frame}, but the sequences of {folder / name} have {shape[1]} frames")
            found.append(Found("CIFAR-P", kind, None, folder / name, frame=frame, labels=labels))
            continue
        if shape[0] % 5:
            raise InputError(
                f"{folder / name} holds {shape[0]} images, which are not five severities of as many each; give the "
                "whole file as it was published"
            )
        if given is None:
            raise InputError(f"{folder} has no labels.npy; put it beside {name}, or give label= for the test images")
        n = shape[0] // 5
        labels = _labels_for(folder / name, n, 5, given)
        found += [
            Found("CIFAR-C", kind, severity, folder / name, slice((severity - 1) * n, severity * n), labels=labels)
            for severity in SEVERITIES
        ]
    return found


def _labels_for(path: Path, n: int, times: int, labels: np.ndarray) -> np.ndarray:
    """Labels (n,) of the test images, from as many or from the same ones ``times`` over."""
    if labels.shape == (n,):
        return labels
    if times > 1 and labels.shape == (n * times,):
        blocks = labels.reshape(times, n)
        if (blocks == blocks[0]).all():
            return blocks[0]
        raise InputError(
            f"the labels for {path} are not the same {times} times over: the severities are not stacked as in "
            "CIFAR-10-C; take labels.npy of the published set"
        )
    raise InputError(
        f"{path} holds {times * n} images, but there are labels of shape {labels.shape}; expected {n} "
        + (f"or {n * times} " if times > 1 else "")
        + "of them (labels.npy or label=)"
    )


def _class_folders(folder: Path, names: Sequence[str]) -> list[Found]:
    """ImageNet-C (KIND/SEVERITY/CLASS, also in groups of kinds), or one folder for each class."""
    below = _folders(folder)
    kinds = [folder] if _is_kind(folder) else [path for path in below if _is_kind(path)]
    kinds += [path for group in below if group not in kinds for path in _folders(group) if _is_kind(path)]
    if kinds:
        return [
            Found("ImageNet-C", path.resolve().name, int(level.name), level)
            for path in sorted(kinds, key=lambda path: path.name)
            for level in _folders(path)
        ]
    if not below:
        raise InputError(f"{folder} holds {first_few(names) or 'nothing'}, no layout that is known: {KNOWN}")
    sets = [path for path in below if len(_folders(path)) > 1 and not _has_files(path)]
    if sets:
        raise InputError(
            f"{folder} seems to hold whole data sets, in folders such as {sets[0].name!r}; give one of these folders "
            "at a time"
        )
    kind = folder.resolve().name
    if len(below) == 1:
        raise InputError(
            f"{folder} has one sub-folder only, {below[0].name!r}, where one for each class is expected; if the "
            "classes are below that, give that folder"
        )
    numbered = {path.name for path in below} == {str(index) for index in range(1000)}
    return [Found("ImageNet-V2" if numbered else "class folders", kind, None, folder)]


def _is_kind(path: Path) -> bool:
    """Whether a folder holds severities, and these hold class folders."""
    levels = _folders(path)
    return bool(levels) and all(level.name in "12345" and len(level.name) == 1 and _folders(level) for level in levels)


def _folders(path: Path) -> list[Path]:
    return sorted(
        (Path(entry.path) for entry in os.scandir(path) if entry.is_dir() and not entry.name.startswith((".", "__"))),
        key=lambda each: each.name,
    )


def _has_files(path: Path) -> bool:
    return any(entry.is_file() and not entry.name.startswith(".") for entry in os.scandir(path))


def folder_names(path: Path) -> list[str]:
    """Names of the sub-folders, sorted.

    Examples
    --------
    >>> (tmp / "classes" / "cat").mkdir(parents=True)
    >>> folder_names(tmp / "classes")
    ['cat']
    """
    return [each.name for each in _folders(path)]


def open_array(path: Path) -> np.ndarray:
    """Map an .npy file of uint8 images into memory; none of it is read yet.

    Examples
    --------
    >>> np.save(tmp / "fog.npy", np.zeros((10, 8, 8, 3), np.uint8))
    >>> type(open_array(tmp / "fog.npy")).__name__
    'memmap'
    """
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as an array that numpy saved without pickle: {error}") from error
    if values.dtype != np.uint8:
        raise InputError(f"{path} has dtype {values.dtype}; expected uint8 images, as published")
    return values


def _shape(path: Path) -> tuple[int, ...]:
    return open_array(path).shape


def _read_labels(path: Path) -> np.ndarray:
    try:
        labels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as labels that numpy saved without pickle: {error}") from error
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        raise InputError(f"{path} is {labels.dtype} of shape {labels.shape}; expected one whole number for each image")
    return labels
