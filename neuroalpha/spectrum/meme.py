"""Matched eigenmoments (MEME): alpha of the signal from unbiased moments, with no eigenvector to go wrong."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha.assembly import drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.gram import column_means
from neuroalpha.spectrum.matching import N_PARAMETERS, WELL_KNOWN, Match, at_bound, log_spectrum, make_target, match
from neuroalpha.spectrum.result import check_values, make_spectrum
from neuroalpha.spectrum.signal_moments import Moments, centre_repetitions, presentation_gram, signal_moments
from neuroalpha.spectrum.twin import engine

Model = Literal["power", "broken"]
MIN_STIMULI = 20
FEW_CARRIERS = 5.0  # medians at 300 stimuli: 26 for Gaussian responses, 8 exponential, 4 lognormal


def meme(
    assembly: xr.DataArray,
    model: Model = "power",
    *,
    n_splits: int = 4,
    n_draws: int = 32,
    seed: int = 0,
    device: str | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Signal eigenspectrum by matching a law to unbiased moments of the signal covariance (Pospisil & Pillow 2025).

    The means over neuroids of lambda, lambda^2 .. lambda^5 are estimated without bias from cross products between
    presentations of different stimuli (Kong & Valiant 2017), whatever the noise, as long as it is independent from one
    presentation to the next. A power law over all ranks 1..neuroids, or a broken one, is then matched to them. Unlike
    cvPCA this needs no eigenvectors, whose errors make cvPCA read low; but the law has to hold from rank 1 to the last.

    Parameters
    ----------
    assembly : DataArray (presentation, neuroid) or (repeat, stimulus, neuroid)
        As for :func:`neuroalpha.cvpca`; all presentations of a stimulus are used, two or more. May be lazy (dask).
    model : {"power", "broken"}
        eigenvalue = c n^-a; or continuous with exponent a1 up to rank b and a2 beyond.
    n_splits : int
        Random deals of each stimulus' presentations to two halves, whose results are averaged.
    n_draws : int
        Groups of stimuli that are left out in turn, for the interval (delete-a-group jackknife; no bootstrap: doubled
        stimuli are not distinct, and bias moments by 5 to 40 %); 0 for none.
    seed : int
        Of the splits and groups.
    device : str, optional
        None for numpy, "cpu" or "cuda" for torch.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Dataset over ``component``
        ``eigenvalue``: the matched law (units squared) at every rank up to the number of neuroids, ``eigenvalue_draw``
        for the interval, so that :func:`neuroalpha.fit_alpha` gives the exponent over a window; ``moment``,
        ``moment_error``, ``moment_matched`` over ``order`` 1 to 5. attrs: ``alpha`` (power), or ``alpha_head``,
        ``break_rank``, ``alpha_tail`` (broken); ``chi2``, ``dof``, ``p_value`` of the moments' distance from the law
        (NaN where no more moments are known than the law has parameters).

    Raises
    ------
    InputError
        When stimuli were shown once, are fewer than 20, or no signal rises above noise.

    Warns
    -----
    UserWarning
        When the moments contradict the law (p < .001) or do not determine a break, noise hides the second moment, or a
        few stimuli carry its error.

    Notes
    -----
    The interval is over new stimuli and new noise, for these neuroids. Where the signal's tails are heavy it is too
    short: at 300 x 400, of 60 simulations with Gaussian signals 95 to 98 % covered the truth, with lognormal ones 68 to
    70 % (``scripts/meme_limits.py``). The chi-square takes the moments' covariance from the data by the
    jackknife, which is too large where noise dominates: a small p is evidence against the law, a large p is none for
    it. The moments beyond the first are led by the first tens of ranks; the tail of a broken law is known from the
    total variance alone.

    Time for P presentations of S stimuli, N neuroids: one product P^2 N and four of S^3 per split. Memory: the Gram
    matrix, P^2 float64, and ten matrices S^2.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, truth = na.simulate_recording(
    ...     1.0, n_stimuli=300, n_neuroids=500, signal_fraction=0.3, noise="independent", spontaneous=False, seed=2
    ... )
    >>> fit = na.fit_alpha(na.meme(recording.responses), "auto")
    >>> fit.low < 1.0 < fit.high
    True
    """
    _check_arguments(model, n_splits, n_draws)
    check_seed(seed)
    backend = engine(device)
    if isinstance(assembly, xr.DataArray) and "presentation" in assembly.dims:
        assembly = drop_blanks(assembly)
    check_responses(assembly, needs_repeats=True)
    values, stimulus, repetition, n_dropped = presentations(assembly)
    n_stimuli, n_neuroids = int(stimulus.max()) + 1, int(values.shape[1])
    if n_stimuli < MIN_STIMULI:
        raise InputError(f"moments need at least {MIN_STIMULI} repeated stimuli, got {n_stimuli}; record more")
    means, missing = column_means(values)
    n_missing = check_values(means, missing, values.shape[0], assembly.coords["neuroid_id"].values)
    rng = np.random.default_rng(seed)
    gram = centre_repetitions(presentation_gram(values, means, backend), repetition, n_stimuli)
    moments = signal_moments(gram, stimulus, repetition, n_neuroids, n_splits, rng)
    found, target = _match(moments, model, n_neuroids)
    log_rank, scale = np.log(np.arange(1, n_neuroids + 1)), moments.value[0]
    eigenvalue = scale * moments.unit * np.exp(log_spectrum(model, found.theta, log_rank))
    groups = np.array_split(rng.permutation(n_stimuli), n_draws) if n_draws else []
    draws = np.empty((n_draws, n_neuroids))
    watched = tqdm(groups, desc="MEME interval", unit="draw", disable=not progress, file=sys.stderr, delay=1)
    for draw, group in enumerate(watched):
        part = make_target(moments.without(group), scale, like=target)
        draws[draw] = (
            scale
            * moments.unit
            * np.exp(log_spectrum(model, match(model, part, n_neuroids, start=found.theta).theta, log_rank))
        )
    spectrum = make_spectrum(
        eigenvalue,
        draws if n_draws else None,
        dict(assembly.attrs),
        estimator="meme",
        model=model,
        **_parameters(found),
        chi2=float(found.chi2),
        dof=int(found.dof),
        p_value=found.p_value,
        n_stimuli=n_stimuli,
        n_stimuli_dropped=n_dropped,
        n_presentations=int(values.shape[0]),
        n_neuroids=n_neuroids,
        n_missing_filled=n_missing,
        n_splits=int(n_splits),
        center="neuroid mean of each repetition, then over stimuli",
        resample="stimulus",
        draw_fraction=1 - 1 / n_draws if n_draws else 0.5,
        seed=int(seed),
        device=backend.device,
    )
    return _with_moments(spectrum, moments, eigenvalue)


def presentations(assembly: xr.DataArray) -> tuple[Any, np.ndarray, np.ndarray, int]:
    """Rows of stimuli shown at least twice, the stimulus and repetition of each row, and how many stimuli were dropped.

    A presentation that is NaN throughout is none.
    """
    if assembly.dims == ("repeat", "stimulus", "neuroid"):
        n_repeats, n_stimuli, n_neuroids = assembly.shape
        values = assembly.data.reshape(-1, n_neuroids)
        stimulus, repetition = np.tile(np.arange(n_stimuli), n_repeats), np.repeat(np.arange(n_repeats), n_stimuli)
    else:
        values, repetition = assembly.data, assembly.coords["repetition"].values
        ids = assembly.coords["stimulus_id"].values.astype(str)
        stimulus = np.unique(ids, return_inverse=True)[1].reshape(-1)
    usable = np.asarray(~assembly.isnull().all("neuroid").values).reshape(-1)
    counts = np.bincount(stimulus[usable], minlength=int(stimulus.max()) + 1)
    rows = np.flatnonzero(usable & (counts[stimulus] > 1))
    n_dropped = int((counts < 2).sum())
    if n_dropped:
        warnings.warn(
            f"{n_dropped} of {counts.size} stimuli have fewer than 2 presentations and are dropped", stacklevel=3
        )
    kept = np.unique(stimulus[rows], return_inverse=True)[1].reshape(-1)
    return (values if rows.size == values.shape[0] else values[rows]), kept, repetition[rows], n_dropped


def _match(moments: Moments, model: Model, n_neuroids: int) -> tuple[Match, Any]:
    """Match the law to the moments; refuse what holds no signal, warn of what is uncertain."""
    error = np.sqrt(np.diag(moments.covariance))
    if moments.value[0] < 2 * error[0]:
        raise InputError(
            f"no signal: the variance that repeats share is {moments.in_units[0][0]:.3g} with a standard error of "
            f"{moments.in_units[1][0]:.3g}; check that presentations carry the right stimulus_id, or record more "
            "repeats"
        )
    target = make_target(moments, moments.value[0])
    if target.order.size < N_PARAMETERS[model]:
        raise InputError(
            f"a {model} law has {N_PARAMETERS[model]} parameters, but only {target.order.size} moments are known well "
            "enough; use model='power', or record more stimuli"
        )
    found = match(model, target, n_neuroids)
    if not target.logarithm[1]:
        warnings.warn(
            f"noise hides the second moment (relative standard error {error[1] / abs(moments.value[1]):.0%}, "
            f"{WELL_KNOWN:.0%} is the most that is well known): alpha rests on little; look at its interval",
            stacklevel=3,
        )
    if at_bound(found, n_neuroids):
        warnings.warn(
            "the break or an exponent lies at the edge of what is searched (ranks 2 to half of the neuroids, exponents "
            "0 to 6): the moments do not determine a broken law here; do not read its parameters",
            stacklevel=3,
        )
    if moments.n_effective < FEW_CARRIERS:
        warnings.warn(
            f"few stimuli carry the error of the second moment (as if {moments.n_effective:.1f} alike): responses with "
            "such heavy tails have intervals that are too short; see the notes of meme",
            stacklevel=3,
        )
    if found.p_value < 1e-3:
        other = "; try model='broken'" if model == "power" else ""
        warnings.warn(
            f"the moments contradict a {model} law over ranks 1 to {n_neuroids} (chi-square {found.chi2:.1f}, "
            f"{found.dof} degrees of freedom, p = {found.p_value:.1g}){other}",
            stacklevel=3,
        )
    return found, target


def _parameters(found: Match) -> dict[str, float]:
    if found.model == "power":
        return {"alpha": float(found.theta[1])}
    return {
        "alpha_head": float(found.theta[1]),
        "break_rank": float(np.exp(found.theta[2])),
        "alpha_tail": float(found.theta[3]),
    }


def _with_moments(spectrum: xr.Dataset, moments: Moments, eigenvalue: np.ndarray) -> xr.Dataset:
    order = np.arange(1, moments.value.size + 1)
    spectrum["moment"], spectrum["moment_error"] = (("order", each) for each in moments.in_units)
    spectrum["moment_matched"] = ("order", (eigenvalue ** order[:, None]).mean(axis=1))
    return spectrum.assign_coords(order=order)


def _check_arguments(model: str, n_splits: int, n_draws: int) -> None:
    if model not in get_args(Model):
        raise InputError(f"model is {model!r}; expected one of {tuple(N_PARAMETERS)}")
    whole(n_splits, "n_splits", 1)
    if 0 < whole(n_draws, "n_draws") < 5:
        raise InputError(f"n_draws is {n_draws}; an interval needs at least 5 groups of stimuli, or 0 for no interval")
