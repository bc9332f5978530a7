"""The preprocessing of Stringer et al. 2019, step by step (loadProc2800.m, compute_means.m), each step recorded."""

from __future__ import annotations

import json
import warnings
from typing import Any, Literal

import numpy as np
import xarray as xr
from scipy.sparse.linalg import svds

from neuroalpha._text import first_few
from neuroalpha.assembly import check_assembly
from neuroalpha.errors import InputError


def preprocess(
    recording: xr.Dataset | xr.DataArray,
    *,
    drop_red: bool = True,
    drop_blank: bool = True,
    nan_to_zero: bool = True,
    zscore: Literal["spontaneous", "responses"] | None = "spontaneous",
    n_spontaneous: int = 32,
    center: bool = True,
) -> xr.DataArray:
    """Turn a recording into the assembly that the published spectra are computed from.

    The steps, in this order: drop red cells (interneurons) and blank presentations; set NaN to 0; z-score each neuron
    by the mean and the population sd + 1e-6 of its spontaneous activity; project out the first spontaneous principal
    components; subtract each neuron's mean over all presentations, once.

    Parameters
    ----------
    recording : Dataset or DataArray
        A Dataset with ``responses`` and optionally ``spontaneous``, or an assembly.
    drop_red, drop_blank : bool
        Act where the coordinates ``redcell`` and ``blank`` exist.
    nan_to_zero : bool
        As published. Set it to False, with ``n_spontaneous=0``, for arrays with missing trials: NaN then stays NaN and
        is left out of averages neuron by neuron.
    zscore : {"spontaneous", "responses"} or None
        Whose mean and sd. Without spontaneous activity the responses' own are used, as published.
    n_spontaneous : int
        How many spontaneous components to remove, 32 as published; none without spontaneous activity.
    center : bool
        The last step.

    Returns
    -------
    DataArray (presentation, neuroid)
        ``attrs["preprocessing"]`` lists the steps taken with their parameters as JSON.

    Raises
    ------
    InputError
        When nothing is left, or the spontaneous activity cannot give that many components.

    Notes
    -----
    Memory: three float64 copies of the larger of responses and spontaneous activity. The components come from a Lanczos
    solver, converged to machine precision.

    Examples
    --------
    >>> import json
    >>> import neuroalpha as na
    >>> recording, _ = na.simulate_recording(1.0, n_stimuli=40, n_neuroids=100, seed=0)
    >>> v1 = na.preprocess(recording)
    >>> [step["step"] for step in json.loads(v1.attrs["preprocessing"])]
    ['drop_blank', 'nan_to_zero', 'zscore', 'remove_spontaneous', 'center']
    """
    responses, spontaneous = _parts(recording)
    if zscore not in ("spontaneous", "responses", None):
        raise InputError(f"zscore is {zscore!r}; expected 'spontaneous', 'responses' or None")
    if n_spontaneous < 0:
        raise InputError(f"n_spontaneous is {n_spontaneous}; expected 0 (remove none) or more")
    steps: list[dict[str, Any]] = json.loads(str(responses.attrs.get("preprocessing", "[]")))
    keep_neuroid = np.ones(responses.sizes["neuroid"], dtype=bool)
    keep_presentation = np.ones(responses.sizes["presentation"], dtype=bool)
    if drop_red and "redcell" in responses.coords:
        keep_neuroid = ~responses.coords["redcell"].values.astype(bool)
        steps.append({"step": "drop_red", "n_dropped": int((~keep_neuroid).sum())})
    if drop_blank and "blank" in responses.coords:
        keep_presentation = ~responses.coords["blank"].values.astype(bool)
        steps.append({"step": "drop_blank", "n_dropped": int((~keep_presentation).sum())})
    if not keep_neuroid.any() or not keep_presentation.any():
        raise InputError(
            "preprocessing leaves no neuron or no presentation; check the coordinates 'redcell' and 'blank'"
        )
    responses = responses.isel(presentation=np.flatnonzero(keep_presentation), neuroid=np.flatnonzero(keep_neuroid))
    values = responses.values.astype(np.float64)
    rest = None if spontaneous is None else spontaneous[:, keep_neuroid].astype(np.float64)
    names = responses.coords["neuroid_id"].values
    for what, block in (("responses", values), ("spontaneous activity", rest)):
        if block is not None:
            _refuse(np.asarray(np.isnan(block).all(axis=0)), f"NaN throughout in the {what}", names)
            _refuse(np.asarray(np.isinf(block).any(axis=0)), f"infinite somewhere in the {what}", names)

    if nan_to_zero:
        n_missing = int(np.isnan(values).sum())
        values = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
        steps.append({"step": "nan_to_zero", "n_missing": n_missing})
    if zscore is not None:
        by = "responses" if rest is None else zscore
        source = rest if by == "spontaneous" and rest is not None else values
        mean, sd = np.nanmean(source, axis=0), np.nanstd(source, axis=0) + 1e-6
        constant = int((sd < 2e-6).sum())
        if constant:
            warnings.warn(
                f"{constant} of {sd.size} neurons have constant {by} activity: z-scoring divides them by 1e-6, as "
                "published, and they outweigh all others if their responses vary; leave them out first, or use "
                "zscore='responses'",
                stacklevel=2,
            )
        values = (values - mean) / sd
        if rest is not None:
            rest = (rest - mean) / sd
        steps.append({"step": "zscore", "by": by, "sd_floor": 1e-6, "n_constant": constant})
    if n_spontaneous and rest is not None:
        if np.isnan(values).any():
            raise InputError(
                "removing spontaneous components needs complete trials; use nan_to_zero=True or n_spontaneous=0"
            )
        components = spontaneous_components(rest, n_spontaneous)
        values -= (values @ components.T) @ components
        steps.append({"step": "remove_spontaneous", "n_components": int(n_spontaneous)})
    if center:
        values -= np.nanmean(values, axis=0)
        steps.append({"step": "center", "over": "all presentations"})
    return responses.copy(data=values).assign_attrs(
        preprocessing=json.dumps(steps), units="z" if zscore else responses.attrs.get("units", "")
    )


def _refuse(wrong: np.ndarray, what: str, names: np.ndarray) -> None:
    if wrong.any():
        raise InputError(
            f"{int(wrong.sum())} of {wrong.size} neurons are {what}: neuroid_id {first_few(names[wrong])}; leave them "
            "out with recording.isel(neuroid=...)"
        )


def spontaneous_components(rest: np.ndarray, n: int) -> np.ndarray:
    """First ``n`` principal axes (n, neuroid) of spontaneous activity (time, neuroid), NaN counted as the mean."""
    # Z-scored by its own mean it is centred already; by another, its first component would be the mean, not a
    # fluctuation.
    rest = np.nan_to_num(rest - np.nanmean(rest, axis=0), nan=0.0)
    if n > min(rest.shape):
        raise InputError(
            f"cannot take {n} components of spontaneous activity of {rest.shape[0]} time points and {rest.shape[1]} "
            "neurons; "
            f"set n_spontaneous to {min(rest.shape)} or fewer"
        )
    if n > min(rest.shape) // 2:  # Lanczos needs room; a matrix this thin is cheap to decompose whole
        return np.linalg.svd(rest, full_matrices=False)[2][:n]
    # A fixed start vector makes the solver, and so the result, the same on every run.
    _, _, vectors = svds(rest, k=n, v0=np.ones(min(rest.shape)), tol=0)
    return vectors[::-1]


def _parts(recording: xr.Dataset | xr.DataArray) -> tuple[xr.DataArray, np.ndarray | None]:
    if isinstance(recording, xr.DataArray):
        return check_assembly(recording), None
    if not isinstance(recording, xr.Dataset) or "responses" not in recording:
        raise InputError(
            f"expected a recording (Dataset with 'responses') or an assembly, got {type(recording).__name__}"
        )
    rest = recording["spontaneous"].values if "spontaneous" in recording else None
    return check_assembly(recording["responses"]), rest if rest is not None and rest.size else None
