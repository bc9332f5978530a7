"""Faults of a data set that would make a spectrum wrong without a sound, found in one pass before the long part."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._text import first_few
from neuroalpha.assembly import blanks, check_assembly, clean_attrs
from neuroalpha.errors import InputError
from neuroalpha.spectrum.blocks import BLOCK_BYTES
from neuroalpha.spectrum.integer_checks import Integers, check_integers

LARGEST, SMALLEST = 1e150, 1e-150  # squares of numbers beyond leave the range of float64
N_FINGERPRINTS = 4
COPY_TOLERANCE = 1e-4  # of the spread between presentations; trial noise is larger, rounding smaller
FEW_NEUROIDS = 100  # whole numbers of fewer than these may agree between presentations without being copies
AVERAGE_WORDS = ("average", "averaged", "mean over rep", "mean over trial", "mean over presentation", "trial mean")
TRIAL_COUNTS = ("n_presentations", "n_repetitions", "n_repeats", "n_trials")


@dataclass(frozen=True)
class ResponseCheck:
    """What one look at the responses found."""

    n_constant: int
    """Neuroids that never vary."""
    n_repeated: int
    """Stimuli with two presentations or more."""
    n_copied: int
    """Stimuli of these of which two presentations are copies of each other."""
    n_at_limit: int
    """Entries at the largest value of an integer type, where they pile up there."""
    shown: np.ndarray | None = field(default=None, compare=False, repr=False)
    """Which rows hold a value (repeats one after the other)."""


@dataclass
class _Seen:
    """Running totals of the one pass."""

    low: np.ndarray
    high: np.ndarray
    fingerprint: np.ndarray
    shown: np.ndarray  # rows that hold a value
    whole: bool = True
    integers: Integers = field(default_factory=Integers)


def check_responses(responses: xr.DataArray, *, needs_repeats: bool) -> ResponseCheck:
    """Warn of, or refuse, responses that an estimator would turn into a wrong spectrum.

    Refused: infinite values and numbers whose squares leave the range of float64; neuroids that are all constant;
    with ``needs_repeats``, stimuli that were shown once, with the reason where the labels tell it (averaged already, a
    network). Warned of: constant neuroids; with ``needs_repeats``, presentations of a stimulus that are copies of each
    other, exactly or but for rounding, unless the labels say that this is a simulation without noise; whole numbers
    that pile up at the largest value of an integer type, that look wrapped around, or that are negative though they are
    counts.

    Parameters
    ----------
    responses : DataArray (presentation, neuroid), (stimulus, neuroid) or (repeat, stimulus, neuroid)
        Numpy or dask.
    needs_repeats : bool
        Whether the estimator tells signal from noise by repeats.

    Returns
    -------
    ResponseCheck
        The counts behind the warnings.

    Raises
    ------
    InputError
        As above.

    Warns
    -----
    UserWarning
        As above.

    Notes
    -----
    Every block, or dask chunk, is read once. Beside it, memory holds six numbers a neuroid and four a presentation:
    presentations are compared by four random projections.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> trials = np.tile(np.random.default_rng(0).normal(size=(30, 8)), (2, 1))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     found = check_responses(na.make_assembly(trials, stimulus_id=[*range(30)] * 2), needs_repeats=True)
    >>> found.n_copied, str(caught[0].message)[:74]
    (30, '30 of 30 repeated stimuli have presentations that are copies of each other')
    """
    stimulus = _stimuli(responses)
    if needs_repeats:
        _check_repeated(responses, stimulus)
    if responses.size == 0:
        raise InputError(f"the responses are empty, of shape {responses.shape}; check what was selected")
    names = (
        responses.coords["neuroid_id"].values if "neuroid_id" in responses.coords else np.arange(responses.shape[-1])
    )
    seen = _look(responses)
    _check_finite(seen, names)
    n_constant = _check_constant(seen, names, responses)
    n_repeated, n_copied = _check_copies(seen, stimulus, responses.attrs, needs_repeats)
    low, high = float(np.fmin.reduce(seen.low)), float(np.fmax.reduce(seen.high))
    n_at_limit = check_integers(seen.integers, low, high, responses) if seen.whole else 0
    return ResponseCheck(n_constant, n_repeated, n_copied, n_at_limit, seen.shown)


def _stimuli(responses: xr.DataArray) -> np.ndarray:
    """Index of the stimulus of every row, repeats one after the other; -1 marks blanks."""
    if isinstance(responses, xr.DataArray) and responses.dims in (
        ("stimulus", "neuroid"),
        ("repeat", "stimulus", "neuroid"),
    ):
        if responses.dtype.kind not in "fiub":
            raise InputError(f"responses must be real numbers, but these have dtype {responses.dtype}")
        if responses.ndim == 3:
            _check_named(responses)
        clean_attrs(responses.attrs)
        return np.tile(np.arange(responses.sizes["stimulus"]), responses.sizes.get("repeat", 1))
    check_assembly(responses)
    stimulus = np.unique(responses.coords["stimulus_id"].values.astype(str), return_inverse=True)[1].reshape(-1)
    return np.where(blanks(responses), -1, stimulus)


def _check_named(repeats: xr.DataArray) -> None:
    """Refuse (repeat, stimulus, neuroid) without names of its neuroids."""
    if "neuroid_id" not in repeats.coords or repeats.coords["neuroid_id"].dims != ("neuroid",):
        raise InputError(
            "the responses lack the coordinate 'neuroid_id' along 'neuroid'; make repeats with neuroalpha.repeats, or "
            "add it with .assign_coords(neuroid_id=('neuroid', labels))"
        )


def _check_repeated(responses: xr.DataArray, stimulus: np.ndarray) -> None:
    """Refuse responses in which every stimulus occurs once, and say why it may be so."""
    if np.bincount(stimulus[stimulus >= 0], minlength=1).max(initial=0) > 1:
        return
    sign = _averaged(responses)
    if sign:
        raise InputError(
            f"every stimulus occurs once and {sign}: the responses seem averaged over repeats already, and signal can "
            "no longer be told from noise; give the single presentations, or use eigenspectrum, which counts both"
        )
    if {"layer", "model"} & set(map(str, responses.coords)):
        raise InputError(
            "every stimulus occurs once, as in a network: without trial noise there is nothing to cross-validate; use "
            "eigenspectrum (estimator 'pca')"
        )
    raise InputError(
        "no stimulus occurs twice: were the responses averaged over repeats already? give the single presentations, "
        "one stimulus_id for all presentations of a stimulus; for responses without repeats use eigenspectrum "
        "(estimator 'pca')"
    )


def _averaged(responses: xr.DataArray) -> str:
    """What in the labels says that presentations were averaged; empty where nothing does."""
    for name in TRIAL_COUNTS:
        given = responses.coords[name].values if name in responses.coords else responses.attrs.get(name)
        if given is not None and np.asarray(given).dtype.kind in "iuf" and np.nanmax(given, initial=0) > 1:
            return f"{name} is {np.nanmax(given):g}"
    steps = str(responses.attrs.get("preprocessing", ""))
    try:
        listed = [json.dumps(step) for step in json.loads(steps)] if steps else []
    except (ValueError, TypeError):
        listed = [steps]
    for step in listed:
        if any(word in step.lower().replace("_", " ") for word in AVERAGE_WORDS):
            return f"its preprocessing says {step[:80]}"
    if responses.attrs.get("order") and "n_presentations_unused" in responses.attrs:
        return "it was made by neuroalpha.repeats"
    return ""


def _look(responses: xr.DataArray) -> _Seen:
    """The one pass: extremes of each neuroid, fingerprint of each presentation, integer values near a type's limit."""
    n_neuroids = responses.shape[-1]
    n_rows = responses.size // n_neuroids
    seen = _Seen(
        np.full(n_neuroids, np.nan),
        np.full(n_neuroids, np.nan),
        np.zeros((n_rows, N_FINGERPRINTS)),
        np.zeros(n_rows, dtype=bool),
    )
    project = np.random.default_rng(0).standard_normal((n_neuroids, N_FINGERPRINTS))
    for first_row, first_neuroid, raw in _blocks(responses.data):
        block = np.asarray(raw, dtype=np.float64)
        rows = slice(first_row, first_row + block.shape[0])
        columns = slice(first_neuroid, first_neuroid + block.shape[1])
        seen.low[columns] = np.fmin(seen.low[columns], np.fmin.reduce(block, axis=0))
        seen.high[columns] = np.fmax(seen.high[columns], np.fmax.reduce(block, axis=0))
        if np.isinf(seen.low[columns]).any() or np.isinf(seen.high[columns]).any():
            continue  # refused below
        absent = np.isnan(block) if np.isnan(block.sum()) else None
        seen.shown[rows] |= True if absent is None else ~absent.all(axis=1)
        block = block if absent is None else np.where(absent, 0.0, block)
        seen.fingerprint[rows] += block @ project[columns]
        # One row tells most data apart from whole numbers; only whole numbers are counted.
        seen.whole = seen.whole and bool((block[0] % 1 == 0).all() and (block % 1 == 0).all())
        if seen.whole:
            seen.integers.add(block, responses.dtype)
    return seen


def _blocks(values: Any) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (first row, first neuroid, block) over the whole array, dask chunks as they lie, each read once.

    Rows are presentations, or the stimuli of the first repeat, then of the second.
    """
    if values.ndim == 2:
        values = values[None]
    sizes = getattr(values, "chunks", None) or tuple((size,) for size in values.shape)
    starts = [np.cumsum((0, *of_axis)) for of_axis in sizes]
    for where in np.ndindex(*(len(of_axis) for of_axis in sizes)):
        repeat, row, column = (int(start[k]) for start, k in zip(starts, where, strict=True))
        ends = (int(start[k + 1]) for start, k in zip(starts, where, strict=True))
        chunk = np.asarray(values[tuple(slice(a, b) for a, b in zip((repeat, row, column), ends, strict=True))])
        step = max(1, BLOCK_BYTES // (8 * max(chunk.shape[2], 1)))
        for each in range(chunk.shape[0]):
            for start in range(0, chunk.shape[1], step):
                yield (repeat + each) * values.shape[1] + row + start, column, chunk[each, start : start + step]


def _check_finite(seen: _Seen, names: np.ndarray) -> None:
    infinite = np.isinf(seen.low) | np.isinf(seen.high)
    if infinite.any():
        raise InputError(
            f"{int(infinite.sum())} of {infinite.size} neuroids hold infinite values: neuroid_id "
            f"{first_few(names[infinite])}; drop them, or extract activations in float32"
        )
    largest = np.fmax.reduce(np.fmax(np.abs(seen.low), np.abs(seen.high)))
    spread = np.fmax.reduce(seen.high / 2 - seen.low / 2) * 2
    if largest > LARGEST or 0 < spread < SMALLEST:
        raise InputError(
            f"values reach {largest:.3g} and spread over {spread:.3g} at most: squared, such numbers leave the range "
            "of float64; give them in other units"
        )


def _check_constant(seen: _Seen, names: np.ndarray, responses: xr.DataArray) -> int:
    """Neuroids whose values differ by no more than rounding; those that are NaN throughout are not counted."""
    rounding = np.finfo(responses.dtype).eps if responses.dtype.kind == "f" else 0.0
    constant = seen.high - seen.low <= rounding * np.maximum(np.abs(seen.low), np.abs(seen.high))
    n = int(constant.sum())
    if n == constant.size:
        raise InputError(
            f"all {n} neuroids are constant: the responses never vary; check what was recorded or selected"
        )
    if n:
        over = responses.dims[:-1]
        warnings.warn(
            f"{n} of {constant.size} neuroids are constant and carry nothing, but count as neuroids: neuroid_id "
            f"{first_few(names[constant])}; drop them: "
            f"assembly.isel(neuroid=(assembly.max({over}) > assembly.min({over})).values)",
            stacklevel=4,
        )
    return n


def _check_copies(seen: _Seen, stimulus: np.ndarray, attrs: dict[Any, Any], warn: bool) -> tuple[int, int]:
    """Stimuli shown repeatedly, and those of them with two presentations that agree to rounding."""
    rows = np.flatnonzero((stimulus >= 0) & seen.shown)
    rows = rows[np.lexsort((seen.fingerprint[rows, 0], stimulus[rows]))]  # copies become neighbours
    shown, marks = stimulus[rows], seen.fingerprint[rows]
    repeated = int((np.bincount(shown, minlength=1) > 1).sum())
    if repeated == 0:
        return 0, 0
    close = COPY_TOLERANCE * marks.std(axis=0)
    agree = (np.abs(np.diff(marks, axis=0)) <= close).all(axis=1) & (shown[1:] == shown[:-1])
    n_copied = int(np.unique(shown[1:][agree]).size)
    # Few neuroids with few counts, or silence, agree by chance: as often between stimuli as within.
    first = marks[np.r_[True, shown[1:] != shown[:-1]]]
    equal = np.unique(np.round(first / np.where(close > 0, close, 1)), axis=0, return_counts=True)[1]
    chance = float((equal * (equal - 1)).sum()) / max(len(first) * (len(first) - 1), 1)
    least = 0.5 if seen.whole and seen.low.size < FEW_NEUROIDS else 0.01
    noise_free = attrs.get("source") == "simulation" and attrs.get("signal_fraction") == 1
    if n_copied / repeated > max(least, 5 * chance) and warn and not noise_free:
        warnings.warn(
            f"{n_copied} of {repeated} repeated stimuli have presentations that are copies of each other, as if "
            "exported twice: what is cross-validated between copies is PCA, all noise counts as signal; export the "
            "single presentations again, or use eigenspectrum if the responses have no trial noise",
            stacklevel=4,
        )
    return repeated, n_copied
