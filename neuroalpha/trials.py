"""From presentations to repeats: every stimulus averaged within n disjoint sets of its presentations."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, whole
from neuroalpha.assembly import check_assembly
from neuroalpha.errors import InputError
from neuroalpha.spectrum.blocks import column_blocks, slices

Order = Literal["time", "interleaved", "random"]


def repeats(assembly: xr.DataArray, n: int = 2, order: Order = "time", seed: int = 0) -> xr.DataArray:
    """Average each stimulus within ``n`` disjoint sets of its presentations.

    Whole presentations are dealt to the sets, the same way for all neuroids, so that noise that neuroids share within
    one presentation never enters two sets. A missing value (NaN) is left out of its own neuroid's average only; where a
    neuroid has no value in a set, the entry stays NaN. Only a stimulus with fewer than ``n`` usable presentations (at
    least one neuroid recorded) is dropped.

    Parameters
    ----------
    assembly : DataArray (presentation, neuroid)
        See :func:`neuroalpha.make_assembly`. Presentations are ordered by ``repetition`` within each stimulus. May be
        lazy (dask): the result is then lazy too, a chunk of neuroids at a time.
    n : int
        How many sets. ``n=1`` averages all presentations of each stimulus.
    order : {"time", "interleaved", "random"}
        ``"time"`` (default) is the rule of Stringer et al. 2019 (compute_means.m): with t presentations, set k
        (1-based) takes presentations ``ceil(t (k-1) / n) + (1 .. floor(t / n))``; of three, the first and the third are
        used. ``"interleaved"`` deals them in turn, ``"random"`` shuffles each stimulus' presentations first.
    seed : int
        For ``order="random"``.

    Returns
    -------
    DataArray (repeat, stimulus, neuroid)
        Stimuli sorted by ``stimulus_id``. Coordinates that are constant for a stimulus are kept. ``attrs`` hold
        ``n_stimuli_dropped`` (too few presentations), ``n_presentations_unused``, ``n_missing`` (NaN entries left; not
        counted in a lazy assembly), ``order`` and ``seed``.

    Raises
    ------
    InputError
        If no stimulus has ``n`` presentations.

    Notes
    -----
    Needs the assembly in memory once, and its result; of a lazy assembly one chunk of neuroids of all presentations,
    so chunk it along ``neuroid``.

    Examples
    --------
    >>> import neuroalpha as na
    >>> trials = na.make_assembly([[1.0], [3.0], [5.0], [7.0]], stimulus_id=["a", "a", "a", "b"])
    >>> halves = na.repeats(trials)
    >>> halves.values[:, 0, 0], halves.attrs["n_stimuli_dropped"]
    (array([1., 5.]), 1)
    """
    dealt = split(assembly, n, order, seed)
    coords, attrs = dealt.coords, dict(dealt.attrs)
    if hasattr(assembly.data, "dask"):
        means = _lazy_means(dealt)
    else:
        means = dealt[..., :]
        attrs["n_missing"] = int(np.isnan(means).sum())
    return xr.DataArray(means, dims=("repeat", "stimulus", "neuroid"), coords=coords, attrs=attrs)


@dataclass(frozen=True)
class Split:
    """Presentations dealt to repeats, whose averages are computed a block of neuroids at a time: ``split[..., 0:100]``.

    ``values`` (presentation, neuroid) may be dask; ``shape`` is (repeat, stimulus, neuroid).
    """

    values: Any
    stimulus: np.ndarray
    sets: np.ndarray
    kept: np.ndarray
    shape: tuple[int, int, int]
    coords: dict[str, tuple[str, np.ndarray]]
    attrs: dict[str, Any]

    def __getitem__(self, where: tuple[Any, slice]) -> np.ndarray:
        """Averages (repeat, stimulus, neuroid) of a slice of neuroids."""
        block = np.asarray(self.values[:, where[1]])
        return set_means(block, self.stimulus, self.sets, self.shape[0])[:, self.kept]

    @property
    def dtype(self) -> Any:
        """That of the responses."""
        return self.values.dtype

    def __getattr__(self, name: str) -> Any:
        """``dask`` and ``chunks`` are there if the responses are lazy, which is how readers tell."""
        if name == "dask":
            return self.values.dask
        if name == "chunks":
            return ((self.shape[0],), (self.shape[1],), self.values.chunks[1])
        raise AttributeError(name)


def split(assembly: xr.DataArray, n: int = 2, order: Order = "time", seed: int = 0) -> Split:
    """Deal the presentations of each stimulus to ``n`` repeats, as :func:`repeats`, without averaging them yet.

    A lazy assembly is read only as far as needed to know that each presentation holds a value.
    """
    check_assembly(assembly)
    if order not in get_args(Order):
        raise InputError(f"order is {order!r}; expected one of {get_args(Order)}")
    n, seed = whole(n, "n", 1), check_seed(seed)
    values = assembly.data
    usable = np.zeros(values.shape[0], dtype=bool)
    for _, block in column_blocks(values):
        rows = np.flatnonzero(~usable)
        usable[rows] = ~np.isnan(block[rows]).all(axis=1)
        if usable.all():  # as a rule after the first block
            break
    ids, stimulus = np.unique(assembly.coords["stimulus_id"].values.astype(str), return_inverse=True)
    stimulus = stimulus.reshape(-1)
    sets = deal(stimulus, assembly.coords["repetition"].values, usable, n, order, np.random.default_rng(seed))
    kept = np.flatnonzero(np.bincount(stimulus[sets >= 0], minlength=ids.size))
    if kept.size == 0:
        most = int(np.bincount(stimulus[usable], minlength=1).max())
        raise InputError(
            f"no stimulus has {n} usable presentations (the most is {most}): cvPCA and reliability need repeated "
            "stimuli; "
            "use eigenspectrum for single presentations"
        )
    dropped = int(ids.size - kept.size)
    if dropped:
        warnings.warn(
            f"{dropped} of {ids.size} stimuli have fewer than {n} presentations and are dropped", stacklevel=3
        )
    attrs = {
        **assembly.attrs,
        "order": order,
        "n_stimuli_dropped": dropped,
        "n_presentations_unused": int((sets < 0).sum()),
    }
    if order == "random":
        attrs["repeats_seed"] = int(seed)
    coords = {**_stimulus_coords(assembly, stimulus, kept), **_neuroid_coords(assembly)}
    return Split(values, stimulus, sets, kept, (n, kept.size, values.shape[1]), coords, attrs)


def _lazy_means(dealt: Split) -> Any:
    """Averages as a dask array, one task for each chunk of neuroids."""
    import dask
    import dask.array

    average = dask.delayed(set_means, pure=False)
    blocks = []
    for columns in slices(dealt.shape[2], dealt.values.shape[0], dealt.values.chunks[1]):
        block = average(dealt.values[:, columns], dealt.stimulus, dealt.sets, dealt.shape[0])[:, dealt.kept]
        shape = (*dealt.shape[:2], columns.stop - columns.start)
        blocks.append(dask.array.from_delayed(block, shape=shape, dtype=dealt.dtype))
    return dask.array.concatenate(blocks, axis=2)


def deal(
    stimulus: np.ndarray, repetition: np.ndarray, usable: np.ndarray, n: int, order: Order, rng: np.random.Generator
) -> np.ndarray:
    """Deal presentations to sets 0..n-1; -1 marks a presentation that no set uses.

    All arguments are arrays (presentation,); ``stimulus`` holds indices. See :func:`repeats` for the rules.
    """
    sets = np.full(stimulus.size, -1)
    rows = np.flatnonzero(usable)
    tiebreak = rng.random(rows.size) if order == "random" else repetition[rows]
    rows = rows[np.lexsort((tiebreak, stimulus[rows]))]
    if rows.size == 0:
        return sets
    starts = np.flatnonzero(np.r_[True, np.diff(stimulus[rows]) != 0])
    trials = np.repeat(np.diff(np.r_[starts, rows.size]), np.diff(np.r_[starts, rows.size]))
    position = np.arange(rows.size) - np.repeat(starts, np.diff(np.r_[starts, rows.size]))
    size = trials // n
    dealt = np.full(rows.size, -1)
    if order == "interleaved":
        dealt = np.where(position < size * n, position % n, -1)
    else:
        for k in range(n):
            first = -(-trials * k // n)  # ceil(trials * k / n) in whole numbers
            dealt[(position >= first) & (position < first + size)] = k
    sets[rows] = np.where(size > 0, dealt, -1)
    return sets


def set_means(values: np.ndarray, stimulus: np.ndarray, sets: np.ndarray, n: int, block: int = 2048) -> np.ndarray:
    """Average ``values`` (presentation, neuroid) within each set of each stimulus: (n, stimulus, neuroid).

    NaN is left out; sums run in float64; entries without any value are NaN.
    """
    n_stimuli = int(stimulus.max()) + 1
    means = np.full((n, n_stimuli, values.shape[1]), np.nan, dtype=np.result_type(values.dtype, np.float32))
    for k in range(n):
        rows = np.flatnonzero(sets == k)
        if rows.size == 0:
            continue
        rows = rows[np.argsort(stimulus[rows], kind="stable")]
        starts = np.flatnonzero(np.r_[True, np.diff(stimulus[rows]) != 0])
        which = stimulus[rows][starts]
        for first in range(0, values.shape[1], block):
            part = values[rows, first : first + block].astype(np.float64)
            missing = np.isnan(part)
            part[missing] = 0.0
            total = np.add.reduceat(part, starts, axis=0)
            number = np.add.reduceat(~missing, starts, axis=0, dtype=np.int64)
            mean = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
            means[k, which, first : first + block] = mean
    return means


def _stimulus_coords(
    assembly: xr.DataArray, stimulus: np.ndarray, kept: np.ndarray
) -> dict[str, tuple[str, np.ndarray]]:
    """Coordinates along presentation that have one value for each stimulus."""
    first = np.full(int(stimulus.max()) + 1, -1)
    first[stimulus[::-1]] = np.arange(stimulus.size)[::-1]
    coords = {}
    for name, coord in assembly.coords.items():
        if coord.dims != ("presentation",) or name == "repetition":
            continue
        values = coord.values
        same = values == values[first[stimulus]]
        if values.dtype.kind == "f":
            same = same | (np.isnan(values) & np.isnan(values[first[stimulus]]))
        if np.all(same):
            coords[str(name)] = ("stimulus", values[first[kept]])
    return coords


def _neuroid_coords(assembly: xr.DataArray) -> dict[str, tuple[str, np.ndarray]]:
    return {str(name): ("neuroid", c.values) for name, c in assembly.coords.items() if c.dims == ("neuroid",)}
