"""What is calibrated: sizes given, or measured on a recording with its noise; and the kinds of noise by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neuroalpha._checks import whole
from neuroalpha.assembly import check_assembly, count_repetitions, drop_blanks, make_assembly, numbered
from neuroalpha.errors import InputError
from neuroalpha.spectrum.calibration_cell import NoiseKind
from neuroalpha.spectrum.gram import column_means
from neuroalpha.spectrum.noise_spectrum import Noise, measure_noise
from neuroalpha.trials import repeats

SHARES = {"aligned": 1.0, "independent": 0.0}


class Subject(NamedTuple):
    """Sizes, noise and name of what is calibrated."""

    shown: np.ndarray
    """How often each stimulus was shown (stimulus,)."""
    n_neuroids: int
    noise: Noise
    identifier: str


def responses_of(recording: xr.DataArray | xr.Dataset) -> xr.DataArray:
    """Return the responses of a recording or an assembly, blank presentations left out."""
    if isinstance(recording, xr.Dataset):
        if "responses" not in recording:
            raise InputError("expected a recording with the variable 'responses', an assembly, or sizes")
        recording = recording["responses"]
    if isinstance(recording, xr.DataArray) and recording.dims in (
        ("repeat", "stimulus", "neuroid"),
        ("stimulus", "neuroid"),
    ):
        return recording
    return drop_blanks(check_assembly(recording))


def of_sizes(sizes: Any, repeated: bool, signal_fraction: float | None) -> Subject:
    """Sizes as given, with noise eigenvalues 1/n; the number of repeats by what the estimator needs."""
    try:
        given = [] if isinstance(sizes, (str, bytes, Mapping)) else list(sizes)
    except TypeError:
        given = []
    if len(given) not in (2, 3):
        raise InputError(f"got {sizes!r}; expected an assembly, or sizes (n_stimuli, n_neuroids[, n_repeats])")
    counts = [whole(n, name) for n, name in zip(given, ("n_stimuli", "n_neuroids", "n_repeats"), strict=False)]
    n_stimuli, n_neuroids = counts[:2]
    n_repeats = counts[2] if len(counts) == 3 else 1 + repeated
    if n_stimuli < 2 or n_neuroids < 2 or n_repeats < 1:
        raise InputError(f"cannot simulate {n_stimuli} stimuli, {n_neuroids} neuroids, {n_repeats} repeats")
    if signal_fraction is None:
        if n_repeats > 1:
            raise InputError("sizes alone do not say how noisy responses are; give signal_fraction, e.g. 0.15")
        signal_fraction = 1.0
    power = 1.0 / np.arange(1, n_neuroids + 1)
    noise = Noise(float(signal_fraction), power / power.sum(), np.nan, np.empty(0), 0)
    return Subject(np.full(n_stimuli, n_repeats), n_neuroids, noise, "")


def of_recording(assembly: xr.DataArray, repeated: bool, signal_fraction: float | None, seed: int) -> Subject:
    """Measure a recording's sizes, signal share and noise; one shown once only has no noise that could be measured.

    ``repeated``: only stimuli shown more than once count.
    """
    identifier = str(assembly.attrs.get("identifier", ""))
    n_neuroids = assembly.sizes["neuroid"]
    if assembly.dims != ("presentation", "neuroid"):
        assembly = _as_presentations(assembly)
    if assembly.dims == ("presentation", "neuroid"):
        shown, assembly = _balanced(assembly)
        shown = shown[shown > 1] if repeated and (shown > 1).any() else shown
    else:
        shown = np.full(assembly.sizes["stimulus"], assembly.sizes.get("repeat", 1))
    if shown.size < 2:
        raise InputError(
            f"the recording holds {shown.size} {'repeated ' if repeated else ''}stimuli with a recorded value; "
            "expected at least 2"
        )
    if shown.max() < 2:
        power = 1.0 / np.arange(1, n_neuroids + 1)
        noise = Noise(signal_fraction or 1.0, power / power.sum(), np.nan, np.empty(0), 0)
        return Subject(shown, n_neuroids, noise, identifier)
    x = np.array(assembly.values, dtype=np.float64)
    means, _ = column_means(x.reshape(-1, n_neuroids))
    if not np.isfinite(means).all():
        raise InputError("the recording holds neuroids that are infinite, or NaN throughout; drop them first")
    x -= means
    np.nan_to_num(x, copy=False, nan=0.0)
    noise = measure_noise(x, np.random.default_rng(seed))
    if not noise.signal_fraction > 0:
        raise InputError(
            f"the repeats share no signal (share {noise.signal_fraction:.3f} of the variance): there is nothing to "
            "calibrate; check that stimulus_id pairs the right presentations"
        )
    noise = noise._replace(signal_fraction=float(signal_fraction or noise.signal_fraction))
    return Subject(shown, n_neuroids, noise, identifier)


def _as_presentations(responses: xr.DataArray) -> xr.DataArray:
    """Presentations (presentation, neuroid) of (repeat, stimulus, neuroid) or (stimulus, neuroid) if some are empty."""
    values = np.asarray(responses.values)
    values = values.reshape(-1, *values.shape[-2:])
    empty = np.isnan(values).all(axis=2)
    if not empty.any():
        return responses
    repeat, stimulus = np.nonzero(~empty)
    return make_assembly(
        values[repeat, stimulus], stimulus_id=numbered("", values.shape[1])[stimulus], repetition=repeat
    )


def _balanced(assembly: xr.DataArray) -> tuple[np.ndarray, xr.DataArray]:
    """How often each stimulus was shown and recorded (stimulus,), and as many first repeats as nine in ten have.

    Noise is measured on single presentations, never on averages, so stimuli shown more often give their first.
    """
    empty = np.isnan(np.asarray(assembly.values)).all(axis=1)
    if empty.any():
        assembly = assembly.isel(presentation=np.flatnonzero(~empty))
    assembly = assembly.isel(presentation=np.argsort(assembly.coords["repetition"].values, kind="stable"))
    ids = assembly.coords["stimulus_id"].values.astype(str)
    shown = np.unique(ids, return_counts=True)[1]
    if shown.max(initial=0) < 2:
        return shown, assembly
    common = int(np.percentile(shown[shown > 1], 10))
    first = assembly.isel(presentation=np.flatnonzero(count_repetitions(ids) < common))
    with warnings.catch_warnings():  # the estimator says what it drops
        warnings.simplefilter("ignore", UserWarning)
        return shown, repeats(first, common)


def noise_kinds(noise: Any, is_data: bool) -> list[NoiseKind]:
    """Return each kind of noise as "white", "none" or the share of its variance along the signal's axes."""
    if noise is None:
        noise = ("aligned", 0.5, "independent") if is_data else ("aligned", "independent", "white")
    given = list(noise) if isinstance(noise, (list, tuple, set, np.ndarray)) else [noise]
    kinds: list[NoiseKind] = []
    for each in given:
        kind = SHARES.get(each, each) if isinstance(each, str) else each
        shared = isinstance(kind, (int, float, np.number)) and not isinstance(kind, bool) and 0 <= kind <= 1
        if not shared and not (isinstance(kind, str) and kind == "white"):
            raise InputError(f"noise holds {each!r}; expected 'aligned', 'independent', 'white' or a share from 0 to 1")
        kinds.append(float(kind) if shared else kind)
    if not kinds:
        raise InputError("noise is empty; name at least one of 'aligned', 'independent', 'white' or a share")
    return list(dict.fromkeys(kinds))


def label(kind: NoiseKind) -> str:
    """Name of a kind of noise in tables: "aligned", "independent", "white", "none" or "0.5 aligned"."""
    names = {share: name for name, share in SHARES.items()}
    return kind if isinstance(kind, str) else names.get(kind, f"{kind:g} aligned")


def share_of(kind: NoiseKind) -> float:
    """Return the share of noise variance along the signal's axes; NaN for white noise and none."""
    return np.nan if isinstance(kind, str) else kind
