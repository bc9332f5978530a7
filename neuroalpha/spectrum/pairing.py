"""Two sets of responses to the same stimuli, matched by ``stimulus_id``: repeats of a recording, or two populations."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from neuroalpha._text import duplicates, first_few
from neuroalpha.assembly import check_assembly, drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum.cvpca import two_repeats
from neuroalpha.spectrum.gram import column_means
from neuroalpha.spectrum.resample import subsets
from neuroalpha.spectrum.result import check_values
from neuroalpha.trials import repeats

SHOWN = ("repeat", "stimulus", "neuroid")
Attrs = dict[str, str | int | float]


class Population(NamedTuple):
    """Centred responses (stimulus, neuroid) in float64, one array for each repeat; NaN are their neuroid's mean."""

    repeats: list[np.ndarray]
    attrs: Attrs
    n_missing: int

    @property
    def n_stimuli(self) -> int:
        """How many stimuli, in the order of their ``stimulus_id``."""
        return int(self.repeats[0].shape[0])

    @property
    def n_neuroids(self) -> int:
        """How many neuroids."""
        return int(self.repeats[0].shape[1])


def one_recording(assembly: xr.DataArray) -> Population:
    """Two repeats of one recording, stimuli sorted by ``stimulus_id``."""
    halved = isinstance(assembly, xr.DataArray) and assembly.dims == SHOWN
    halves = recorded(two_repeats(assembly if halved else presentations(assembly)))
    return _population(halves.isel(stimulus=np.argsort(_ids(halves, "the recording"))))


def two_populations(a: xr.DataArray, b: xr.DataArray, n_repeats: int) -> tuple[Population, Population]:
    """Match two populations by ``stimulus_id``, sorted, each in at most ``n_repeats`` repeats.

    Raises
    ------
    InputError
        When no stimulus is in both.

    Warns
    -----
    UserWarning
        When only part of the stimuli is in both.
    """
    one, two = (_shown(assembly, n_repeats) for assembly in (a, b))
    ids = [_ids(shown, name) for shown, name in ((one, "a"), (two, "b"))]
    both, in_one, in_two = np.intersect1d(ids[0], ids[1], return_indices=True)
    if both.size == 0:
        raise InputError(
            f"a and b have no stimulus_id in common (a: {first_few(ids[0], 2)}; b: {first_few(ids[1], 2)}): name the "
            "stimuli alike, as in assembly.assign_coords(stimulus_id=('presentation', names))"
        )
    if both.size < max(ids[0].size, ids[1].size):
        warnings.warn(
            f"{both.size} stimuli are in both and used; {ids[0].size - both.size} are in a only and "
            f"{ids[1].size - both.size} in b only, and left out",
            stacklevel=3,
        )
    return _population(one.isel(stimulus=in_one)), _population(two.isel(stimulus=in_two))


def joint_attrs(a: Population, b: Population) -> Attrs:
    """What a result for two populations says of them: both names in one identifier."""
    names = [
        " ".join(str(p.attrs[key]) for key in ("identifier", "layer", "region") if p.attrs.get(key)) for p in (a, b)
    ]
    return {"identifier": f"{names[0] or 'a'} and {names[1] or 'b'}"}


def subsamples(
    populations: list[Population], n_draws: int, fraction: float, axes: Collection[str], rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Yield the stimuli kept, and the neuroids kept of each population, ``n_draws`` times."""
    n_stimuli = populations[0].n_stimuli
    for _ in range(n_draws):
        stimuli, first = next(subsets(n_stimuli, populations[0].n_neuroids, 1, fraction, axes, rng))
        others = [next(subsets(n_stimuli, p.n_neuroids, 1, fraction, axes, rng))[1] for p in populations[1:]]
        yield stimuli, [first, *others]


def part(centred: np.ndarray, stimuli: np.ndarray, neuroids: np.ndarray) -> np.ndarray:
    """Responses of some neuroids to some stimuli, centred anew."""
    chosen = centred[stimuli][:, neuroids]
    return chosen - chosen.mean(axis=0)


def presentations(assembly: xr.DataArray) -> xr.DataArray:
    """Presentations of stimuli that hold a value: blanks and rows that are NaN throughout are none."""
    shown = drop_blanks(check_assembly(assembly))
    filled = ~np.asarray(np.isnan(shown.data).all(axis=1))
    if not filled.any():
        raise InputError(
            f"none of the {assembly.sizes['presentation']} presentations shows a stimulus and holds a value (blanks "
            "and presentations that are NaN throughout do not count); check what was selected"
        )
    return shown if filled.all() else shown.isel(presentation=filled)


def shown_repeatedly(assembly: xr.DataArray) -> bool:
    """Whether responses hold repeats of a stimulus."""
    if isinstance(assembly, xr.DataArray) and assembly.dims in (SHOWN, SHOWN[1:]):
        return assembly.sizes.get("repeat", 1) > 1
    ids = presentations(assembly).coords["stimulus_id"].values.astype(str)
    return bool(np.unique(ids).size < ids.size)


def recorded(shown: xr.DataArray) -> xr.DataArray:
    """Leave out stimuli that are NaN throughout in some repeat of (repeat, stimulus, neuroid), and say how many."""
    if shown.dtype.kind not in "fiub":
        raise InputError(f"responses must be real numbers, but these have dtype {shown.dtype}")
    if shown.size == 0:
        raise InputError(f"the responses are empty, of shape {shown.shape}; check what was selected")
    filled = ~np.asarray(np.isnan(shown.data).all(axis=2)).any(axis=0)
    if filled.all():
        return shown
    if not filled.any():
        raise InputError("no stimulus holds a value in every repeat; check what was selected")
    warnings.warn(
        f"{int((~filled).sum())} of {filled.size} stimuli are NaN throughout in a repeat, and left out", stacklevel=3
    )
    return shown.isel(stimulus=filled)


def check_neuroids(shown: xr.DataArray, name: str) -> None:
    """Refuse responses whose neuroids have no names."""
    _check_labels(shown, name, "neuroid_id", "neuroid")


def _shown(assembly: xr.DataArray, n: int) -> xr.DataArray:
    """Make (repeat, stimulus, neuroid) with ``n`` repeats where stimuli were repeated, else one."""
    if isinstance(assembly, xr.DataArray) and assembly.dims == SHOWN[1:]:
        return recorded(assembly.expand_dims("repeat"))
    if isinstance(assembly, xr.DataArray) and assembly.dims == SHOWN:
        if n >= assembly.sizes["repeat"]:
            return recorded(assembly)
        if n > 1:
            raise InputError(
                f"expected at most {n} repeats, got {assembly.sizes['repeat']}; use neuroalpha.repeats(assembly, {n})"
            )
        with warnings.catch_warnings():  # an entry that is missing in all repeats stays missing
            warnings.simplefilter("ignore", RuntimeWarning)
            values = np.nanmean(np.asarray(assembly.values, dtype=np.float64), axis=0, keepdims=True)
        return recorded(assembly.isel(repeat=[0]).copy(data=values))
    shown = presentations(assembly)
    return repeats(shown, n if shown_repeatedly(shown) else 1)


def _ids(shown: xr.DataArray, name: str) -> np.ndarray:
    _check_labels(shown, name, "stimulus_id", "stimulus")
    check_neuroids(shown, name)
    ids = shown.coords["stimulus_id"].values.astype(str)
    twice = duplicates(ids)
    if twice.size:
        raise InputError(f"{name} holds stimulus_id {first_few(twice)} more than once; average its repeats first")
    return ids


def _check_labels(shown: xr.DataArray, name: str, coord: str, dim: str) -> None:
    if coord not in shown.coords or shown.coords[coord].dims != (dim,):
        raise InputError(
            f"{name} lacks the coordinate {coord!r} along {dim!r}; make repeats with neuroalpha.repeats, or add it "
            f"with .assign_coords({coord}=({dim!r}, labels))"
        )


def _population(shown: xr.DataArray) -> Population:
    versions, n_missing = [], 0
    for repeat in range(shown.sizes["repeat"]):
        values = np.asarray(shown.values[repeat], dtype=np.float64)
        means, missing = column_means(values)
        n_missing += check_values(means, missing, values.shape[0], shown.coords["neuroid_id"].values)
        versions.append(np.nan_to_num(values - means, nan=0.0))
    return Population(versions, dict(shown.attrs), n_missing)
