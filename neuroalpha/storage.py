"""Assemblies, recordings and spectra on disk: netCDF-4 through h5netcdf, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._files import atomic_path
from neuroalpha.assembly import clean_attrs
from neuroalpha.errors import InputError, MissingExtraError

KIND = "neuroalpha_kind"
NAME = "neuroalpha_name"
HALF = "neuroalpha_float16"  # netCDF has no half precision: stored as float32, which holds every float16 exactly
# Attributes of these names would be read as instructions by netCDF libraries, not as ours.
RESERVED = {
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "coordinates",
    "dtype",
    "_Unsigned",
    KIND,
    NAME,
    HALF,
}


def save(data: xr.DataArray | xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write an assembly, a recording or a spectrum to a netCDF-4 file, atomically.

    Parameters
    ----------
    data : DataArray or Dataset
        Values of any real dtype; attributes text or numbers.
    path : path
        Ends in ``.nc`` by custom. An existing file is replaced only once the new one is complete.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        When an attribute cannot be held, the folder does not exist or the disk is full; nothing is then left behind.

    Examples
    --------
    >>> import neuroalpha as na
    >>> assembly = na.make_assembly([[1.0, float("nan")]], stimulus_id=["a"])
    >>> path = na.save(assembly, tmp / "responses.nc")
    >>> na.load(path).identical(assembly)
    True
    """
    kind = "array" if isinstance(data, xr.DataArray) else "dataset"
    if isinstance(data, xr.DataArray):
        dataset = data.to_dataset(name="values")
        dataset.attrs = {NAME: "" if data.name is None else str(data.name)}
    elif isinstance(data, xr.Dataset):
        dataset = data.copy()
        dataset.attrs = dict(data.attrs)
        _check_names(dataset.attrs)
    else:
        raise InputError(f"save takes an xarray.DataArray or Dataset, got {type(data).__name__}")
    encoding: dict[str, dict[str, Any]] = {}
    for name in list(dataset.variables):
        variable = dataset[name]
        _check_names(variable.attrs)
        dataset[name].attrs = clean_attrs(variable.attrs)
        dataset[name].encoding = {}
        if variable.dtype == np.float16:
            dataset[name] = variable.astype(np.float32)
            dataset[name].attrs = {**clean_attrs(variable.attrs), HALF: 1}
        if dataset[name].dtype.kind == "f":
            encoding[str(name)] = {"_FillValue": None}
    dataset.attrs = {**clean_attrs(dataset.attrs), KIND: kind}
    with atomic_path(path) as part:
        try:
            dataset.to_netcdf(part, engine="h5netcdf", encoding=encoding)
        except RuntimeError as error:  # HDF5 reports some failed writes so
            raise OSError(str(error)) from error
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
    if not Path(path).is_file():
        raise InputError(f"no such file: {path}")
    try:
        dataset = xr.open_dataset(path, engine="h5netcdf", chunks=chunks, decode_times=False, decode_timedelta=False)
    except ImportError as error:
        raise MissingExtraError("dask", "cluster", "reading a file in chunks") from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{path} is not a readable netCDF-4 file ({_short(error)}); was it cut short in a copy?"
        ) from error
    if KIND not in dataset.attrs:
        dataset.close()
        raise InputError(
            f"{path} was not written by neuroalpha.save; open it with xarray and pass its values to "
            "neuroalpha.make_assembly"
        )
    if chunks is None:
        try:
            with dataset:
                dataset = dataset.load()
        except (OSError, RuntimeError) as error:
            raise InputError(f"{path} is damaged ({_short(error)}); was it cut short in a copy?") from error
    return _restore(dataset)


def _restore(dataset: xr.Dataset) -> xr.DataArray | xr.Dataset:
    """Undo what netCDF does to text, half precision, scalars and lone arrays."""
    attrs = {name: _plain(value) for name, value in dataset.attrs.items()}
    kind, name = attrs.pop(KIND), attrs.pop(NAME, "")
    for key in list(dataset.variables):
        variable = dataset[key]
        own = {k: _plain(v) for k, v in variable.attrs.items()}
        if own.pop(HALF, 0):
            dataset[key] = variable.astype(np.float16)
        elif variable.dtype.kind == "O":
            dataset[key] = (variable.dims, variable.values.astype(str))
        dataset[key].attrs = own
        dataset[key].encoding = {}
    dataset.attrs = attrs
    dataset.encoding = {}
    if kind == "array":
        return dataset["values"].rename(name or None)
    return dataset


def _check_names(attrs: Mapping[Any, Any]) -> None:
    taken = RESERVED.intersection(map(str, attrs))
    if taken:
        raise InputError(
            f"attribute {sorted(taken)[0]!r} has a meaning of its own in netCDF files; give it another name"
        )


def _plain(value: Any) -> Any:
    array = np.asarray(value)
    return array.reshape(-1)[0].item() if array.dtype.kind in "iufb" and array.size == 1 else value


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
