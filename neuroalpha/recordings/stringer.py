"""Recordings of Stringer et al. 2019 in the figshare layout (doi 10.25378/janelia.6845348), one file a session."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import xarray as xr

from neuroalpha._text import valid
from neuroalpha.assembly import make_assembly, numbered
from neuroalpha.errors import InputError
from neuroalpha.recordings.matfile import MatFile
from neuroalpha.recordings.stringer_stimuli import read_stringer_classes

DOI = "doi:10.25378/janelia.6845348"
LICENCE = "CC BY-NC 4.0"
_NAME = re.compile(r"(?P<stimset>.+?)_(?P<subject>M\d+_[A-Za-z]+\d+)_(?P<date>\d{4}-\d{2}-\d{2})$")
_OTHER = {
    "dbstims": "a database of sessions: use read_stringer_database",
    "imgs": "a file of stimulus images: use read_stringer_images",
    "class_assignment": "a file of stimulus classes: use read_stringer_classes",
}


def read_stringer(
    path: str | os.PathLike[str], *, classes: str | os.PathLike[str] | None = None, blank: bool = True
) -> xr.Dataset:
    """Read one recording session of Stringer et al. 2019.

    Parameters
    ----------
    path : path
        ``<stimset>_<mouse>_<date>.mat``, MAT v5/v7 or v7.3; which it is is read from the file.
    classes : path, optional
        A stimulus class file; adds the coordinate ``label`` to presentations.
    blank : bool
        The largest stimulus id is the grey screen, as in the published files (default). Blank presentations are kept
        and marked.

    Returns
    -------
    Dataset
        ``responses`` (presentation, neuroid): mean of two time bins, as stored; presentation coordinates
        ``stimulus_id`` (zero-padded text), ``istim`` (as in the file, 1-based), ``blank``, ``repetition`` (in time
        order); neuroid coordinates ``neuroid_id``, ``region``, ``x``, ``y``, ``z`` (um), ``redcell`` where the file
        marks interneurons. ``spontaneous`` (time, neuroid), where recorded: activity during grey screen.

    Raises
    ------
    InputError
        For a file that is cut short, is no MATLAB file, or does not have this layout.

    Examples
    --------
    >>> import neuroalpha as na
    >>> made, _ = na.simulate_recording(1.0, n_stimuli=20, n_neuroids=50, seed=0)
    >>> recording = na.read_stringer(na.write_stringer(made, tmp / "natimg_M000000_MP000_2000-01-01.mat"))
    >>> dict(recording.responses.sizes), recording.responses.attrs["subject"]
    ({'presentation': 42, 'neuroid': 50}, 'M000000_MP000')
    """
    file = MatFile(path)
    for variable, what in _OTHER.items():
        if file.has(variable) and not file.has("stim"):
            raise InputError(f"{path} is not a recording but {what}")
    for field in ("resp", "istim"):
        if not file.has("stim", field):
            raise InputError(
                f"{path} does not have the layout of Stringer et al. 2019: it lacks stim.{field} (its variables: "
                f"{', '.join(file.names()) or 'none'}); read other layouts with neuroalpha.read_array"
            )
    values = np.asarray(file.get("stim", "resp"))
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: stim.resp should be a matrix of numbers (presentations x neurons), got shape {values.shape}"
        )
    istim = _stimulus_numbers(path, file, values.shape[0])
    n_neuroids = values.shape[1]

    presentation: dict[str, np.ndarray] = {"istim": istim, "blank": (istim == istim.max()) & blank}
    if file.has("stim", "ori"):
        orientation = np.asarray(file.get("stim", "ori"), dtype=np.float64).reshape(-1)
        if orientation.size == istim.size:
            presentation["orientation"] = orientation
    if classes is not None:
        presentation["label"] = _labels(classes, istim, presentation["blank"])
    responses = make_assembly(
        values if values.dtype.kind == "f" else values.astype(np.float32),
        stimulus_id=numbered("", int(istim.max()) + 1)[istim],
        neuroid_id=numbered("", n_neuroids),
        presentation=presentation,
        neuroid=_neuroid_labels(path, file, n_neuroids),
        attrs={**_session(path), "units": "deconvolved fluorescence (a.u.)", "source": DOI, "licence": LICENCE},
    )
    recording = xr.Dataset({"responses": responses}, attrs=dict(responses.attrs))
    spontaneous = _spontaneous(path, file, n_neuroids)
    if spontaneous is not None:
        recording["spontaneous"] = (("time", "neuroid"), spontaneous)
    return recording


def _stimulus_numbers(path: object, file: MatFile, n_presentations: int) -> np.ndarray:
    raw = np.asarray(file.get("stim", "istim"), dtype=np.float64).reshape(-1)
    if raw.size != n_presentations:
        raise InputError(
            f"{path}: stim.resp has {n_presentations} rows, but stim.istim {raw.size} entries; the file is inconsistent"
        )
    if raw.size == 0 or not np.all(raw == np.floor(raw)) or raw.min() < 1:
        raise InputError(f"{path}: stim.istim should hold whole numbers from 1 on")
    return raw.astype(np.int64)


def _spontaneous(path: object, file: MatFile, n_neuroids: int) -> np.ndarray | None:
    if not file.has("stim", "spont"):
        return None
    spontaneous = np.asarray(file.get("stim", "spont"))
    if spontaneous.size == 0:
        return None
    if spontaneous.ndim != 2 or spontaneous.shape[1] != n_neuroids:
        raise InputError(f"{path}: stim.spont has shape {spontaneous.shape}, expected (time, {n_neuroids})")
    return spontaneous if spontaneous.dtype.kind == "f" else spontaneous.astype(np.float32)


def _neuroid_labels(path: object, file: MatFile, n_neuroids: int) -> dict[str, np.ndarray]:
    labels: dict[str, np.ndarray] = {"region": np.full(n_neuroids, "V1")}
    if file.has("med"):
        position = np.asarray(file.get("med"), dtype=np.float64)
        if position.ndim != 2 or position.shape[0] != n_neuroids or position.shape[1] < 3:
            raise InputError(f"{path}: med has shape {position.shape}, expected ({n_neuroids}, 3) positions in um")
        labels.update({axis: position[:, i] for i, axis in enumerate("xyz")})
    if file.has("stat", "redcell"):
        red = [np.asarray(value, dtype=np.float64).reshape(-1) for value in file.column("stat", "redcell")]
        if len(red) != n_neuroids:
            raise InputError(
                f"{path}: stat has {len(red)} cells, but stim.resp {n_neuroids} neurons; the file is inconsistent"
            )
        labels["redcell"] = np.array([bool(value.size and value[0] != 0) for value in red])
    return labels


def _labels(classes: str | os.PathLike[str], istim: np.ndarray, blank: np.ndarray) -> np.ndarray:
    table = read_stringer_classes(classes)
    if istim[~blank].max(initial=0) > len(table):
        raise InputError(f"{classes} names {len(table)} stimuli, but the recording shows number {istim[~blank].max()}")
    names = np.r_[table["label"].to_numpy().astype(str), np.array(["blank"])]
    return names[np.where(blank, len(table), np.minimum(istim - 1, len(table)))]


def _session(path: str | os.PathLike[str]) -> dict[str, str]:
    stem = valid(Path(path).stem)
    match = _NAME.match(stem)
    return {"identifier": stem, **(match.groupdict() if match else {})}
