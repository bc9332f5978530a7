"""The data model: one labelled array for neural recordings and for network activations.

An assembly is a plain ``xarray.DataArray`` with dims ``("presentation", "neuroid")``, one-dimensional coordinates and
no MultiIndex, so that a million labelled neuroids cost what the labels weigh and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neuroalpha._text import duplicates, first_few, to_text
from neuroalpha.errors import InputError, nearest

DIMS = ("presentation", "neuroid")
SCHEMA = "neuroalpha-assembly-1"
REQUIRED = {"presentation": ("stimulus_id", "repetition"), "neuroid": ("neuroid_id",)}


def make_assembly(
    values: Any,
    *,
    stimulus_id: Sequence[Any] | np.ndarray,
    repetition: Sequence[int] | np.ndarray | None = None,
    neuroid_id: Sequence[Any] | np.ndarray | None = None,
    presentation: Mapping[str, Any] | None = None,
    neuroid: Mapping[str, Any] | None = None,
    attrs: Mapping[str, str | int | float] | None = None,
) -> xr.DataArray:
    """Put labels on a matrix of responses.

    Parameters
    ----------
    values : array (presentation, neuroid)
        Responses; NaN marks a missing trial. Floating dtypes are kept, integers become float64. A dask array stays
        lazy.
    stimulus_id : array (presentation,)
        Which stimulus each presentation showed; text, or numbers that become text.
    repetition : array of int (presentation,), optional
        0-based count of the showing of that stimulus, in time order. Default: counted in the order of the rows.
    neuroid_id : array (neuroid,), optional
        Unique name of each unit. Default: ``"000"``, ``"001"``, ...
    presentation, neuroid : mapping of name to array, optional
        Further coordinates along each dimension (``label``; ``region``, ``layer``, ``x``, ``y``, ``z`` in um, ...).
    attrs : mapping, optional
        ``identifier``, ``units``, ``source``, ``licence``, ...: text and numbers only, so that netCDF can hold them.

    Returns
    -------
    xarray.DataArray
        Checked by :func:`check_assembly`.

    Raises
    ------
    InputError
        When a label has the wrong length, an id is double, or an attribute is neither text nor number.

    Examples
    --------
    >>> import neuroalpha as na
    >>> responses = na.make_assembly([[0.1, 2.0], [0.3, 1.0]], stimulus_id=["cat", "cat"], neuroid={"x": [5.0, 7.5]})
    >>> responses.repetition.values, str(responses.neuroid_id.values[1])
    (array([0, 1]), '1')
    """
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    elif not isinstance(values, np.ndarray) and not hasattr(values, "dask"):
        values = np.asarray(values)
    if len(values.shape) != 2:
        raise InputError(
            f"an assembly has 2 dimensions (presentation, neuroid), but the values have shape {tuple(values.shape)}; "
            "use neuroalpha.read_array for arrays with a repeat dimension"
        )
    if values.dtype.kind in "biu":
        values = values.astype(np.float64)
    if values.dtype.kind != "f":
        raise InputError(f"responses must be real numbers, but the values have dtype {values.dtype}")
    n_presentations, n_neuroids = values.shape
    stimulus = to_text(stimulus_id, "stimulus_id")
    if repetition is None:
        repetition = count_repetitions(stimulus)
    if neuroid_id is None:
        neuroid_id = numbered("", n_neuroids)
    coords: dict[str, tuple[str, np.ndarray]] = {}
    given = {
        "presentation": {"stimulus_id": stimulus, "repetition": repetition, **(presentation or {})},
        "neuroid": {"neuroid_id": to_text(neuroid_id, "neuroid_id"), **(neuroid or {})},
    }
    for dim, size in (("presentation", n_presentations), ("neuroid", n_neuroids)):
        for name, labels in given[dim].items():
            labels = np.asarray(labels)
            if labels.shape != (size,):
                raise InputError(
                    f"coordinate {name!r} has shape {labels.shape}, but the values have {size} {dim}s: give one "
                    "label for each"
                )
            coords[name] = (dim, to_text(labels, name) if labels.dtype.kind in "OSU" else labels)
    return check_assembly(
        xr.DataArray(values, dims=DIMS, coords=coords, attrs={"schema": SCHEMA, **clean_attrs(attrs or {})})
    )


def check_assembly(assembly: xr.DataArray) -> xr.DataArray:
    """Return ``assembly`` unchanged if it fits the data model, else say in one line what to mend.

    Looks at labels only, never at the values: a million neuroids take some tens of milliseconds, and a lazy assembly
    stays lazy.

    Raises
    ------
    InputError
        For missing or wrongly ordered dims, missing coordinates, double ids or attributes that cannot be saved.

    Examples
    --------
    >>> import xarray as xr
    >>> import neuroalpha as na
    >>> na.check_assembly(xr.DataArray([[1.0, 2.0]], dims=("presentation", "neuroid")))
    Traceback (most recent call last):
    ...
    neuroalpha.errors.InputError: the assembly lacks the coordinate 'stimulus_id' along 'presentation'; add it with ...
    """
    if not isinstance(assembly, xr.DataArray):
        hint = "; take its variable, as in recording['responses']" if isinstance(assembly, xr.Dataset) else ""
        raise InputError(f"expected an assembly (xarray.DataArray), got {type(assembly).__name__}{hint}")
    if assembly.dims != DIMS:
        fix = "transpose it: assembly.transpose('presentation', 'neuroid')"
        if set(assembly.dims) != set(DIMS):
            fix = "make one with neuroalpha.make_assembly or neuroalpha.read_array"
        raise InputError(f"an assembly has dims {DIMS}, but this array has {assembly.dims}; {fix}")
    for dim, names in REQUIRED.items():
        for name in names:
            if name not in assembly.coords or assembly.coords[name].dims != (dim,):
                raise InputError(
                    f"the assembly lacks the coordinate {name!r} along {dim!r}; add it with "
                    f"assembly.assign_coords({name}=({dim!r}, labels))"
                )
    if assembly.dtype.kind != "f":
        raise InputError(
            f"an assembly holds floating point numbers, but this one has dtype {assembly.dtype}; use .astype"
        )
    repetition = assembly.coords["repetition"].values
    if repetition.dtype.kind not in "iu" or (repetition.size and repetition.min() < 0):
        raise InputError("the coordinate 'repetition' counts showings from 0 and must be non-negative integers")
    for name in ("stimulus_id", "neuroid_id"):
        if assembly.coords[name].dtype.kind not in "UO":
            raise InputError(f"the coordinate {name!r} must be text, but has dtype {assembly.coords[name].dtype}")
    _check_unique(assembly)
    clean_attrs(assembly.attrs)
    return assembly


def _check_unique(assembly: xr.DataArray) -> None:
    twice = duplicates(assembly.coords["neuroid_id"].values)
    if twice.size:
        raise InputError(f"neuroid_id must be unique, but {first_few(twice)} occur more than once; rename or drop them")
    stimulus = np.unique(assembly.coords["stimulus_id"].values.astype(str), return_inverse=True)[1].reshape(-1)
    repetition = assembly.coords["repetition"].values.astype(np.int64)
    showing = stimulus * (int(repetition.max(initial=0)) + 1) + repetition
    _, first, counts = np.unique(showing, return_index=True, return_counts=True)
    if (counts > 1).any():
        where = first[counts > 1][0]
        name = str(assembly.coords["stimulus_id"].values[where])
        raise InputError(
            f"{int((counts > 1).sum())} showings are double: stimulus_id {name!r} has "
            f"repetition {int(repetition[where])} more than once; number each stimulus' showings 0, 1, 2, ... in time"
        )


def clean_attrs(attrs: Mapping[str, Any]) -> dict[str, str | int | float]:
    """Return ``attrs`` with numpy scalars made plain; raise :class:`InputError` for what netCDF could not hold."""
    clean: dict[str, str | int | float] = {}
    for name, value in attrs.items():
        plain = value.item() if isinstance(value, np.generic) else value
        if isinstance(plain, bool) or not isinstance(plain, str | int | float):
            raise InputError(
                f"attribute {name!r} is {type(value).__name__}; attributes hold text and numbers only, write "
                "lists as JSON text and True as 1"
            )
        clean[str(name)] = plain
    return clean


def subset(assembly: xr.DataArray, **labels: Any) -> xr.DataArray:
    """Select by label, as a view without copying where the selected block is contiguous.

    ``subset(net, layer="layer3")`` equals ``net.sel(neuroid=net.layer == "layer3")``, but a layer of extracted
    activations is one contiguous block, and then no activation is copied.

    Parameters
    ----------
    assembly : DataArray
        An assembly.
    **labels
        Coordinate name and the value, or list of values, to keep.

    Raises
    ------
    InputError
        For an unknown coordinate or a value that does not occur (the nearest ones are suggested).

    Examples
    --------
    >>> import neuroalpha as na
    >>> net = na.make_assembly([[1.0, 2.0, 3.0]], stimulus_id=["a"], neuroid={"layer": ["conv", "conv", "fc"]})
    >>> na.subset(net, layer="fc").values
    array([[3.]])
    """
    for name, wanted in labels.items():
        if name not in assembly.coords or len(assembly.coords[name].dims) != 1:
            raise InputError(f"no coordinate {name!r} to select by" + nearest(name, map(str, assembly.coords)))
        coord = assembly.coords[name]
        many = isinstance(wanted, list | tuple | np.ndarray)
        keep = np.isin(coord.values, np.asarray(wanted)) if many else coord.values == wanted
        index = np.flatnonzero(keep)
        if index.size == 0:
            known = [str(v) for v in np.unique(coord.values.astype(str))[:1000]]
            raise InputError(
                f"no {coord.dims[0]} has {name} {wanted!r}"
                + (nearest(str(wanted), known) or f"; there are {first_few(known)}")
            )
        contiguous = index[-1] - index[0] + 1 == index.size
        assembly = assembly.isel({coord.dims[0]: slice(int(index[0]), int(index[-1]) + 1) if contiguous else index})
    return assembly


def drop_blanks(assembly: xr.DataArray) -> xr.DataArray:
    """Leave out presentations whose coordinate ``blank`` is true: they showed no stimulus."""
    blank = blanks(assembly)
    return assembly.isel(presentation=np.flatnonzero(~blank)) if blank.any() else assembly


def blanks(assembly: xr.DataArray) -> np.ndarray:
    """Which presentations (presentation,) showed no stimulus, by the coordinate ``blank``; none without it.

    Raises
    ------
    InputError
        When ``blank`` is not boolean (the text "False" would count as true), or not along ``presentation``.
    """
    if "blank" not in assembly.coords:
        return np.zeros(assembly.sizes.get("presentation", 0), dtype=bool)
    coord = assembly.coords["blank"]
    if coord.dtype.kind != "b" or coord.dims != ("presentation",):
        raise InputError(
            f"the coordinate 'blank' has dtype {coord.dtype} and dims {coord.dims}; expected True or False for each "
            "presentation: assembly.assign_coords(blank=('presentation', flags.astype(bool)))"
        )
    return coord.values


def count_repetitions(stimulus_id: np.ndarray) -> np.ndarray:
    """Number the showings of each stimulus 0, 1, 2, ... in the order of the rows."""
    order = np.argsort(stimulus_id, kind="stable")
    ordered = stimulus_id[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if ordered.size else np.zeros(0, int)
    lengths = np.diff(np.r_[starts, ordered.size])
    counts = np.empty(ordered.size, dtype=np.int64)
    counts[order] = np.arange(ordered.size) - np.repeat(starts, lengths)
    return counts


def numbered(prefix: str, n: int, start: int = 0) -> np.ndarray:
    """Make ``n`` unicode ids ``prefix + zero-padded number``, fast enough for millions.

    Examples
    --------
    >>> [str(name) for name in numbered("conv1/", 2, start=9)]
    ['conv1/09', 'conv1/10']
    """
    width = max(1, len(str(max(start + n - 1, 0))))
    codes = np.empty((n, len(prefix) + width), dtype=np.uint32)
    codes[:, : len(prefix)] = [ord(letter) for letter in prefix]
    number = np.arange(start, start + n)
    for place in range(width):
        codes[:, len(prefix) + width - 1 - place] = ord("0") + (number // 10**place) % 10
    return codes.view(f"<U{len(prefix) + width}").reshape(n)
