"""MATLAB files behind one interface: v4 to v7 by scipy, v7.3 (HDF5) by h5py, told apart by their bytes."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import scipy.sparse

from neuroalpha._text import first_few
from neuroalpha.errors import InputError, nearest

# Everything that the two libraries raise on files that are cut short or no MATLAB files at all.
_UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, MemoryError, RuntimeError,
    zlib.error, scipy.io.matlab.MatReadError,
)  # fmt: skip


class MatFile:
    """Variables of a .mat file, in MATLAB's orientation whichever version wrote it.

    Examples
    --------
    >>> import scipy.io
    >>> scipy.io.savemat(tmp / "a.mat", {"stim": {"istim": [3, 1, 2]}})
    >>> file = MatFile(tmp / "a.mat")
    >>> file.names(), file.get("stim", "istim").ravel()
    (['stim'], array([3, 1, 2]))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise InputError(f"{path} is a folder; give the name of a .mat file in it")
        if not self.path.is_file():
            raise InputError(f"no such file: {path}")
        try:
            self.is_hdf5 = bool(h5py.is_hdf5(self.path))
            self._names = (
                self._hdf5_names() if self.is_hdf5 else [name for name, *_ in scipy.io.whosmat(str(self.path))]
            )
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        self._loaded: dict[str, Any] = {}

    def names(self) -> list[str]:
        """Top-level variables."""
        return list(self._names)

    def has(self, variable: str, field: str | None = None) -> bool:
        """Whether a variable, or a field of a struct variable, is there."""
        return variable in self._names and (field is None or field in self._fields(variable))

    def get(self, variable: str, field: str | None = None) -> Any:
        """Value of a variable or a scalar struct's field: array in MATLAB's shape, text, or list for a cell array."""
        if variable not in self._names:
            raise InputError(
                f"{self.path} has no variable {variable!r}; it has {first_few(self._names)}"
                + nearest(variable, self._names)
            )
        if field is not None and field not in self._fields(variable):
            raise InputError(
                f"{self.path}: {variable!r} has no field {field!r}; it has {first_few(self._fields(variable))}"
            )
        try:
            if self.is_hdf5:
                with h5py.File(self.path, "r") as file:
                    return _from_hdf5(file, file[variable] if field is None else file[variable][field])
            value = self._load(variable)
            return _from_v5(value if field is None else value[field].reshape(-1)[0])
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def column(self, variable: str, field: str) -> list[Any]:
        """One field of every element of a struct array, in order."""
        try:
            if not self.is_hdf5:
                return [_from_v5(item) for item in self._load(variable)[field].reshape(-1)]
            with h5py.File(self.path, "r") as file:
                node = file[variable][field]
                if node.dtype == h5py.ref_dtype:
                    return [_from_hdf5(file, file[ref]) for ref in np.asarray(node).T.reshape(-1)]
                return [_from_hdf5(file, node)]
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def _hdf5_names(self) -> list[str]:
        with h5py.File(self.path, "r") as file:
            return [name for name in file if not name.startswith("#")]

    def _load(self, variable: str) -> Any:
        if variable not in self._loaded:
            self._loaded[variable] = scipy.io.loadmat(str(self.path), variable_names=[variable])[variable]
        return self._loaded[variable]

    def _fields(self, variable: str) -> list[str]:
        try:
            if self.is_hdf5:
                with h5py.File(self.path, "r") as file:
                    return list(file[variable]) if isinstance(file[variable], h5py.Group) else []
            return list(self._load(variable).dtype.names or ())
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: BaseException) -> InputError:
        what = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        return InputError(
            f"{self.path} is not a readable MATLAB file ({what}); it may be cut short: compare its size with the "
            "source and "
            "fetch it again"
        )


def _from_v5(value: Any) -> Any:
    if scipy.sparse.issparse(value):
        return value.toarray()
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return str(array.reshape(-1)[0]) if array.size == 1 else [str(text) for text in array.reshape(-1)]
    if array.dtype.kind == "O":
        return [_from_v5(item) for item in array.reshape(-1)]
    return array


def _from_hdf5(file: h5py.File, node: Any) -> Any:
    if isinstance(node, h5py.Group):
        return {name: _from_hdf5(file, node[name]) for name in node}
    kind = node.attrs.get("MATLAB_class", b"")
    if node.attrs.get("MATLAB_empty", 0):
        return "" if kind == b"char" else np.zeros(tuple(int(n) for n in np.asarray(node)))
    if kind == b"char":
        return "".join(chr(code) for code in np.asarray(node).T.reshape(-1))
    if node.dtype == h5py.ref_dtype:
        return [_from_hdf5(file, file[ref]) for ref in np.asarray(node).T.reshape(-1)]
    return np.asarray(node).T  # HDF5 keeps MATLAB's columns first
