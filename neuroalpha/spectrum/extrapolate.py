"""Alpha against the number of stimuli and of neuroids, and where it goes as they grow."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from tqdm import tqdm

from neuroalpha._checks import check_seed, share
from neuroalpha._checks import whole as whole_number
from neuroalpha.errors import InputError
from neuroalpha.spectrum.calibration_checks import LARGEST_LEVEL, check_recording, tell_new
from neuroalpha.spectrum.calibration_subject import responses_of
from neuroalpha.spectrum.estimators import check_fit_options, check_options, get_entry, get_estimator, options_of
from neuroalpha.spectrum.fit import AlphaFit, fit_alpha
from neuroalpha.spectrum.resample import AXES
from neuroalpha.spectrum.size_line import N_SIZES, halvings, size_line
from neuroalpha.spectrum.window import check_window

PLURAL = {"stimulus": "stimuli", "neuroid": "neuroids"}


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """Alpha of subsets, and the lines through them."""

    lines: pd.DataFrame
    """One row for each axis, and "both" where there are two: ``axis``, ``alpha`` (at infinite size), ``low``, ``high``,
    ``slope`` (alpha = alpha + slope / size), ``alpha_full`` (all the data), ``smallest`` (size on the line),
    ``worst_residual``."""
    table: pd.DataFrame = field(repr=False)
    """One row for each subset: ``axis``, ``size``, ``fraction``, ``subset``, ``alpha``, ``first``, ``last``,
    ``n_stimuli``, ``n_neuroids``."""
    full: AlphaFit = field(repr=False)
    """The fit to all the data."""
    estimator: str
    """Name of the estimator."""
    ranks: str
    """The window, or the rule by which it changes with size."""
    level: float
    """Of the intervals."""
    seed: int
    """Of the subsets."""

    def to_frame(self) -> pd.DataFrame:
        """One row for each line, with how it was made."""
        return self.lines.assign(
            identifier=self.full.identifier,
            estimator=self.estimator,
            ranks=self.ranks,
            level=self.level,
            seed=self.seed,
            software=self.full.software,
        )


def extrapolate(
    assembly: xr.DataArray | xr.Dataset,
    *,
    estimator: str = "auto",
    ranks: tuple[int, int] | Literal["fixed", "stringer2019"] = "fixed",
    axis: str | Collection[str] = AXES,
    n_subsets: int = 8,
    n_draws: int = 32,
    level: float = 0.95,
    estimator_options: Mapping[str, Any] | None = None,
    fit_options: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Extrapolation:
    """Measure alpha on 1, 1/2, 1/4, ... of the stimuli and of the neuroids, and extrapolate in 1 / size.

    The line goes through the means of the whole, the halves and the quarters, weighted by size squared; smaller sizes
    are measured to show what becomes of it.

    Parameters
    ----------
    assembly : DataArray (presentation, neuroid) or (repeat, stimulus, neuroid), or Dataset
        Preprocessed as for the estimator.
    estimator : {"auto", "pca", "cvpca", "meme", "heldout"}
        "auto": "cvpca" where stimuli were repeated, else "pca".
    ranks : (int, int), "fixed" or "stringer2019"
        A line in 1 / size says something of size only if the window stays: one window for all subsets, given, or
        "fixed" (default): 11 (4 below half a decade) to the least of 500, a sixteenth of what is subsampled and an
        eighth of what is not. In simulations the line then led nearer to the truth; wider windows reach ranks where
        small subsets read too high instead of too low. Sizes go down while the window ends within half of the smaller
        of both numbers. "stringer2019" is the rule of the published subsampling: 11 to max(12, min(500, .55 m)) for the
        smaller number m, so that small subsets are read at low ranks; for comparison with that figure.
    axis : "stimulus", "neuroid" or both
        What is subsampled; the other axis stays whole.
    n_subsets : int
        Random subsets without replacement for each size below the whole; at least 2.
    n_draws : int
        Subsamples (of what ``axis`` names) behind the interval of the whole, 0 for no intervals.
    level : float
        Of the intervals.
    estimator_options, fit_options : mapping, optional
        Passed to the estimator and to :func:`neuroalpha.fit_alpha`.
    seed : int
        Of the subsets.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Extrapolation
        ``lines``, ``table``, ``full``.

    Raises
    ------
    InputError
        When an axis leaves fewer than 3 sizes that hold the window.

    Warns
    -----
    UserWarning
        When stimuli with fewer than two usable presentations are left out, because the estimator needs repeats; of
        what the estimator and the fit warn of for all the data (not for the subsets).

    Notes
    -----
    What the interval covers: subsets overlap, and all are parts of the same data, so the scatter of the points about
    the line says nothing of the sampling error. But averaged over subsets of any one size, alpha carries the same
    first-order sampling error as alpha of the whole (each stimulus and neuroid counts alike), and the limit is a
    weighted sum of such averages with weights of sum 1: its sampling error is, to first order, that of the whole.
    Intervals are therefore that of the whole, widened by the error of drawing ``n_subsets`` subsets (in simulations of
    PCA the limit scattered 1.05 to 1.35 times as much as alpha of the whole). They do not cover a curve that is no
    straight line in 1 / size, as for alpha below .75 with more neuroids than stimuli, where the limit corrects too
    little: see ``worst_residual`` and the figure. Noise axes that differ from the
    signal's bias cvPCA by an amount that 1 / stimuli removes only in part; :func:`neuroalpha.calibrate` undoes it.
    "both" adds the two shifts. Neuroids of a network layer are not a sample of more: use ``axis="stimulus"`` there.

    Time: n_subsets * (sum of 2^-k to 2^-3k) times one spectrum.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(800, 200)) * np.arange(1, 201) ** -0.5
    >>> found = na.extrapolate(na.make_assembly(x, stimulus_id=np.arange(800)), axis="stimulus", progress=False)
    >>> line = found.lines.iloc[0]
    >>> bool(abs(line["alpha"] - 1) < abs(line["alpha_full"] - 1)), found.table["size"].unique().tolist()
    (True, [800, 400, 200, 100, 50])
    """
    axes = _check_axes(axis)
    whole_number(n_subsets, "n_subsets", 2)
    whole_number(n_draws, "n_draws")
    share(level, "level", 0.5, LARGEST_LEVEL)
    check_seed(seed)
    fitting = check_fit_options(fit_options or {}, ("ranks", "level"))
    whole = responses_of(assembly)
    dims = {"stimulus": "stimulus" if "stimulus" in whole.dims else "presentation", "neuroid": "neuroid"}
    if estimator == "auto":
        estimator = "cvpca" if _is_repeated(whole) else "pca"
    get_entry(estimator)
    options = check_options(estimator, estimator_options or {})
    if "resample" in options_of(estimator):
        options = {"resample": axes, **options}
    bare = {**options, **get_entry(estimator).bare}
    if get_entry(estimator).needs_repeats:
        whole = _repeated(whole)
    told: set[str] = set()
    check_recording(whole, estimator, told)
    labels = whole.coords["stimulus_id"].values.astype(str)
    ids, stimulus = np.unique(labels, return_inverse=True)
    counts = {"stimulus": ids.size, "neuroid": whole.sizes["neuroid"]}
    window = _window(ranks, counts, axes)
    sizes = {name: _sizes(name, counts, window) for name in axes}

    def fit_whole() -> AlphaFit:
        warnings.filterwarnings("ignore", ".*reach past half")  # the published window is there by rule
        spectrum = get_estimator(estimator)(whole, **{**bare, "n_draws": n_draws})
        return fit_alpha(spectrum, window or _published(counts), level=level, **fitting)

    full = tell_new(fit_whole, told)
    jobs = [(name, size, subset) for name in axes for size in sizes[name][1:] for subset in range(n_subsets)]
    rows = [_row(name, counts[name], counts, 0, full.alpha, full.ranks) for name in axes]
    bar = tqdm(jobs, desc="extrapolate", unit="subset", disable=not progress, file=sys.stderr, delay=1)
    for name, size, subset in bar:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(AXES.index(name), size, subset)))
        chosen = np.sort(rng.choice(counts[name], size, replace=False))
        if name == "stimulus" and dims[name] == "presentation":
            chosen = np.flatnonzero(np.isin(stimulus.reshape(-1), chosen))
        smaller = {**counts, name: size}
        alpha, used = _read(whole.isel({dims[name]: chosen}), estimator, bare, window or _published(smaller), fitting)
        rows.append(_row(name, size, smaller, subset, alpha, used, counts[name]))
    columns = ["axis", "size", "fraction", "subset", "alpha", "first", "last", "n_stimuli", "n_neuroids"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.sort_values(["axis", "size", "subset"], ascending=[False, False, True], ignore_index=True)
    return Extrapolation(
        lines=_lines(table, axes, full, level),
        table=table,
        full=full,
        estimator=estimator,
        ranks="stringer2019" if window is None else f"{window[0]}-{window[1]}",
        level=float(level),
        seed=int(seed),
    )


def _lines(table: pd.DataFrame, axes: tuple[str, ...], full: AlphaFit, level: float) -> pd.DataFrame:
    quantile = float(stats.norm.ppf(0.5 + level / 2))
    half = (full.high - full.low) / 2
    rows, shift, variance = [], 0.0, 0.0
    for name in axes:
        part = table[(table["axis"] == name) & np.isfinite(table["alpha"])]
        groups = [(size, each["alpha"].to_numpy()) for size, each in part.groupby("size", sort=True)]
        if len(groups) < N_SIZES:
            raise InputError(
                f"only {len(groups)} sizes of {PLURAL[name]} give a spectrum above noise, a line needs {N_SIZES}; "
                "use lower ranks, or the other axis only"
            )
        groups = groups[-N_SIZES:]
        line = size_line(np.array([size for size, _ in groups], dtype=np.float64), [each for _, each in groups])
        wide = float(np.hypot(half, quantile * line.error))
        ends = line.limit - wide, line.limit + wide
        rows.append((name, line.limit, *ends, line.slope, full.alpha, groups[0][0], line.worst))
        shift, variance = shift + line.limit - full.alpha, variance + line.error**2
    if len(axes) == 2:
        limit, wide = full.alpha + shift, float(np.hypot(half, quantile * np.sqrt(variance)))
        rows.append(("both", limit, limit - wide, limit + wide, np.nan, full.alpha, 0, np.nan))
    columns = ["axis", "alpha", "low", "high", "slope", "alpha_full", "smallest", "worst_residual"]
    return pd.DataFrame(rows, columns=columns)


def _read(
    part: xr.DataArray, estimator: str, options: Mapping[str, Any], window: tuple[int, int], fit_options: Any
) -> tuple[float, tuple[int, int]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        spectrum = get_estimator(estimator)(part, **options)
        check_window(window, spectrum.sizes["component"], spectrum.sizes["component"])
        try:
            return fit_alpha(spectrum, window, **fit_options).alpha, window
        except InputError:  # nothing above noise at this size
            return float("nan"), window


def _row(
    name: str, size: int, counts: Mapping[str, int], subset: int, alpha: float, ranks: tuple[int, int], of: int = 0
) -> tuple:
    return (name, size, size / (of or size), subset, alpha, *ranks, counts["stimulus"], counts["neuroid"])


def _window(ranks: Any, counts: Mapping[str, int], axes: tuple[str, ...]) -> tuple[int, int] | None:
    """One window for all sizes, or None where it changes with size."""
    if isinstance(ranks, str):
        if ranks == "stringer2019":
            return None
        if ranks == "fixed":
            last = min(500, *(counts[name] // (16 if name in axes else 8) for name in AXES))
            first = 11 if last >= 11 * np.sqrt(10) else 4
            if last < 2 * first:
                raise InputError(
                    f"{counts['stimulus']} stimuli and {counts['neuroid']} neuroids leave no window that a quarter of "
                    f"them could hold (ranks 4 to {last}); name one yourself, e.g. ranks=(2, 10), or one axis only"
                )
            return first, last
        raise InputError(f"ranks is {ranks!r}; expected (first, last), 'fixed' or 'stringer2019'")
    smaller = min(counts.values())
    return check_window(ranks, smaller, smaller)


def _published(counts: Mapping[str, int]) -> tuple[int, int]:
    """Window of the published subsampling figure (Stringer et al. 2019, fig2.m) for the smaller of both numbers."""
    return 11, max(12, min(500, round(0.55 * min(counts.values()))))


def _sizes(name: str, counts: Mapping[str, int], window: tuple[int, int] | None) -> list[int]:
    """Halvings of one axis that still hold the window in the lower half of their ranks (or 22 published ranks)."""
    smallest = 40 if window is None else 2 * window[1]
    other = min(n for each, n in counts.items() if each != name)
    sizes = halvings(counts[name], smallest) if other >= smallest else []
    if len(sizes) < N_SIZES:
        raise InputError(
            f"{counts['stimulus']} stimuli and {counts['neuroid']} neuroids leave {len(sizes)} sizes of {PLURAL[name]} "
            f"that hold {'the published window' if window is None else f'ranks {window[0]} to {window[1]}'} in the "
            f"lower half of their ranks, a line needs {N_SIZES}; use lower ranks, or the other axis only"
        )
    return sizes


def _check_axes(axis: str | Collection[str]) -> tuple[str, ...]:
    axes = (axis,) if isinstance(axis, str) else tuple(axis)
    if not axes or not set(axes) <= set(AXES):
        raise InputError(f"axis is {axis!r}; expected 'stimulus', 'neuroid' or both")
    return tuple(name for name in AXES if name in axes)


def _repeated(responses: xr.DataArray) -> xr.DataArray:
    """Keep the stimuli with two usable presentations, so that a subset holds as many stimuli as it says."""
    filled = ~np.isnan(np.asarray(responses.values)).all(axis=-1)
    if "presentation" in responses.dims:
        stimulus = np.unique(responses.coords["stimulus_id"].values.astype(str), return_inverse=True)[1].reshape(-1)
        kept = np.bincount(stimulus, weights=filled) > 1
        part = {"presentation": np.flatnonzero(kept[stimulus])}
    else:
        kept = np.atleast_2d(filled).sum(axis=0) > 1
        part = {"stimulus": np.flatnonzero(kept)}
    if kept.all() or not kept.any():  # none: the check that follows says why that may be
        return responses
    warnings.warn(
        f"{int((~kept).sum())} of {kept.size} stimuli have fewer than 2 usable presentations and are left out",
        stacklevel=3,
    )
    return responses.isel(part)


def _is_repeated(assembly: xr.DataArray) -> bool:
    if "presentation" in assembly.dims:
        ids = assembly.coords["stimulus_id"].values.astype(str)
        return np.unique(ids).size < ids.size
    return assembly.sizes.get("repeat", 1) > 1
