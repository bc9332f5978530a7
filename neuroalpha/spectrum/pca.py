"""Eigenspectrum of an assembly: exact, all ranks, from the smaller side of the matrix."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection

import numpy as np
import xarray as xr
from tqdm import tqdm

from neuroalpha._checks import check_seed
from neuroalpha.assembly import check_assembly, drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum import gram, twin
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.resample import check_center, check_resampling, draw_fraction, subsets
from neuroalpha.spectrum.result import check_values, make_spectrum, pad


def eigenspectrum(
    assembly: xr.DataArray,
    *,
    center: bool = True,
    n_draws: int = 32,
    resample: Collection[str] = ("stimulus", "neuroid"),
    fraction: float | None = None,
    seed: int = 0,
    device: str | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Eigenvalues of the covariance of a population's responses (PCA), all of them, exactly.

    Every presentation is one row. For a recording with repeats this counts trial noise as variance: use
    :func:`neuroalpha.cvpca`, or average first with ``neuroalpha.repeats(assembly, 1)[0]``.

    Parameters
    ----------
    assembly : DataArray (presentation, neuroid)
        Or (stimulus, neuroid), as one repeat of :func:`neuroalpha.repeats`. May be lazy (dask); it is read in blocks. A
        NaN counts as its neuroid's mean. Blank presentations are left out, and so are those that are NaN throughout.
    center : bool
        Subtract each neuroid's mean over presentations before the product (default).
    n_draws : int
        Subsamples for the interval, 32 by default; 0 for none.
    resample : collection of {"stimulus", "neuroid"}
        What the subsamples choose at random. All presentations of a stimulus go together.
    fraction : float, optional
        Share that each subsample keeps. Default: 0.5 from 1000 stimuli and neuroids on, else 0.8.
    seed : int
        Of the subsamples.
    device : str, optional
        None (default): numpy; ``"cpu"``, ``"cuda"``: torch on that device, in float64.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Dataset over ``component``
        ``eigenvalue`` (variance, units squared), descending; ``rank`` from 1; ``eigenvalue_draw`` (draw, component)
        with NaN past a draw's own rank; ``eigenvalue_low/high`` (95 % band). With n rows and p neuroids there are min(n
        - 1, p) components. attrs say how it was made.

    Raises
    ------
    InputError
        For neuroids that are NaN throughout, infinite values, or fewer than 2 rows.

    Notes
    -----
    Time: one product n p min(n, p), one eigenvalue problem of side min(n, p), and per draw fraction**3 of
    both. Memory: a float64 matrix of side min(n, p), up to 256 MiB of such matrices of subsamples, blocks of 32 MiB. A
    lazy assembly is read twice (means, product) and once more for as many subsamples as fit into those 256 MiB: 32 of
    them at 2000 presentations. Chunk it along ``neuroid`` if there are more neuroids than presentations, else along
    ``presentation``; a chunk of more than 256 MiB is read in parts.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(50, 30))
    >>> spectrum = na.eigenspectrum(na.make_assembly(x, stimulus_id=np.arange(50)), n_draws=0)
    >>> bool(np.allclose(spectrum.eigenvalue.sum(), x.var(axis=0, ddof=1).sum()))
    True
    """
    axes = check_resampling(resample, n_draws, fraction)
    check_center(center)
    check_seed(seed)
    if isinstance(assembly, xr.DataArray) and assembly.dims == ("stimulus", "neuroid"):
        assembly = assembly.rename(stimulus="presentation").assign_coords(
            repetition=("presentation", np.zeros(assembly.sizes["stimulus"], dtype=np.int64))
        )
    assembly = drop_blanks(check_assembly(assembly))
    _check_size(assembly)
    engine = twin.engine(device)
    assembly = _recorded(assembly, check_responses(assembly, needs_repeats=False).shown)
    _check_size(assembly)
    values = assembly.data
    n_rows, n_neuroids = values.shape
    means, missing = gram.column_means(values)
    n_missing = check_values(means, missing, n_rows, assembly.coords["neuroid_id"].values)
    size = min(n_rows - bool(center), n_neuroids)
    divisor = n_rows - bool(center)
    shift = means if center else 0.0
    eigenvalue = gram.eigenvalues(gram.smaller_side(values, shift, engine), size, engine) / divisor

    ids, stimulus = np.unique(assembly.coords["stimulus_id"].values.astype(str), return_inverse=True)
    used = fraction or draw_fraction(ids.size, n_neuroids)
    picks = [
        (np.flatnonzero(np.isin(stimulus.reshape(-1), stimuli)) if "stimulus" in axes else np.arange(n_rows), neuroids)
        for stimuli, neuroids in subsets(ids.size, n_neuroids, n_draws, used, axes, np.random.default_rng(seed))
    ]
    scatters = gram.subsample_scatters(values, shift, picks, center, engine)
    draws = np.empty((n_draws, size))
    hidden = not (progress and n_draws)
    for draw, scatter in enumerate(
        tqdm(scatters, total=n_draws, desc="PCA interval", unit="draw", disable=hidden, file=sys.stderr, delay=1)
    ):
        rows, neuroids = picks[draw]
        rank = min(rows.size - bool(center), neuroids.size)
        # Eigenvalues grow with the number of neuroids; the factor puts draws on the scale of the whole.
        scale = n_neuroids / neuroids.size / max(rows.size - bool(center), 1)
        draws[draw] = pad(gram.eigenvalues(scatter, rank, engine) * scale, size)
    return make_spectrum(
        eigenvalue,
        draws if n_draws else None,
        dict(assembly.attrs),
        estimator="pca",
        n_stimuli=int(ids.size),
        n_presentations=int(n_rows),
        n_neuroids=int(n_neuroids),
        n_missing_filled=n_missing,
        center="neuroid mean" if center else "none",
        resample="+".join(axes),
        draw_fraction=float(used),
        seed=int(seed),
        device=engine.device,
    )


def _check_size(assembly: xr.DataArray) -> None:
    n_rows, n_neuroids = assembly.shape
    if n_rows < 2 or n_neuroids < 1:
        raise InputError(f"a spectrum needs at least 2 presentations and 1 neuroid, got {n_rows} and {n_neuroids}")


def _recorded(assembly: xr.DataArray, shown: np.ndarray | None) -> xr.DataArray:
    """Leave out presentations in which nothing was recorded: as rows at the mean they would only dilute the rest."""
    if shown is None or shown.all() or not shown.any():
        return assembly
    warnings.warn(
        f"{int((~shown).sum())} of {shown.size} presentations are NaN in every neuroid and are left out", stacklevel=3
    )
    return assembly.isel(presentation=np.flatnonzero(shown))
