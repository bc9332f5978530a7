"""Held-out cross-decomposition spectra: within a recording, between two, between a recording and a network."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

import numpy as np
import xarray as xr

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.spectrum import crossdecomposition as kernel
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.heldout_common import (
    ABOVE_NULL,
    Null,
    bin_coords,
    check_options,
    make_folds,
    null_bins,
    p_value,
    watch,
)
from neuroalpha.spectrum.pairing import joint_attrs, one_recording, part, subsamples, two_populations
from neuroalpha.spectrum.powerlaw import geometric_bins
from neuroalpha.spectrum.resample import check_resampling, draw_fraction, standard_error
from neuroalpha.spectrum.result import make_spectrum, pad
from neuroalpha.spectrum.spectral_correlation import spectral_correlation
from neuroalpha.spectrum.threads import threads_for

__all__ = ["heldout_spectrum", "spectral_correlation"]


def heldout_spectrum(
    a: xr.DataArray,
    b: xr.DataArray | None = None,
    folds: int = 8,
    *,
    n_permutations: int = 1000,
    null: Null = "widened",
    bins_per_decade: int = 3,
    n_draws: int = 32,
    resample: Collection[str] = ("stimulus", "neuroid"),
    fraction: float | None = None,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """Covariance spectrum that generalises to stimuli held out, within one population or between two.

    The singular vectors of the cross-covariance of training stimuli, and the covariance along them over test stimuli
    (Gauthaman, Menard & Bonner's cross-decomposition; cvPCA tests on the stimuli that made its axes). Noise that is
    independent between the two sides adds variance and no bias upward; values are negative where nothing is shared.

    Parameters
    ----------
    a : DataArray (presentation, neuroid) or (repeat, stimulus, neuroid)
        Alone: a recording with repeats; repeat 1 against repeat 2 (:func:`neuroalpha.repeats`), the same neuroids.
    b : DataArray, optional
        A second population shown the same stimuli (matched by ``stimulus_id``), recorded or a network's. Each is
        averaged over its repeats. Where both were recorded at once, their noise is shared within a trial: pass one
        repeat of each, ``halves_a[:1]`` and ``halves_b[1:]`` of ``neuroalpha.repeats``. ``(net, net)`` gives a
        noise-free population's own spectrum.
    folds : int
        Random folds over stimuli, drawn after sorting by ``stimulus_id``: the order of rows changes nothing.
    n_permutations, null
        Shuffles of the pairing of a's and b's (or of the repeats') stimuli; 0 for no null. ``"fixed"``: as published,
        within each fold's test stimuli, axes kept. That is too narrow, because folds share training stimuli: of
        unrelated populations 10 to 17 % of bins come out below p = .05, not 5 (8 folds; more with more folds).
        ``"widened"`` (default) spreads it by the factor that a few shuffles with axes computed anew show (12 for six
        bins), which brings them to 2 to 5 %. ``"refit"`` computes the axes anew for every permutation: exact, and
        ``n_permutations`` times the cost of the estimate; 100 will do.
    bins_per_decade : int
        Of the geometric bins of ranks, from 1 on; 3 as published.
    n_draws, resample, fraction
        Subsamples for the intervals, as in :func:`neuroalpha.eigenspectrum`, each with the same folds.
    seed : int
        Of folds, permutations and subsamples.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Dataset over ``component`` and ``bin``
        ``eigenvalue``: covariance, in the scale of PCA's eigenvalues (for a = b without noise, the held-out variance
        along training axes; divide by ``sqrt(n_neuroids_a * n_neuroids_b)`` for the published scale), with
        ``eigenvalue_draw`` and ``eigenvalue_low/high``. Per bin: ``bin_eigenvalue`` (mean), ``bin_low/high`` (95 %;
        NaN past the subsamples' ranks), ``null_low/high`` (central 95 % of the permutations), ``p_value`` (one-sided,
        (1 + larger) / (1 + all)); coordinates ``bin_rank`` (geometric mean), ``bin_first``, ``bin_last``. attrs say how
        it was made, and ``n_bins_above_null`` (p <= .05), ``null_widening``. min(training stimuli - 1, neuroids of
        either) components.

    Raises
    ------
    InputError
        When ``stimulus_id`` do not meet, stimuli were shown once only (without ``b``), or are too few for the folds.

    Warns
    -----
    UserWarning
        When only part of the stimuli is in both, with counts.

    Notes
    -----
    Noise never raises the spectrum, but it blurs the axes, and blurred axes hold less of the signal: eigenvalues are
    low, most at high ranks, and alpha mostly high. Ranks 5 to 60 of 600 stimuli x 400 neuroids (signal share .15 to .5,
    noise white, aligned or independent): true .75 reads .65 to 1.49, 1 reads 1.04 to 1.44, 1.5 reads 1.58 to 2.13,
    where cvPCA reads .27 to .70, .81 to 1.00, .96 to 1.61 (means of 4 runs; 1.5 with
    aligned noise at share .15 could not be fitted). Exponents of different estimators should not be compared.

    Time for S stimuli, N >= S neuroids: a product S^2 N and an eigenproblem of side S for each side, a singular value
    decomposition of side min(S, N) per fold; all folds again for each refit, and fraction**3 of all for each draw.
    One core, all defaults: 1 s for 300 x 82, 12 s for 300 x 2000; 2800 x 10,000 takes about 15 minutes (extrapolated),
    half of it for the null, which ``null="fixed"`` saves. Memory: both sides in float64 and S x S matrices.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, truth = na.simulate_recording(1.0, n_stimuli=200, n_neuroids=150, signal_fraction=0.5, seed=1)
    >>> spectrum = na.heldout_spectrum(na.preprocess(recording), n_draws=0)
    >>> spectrum.sizes["component"], spectrum.sizes["bin"], bool(spectrum.p_value[0] < 0.01)
    (150, 7, True)
    """
    check_options(folds, bins_per_decade, seed)
    whole(n_permutations, "n_permutations")
    axes = check_resampling(resample, n_draws, fraction)
    if null not in get_args(Null):
        raise InputError(f"null is {null!r}; expected one of {get_args(Null)}")
    check_responses(a, needs_repeats=b is None)
    if b is not None:
        check_responses(b, needs_repeats=False)
    populations = [one_recording(a)] if b is None else list(two_populations(a, b, n_repeats=1))
    # Which population and which of its repeats stand on either side.
    sides = ((0, 0), (0, 1)) if b is None else ((0, 0), (1, 0))
    n_stimuli, sizes = populations[0].n_stimuli, [population.n_neuroids for population in populations]
    rng = np.random.default_rng(seed)
    fold = make_folds(n_stimuli, folds, rng)
    size = kernel.n_components(fold, *sizes)
    bins = geometric_bins(1, size, bins_per_decade)
    with threads_for(min(n_stimuli, max(sizes))):
        x, y = (kernel.coordinates(populations[which].repeats[repeat]) for which, repeat in sides)
        scores = list(watch(kernel.heldout_scores(x, y, fold, size), folds, "held-out folds", "fold", progress))
        shuffled, wider = np.empty((0, len(bins))), 1.0
        if n_permutations:
            shuffled, wider = null_bins(x, y, fold, scores, bins, n_permutations, null, rng, progress)

        used = fraction or draw_fraction(n_stimuli, min(sizes))
        draws = np.full((n_draws, size), np.nan)
        picked = subsamples(populations, n_draws, used, axes, rng)
        for draw, (stimuli, neuroids) in enumerate(watch(picked, n_draws, "held-out interval", "draw", progress)):
            own = min(size, kernel.n_components(fold[stimuli], *(kept.size for kept in neuroids)))
            if own < 1:
                continue
            parts = [x[stimuli], y[stimuli]]
            if "neuroid" in axes:
                parts = [
                    kernel.coordinates(part(populations[which].repeats[repeat], stimuli, neuroids[which]))
                    for which, repeat in sides
                ]
            # Covariances grow with the neuroids of either side; the factor puts draws on the scale of the whole.
            scale = float(np.prod([np.sqrt(sizes[which] / neuroids[which].size) for which, _ in sides]))
            draws[draw] = pad(kernel.heldout_covariance(parts[0], parts[1], fold[stimuli], own) * scale, size)
    spectrum = make_spectrum(
        kernel.pool(scores),
        draws if n_draws else None,
        populations[0].attrs if b is None else joint_attrs(*populations),
        estimator="heldout",
        n_folds=int(folds),
        n_stimuli=n_stimuli,
        n_neuroids=min(sizes),
        n_neuroids_a=sizes[0],
        n_neuroids_b=sizes[-1],
        n_missing_filled=sum(population.n_missing for population in populations),
        center="neuroid mean over training stimuli",
        null=null if n_permutations else "none",
        n_permutations=int(n_permutations),
        null_widening=wider,
        bins_per_decade=int(bins_per_decade),
        resample="+".join(axes),
        draw_fraction=float(used),
        seed=int(seed),
    )
    return _with_bins(spectrum, bins, bin_draws=kernel.bin_means(draws, bins), null=shuffled)


def _with_bins(spectrum: xr.Dataset, bins: list[np.ndarray], bin_draws: np.ndarray, null: np.ndarray) -> xr.Dataset:
    """Add the bins, their band from draws (draw, bin) and their null (permutation, bin) to a spectrum."""
    mean = kernel.bin_means(spectrum["eigenvalue"].values, bins)
    made = {"bin_eigenvalue": mean}
    if bin_draws.shape[0]:
        half = 1.96 * standard_error(bin_draws, float(spectrum.attrs["draw_fraction"]))
        made |= {"bin_low": mean - half, "bin_high": mean + half}
    if null.shape[0]:
        low, high = np.quantile(null, [0.025, 0.975], axis=0)
        made |= {"null_low": low, "null_high": high, "p_value": p_value(mean, null)}
    result = spectrum.assign_coords(bin_coords(bins)).assign({name: ("bin", value) for name, value in made.items()})
    if null.shape[0]:
        result.attrs["n_bins_above_null"] = int((made["p_value"] <= ABOVE_NULL).sum())
    return result
