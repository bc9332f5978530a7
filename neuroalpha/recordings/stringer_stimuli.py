"""What Stringer et al. 2019 published beside the recordings: the list of sessions, the images, the image classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha.assembly import numbered
from neuroalpha.errors import InputError
from neuroalpha.recordings.matfile import MatFile


def read_stringer_database(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read ``dbstims.mat``: one row a session.

    Returns
    -------
    DataFrame
        Columns ``mouse_name``, ``date``, ``stimset`` (name of the stimulus set), ``file`` (name of the session's file).

    Raises
    ------
    InputError
        When the file is unreadable or of another kind.

    Examples
    --------
    >>> import numpy as np, scipy.io
    >>> sessions = np.array([("MP000", "2000-01-01")], dtype=[("mouse_name", object), ("date", object)])
    >>> scipy.io.savemat(
    ...     tmp / "dbstims.mat",
    ...     {"dbstims": sessions, "stimset": np.array(["natimg2800"], dtype=object), "stype": [1]},
    ... )
    >>> read_stringer_database(tmp / "dbstims.mat").file[0]
    'natimg2800_MP000_2000-01-01.mat'
    """
    file = MatFile(path)
    _require(file, "dbstims", "stimset", "stype")
    names = file.get("stimset")
    names = [names] if isinstance(names, str) else [name if isinstance(name, str) else name[0] for name in names]
    kind = np.asarray(file.get("stype"), dtype=np.int64).reshape(-1)
    table = pd.DataFrame({name: [_text(v) for v in file.column("dbstims", name)] for name in ("mouse_name", "date")})
    if len(table) != kind.size or kind.min(initial=1) < 1 or kind.max(initial=1) > len(names):
        raise InputError(
            f"{path}: {len(table)} sessions, {kind.size} stimulus types of {len(names)} names do not fit together"
        )
    table["stimset"] = [names[k - 1] for k in kind]
    table["file"] = table["stimset"] + "_" + table["mouse_name"] + "_" + table["date"] + ".mat"
    return table


def read_stringer_images(path: str | os.PathLike[str]) -> xr.DataArray:
    """Read a stimulus file: ``imgs`` of 68 x 270 x n.

    Returns
    -------
    DataArray (stimulus, y, x)
        Grey values as stored; ``stimulus_id`` as :func:`neuroalpha.read_stringer` names them, ``y`` and ``x`` in
        degrees of visual field from the top left corner (one pixel a degree).

    Raises
    ------
    InputError
        When the file is unreadable or of another kind.

    Examples
    --------
    >>> import numpy as np, scipy.io
    >>> scipy.io.savemat(tmp / "images.mat", {"imgs": np.zeros((68, 270, 5), np.uint8)})
    >>> read_stringer_images(tmp / "images.mat").shape
    (5, 68, 270)
    """
    file = MatFile(path)
    _require(file, "imgs")
    images = np.asarray(file.get("imgs"))
    if images.ndim != 3:
        raise InputError(f"{path}: imgs has shape {images.shape}, expected (68, 270, n)")
    images = np.ascontiguousarray(np.moveaxis(images, 2, 0))
    number = np.arange(1, images.shape[0] + 1)
    return xr.DataArray(
        images,
        dims=("stimulus", "y", "x"),
        # Recordings of n images number the blank screen n + 1, which sets the width of the padded ids.
        coords={
            "stimulus_id": ("stimulus", numbered("", images.shape[0] + 2)[number]),
            "y": np.arange(images.shape[1]),
            "x": np.arange(images.shape[2]),
        },
        attrs={"identifier": Path(path).stem, "units": "grey value"},
    )


def read_stringer_classes(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a class file: which category each image was put in (zero-based into the names; 0 is unknown).

    Returns
    -------
    DataFrame
        One row a stimulus, in order: ``istim`` (1-based), ``code``, ``label``.

    Raises
    ------
    InputError
        When the file is unreadable or of another kind.

    Examples
    --------
    >>> import numpy as np, scipy.io
    >>> scipy.io.savemat(
    ...     tmp / "classes.mat",
    ...     {"class_assignment": [1, 0], "class_names": np.array(["unknown", "bird"], dtype=object)},
    ... )
    >>> list(read_stringer_classes(tmp / "classes.mat").label)
    ['bird', 'unknown']
    """
    file = MatFile(path)
    _require(file, "class_assignment", "class_names")
    code = np.asarray(file.get("class_assignment"), dtype=np.int64).reshape(-1)
    names = file.get("class_names")
    names = [_text(name) for name in ([names] if isinstance(names, str) else names)]
    if code.min(initial=0) < 0 or code.max(initial=0) >= len(names):
        raise InputError(
            f"{path}: class numbers run from {code.min()} to {code.max()}, but there are {len(names)} names"
        )
    return pd.DataFrame({"istim": np.arange(1, code.size + 1), "code": code, "label": [names[c] for c in code]})


def _require(file: MatFile, *variables: str) -> None:
    missing = [name for name in variables if not file.has(name)]
    if missing:
        raise InputError(f"{file.path} lacks the variable {missing[0]!r}; it has {', '.join(file.names()) or 'none'}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value[0]) if isinstance(value, list) and value else str(value)
