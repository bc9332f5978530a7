"""Writes MAT v7.3 files as MATLAB lays them out in HDF5: columns first, references for cells and struct arrays."""

from __future__ import annotations

import h5py
import numpy as np


def _text(group, name, text):
    data = group.create_dataset(name, data=np.array([[ord(c)] for c in text], dtype=np.uint16))
    data.attrs["MATLAB_class"] = np.bytes_("char")
    return data


def _array(group, name, values):
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if values.size == 0:
        data = group.create_dataset(name, data=np.array(values.shape, dtype=np.uint64))
        data.attrs["MATLAB_empty"] = np.uint8(1)
    else:
        data = group.create_dataset(name, data=values.T)
    data.attrs["MATLAB_class"] = np.bytes_("double")
    return data


def write_mat73(path, variables):
    """``variables``: arrays, text, dicts (scalar structs), lists of dicts (struct arrays) or lists of text (cells)."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")

        def reference(value):
            name = f"r{len(refs)}"
            node = _text(refs, name, value) if isinstance(value, str) else _array(refs, name, value)
            return node.ref

        for name, value in variables.items():
            if isinstance(value, dict):
                group = file.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                for field, content in value.items():
                    _array(group, field, content)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                group = file.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                for field in value[0]:
                    column = np.array([[reference(item[field])] for item in value], dtype=h5py.ref_dtype)
                    group.create_dataset(field, data=column, dtype=h5py.ref_dtype)
            elif isinstance(value, list):
                column = np.array([[reference(item)] for item in value], dtype=h5py.ref_dtype)
                file.create_dataset(name, data=column, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
            elif isinstance(value, str):
                _text(file, name, value)
            else:
                _array(file, name, value)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    with open(path, "r+b") as raw:
        raw.write(header)
    return path
