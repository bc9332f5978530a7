"""How a lab without a named format comes in: any array of responses, in memory or a file, its dimensions named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from neuroalpha._text import first_few, valid
from neuroalpha.assembly import make_assembly, numbered
from neuroalpha.errors import InputError
from neuroalpha.recordings.matfile import MatFile

LAYOUTS = ({"repeat", "stimulus", "neuroid"}, {"stimulus", "neuroid"}, {"presentation", "neuroid"})


def read_array(
    source: str | os.PathLike[str] | np.ndarray,
    dims: Sequence[str] = ("repeat", "stimulus", "neuroid"),
    *,
    key: str | None = None,
    stimulus_id: Sequence[Any] | np.ndarray | None = None,
    neuroid_id: Sequence[Any] | np.ndarray | None = None,
    stimulus: Mapping[str, Any] | None = None,
    neuroid: Mapping[str, Any] | None = None,
    attrs: Mapping[str, str | int | float] | None = None,
) -> xr.DataArray:
    """Read an array of responses into an assembly.

    Parameters
    ----------
    source : array or path
        In memory, or a ``.npy``, ``.npz``, ``.mat`` (any version) or ``.h5``/``.hdf5`` file. Nothing is unpickled.
    dims : sequence of str
        Names of the array's dimensions, in its order: a permutation of (repeat, stimulus, neuroid), (stimulus, neuroid)
        or (presentation, neuroid).
    key : str, optional
        Variable inside the file; needed where it holds several (``"group/name"`` in HDF5, ``"struct.field"`` in
        MATLAB).
    stimulus_id : array, optional
        Name of each stimulus, or of each presentation's stimulus for (presentation, neuroid), where it is required.
        Default: ``"000"``, ``"001"``, ... in order.
    neuroid_id : array, optional
        Unique name of each unit; default numbered.
    stimulus : mapping, optional
        Further coordinates of the same length as ``stimulus_id`` (``label``, ...).
    neuroid : mapping, optional
        Further coordinates of the neuroids.
    attrs : mapping, optional
        Text and numbers.

    Returns
    -------
    DataArray (presentation, neuroid)
        Repeat slots in which every neuroid is NaN were no presentations and are left out; other NaN stay.
        ``repetition`` is the index along ``repeat``.

    Raises
    ------
    InputError
        When dims do not fit, the key is missing, or the file cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> counts = np.random.default_rng(0).poisson(3, size=(82, 600, 10)).astype(float)
    >>> v4 = na.read_array(counts, dims=("neuroid", "stimulus", "repeat"), neuroid={"region": ["V4"] * 82})
    >>> dict(v4.sizes)
    {'presentation': 6000, 'neuroid': 82}
    """
    dims = tuple(dims)
    if len(dims) != len(set(dims)) or set(dims) not in LAYOUTS:
        raise InputError(
            f"dims is {dims}; expected a permutation of (repeat, stimulus, neuroid), (stimulus, neuroid) or "
            "(presentation, neuroid)"
        )
    values, name = _values(source, key)
    if values.dtype.kind not in "fiub":
        raise InputError(f"{name} holds {values.dtype} values; responses must be real numbers")
    if values.ndim != len(dims):
        raise InputError(
            f"{name} has shape {values.shape}, but dims names {len(dims)} dimensions, {dims}; name them in "
            "the order of the array (in a shell as --dims neuroid,stimulus,repeat)"
        )
    attrs = {"identifier": name, **(attrs or {})}
    if "presentation" in dims:
        if stimulus_id is None:
            raise InputError(
                f"{name}: presentations need stimulus_id, the name of the stimulus that each of them showed"
            )
        values = values.transpose([dims.index(d) for d in ("presentation", "neuroid")])
        return make_assembly(
            values, stimulus_id=stimulus_id, neuroid_id=neuroid_id, presentation=stimulus, neuroid=neuroid, attrs=attrs
        )
    if "repeat" not in dims:
        values, dims = values[None], ("repeat", *dims)
    values = values.transpose([dims.index(d) for d in ("repeat", "stimulus", "neuroid")])
    n_repeats, n_stimuli, n_neuroids = values.shape
    ids = np.asarray(numbered("", n_stimuli) if stimulus_id is None else stimulus_id)
    labels = {"stimulus_id": ids, **{k: np.asarray(v) for k, v in (stimulus or {}).items()}}
    for label, given in labels.items():
        if given.shape != (n_stimuli,):
            raise InputError(
                f"{name}: {label!r} has shape {given.shape}, but there are {n_stimuli} stimuli; give one for each"
            )
    if len(np.unique(ids)) != n_stimuli:
        raise InputError(
            f"{name}: stimulus_id must differ between stimuli; for repeated rows use dims ('presentation', 'neuroid')"
        )
    flat = values.reshape(n_repeats * n_stimuli, n_neuroids)
    shown = np.flatnonzero(~np.isnan(flat).all(axis=1)) if flat.dtype.kind == "f" else np.arange(len(flat))
    which = shown % n_stimuli
    return make_assembly(
        flat if shown.size == len(flat) else flat[shown],
        stimulus_id=ids[which],
        repetition=shown // n_stimuli,
        neuroid_id=neuroid_id,
        presentation={label: given[which] for label, given in labels.items() if label != "stimulus_id"},
        neuroid=neuroid,
        attrs=attrs,
    )


def _values(source: Any, key: str | None) -> tuple[np.ndarray, str]:
    """The array and a name for it."""
    if not isinstance(source, str | os.PathLike):
        return np.asarray(source), "array"
    path = Path(source)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of an array file in it")
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    readers = {".npy": _npy, ".npz": _npz, ".mat": _mat, ".h5": _hdf5, ".hdf5": _hdf5}
    if path.suffix.lower() not in readers:
        raise InputError(
            f"cannot read {path}: expected one of {', '.join(readers)}; load it yourself and pass the array"
        )
    return np.asarray(readers[path.suffix.lower()](path, key)), valid(path.stem)


def _npy(path: Path, key: str | None) -> np.ndarray:
    try:
        with open(path, "rb") as handle:
            return np.lib.format.read_array(handle, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            f"cannot read {path}: it is no .npy file of numbers, or cut short (Python objects are not read)"
        ) from error


def _npz(path: Path, key: str | None) -> np.ndarray:
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive[_pick(path, key, list(archive.files))]
    except InputError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error


def _mat(path: Path, key: str | None) -> np.ndarray:
    file = MatFile(path)
    variable, _, field = _pick(path, key, file.names(), exact=False).partition(".")
    value = file.get(variable, field or None)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        kind = "text" if isinstance(value, str) else "a cell array or struct"
        raise InputError(f"{path}: {variable!r} is {kind}, not an array of numbers; name another with key (--key)")
    return value


def _hdf5(path: Path, key: str | None) -> np.ndarray:
    try:
        with h5py.File(path, "r") as file:
            names: list[str] = []
            file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
            return np.asarray(file[_pick(path, key, names)])
    except (OSError, RuntimeError) as error:
        raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error


def _pick(path: Path, key: str | None, names: list[str], exact: bool = True) -> str:
    if key is None and len(names) == 1:
        return names[0]
    if key is None:
        raise InputError(
            f"{path} holds several variables ({first_few(names, 8)}); name one with key (in a shell --key)"
        )
    if exact and key not in names:
        raise InputError(f"{path} has no {key!r}; it holds {first_few(names, 8)}")
    return key
