"""Reader: labels that people gave to training images, as CIFAR-10N and CIFAR-100N publish them."""

from __future__ import annotations

import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuroalpha._text import first_few
from neuroalpha.errors import InputError

CLEAN = "clean_label"
NAMES = {
    "aggre_label": "aggregate",
    "random_label1": "random1",
    "random_label2": "random2",
    "random_label3": "random3",
    "worse_label": "worst",
    "noisy_label": "noisy",
}
"""Names of the files' label sets; ``noisy_label`` is CIFAR-100N's only one."""


def read_human_labels(
    path: str | os.PathLike[str],
    *,
    index: Sequence[int] | np.ndarray | None = None,
    classes: Sequence[str] | np.ndarray | None = None,
    clean: Any = None,
) -> dict[str, np.ndarray]:
    """Read human labels of training images: real label noise, for :func:`neuroalpha.noise_robustness`.

    CIFAR-10N has for each of the 50,000 training images of CIFAR-10 three labels of crowd workers (``random1`` to
    ``random3``, 17 to 18 % wrong), their majority (``aggregate``, 9 %) and, where any of the three is wrong, one of
    those (``worst``, 40 %).

    Parameters
    ----------
    path : path
        ``.npz`` with an array for each label set, or the published ``CIFAR-10_human.pt`` / ``CIFAR-100_human.pt``, read
        with ``weights_only=True``: nothing of such a file but arrays and tensors is accepted. The published ``.npy`` is
        a pickle, and its images are in another order: refused.
    index : int array (n,), optional
        Which images, as positions in the original training set, where the features are of a subset. Default: all, in
        the original order.
    classes : sequence of str, optional
        Class names in the order of the codes; labels are then given by name. Default: as codes. Labels that the file
        has as text are names already.
    clean : array (n,), optional
        True labels of these images, in the form of the result. They are compared with those of the file, which shows
        at once whether the images are in the file's order.

    Returns
    -------
    dict of str to array (n,)
        ``aggregate``, ``random1``, ``random2``, ``random3``, ``worst`` (CIFAR-100N: ``noisy``), and whatever other
        label sets the file has, by the names it gives them.

    Raises
    ------
    InputError
        For a file that is missing, damaged or pickled, that holds no label sets, an index past its end, more classes
        than names, or true labels that are not the file's.

    Notes
    -----
    J. Wei et al. 2022, "Learning with noisy labels revisited: a study using real-world human annotations" (ICLR).

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> np.savez(tmp / "human.npz", clean_label=[0, 1, 1], aggre_label=[0, 1, 0])
    >>> from neuroalpha.tasks.human_noise import read_human_labels
    >>> read_human_labels(tmp / "human.npz", index=[2, 1], classes=["cat", "dog"], clean=["dog", "dog"])
    {'aggregate': array(['cat', 'dog'], dtype='<U3')}
    """
    path = Path(path)
    sets = _label_sets(_read(path), path)
    truth = sets.pop(CLEAN, None)
    if not sets:
        raise InputError(f"{path} holds no human labels besides {CLEAN!r}; expected such as {first_few(NAMES)}")
    size = next(iter(sets.values())).size
    rows = _rows(index, size, path)
    chosen = {NAMES.get(name, name): _named(codes[rows], classes, path) for name, codes in sets.items()}
    if clean is not None:
        if truth is None:
            raise InputError(f"{path} has no {CLEAN!r} to compare clean= with; leave clean= out")
        _check_order(np.asarray(clean), _named(truth[rows], classes, path), path)
    return chosen


def has_clean_labels(path: str | os.PathLike[str]) -> bool:
    """Whether a file of human labels holds the true ones too, to be compared with ``clean=``."""
    return CLEAN in _label_sets(_read(Path(path)), Path(path))


def _read(path: Path) -> dict[str, Any]:
    """Arrays by name, from a file that is opened without running code from it."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of human labels, such as CIFAR-10_human.pt")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path} cannot be read as arrays that numpy saved without pickle: {error}") from error
    if suffix in {".pt", ".pth"}:
        return _read_torch(path)
    if suffix == ".npy":
        raise InputError(
            f"{path} is refused: published label sets in .npy are a pickled dict, which could run code, and follow "
            "TensorFlow's order of images; take CIFAR-10_human.pt, or convert a file you trust: "
            "np.savez('human.npz', **np.load(path, allow_pickle=True).item())"
        )
    raise InputError(f"{path} is no .npz and no .pt file; save label sets with np.savez, an array for each")


def _read_torch(path: Path) -> dict[str, Any]:
    import torch

    # What rebuilds an array of numpy, under its names in numpy 1 and 2: functions that hold and fill memory only.
    rebuild = np.zeros(1).__reduce__()[0]
    allowed: list[Any] = [np.ndarray, np.dtype, *{type(np.dtype(kind)) for kind in "bBhHiIlLqQ"}]
    allowed += [(rebuild, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is refused: it holds Python objects besides arrays, which could run code; where you trust it save "
            "its arrays with np.savez"
        ) from error
    except (RuntimeError, EOFError, OSError, KeyError, ValueError, TypeError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as label sets: {first}") from error
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds {type(content).__name__}; expected a dict of label sets by name")
    return {str(name): values for name, values in content.items()}


def _label_sets(arrays: Mapping[str, Any], path: Path) -> dict[str, np.ndarray]:
    """Label sets (N,), as int64 or text: the arrays of the file that are whole numbers or text, one for each image."""
    found = {name: np.asarray(values) for name, values in arrays.items()}
    sets = {
        name: codes if codes.dtype.kind == "U" else codes.astype(np.int64)
        for name, codes in found.items()
        if codes.dtype.kind in "iuU" and codes.ndim == 1
    }
    sizes = {codes.size for codes in sets.values()}
    if len(sizes) > 1:
        raise InputError(f"the label sets of {path} have {sorted(sizes)} labels; expected one number of images in all")
    for name, codes in sets.items():
        if codes.dtype.kind != "U" and codes.size and codes.min() < 0:
            raise InputError(f"{name} of {path} holds the label {codes.min()}; expected class codes from 0")
    return sets


def _rows(index: Any, size: int, path: Path) -> Any:
    if index is None:
        return slice(None)
    rows = np.asarray(index)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise InputError(f"index has shape {rows.shape} and dtype {rows.dtype}; expected a list of whole numbers")
    if rows.size and (rows.min() < 0 or rows.max() >= size):
        wrong = rows.min() if rows.min() < 0 else rows.max()
        raise InputError(f"index {wrong} is outside the {size} images of {path}; count them from 0 in original order")
    return rows


def _named(codes: np.ndarray, classes: Any, path: Path) -> np.ndarray:
    if classes is None or codes.dtype.kind == "U":
        return codes
    names = np.asarray([str(name) for name in classes])
    if codes.size and codes.max() >= names.size:
        raise InputError(f"{path} holds the class {codes.max()}, but classes= names {names.size}; name them all")
    return names[codes]


def _check_order(given: np.ndarray, truth: np.ndarray, path: Path) -> None:
    """Refuse true labels that differ from the file's: the images would be given other images' human labels."""
    if given.shape != truth.shape:
        raise InputError(f"clean has shape {given.shape}, but {truth.size} images are read from {path}; see index=")
    same = given.astype(str) == truth.astype(str)
    if not same.all():
        raise InputError(
            f"the true labels given and those of {path} agree for {same.mean():.1%} of {same.size} images, the first "
            f"difference at {int(np.argmin(same))}: the images are others, or in another order; give their original "
            "places as index=, and class names as classes= where labels are names"
        )
