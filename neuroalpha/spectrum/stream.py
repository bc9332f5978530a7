"""Eigenspectrum of responses that come in batches, none of which is kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, whole
from neuroalpha.assembly import clean_attrs
from neuroalpha.errors import InputError
from neuroalpha.spectrum import moments, twin
from neuroalpha.spectrum.crossgram import SINGLE
from neuroalpha.spectrum.moments import Moments
from neuroalpha.spectrum.resample import check_center
from neuroalpha.spectrum.result import make_spectrum

STAGE_BYTES = 64 * 2**20  # small batches are put together up to this before they are multiplied


def stream_spectrum(
    batches: Iterable[Any],
    *,
    center: bool = True,
    n_draws: int = 0,
    seed: int = 0,
    precision: Literal["float64", "float32"] = "float64",
    device: str | None = None,
    attrs: Mapping[str, str | int | float] | None = None,
) -> xr.Dataset:
    """Eigenvalues of the covariance of responses that come batch by batch: all of them, exactly, in flat memory.

    The same numbers as :func:`neuroalpha.eigenspectrum` of all rows together, whatever the batches and their order.

    Parameters
    ----------
    batches : iterable of array (row, neuroid)
        numpy, torch (on any device) or dask arrays, each row one stimulus; sizes may differ, all have the same
        neuroids. A generator is read once.
    center : bool
        Subtract each neuroid's mean over all rows (default).
    n_draws : int
        For an interval: the rows are dealt at random to this many groups (20 is usual, at least 5), and each draw
        leaves one out (delete-group jackknife). It tells how much the choice of stimuli matters, not that of
        neuroids, which a stream cannot take back. 0 (default): none.
    seed : int
        Of that deal.
    precision : {"float64", "float32"}
        ``"float32"``: float32 batches are multiplied in float32, after centring, and added up in float64: about
        1.6 times faster; eigenvalues are off by about 1e-7 of the largest one at most, typically far less.
    device : str, optional
        None (default): numpy; ``"cpu"``, ``"cuda"``: torch on that device, in float64. Give the device on which the
        batches are, and they are not copied.
    attrs : mapping, optional
        ``identifier``, ``model``, ``layer``, ...: kept in the spectrum.

    Returns
    -------
    Dataset over ``component``
        As :func:`neuroalpha.eigenspectrum`, ``estimator`` "pca", min(rows - 1, neuroids) components.

    Raises
    ------
    InputError
        For batches of unlike width, fewer than 2 rows, NaN or infinite values (a missing value would have to become
        its neuroid's mean, which is not known before the end), at the batch where it shows; for neuroids that are all
        constant.

    Warns
    -----
    UserWarning
        When some neuroids are constant.

    Notes
    -----
    Memory: the (neuroid, neuroid) product in float64, again for the eigenvalues, and a batch; with an interval as many
    more products as draws. Time: rows * neuroids**2, half of a full product, and one eigenvalue problem.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(300, 20))
    >>> streamed = na.stream_spectrum(x[start : start + 64] for start in range(0, 300, 64))
    >>> whole = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(300)), n_draws=0)
    >>> bool(np.allclose(streamed.eigenvalue, whole.eigenvalue, rtol=1e-12))
    True
    """
    if precision not in ("float64", "float32"):
        raise InputError(f"precision is {precision!r}; expected 'float64' or 'float32'")
    check_center(center)
    check_seed(seed)
    if isinstance(batches, (xr.DataArray, xr.Dataset, str, bytes, Mapping)) or not isinstance(batches, Iterable):
        raise InputError(
            f"batches is {type(batches).__name__}; expected an iterable of arrays (row, neuroid), as a list or a "
            "generator; for an assembly use eigenspectrum"
        )
    if attrs is not None and not isinstance(attrs, Mapping):
        raise InputError(f"attrs is {attrs!r}; expected a mapping of text to text and numbers")
    kept = clean_attrs(attrs or {})
    if 0 < whole(n_draws, "n_draws") < 5:
        raise InputError(f"n_draws is {n_draws}; a jackknife needs at least 5 groups (20 is usual), or 0 for none")
    engine = SINGLE if device is None and precision == "float32" else twin.engine(device)
    rng = np.random.default_rng(seed)
    groups: list[Moments] = []
    n_neuroids = 0
    first, constant = np.empty(0), np.empty(0, dtype=np.int64)
    for batch in _staged(_checked(batches, device)):
        if not groups:
            n_neuroids = batch.shape[1]
            groups = [moments.empty(n_neuroids, engine) for _ in range(max(n_draws, 1))]
            constant = np.arange(n_neuroids)
        if batch.shape[0]:
            first = first if first.size else _first(batch)
            constant = _still_constant(constant, first, batch)
        dealt = rng.integers(n_draws, size=batch.shape[0]) if n_draws else None
        for group in range(len(groups)):
            part = batch if dealt is None else batch[np.flatnonzero(dealt == group)]
            groups[group] = moments.update(groups[group], part, engine)
            if not np.isfinite(groups[group].total).all():
                _refuse(groups[group].total)
    merged = groups[0] if groups else None
    for other in groups[1:]:
        merged = moments.merge(merged, other, engine)  # type: ignore[arg-type]
    if merged is None or merged.count < 2:
        raise InputError(f"a spectrum needs at least 2 rows, the batches hold {0 if merged is None else merged.count}")
    _check_varies(constant, n_neuroids)
    eigenvalue = moments.eigenvalues(merged, center, engine)
    return make_spectrum(
        eigenvalue,
        _leave_one_out(groups, center, engine, eigenvalue.size) if n_draws else None,
        dict(kept),
        estimator="pca",
        n_stimuli=merged.count,
        n_presentations=merged.count,
        n_neuroids=n_neuroids,
        n_missing_filled=0,
        center="neuroid mean" if center else "none",
        resample="stimulus",
        # With g groups the jackknife's standard error is (g - 1) / sqrt(g) times the spread of the draws; a share f
        # kept gives sqrt(f / (1 - f)) times: f / (1 - f) = (g - 1)^2 / g.
        draw_fraction=float((n_draws - 1) ** 2 / ((n_draws - 1) ** 2 + n_draws)) if n_draws else 1.0,
        seed=int(seed),
        precision="float64" if engine is not SINGLE else "float32",
        device=engine.device,
    )


def _first(batch: Any) -> np.ndarray:
    """First row (column,) of a batch, numpy or torch, as numpy in float64."""
    return batch[0].astype(np.float64) if isinstance(batch, np.ndarray) else batch[0].double().cpu().numpy()


def _still_constant(constant: np.ndarray, first: np.ndarray, batch: Any) -> np.ndarray:
    """Those of the columns ``constant`` in which every row of ``batch`` (numpy or torch) equals the first row of all.

    Compared exactly: from moments, a column that differs in its last digit is not told from rounding. Few rows first,
    then more: most columns drop out at once, and nothing is left to read.
    """
    start, step = 0, 16
    while constant.size and start < batch.shape[0]:
        rows = batch[start : start + step]
        rows = rows if constant.size == first.size else rows[:, constant]
        constant = constant[_equal(rows, first[constant])]
        start, step = start + step, 4 * step
    return constant


def _equal(rows: Any, one: np.ndarray) -> np.ndarray:
    """Whether all rows (row, column), numpy or torch, equal the row ``one`` (column,) in float64: (column,)."""
    if isinstance(rows, np.ndarray):
        return (rows.astype(np.float64, copy=False) == one).all(axis=0)
    rows = rows.double()
    return (rows == rows.new_tensor(one)).all(dim=0).cpu().numpy()


def _check_varies(constant: np.ndarray, n_neuroids: int) -> None:
    """Refuse rows that are all alike; warn of columns that never vary."""
    n = constant.size
    if n == n_neuroids:
        raise InputError(f"all {n} neuroids are constant: the rows never vary; check what was extracted")
    if n:
        warnings.warn(
            f"{n} of {n_neuroids} neuroids are constant and carry nothing, but count as neuroids: the first is column "
            f"{constant[0]}; drop them",
            stacklevel=3,
        )


def _leave_one_out(groups: list[Moments], center: bool, engine: Any, size: int) -> np.ndarray:
    """Eigenvalues (draw, component) without one group each, from merges of the groups before and after it."""
    draws = np.empty((len(groups), size))
    for left_out in range(len(groups)):
        rest = None
        for position, group in enumerate(groups):
            if position != left_out:
                rest = group if rest is None else moments.merge(rest, group, engine)
        found = moments.eigenvalues(rest, center, engine)  # type: ignore[arg-type]
        draws[left_out] = np.r_[found[:size], np.full(max(0, size - found.size), np.nan)]
    return draws


def _checked(batches: Iterable[Any], device: str | None) -> Iterator[Any]:
    """Each batch as numpy, or as it is where torch multiplies it; its shape is checked."""
    width = None
    for number, batch in enumerate(batches):
        if hasattr(batch, "dask") or isinstance(batch, xr.DataArray):
            batch = np.asarray(batch)
        elif hasattr(batch, "detach"):
            batch = batch.detach() if device is not None else batch.detach().cpu().numpy()
        elif not isinstance(batch, np.ndarray):
            batch = np.asarray(batch)
        if batch.ndim != 2:
            raise InputError(
                f"batch {number} has shape {tuple(batch.shape)}; expected (row, neuroid): flatten the rest"
            )
        kind = batch.dtype.kind if isinstance(batch, np.ndarray) else "c" if batch.is_complex() else "f"
        if kind not in "fiub":
            raise InputError(f"batch {number} holds {batch.dtype} values; responses must be real numbers")
        if batch.shape[1] == 0:
            raise InputError(f"batch {number} has no neuroids: its shape is {tuple(batch.shape)}")
        if width is not None and batch.shape[1] != width:
            raise InputError(f"batch {number} has {batch.shape[1]} neuroids, the ones before have {width}")
        width = batch.shape[1]
        yield batch


def _staged(batches: Iterator[Any]) -> Iterator[Any]:
    """Put small numpy batches together; many small products would each be added up. What is handed out is reused."""
    stage, filled = np.empty((0, 0)), 0
    for batch in batches:
        if not isinstance(batch, np.ndarray):
            yield batch
            continue
        if batch.dtype != stage.dtype or batch.shape[1] != stage.shape[1]:
            if filled:
                yield stage[:filled]
            rows = max(1, STAGE_BYTES // (batch.itemsize * max(batch.shape[1], 1)))
            stage, filled = np.empty((rows, batch.shape[1]), dtype=batch.dtype), 0
        while batch.shape[0]:
            if not filled and batch.shape[0] >= stage.shape[0]:
                yield batch
                break
            taken = min(batch.shape[0], stage.shape[0] - filled)
            stage[filled : filled + taken] = batch[:taken]
            batch, filled = batch[taken:], filled + taken
            if filled == stage.shape[0]:
                yield stage
                filled = 0
    if filled:
        yield stage[:filled]


def _refuse(total: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(total))
    raise InputError(
        f"{bad.size} of {total.size} neuroids hold NaN or infinite values (the first is column {bad[0]}); drop them, "
        "or extract activations in float32; eigenspectrum can fill NaN, a stream cannot"
    )
