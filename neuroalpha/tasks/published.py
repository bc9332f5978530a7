"""Published sets of shifted images, read from the folders that people have of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroalpha._checks import whole
from neuroalpha._text import duplicates, first_few
from neuroalpha.errors import InputError, nearest
from neuroalpha.tasks.published_layouts import SEVERITIES, Found, folder_names, open_array, recognise

if TYPE_CHECKING:
    from neuroalpha.networks.imageset import ImageSet
    from neuroalpha.networks.transform import Normalize

Classes = Sequence[str] | Mapping[Any, str]
EXTRA = ("gaussian_blur", "saturate", "spatter", "speckle_noise")
"""Kinds that Hendrycks & Dietterich keep out of the benchmark, for validation."""


@dataclass(frozen=True, eq=False)
class Shift:
    """One kind of shift at one severity."""

    name: str
    """``"fog/3"`` for a corruption, else the kind."""
    kind: str
    """Of corruption, or the name of a natural shift."""
    severity: int | None
    """From 1 to 5; None where there are no severities."""
    layout: str
    """How it was recognised, as ``"CIFAR-C"``."""
    make: Callable[[], ImageSet] = field(repr=False)
    """Opens the images."""

    @cached_property
    def images(self) -> ImageSet:
        """The images with their labels, opened when first asked for."""
        return self.make()


def read_shifts(
    folder: str | os.PathLike[str],
    *,
    classes: Classes | None = None,
    kinds: str | Sequence[str] | None = None,
    severities: Sequence[int] | None = None,
    label: Sequence[Any] | np.ndarray | None = None,
    frame: int = -1,
    size: int | tuple[int, int] | None = None,
    crop: int | tuple[int, int] | None = None,
    normalize: Normalize = "imagenet",
    transform: Callable[[Any], Any] | None = None,
    limit: int | None = None,
    sample_seed: int | None = None,
    skip_bad: bool = False,
) -> dict[str, Shift]:
    """Read a published set of shifted images, whose layout is told by what the folder holds.

    ================== ================================================================ ============================
    set                files                                                            shifts
    ================== ================================================================ ============================
    CIFAR-10-C, -100-C ``KIND.npy`` (5 n, H, W, 3), severities 1 to 5 one after the     ``fog/1`` ... ``fog/5``
                       other; ``labels.npy``
    CIFAR-10-P         ``KIND.npy`` (n, frames, H, W, 3), sequences of small changes    ``tilt``: one frame
    CIFAR-10.1         ``NAME_data.npy``, ``NAME_labels.npy``                           ``cifar10.1_v6``
    CIFAR-10.2         ``NAME.npz`` with ``images`` and ``labels``                      ``cifar102_test``
    ImageNet-C, Tiny-C ``KIND/SEVERITY/CLASS/*.JPEG``, also below ``noise``, ``blur``,  ``fog/1`` ... ``fog/5``
                       ``weather``, ``digital``, ``extra``
    ImageNet-V2        ``0`` ... ``999``, folders named by the index of their class     the folder's name
    ImageNet-A, -R,    a folder for each class, named by it                             the folder's name
    -Sketch, your own
    ================== ================================================================ ============================

    Parameters
    ----------
    folder
        Of one such set.
    classes
        Names of the classes, in the order of their indices: CIFAR-10's ten, or for ImageNet-V2 the 1000 names of the
        training folders, sorted. Or a mapping from what the files say (an index, the name of a folder) to names; what
        it leaves out keeps its own. Default: labels are what the files say, as text.
    kinds
        Which, by name. Default all but the four that the benchmark keeps for validation (gaussian_blur, saturate,
        spatter, speckle_noise); ``"all"`` takes these too.
    severities
        Which, of 1 to 5. Default all that are there.
    label
        One for each test image, in place of ``labels.npy``; CIFAR-10-P comes without labels, and its sequences are in
        the order of CIFAR-10's test images.
    frame
        Which frame of CIFAR-10-P's sequences: the last, by default, is an end of the perturbation (of noise, any one;
        frame 0 is the clean image for noise and zoom_blur). For the flip probability read one frame after the other and
        pass the answers to :func:`~neuroalpha.tasks.shift_scores.flip_probability`.
    size, crop, normalize, transform, limit, sample_seed, skip_bad
        As for :func:`~neuroalpha.networks.images.images`. With the same ``sample_seed`` every severity and kind of an
        array set shows the same test images.

    Returns
    -------
    dict
        Name to :class:`Shift`, whose ``images`` is an :class:`~neuroalpha.networks.imageset.ImageSet` with labels. In
        the order of the kinds' names and of the severities.

    Raises
    ------
    InputError
        For a layout that is not known (with what was found), labels that do not match, a kind or severity that is not
        there (with the nearest), indices beyond ``classes``, folders none of which is in ``classes``.

    Notes
    -----
    ``.npy`` files are mapped into memory and read batch by batch; an ``.npz`` file is loaded (31 MB for 10,000 CIFAR
    images). Folders are searched, and the headers of their images read, when :attr:`Shift.images` is first asked for.
    Nothing is unpickled. Sources: Hendrycks & Dietterich 2019 (C, P), Recht et al. 2018 and 2019 (CIFAR-10.1,
    ImageNet-V2), Lu et al. 2020 (CIFAR-10.2), Hendrycks et al. 2021 (A, R), Wang et al. 2019 (Sketch).

    Examples
    --------
    >>> pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    >>> np.save(tmp / "fog.npy", pixels)  # four images at five severities
    >>> np.save(tmp / "labels.npy", np.tile([0, 1, 1, 0], 5))
    >>> shifts = read_shifts(tmp, classes=["cat", "dog"], severities=[1, 5])
    >>> list(shifts), shifts["fog/5"].images.label.tolist()
    (['fog/1', 'fog/5'], ['cat', 'dog', 'dog', 'cat'])
    """
    from neuroalpha.networks.transform import make_transform

    folder = Path(folder)
    make_transform(size, crop, normalize, transform)  # says now what is wrong with the options
    _check_classes(classes)
    found = _chosen(recognise(folder, label, frame), kinds, severities, folder)
    options = {"size": size, "crop": crop, "normalize": normalize, "transform": transform}
    options |= {"limit": limit, "sample_seed": sample_seed, "skip_bad": skip_bad}
    if classes is not None and found[0].path.is_dir():  # the names say before the images are searched
        _named(np.array(folder_names(found[0].path)), classes, str(found[0].path))
    shifts: dict[str, Shift] = {}
    for each in found:
        name = each.kind if each.severity is None else f"{each.kind}/{each.severity}"
        if name in shifts:
            raise InputError(f"{folder} holds {name!r} twice, at {each.path} too; leave one out")
        if each.layout == "ImageNet-V2" and classes is None:
            raise InputError(
                f"the folders of {folder} are the numbers 0 to 999, the indices of ImageNet's classes: give classes=, "
                "the 1000 names of the training folders in sorted order"
            )
        labels = None if each.labels is None else _named(each.labels, classes, str(each.path))
        make = partial(_open, each, labels, classes, f"{folder.resolve().name}/{name}", options)
        shifts[name] = Shift(name, each.kind, each.severity, each.layout, make)
    return shifts


def _open(
    found: Found, labels: np.ndarray | None, classes: Classes | None, identifier: str, options: Mapping[str, Any]
) -> ImageSet:
    from neuroalpha.networks.arrayfiles import read_array_file
    from neuroalpha.networks.files import read_folder
    from neuroalpha.networks.images import images

    if found.path.is_dir():
        if classes is not None:
            said = read_folder(found.path).label
            if said is None:
                raise InputError(f"{found.path} holds images, but no sub-folders that are their classes")
            labels = _named(said, classes, str(found.path))
        return images(found.path, label=labels, identifier=identifier, **options)
    if found.path.suffix == ".npz":
        source = read_array_file(found.path, "images", "labels")
        assert source.label is not None
        labels = _named(source.label, classes, str(found.path))
        return images(source.values, label=labels, identifier=identifier, **options)
    values = open_array(found.path)
    values = values[found.rows] if found.rows is not None else values
    values = values[:, found.frame] if found.frame is not None else values
    return images(values, label=labels, identifier=identifier, **options)


def _chosen(
    found: list[Found], kinds: str | Sequence[str] | None, severities: Sequence[int] | None, folder: Path
) -> list[Found]:
    there = sorted({each.kind for each in found})
    if kinds is None:
        wanted = [kind for kind in there if kind not in EXTRA] or there
    elif kinds == "all":
        wanted = there
    else:
        wanted = [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]
    for kind in wanted:
        if kind not in there:
            raise InputError(
                f"there is no shift {kind!r} in {folder}{nearest(kind, there)}; there are {first_few(there)}"
            )
    chosen = [each for each in found if each.kind in wanted]
    if severities is not None:
        levels = {whole(severity, "a severity", 1) for severity in np.atleast_1d(np.asarray(severities, dtype=object))}
        missing = sorted(levels - {each.severity for each in chosen if each.severity is not None})
        if missing or not levels:
            known = sorted({each.severity for each in chosen if each.severity is not None})
            raise InputError(
                f"severities= asks for {missing or 'none'}; {folder} has "
                + (f"{known} of {list(SEVERITIES)}" if known else "no severities, leave it out")
            )
        chosen = [each for each in chosen if each.severity in levels]
    return sorted(chosen, key=lambda each: (each.kind, each.severity or 0))


def _check_classes(classes: Classes | None) -> None:
    if classes is None or isinstance(classes, Mapping):
        return
    names = [] if isinstance(classes, str) else [str(name) for name in classes]
    if not names:
        raise InputError(f"classes= is {classes!r}; give the names of the classes in the order of their indices")
    twice = duplicates(np.array(names))
    if twice.size:
        raise InputError(f"classes= names {first_few(twice)} more than once; each class needs a name of its own")


def _named(labels: np.ndarray, classes: Classes | None, where: str) -> np.ndarray:
    """What the files say of each image, indices or names of folders, to names of classes."""
    said = np.asarray(labels).astype(str)
    if classes is None:
        return said
    values, codes = np.unique(said, return_inverse=True)
    if isinstance(classes, Mapping):
        known = {str(key): str(name) for key, name in classes.items()}
        if not any(value in known for value in values):
            raise InputError(f"classes= has no name for any label of {where}: these are {first_few(values)}")
        names = [known.get(value, value) for value in values]
    else:
        order = [str(name) for name in classes]
        if set(values.tolist()).isdisjoint(order):
            names = [_by_index(value, order, where) for value in values.tolist()]
        else:
            names = values.tolist()  # names already
    return np.array(names)[codes.reshape(said.shape)]


def _by_index(value: str, order: list[str], where: str) -> str:
    if not value.isdecimal():
        raise InputError(
            f"none of the labels of {where}, such as {value!r}, is in classes= ({first_few(order)}); give the same "
            "names, or a mapping {label: name}"
        )
    if int(value) >= len(order):
        raise InputError(
            f"{where} has the label {value}, but classes= names {len(order)} classes, 0 to {len(order) - 1}"
        )
    return order[int(value)]
