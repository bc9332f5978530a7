"""Assemblies, recordings and spectra on disk: netCDF-4 through h5netcdf, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np
import xarray as xr

from neuroalpha._files import atomic_path
from neuroalpha._sink import Sink
from neuroalpha._text import check_encodable
from neuroalpha.assembly import clean_attrs
from neuroalpha.errors import InputError, MissingExtraError

# Our own marks in a file: whether it held an array or a dataset, the array's name, which variables were coordinates,
# and which were float16 (netCDF has no half precision; float32 holds every float16 exactly).
KIND, NAME, COORDS, HALF = "neuroalpha_kind", "neuroalpha_name", "neuroalpha_coordinates", "neuroalpha_float16"
# Attributes of these names would be read as instructions by HDF5 and netCDF libraries, not as ours.
RESERVED = {
    "_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates", "dtype", "_Unsigned", "_Encoding",
    "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict",
    "_NCProperties", KIND, NAME, COORDS, HALF,
}  # fmt: skip
VALUES = "neuroalpha_values"  # the variable that holds a lone array


def save(data: xr.DataArray | xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write an assembly, a recording or a spectrum to a netCDF-4 file, atomically.

    Parameters
    ----------
    data : DataArray or Dataset
        Numbers, text and booleans; attributes text or numbers. Lazy values are computed block by block.
    path : path
        Ends in ``.nc`` by custom. An existing file is replaced only once the new one is complete.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        When a value or a name cannot be held, the folder does not exist or the disk is full; nothing is then left
        behind.

    Examples
    --------
    >>> import neuroalpha as na
    >>> assembly = na.make_assembly([[1.0, float("nan")]], stimulus_id=["a"])
    >>> path = na.save(assembly, tmp / "responses.nc")
    >>> na.load(path).identical(assembly)
    True
    """
    if isinstance(data, xr.DataArray):
        marks: dict[str, str | int | float] = {KIND: "array", NAME: "" if data.name is None else str(data.name)}
        variables = {VALUES: data.variable, **{str(name): coord.variable for name, coord in data.coords.items()}}
    elif isinstance(data, xr.Dataset):
        marks = {KIND: "dataset", **_checked_attrs(data.attrs)}
        variables = {str(name): variable for name, variable in data.variables.items()}
    else:
        raise InputError(f"save takes an xarray.DataArray or Dataset, got {type(data).__name__}")
    coords = [str(name) for name in data.coords]
    prepared = {name: _encode(name, variable) for name, variable in variables.items()}
    with atomic_path(path) as part, Sink(part) as sink:
        with h5netcdf.File(sink, "w") as file:
            file.dimensions = {str(dim): int(size) for dim, size in data.sizes.items()}
            for name, (dims, values, attrs) in prepared.items():
                dtype = h5py.string_dtype() if values.dtype.kind in "UO" else values.dtype
                stored = file.create_variable(name, dims, dtype)
                _fill(stored, values)
                # CF's own way of naming coordinates, for other programs; ours below also holds names with spaces.
                own = [c for c in coords if set(data.coords[c].dims) <= set(dims) and " " not in c]
                if own and name not in coords:
                    attrs = {**attrs, "coordinates": " ".join(own)}
                stored.attrs.update(attrs)
            file.attrs.update({**marks, COORDS: json.dumps(coords)})
        sink.report()
    return Path(path)


def load(path: str | os.PathLike[str], chunks: Mapping[str, int] | str | None = None) -> xr.DataArray | xr.Dataset:
    """Read what :func:`save` wrote, exactly: values, NaN, text and attributes.

    Parameters
    ----------
    path : path
        A file of :func:`save`.
    chunks : mapping or "auto", optional
        Default: read it all and close the file. With chunks, as in ``{"neuroid": 4096}``, values are read lazily by
        dask and the spectrum engine takes them block by block.

    Raises
    ------
    InputError
        When the file is missing, truncated, or not one of ours.

    Examples
    --------
    >>> import neuroalpha as na
    >>> na.load(tmp / "nothing.nc")
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: no such file: ...nothing.nc
    """
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder; give the name of a file in it")
    if not Path(path).is_file():
        raise InputError(f"no such file: {path}")
    options: dict[str, Any] = {"engine": "h5netcdf", "decode_times": False, "decode_timedelta": False}
    try:
        if chunks is not None:
            return _restore(_ours(xr.open_dataset(path, chunks=chunks, **options), path))
        # An open file, not its name: xarray remembers files by name, and older versions would give back the old
        # contents of a file that was replaced.
        with open(path, "rb") as handle, xr.open_dataset(handle, **options) as dataset:
            return _restore(_ours(dataset, path).load())
    except ImportError as error:
        raise MissingExtraError("dask", "cluster", "reading a file in chunks") from error
    except InputError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise InputError(
            f"{path} is not a readable netCDF-4 file ({_short(error)}); was it cut short in a copy?"
        ) from error


def _encode(name: str, variable: xr.Variable) -> tuple[tuple[str, ...], Any, dict[str, Any]]:
    """Dims, values and attributes of a variable as netCDF can hold them."""
    _check_name(name)
    for dim in variable.dims:
        _check_name(str(dim))
    attrs = _checked_attrs(variable.attrs)
    values = variable.data
    if values.dtype.kind in "OSU":
        values = np.asarray(values)
        if values.dtype.kind != "U" and not all(isinstance(text, str) for text in values.ravel()):
            raise InputError(f"{name!r} holds objects that are not text; make them numbers or text before saving")
        check_encodable(values, f"coordinate {name!r}")
    elif values.dtype.kind == "b":
        values, attrs = values.astype(np.int8), {**attrs, "dtype": "bool"}  # xarray's own convention
    elif values.dtype == np.float16:
        values, attrs = values.astype(np.float32), {**attrs, HALF: 1}
    elif values.dtype.kind not in "iuf":
        raise InputError(
            f"{name!r} has dtype {values.dtype}, which the files do not hold; store times as text (ISO 8601) or seconds"
        )
    return tuple(str(dim) for dim in variable.dims), values, attrs


def _fill(stored: Any, values: Any) -> None:
    """Write values in blocks of rows, so that a lazy array is never whole in memory."""
    if values.ndim == 0 or not hasattr(values, "dask"):
        stored[...] = np.asarray(values, dtype=object if values.dtype.kind in "UO" else None)
        return
    rows = max(1, 2**28 // max(1, values.nbytes // max(1, values.shape[0])))
    for start in range(0, values.shape[0], rows):
        stored[start : start + rows] = np.asarray(values[start : start + rows])


def _ours(dataset: xr.Dataset, path: object) -> xr.Dataset:
    if KIND not in dataset.attrs:
        raise InputError(
            f"{path} was not written by neuroalpha.save; open it with xarray and pass its values to "
            "neuroalpha.make_assembly"
        )
    return dataset


def _restore(dataset: xr.Dataset) -> xr.DataArray | xr.Dataset:
    """Undo what netCDF does to text, half precision, scalars, coordinates and lone arrays."""
    attrs = {name: _plain(value) for name, value in dataset.attrs.items()}
    kind, name, coords = attrs.pop(KIND), attrs.pop(NAME, ""), json.loads(attrs.pop(COORDS, "[]"))
    for key in list(dataset.variables):
        variable = dataset[key]
        own = {k: _plain(v) for k, v in variable.attrs.items()}
        if own.pop(HALF, 0):
            dataset[key] = variable.astype(np.float16)
        elif variable.dtype.kind == "O":
            dataset[key] = (variable.dims, variable.values.astype(str))
        dataset[key].attrs = own
        dataset[key].encoding = {}
    dataset = dataset.set_coords(coords)
    dataset.attrs = attrs
    dataset.encoding = {}
    return dataset[VALUES].rename(name or None) if kind == "array" else dataset


def _checked_attrs(attrs: Mapping[Any, Any]) -> dict[str, str | int | float]:
    clean = clean_attrs(attrs)
    for name, value in clean.items():
        _check_name(name)
        if name in RESERVED:
            raise InputError(f"attribute {name!r} has a meaning of its own in netCDF files; give it another name")
        if isinstance(value, str):
            check_encodable(np.array([value + "."]), f"attribute {name!r}")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InputError(f"attribute {name!r} is {value}, beyond 64-bit integers; store it as text")
    return clean


def _check_name(name: str) -> None:
    if not name or "/" in name or "\0" in name or name != name.strip():
        raise InputError(f"{name!r} cannot name a variable, dimension or attribute in netCDF; use letters and digits")
    check_encodable(np.array([name]), "a name")


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return array.reshape(-1)[0].item() if array.dtype.kind in "iufb" and array.size == 1 else value


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
