"""Spectral correlation: how much of what two populations repeat they have in common, rank by rank."""

from __future__ import annotations

import warnings
from collections.abc import Collection

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha.spectrum import crossdecomposition as kernel
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.heldout_common import (
    ABOVE_NULL,
    bin_coords,
    check_options,
    make_folds,
    null_bins,
    p_value,
    watch,
)
from neuroalpha.spectrum.pairing import joint_attrs, part, shown_repeatedly, subsamples, two_populations
from neuroalpha.spectrum.powerlaw import geometric_bins
from neuroalpha.spectrum.resample import check_resampling, draw_fraction, interval
from neuroalpha.spectrum.threads import threads_for

N_PERMUTATIONS = 1000  # as heldout_spectrum by default


def spectral_correlation(
    a: xr.DataArray,
    b: xr.DataArray,
    folds: int = 8,
    *,
    bins_per_decade: int = 3,
    n_draws: int = 32,
    resample: Collection[str] = ("stimulus", "neuroid"),
    fraction: float | None = None,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """Share of two populations' reliable covariance that they have in common, rank by rank.

    ``r = S(A, B) / sqrt(S(A, A) S(B, B))`` in geometric bins of ranks (Gauthaman, Menard & Bonner), where S is the
    held-out spectrum of :func:`neuroalpha.heldout_spectrum`. A population with repeats enters S(A, A) as repeat 1
    against repeat 2, and S(A, B) by one repeat at a time against the other population's other repeat, averaged: noise
    is left out of both. A population shown each stimulus once is taken as free of noise.

    Parameters
    ----------
    a, b : DataArray (presentation, neuroid) or (repeat, stimulus, neuroid)
        Matched by ``stimulus_id``.
    folds, bins_per_decade, n_draws, resample, fraction, seed, progress
        As in :func:`neuroalpha.heldout_spectrum`.

    Returns
    -------
    Dataset over ``bin``
        ``r``; ``r_low/high`` (95 %, subsamples); ``cross``, ``within_a``, ``within_b`` (bin means of the spectra);
        coordinates ``bin_rank``, ``bin_first``, ``bin_last``, ``n_components``. ``r`` is NaN where a within-spectrum is
        not above the null of :func:`neuroalpha.heldout_spectrum` (p <= .05); attrs count these (``n_bins_undefined``).

    Raises
    ------
    InputError
        When ``stimulus_id`` do not meet or are too few for the folds.

    Warns
    -----
    UserWarning
        When most bins are undefined, or repeats are copies of each other.

    Notes
    -----
    It compares spectra rank by rank, not axes: 1 means that as much is shared at these ranks as either repeats, and a
    single bin may exceed 1, as where a noise-free population determines axes that two noisy repeats do not. Time: 3 to
    4 times that of :func:`neuroalpha.heldout_spectrum`.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(120, 20))
    >>> one, two = (na.make_assembly(scale * x, stimulus_id=np.arange(120)) for scale in (1, 3))
    >>> na.spectral_correlation(one, two, n_draws=0).r.values.round(6)
    array([1., 1., 1., 1.])
    """
    check_options(folds, bins_per_decade, seed)
    axes = check_resampling(resample, n_draws, fraction)
    for given in (a, b):  # repeats that are copies would make noise reliable
        check_responses(given, needs_repeats=shown_repeatedly(given))
    populations = list(two_populations(a, b, n_repeats=2))
    n_stimuli, sizes = populations[0].n_stimuli, [population.n_neuroids for population in populations]
    rng = np.random.default_rng(seed)
    fold = make_folds(n_stimuli, folds, rng)
    bins = geometric_bins(1, kernel.n_components(fold, *sizes), bins_per_decade)
    with threads_for(min(n_stimuli, max(sizes))):
        reduced = [[kernel.coordinates(repeat) for repeat in population.repeats] for population in populations]
        cross, *within = kernel.cross_and_within(reduced[0], reduced[1], fold, bins)

        used = fraction or draw_fraction(n_stimuli, min(sizes))
        drawn = np.full((n_draws, 3, len(bins)), np.nan)
        picked = subsamples(populations, n_draws, used, axes, rng)
        for draw, (stimuli, neuroids) in enumerate(watch(picked, n_draws, "held-out interval", "draw", progress)):
            parts = [[repeat[stimuli] for repeat in repeats] for repeats in reduced]
            if "neuroid" in axes:
                parts = [
                    [kernel.coordinates(part(repeat, stimuli, kept)) for repeat in population.repeats]
                    for population, kept in zip(populations, neuroids, strict=True)
                ]
            own = kernel.n_components(fold[stimuli], *(kept.size for kept in neuroids))
            reached = [ranks for ranks in bins if ranks[-1] <= own]
            if reached:
                scale = np.array([size / kept.size for size, kept in zip(sizes, neuroids, strict=True)])
                spectra = kernel.cross_and_within(parts[0], parts[1], fold[stimuli], reached)
                drawn[draw, :, : len(reached)] = spectra * np.r_[np.sqrt(scale.prod()), scale][:, None]
        known = [_repeats_something(repeats, fold, bins, folds, seed, progress) for repeats in reduced]
    r = _ratio(cross, *within)
    r[~np.all(known, axis=0)] = np.nan
    if 2 * np.isnan(r).sum() > r.size:
        warnings.warn(
            f"the correlation is undefined in {int(np.isnan(r).sum())} of {r.size} bins of ranks, where one population "
            "repeats too little to tell from nothing: use more stimuli or repeats",
            stacklevel=2,
        )
    ends = [
        interval(value, _ratio(*drawn[:, :, number].T), used, 0.95) if np.isfinite(value) else (np.nan, np.nan)
        for number, value in enumerate(r)
    ]
    return xr.Dataset(
        {
            "r": ("bin", r),
            "r_low": ("bin", np.array([low for low, _ in ends])),
            "r_high": ("bin", np.array([high for _, high in ends])),
            "cross": ("bin", cross),
            "within_a": ("bin", within[0]),
            "within_b": ("bin", within[1]),
        },
        coords={**bin_coords(bins), "n_components": ("bin", np.array([ranks.size for ranks in bins]))},
        attrs={
            **joint_attrs(*populations),
            "estimator": "spectral correlation",
            "n_folds": int(folds),
            "n_stimuli": n_stimuli,
            "n_neuroids_a": sizes[0],
            "n_neuroids_b": sizes[1],
            "n_repeats_a": len(populations[0].repeats),
            "n_repeats_b": len(populations[1].repeats),
            "n_bins_undefined": int(np.isnan(r).sum()),
            "n_missing_filled": sum(population.n_missing for population in populations),
            "bins_per_decade": int(bins_per_decade),
            "resample": "+".join(axes),
            "n_permutations": N_PERMUTATIONS,
            "n_draws": int(n_draws),
            "draw_fraction": float(used),
            "seed": int(seed),
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )


def _repeats_something(
    repeats: list[np.ndarray], fold: np.ndarray, bins: list[np.ndarray], folds: int, seed: int, progress: bool
) -> np.ndarray:
    """Whether each bin of a population's spectrum with itself is above the null of :func:`heldout_spectrum`.

    Not whether it is some standard errors above zero: few stimuli and few neuroids hold much of the variance, so
    leaving some out moves the leading bins most, which repeat best. The random numbers are those of
    ``heldout_spectrum``, so that both call the same bins reliable.
    """
    rng = np.random.default_rng(seed)
    make_folds(fold.size, folds, rng)
    x, y = repeats[0], repeats[-1]
    scores = list(kernel.heldout_scores(x, y, fold, int(bins[-1][-1])))
    null, _ = null_bins(x, y, fold, scores, bins, N_PERMUTATIONS, "widened", rng, progress)
    mean = kernel.bin_means(kernel.pool(scores), bins)
    return np.asarray((mean > 0) & (p_value(mean, null) <= ABOVE_NULL))


def _ratio(cross: np.ndarray, within_a: np.ndarray, within_b: np.ndarray) -> np.ndarray:
    """Spectral correlation; NaN where a within-spectrum is not above zero."""
    known = (within_a > 0) & (within_b > 0)
    return np.divide(
        cross, np.sqrt(np.where(known, within_a * within_b, 1.0)), out=np.full(cross.shape, np.nan), where=known
    )
