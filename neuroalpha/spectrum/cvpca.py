"""Cross-validated PCA: the eigenspectrum of what a population repeats, without its trial noise."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Literal

import numpy as np
import xarray as xr
from tqdm import tqdm

from neuroalpha.assembly import drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum.crossval import cv_scatter, cv_scatter_python2019, swaps
from neuroalpha.spectrum.gram import column_means
from neuroalpha.spectrum.resample import check_resampling, draw_fraction, subsets
from neuroalpha.spectrum.result import check_values, make_spectrum, pad
from neuroalpha.trials import repeats

Convention = Literal["stringer2019", "python2019"]


def cvpca(
    assembly: xr.DataArray,
    *,
    n_shuffles: int = 10,
    seed: int = 0,
    convention: Convention = "stringer2019",
    center: bool = True,
    n_draws: int = 32,
    resample: Collection[str] = ("stimulus", "neuroid"),
    fraction: float | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Signal eigenspectrum by cross-validated PCA (Stringer et al. 2019).

    Principal components of one repeat, covariance with the other repeat along them: trial noise is independent between
    repeats and averages to zero. Values are negative where noise dominates, and stay negative.

    Parameters
    ----------
    assembly : DataArray (presentation, neuroid) or (repeat, stimulus, neuroid)
        An assembly is first split by :func:`neuroalpha.repeats` into Stringer's temporal halves; pass the result of
        ``repeats`` for another split. Blank presentations are left out. Preprocess recordings first
        (:func:`neuroalpha.preprocess`).
    n_shuffles : int
        Each shuffle swaps the two repeats of every stimulus with probability 1/2; results are averaged. 10 as
        published; 1 means no swapping.
    seed : int
        Of shuffles and subsamples.
    convention : {"stringer2019", "python2019"}
        The MATLAB that made the published figures (default), or the published notebook, which centres each stimulus
        across neuroids and keeps at most 1024 components: for comparison with its numbers only, a common offset per
        presentation breaks it. The notebook used 5 shuffles, ranks 12 to 500, and the absolute value of negative
        eigenvalues.
    center : bool
        Subtract each neuroid's mean over all stimuli and both repeats, once (default; swapping repeats leaves it the
        same).
    n_draws, resample, fraction
        Subsamples for the interval, as in :func:`neuroalpha.eigenspectrum`, each with the same shuffles.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Dataset over ``component``
        ``eigenvalue``: covariance between repeats (units squared, divided by stimuli - 1 so that identical repeats give
        the eigenvalues of PCA), in the order of the first repeat's components; ``eigenvalue_draw``,
        ``eigenvalue_low/high``; attrs say how it was made. min(stimuli, neuroids) components.

    Raises
    ------
    InputError
        When stimuli were shown once only, or neuroids are NaN throughout.

    Notes
    -----
    Known bias: low when trial noise is strong, most when signal and noise have different eigenvectors (true
    alpha 1 can read 0.64). The interval is that of the estimate, not of the truth. Time for S stimuli, N >= S neuroids:
    one product of (2 S)^2 N, an eigenproblem of side S per shuffle, and per draw fraction**3 of all
    of these. Memory: the joint Gram matrix, (2 S)^2 float64 (250 MB at 2800 stimuli), and the centred repeats.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, truth = na.simulate_recording(1.0, n_stimuli=200, n_neuroids=400, signal_fraction=0.5, seed=1)
    >>> spectrum = na.cvpca(na.preprocess(recording), n_draws=0)
    >>> spectrum.sizes["component"], spectrum.attrs["estimator"]
    (200, 'cvpca')
    """
    axes = check_resampling(resample, n_draws, fraction)
    if convention not in ("stringer2019", "python2019"):
        raise InputError(f"convention is {convention!r}; expected 'stringer2019' or 'python2019'")
    if n_shuffles < 1:
        raise InputError(f"n_shuffles is {n_shuffles}; expected at least 1 (which means no swapping)")
    halves = two_repeats(assembly)
    x, n_missing = centred_repeats(halves, center)
    _, n_stimuli, n_neuroids = x.shape
    rng = np.random.default_rng(seed)
    estimate = cv_scatter if convention == "stringer2019" else cv_scatter_python2019
    masks = swaps(n_stimuli, n_shuffles, rng)
    watched = tqdm(masks, desc="cvPCA shuffles", unit="shuffle", disable=not progress, file=sys.stderr, delay=1)
    eigenvalue = estimate(x, watched) / (n_stimuli - 1)

    used = fraction or draw_fraction(n_stimuli, n_neuroids)
    draws = np.empty((n_draws, eigenvalue.size))
    picked = subsets(n_stimuli, n_neuroids, n_draws, used, axes, rng)
    hidden = not (progress and n_draws)
    for draw, (stimuli, neuroids) in enumerate(
        tqdm(picked, total=n_draws, desc="cvPCA interval", unit="draw", disable=hidden, file=sys.stderr, delay=1)
    ):
        part = x[:, stimuli][:, :, neuroids]
        if center:
            part = part - part.mean(axis=(0, 1))
        # The estimate's own swaps, so that a draw differs from it by what was drawn and not by other swaps. Eigenvalues
        # grow with the number of neuroids; the factor puts draws on the scale of the whole.
        scale = n_neuroids / neuroids.size / (stimuli.size - 1)
        draws[draw] = pad(estimate(part, masks[:, stimuli]) * scale, eigenvalue.size)
    return make_spectrum(
        eigenvalue,
        draws if n_draws else None,
        dict(halves.attrs),
        estimator="cvpca",
        convention=convention,
        repeats_order=str(halves.attrs.get("order", "as given")),
        n_shuffles=int(n_shuffles),
        n_stimuli=int(n_stimuli),
        n_neuroids=int(n_neuroids),
        n_missing_filled=n_missing,
        center="neuroid mean over both repeats" if center else "none",
        resample="+".join(axes),
        draw_fraction=float(used),
        seed=int(seed),
    )


def two_repeats(assembly: xr.DataArray) -> xr.DataArray:
    """Return (repeat, stimulus, neuroid) with exactly two repeats, splitting an assembly where needed."""
    if isinstance(assembly, xr.DataArray) and assembly.dims == ("repeat", "stimulus", "neuroid"):
        if assembly.sizes["repeat"] != 2:
            raise InputError(f"expected 2 repeats, got {assembly.sizes['repeat']}; use neuroalpha.repeats(assembly, 2)")
        halves = assembly
    else:
        halves = repeats(drop_blanks(assembly) if isinstance(assembly, xr.DataArray) else assembly, 2)
    if halves.sizes["stimulus"] < 2:
        raise InputError("only one stimulus has two repeats; a spectrum needs at least 2 stimuli")
    return halves


def centred_repeats(halves: xr.DataArray, center: bool = True) -> tuple[np.ndarray, int]:
    """Centre values (2, S, N) over both repeats at once, in float64; NaN become the neuroid's mean and are counted."""
    values = np.asarray(halves.values, dtype=np.float64)
    means, missing = column_means(values.reshape(-1, values.shape[2]))
    n_missing = check_values(means, missing, 2 * values.shape[1], halves.coords["neuroid_id"].values)
    return np.nan_to_num(values - means if center else values, nan=0.0), n_missing
