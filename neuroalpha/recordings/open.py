"""One door for files of any kind that hold responses: ours, Stringer's, or a bare array."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.recordings.array import read_array
from neuroalpha.recordings.matfile import MatFile
from neuroalpha.recordings.preprocess import preprocess
from neuroalpha.recordings.stringer import read_stringer
from neuroalpha.storage import load


def open_responses(
    path: str | os.PathLike[str],
    *,
    dims: Sequence[str] | None = None,
    key: str | None = None,
    published_preprocessing: bool = True,
) -> xr.DataArray | xr.Dataset:
    """Open an assembly, a recording or a spectrum from a file, told apart by its contents.

    Parameters
    ----------
    path : path
        ``.nc`` of :func:`neuroalpha.save`; ``.mat`` in the layout of Stringer et al. 2019; or an array file of
        :func:`neuroalpha.read_array`.
    dims, key
        For array files only, as in :func:`neuroalpha.read_array`.
    published_preprocessing : bool
        Run :func:`neuroalpha.preprocess` with its defaults on recordings (default); else only blank presentations are
        left out.

    Returns
    -------
    DataArray or Dataset
        An assembly, or the spectrum that the file holds.

    Raises
    ------
    InputError
        As the readers do.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, _ = na.simulate_recording(1.0, n_stimuli=40, n_neuroids=60, seed=0)
    >>> open_responses(na.save(recording, tmp / "session.nc")).dims
    ('presentation', 'neuroid')
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".nc":
        data = load(path)
    elif suffix == ".mat" and key is None and MatFile(path).has("stim", "resp"):
        data = read_stringer(path)
    else:
        return read_array(path, dims=dims or ("repeat", "stimulus", "neuroid"), key=key)
    if isinstance(data, xr.DataArray) or "eigenvalue" in data:
        return data
    if "responses" not in data:
        raise InputError(
            f"{path} holds neither responses nor a spectrum (its variables: {', '.join(map(str, data.data_vars))})"
        )
    if published_preprocessing:
        return preprocess(data)
    return preprocess(data, drop_red=False, nan_to_zero=False, zscore=None, n_spontaneous=0, center=False)
