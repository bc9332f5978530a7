"""Writing a recording in the figshare layout, so that scripts made for Stringer et al. 2019 can read it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import scipy.io
import xarray as xr

from neuroalpha._files import atomic_path
from neuroalpha.assembly import check_assembly
from neuroalpha.errors import InputError


def write_stringer(recording: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a recording as a MAT v5 file with ``stim`` (resp, istim, spont), ``med`` and ``stat``, atomically.

    Parameters
    ----------
    recording : Dataset
        ``responses`` with the presentation coordinate ``blank`` (at least one blank: the layout marks the largest id
        so), and optionally ``spontaneous``, ``x``, ``y``, ``z``, ``redcell``.
    path : path
        By custom ``<stimset>_<mouse>_<date>.mat``.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Without blank presentations, or when the file cannot be written.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, truth = na.simulate_recording(1.0, n_stimuli=20, n_neuroids=50, seed=0)
    >>> na.write_stringer(recording, tmp / "session.mat").name
    'session.mat'
    """
    if not isinstance(recording, xr.Dataset) or "responses" not in recording:
        raise InputError("expected a recording: make one with xr.Dataset({'responses': assembly})")
    responses = check_assembly(recording["responses"])
    blank = responses.coords["blank"].values.astype(bool) if "blank" in responses.coords else np.zeros(1, bool)
    if not blank.any():
        raise InputError(
            "the figshare layout marks the largest stimulus id as blank, but the recording has no blank presentations"
        )
    number = np.unique(responses.coords["stimulus_id"].values[~blank], return_inverse=True)[1].reshape(-1) + 1
    istim = np.full(blank.size, number.max() + 1)
    istim[~blank] = number
    n_neuroids = responses.sizes["neuroid"]
    has_red = "redcell" in responses.coords
    stat = np.zeros((1, n_neuroids), dtype=[("npix", object)] + ([("redcell", object)] if has_red else []))
    stat["npix"] = 0.0
    if has_red:
        stat["redcell"][0] = responses.coords["redcell"].values.astype(np.float64)
    axes = [responses.coords[a].values if a in responses.coords else np.full(n_neuroids, np.nan) for a in "xyz"]
    variables = {
        "stim": {
            "resp": responses.values,
            "istim": istim[:, None].astype(np.float64),
            "spont": recording["spontaneous"].values if "spontaneous" in recording else np.zeros((0, 0)),
        },
        "med": np.column_stack(axes),
        "stat": stat,
    }
    with atomic_path(path) as part, open(part, "wb") as handle:
        scipy.io.savemat(handle, variables)
    return Path(path)
