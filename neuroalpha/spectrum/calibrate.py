"""What an estimator reads from recordings of the user's own size and noise, and the alpha behind what it read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

import neuroalpha
from neuroalpha._cache import ResultCache
from neuroalpha.errors import InputError
from neuroalpha.spectrum.calibration_cell import NoiseKind, Plan
from neuroalpha.spectrum.calibration_checks import (
    check_numbers,
    check_observed,
    check_recording,
    check_sizes,
    tell_new,
)
from neuroalpha.spectrum.calibration_curve import Curve, Inverse, combine, half_widths, invert, say_open, summarise
from neuroalpha.spectrum.calibration_grid import run_grid
from neuroalpha.spectrum.calibration_result import Calibration
from neuroalpha.spectrum.calibration_subject import (
    Subject,
    label,
    noise_kinds,
    of_recording,
    of_sizes,
    responses_of,
    share_of,
)
from neuroalpha.spectrum.estimators import bare_options, check_fit_options, check_options, get_entry, get_estimator
from neuroalpha.spectrum.fit import AlphaFit, fit_alpha
from neuroalpha.spectrum.noise_spectrum import aligned_overlap
from neuroalpha.spectrum.window import auto_window, check_window

ALPHAS = tuple(float(alpha) for alpha in np.arange(0.5, 1.51, 0.125))
TELLING = 1.5  # an aligned overlap below TELLING cannot be told from none


def calibrate(
    assembly_or_sizes: xr.DataArray | xr.Dataset | Sequence[int],
    *,
    estimator: str = "cvpca",
    ranks: tuple[int, int] | Literal["auto"] = "auto",
    alphas: Sequence[float] = ALPHAS,
    noise: NoiseKind | Sequence[NoiseKind] | None = None,
    signal_fraction: float | None = None,
    n_simulations: int = 20,
    level: float = 0.95,
    observed: float | AlphaFit | None = None,
    estimator_options: Mapping[str, Any] | None = None,
    fit_options: Mapping[str, Any] | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Calibration:
    """Calibrate an estimator of alpha by simulating recordings like yours, and undo its bias.

    Gaussian populations with signal eigenvalues n^-alpha over all ranks are simulated for every true alpha of a grid,
    with the recording's numbers of neuroids, of stimuli and of repeats of each, its share of signal variance and its
    noise spectrum; the estimator and the fit run on each. The calibrated alpha is the one whose mean reading is the
    observed reading; its interval holds every alpha whose simulated readings do not exclude it (test inversion), so
    that it carries bias and spread alike.

    Parameters
    ----------
    assembly_or_sizes : DataArray (presentation, neuroid) or (repeat, stimulus, neuroid), Dataset, or tuple of int
        A recording (preprocessed as for the estimator), or ``(n_stimuli, n_neuroids)`` or ``(n_stimuli, n_neuroids,
        n_repeats)``; 2 repeats unless given, 1 for "pca".
    estimator : {"cvpca", "pca", "meme", "heldout"}
    ranks : (int, int) or "auto"
        Window, the same in every simulation; "auto" as in :func:`neuroalpha.fit_alpha`.
    alphas : sequence of float
        True exponents, at least 3, increasing. Default .5 to 1.5 in steps of .125.
    noise : sequence of {"aligned", "independent", "white"} and shares from 0 to 1
        How trial noise lies to the signal's eigenvectors: along them ("aligned", 1.0), along random axes
        ("independent", 0.0), a share of its variance along them (0.5), or equal along all axes ("white"). Default:
        aligned, 0.5 and independent for a recording, whose noise spectrum is estimated from differences of repeats (and
        corrected for the number of stimuli); aligned, independent (both with eigenvalues 1/n) and white for sizes.
    signal_fraction : float, optional
        Share of one presentation's variance that the stimulus causes, summed over neuroids; from the recording. (The
        ``mean_signal_variance`` of :func:`neuroalpha.reliability` is the same share of *half* of the presentations,
        averaged over neuroids; with two repeats of z-scored neuroids they agree.) Needed with sizes, unless there is
        one repeat.
    n_simulations : int
        For each cell, at least 5; with few the intervals are wider, not wrong.
    level : float
        Of the intervals.
    observed : float or AlphaFit, optional
        What the estimator read (an AlphaFit also gives the window). Default: read from the recording.
    estimator_options, fit_options : mapping, optional
        Passed to the estimator and to :func:`neuroalpha.fit_alpha`. ``{"n_draws": 32}`` gives the coverage of the
        estimator's own interval and takes many times as long; default 0.
    seed : int
        The numbers depend on it and on nothing else: not on ``n_jobs``, the order, or interruptions.
    n_jobs : int, optional
        Processes, each with one thread and about five copies of a simulated recording in float64. Default: one for each
        core, or none where the whole takes seconds.
    cache : path, optional
        Folder where each finished simulation is kept under a key made of all parameters: a run that was stopped goes on
        where it stopped, more simulations add to those there.
    progress : bool
        Show what it will take and a progress bar on stderr.

    Returns
    -------
    Calibration
        ``alpha``, ``low``, ``high``, ``note``; the tables ``curve`` and ``calibrated``. Where the observed value lies
        outside the curve alpha is NaN and ``note`` says so.

    Raises
    ------
    InputError
        For impossible sizes, shares, grids or options; when the recording holds no signal; when nothing can be read;
        when ``observed`` is a fit to a spectrum of other sizes.

    Warns
    -----
    UserWarning
        Of faults of the recording, as its estimator does; when ``observed`` was fitted in another way than the
        simulations are.

    Notes
    -----
    The interval is a union over the kinds of noise, because the recording does not say which is right in the window's
    ranks; name one kind for the interval under it. What the recording does say is the overlap tr(S E) of signal and
    noise covariance, unbiased from cross products of repeats; it is led by the first few axes, and places the point
    estimate between the kinds (row "measured"), nothing more.

    Time: alphas * kinds of noise * ``n_simulations`` spectra of the recording's size (27 * 20 by default: hours for
    2800 stimuli x 10 000 neuroids, minutes for 400 x 600), told before the long part; name one kind of noise and fewer
    alphas for a first look, more simulations add to it with ``cache``.

    The true alpha is that of the covariance of the recorded neuroids over infinitely many stimuli; that they are a
    sample of more is the business of :func:`neuroalpha.extrapolate`. The curve supposes one power law over all ranks,
    Gaussian responses, and noise of the same size for every stimulus. The sampling error of the noise spectrum is in
    the interval (each simulation moves it by as much), that of the signal share is not. Where noise is strong and the
    window starts at low ranks, what cvPCA reads hangs on the few leading noise axes: expect a wide interval there.

    Examples
    --------
    >>> import neuroalpha as na
    >>> result = na.calibrate(
    ...     (60, 80), signal_fraction=0.5, noise="white", alphas=(0.5, 1.0, 1.5), ranks=(3, 20), observed=0.8,
    ...     n_simulations=5, progress=False,
    ... )
    >>> [float(alpha) for alpha in result.curve["true_alpha"]], bool(result.low < result.alpha < result.high)
    ([0.5, 1.0, 1.5], True)
    """
    options = bare_options(estimator, check_options(estimator, estimator_options or {}))
    fitting = check_fit_options(fit_options or {})
    grid = check_numbers(alphas, n_simulations, level, n_jobs, signal_fraction, seed)
    check_observed(observed, estimator, fitting)
    store = ResultCache(cache) if cache is not None else None
    repeated = get_entry(estimator).needs_repeats
    assembly = responses_of(assembly_or_sizes) if isinstance(assembly_or_sizes, (xr.DataArray, xr.Dataset)) else None
    kinds = noise_kinds(noise, assembly is not None)
    told: set[str] = set()
    if assembly is not None:
        check_recording(assembly, estimator, told)
        if not isinstance(ranks, str) or ranks != "auto":
            check_window(ranks, *2 * (min(assembly.size // assembly.sizes["neuroid"], assembly.sizes["neuroid"]),))
    subject = (
        of_sizes(assembly_or_sizes, repeated, signal_fraction)
        if assembly is None
        else of_recording(assembly, repeated, signal_fraction, seed)
    )
    if subject.noise.signal_fraction >= 1:
        kinds = ["none"]
    if repeated and subject.shown.max() < 2:
        raise InputError(f"{estimator!r} needs repeated stimuli and each was shown once; use estimator='pca'")
    check_sizes(observed, int(subject.shown.size), int(subject.n_neuroids))
    window = _window(observed, ranks, subject, repeated)
    fit = observed
    if observed is None and assembly is not None:
        bare = {**options, **get_entry(estimator).bare}
        fit = tell_new(lambda: fit_alpha(get_estimator(estimator)(assembly, **bare), ranks, **fitting), told)
        window = _window(fit, ranks, subject, repeated)
    reading = float(fit.alpha if isinstance(fit, AlphaFit) else np.nan if fit is None else fit)

    plan = Plan(
        subject.shown,
        subject.n_neuroids,
        subject.noise.signal_fraction,
        subject.noise.power,
        estimator,
        window,
        options,
        fitting,
        seed,
        subject.noise.sample,
        subject.noise.n_rows,
    )
    cells = [(kind, alpha) for kind in kinds for alpha in grid]
    estimates = run_grid(plan, cells, n_simulations, n_jobs, store, progress)
    curve = _curve_table(estimates, level)
    calibrated = {kind: invert(_curve(curve, kind), reading) for kind in kinds}
    share, between = _measured(calibrated, subject)
    whole = combine([each._replace(note=_named(kind, each.note, len(kinds))) for kind, each in calibrated.items()])
    whole = say_open(whole, grid[0])
    rows = [(label(kind), share_of(kind), *each) for kind, each in calibrated.items()]
    if between is not None:
        whole = whole._replace(alpha=between.alpha)
        rows.append(("measured", share, *between))
    return Calibration(
        *whole,
        observed=reading,
        level=float(level),
        estimator=estimator,
        ranks=window,
        n_stimuli=int(subject.shown.size),
        n_neuroids=int(subject.n_neuroids),
        n_repeats=float(subject.shown.mean()),
        signal_fraction=plan.signal_fraction,
        overlap=float(subject.noise.overlap),
        aligned_share=share,
        n_simulations=int(n_simulations),
        seed=int(seed),
        identifier=subject.identifier,
        software=f"neuroalpha {neuroalpha.__version__}",
        curve=curve.drop(columns="kind"),
        calibrated=pd.DataFrame(rows, columns=["noise", "aligned_share", "alpha", "low", "high", "note"]),
        simulations=_long_table(estimates),
        noise_power=plan.noise_power,
    )


def _window(fit: float | AlphaFit | None, ranks: Any, subject: Subject, repeated: bool) -> tuple[int, int]:
    if isinstance(fit, AlphaFit):
        if not (isinstance(ranks, str) and ranks == "auto") and check_window(ranks, *2 * (10**9,)) != fit.ranks:
            raise InputError(f"observed was fitted to ranks {fit.ranks}, but ranks is {ranks}; leave ranks out")
        return fit.ranks
    n_stimuli = int(subject.shown.size)
    rank = min(n_stimuli if repeated else int(subject.shown.sum()) - 1, subject.n_neuroids)
    if isinstance(ranks, str) and ranks == "auto":
        return auto_window(n_stimuli, subject.n_neuroids, rank)
    return check_window(ranks, rank, rank)


def _curve_table(estimates: dict[tuple[NoiseKind, float], np.ndarray], level: float) -> pd.DataFrame:
    rows = []
    for (kind, alpha), found in estimates.items():
        mean, sd, known = summarise(found[:, 0])
        ends = found[np.isfinite(found[:, 1:]).all(axis=1), 1:]
        coverage = float(np.mean((ends[:, 0] <= alpha) & (alpha <= ends[:, 1]))) if len(ends) else np.nan
        rows.append(
            (kind, label(kind), share_of(kind), alpha, mean, mean - alpha, sd, np.nan, coverage, len(found), known)
        )
    columns = ["kind", "noise", "aligned_share", "true_alpha", "mean", "bias", "sd", "half", "coverage"]
    table = pd.DataFrame(rows, columns=[*columns, "n_simulations", "n_known"])
    halves = []
    for _, part in table.groupby("noise", sort=False):
        at, spread, number = (part[name].to_numpy(dtype=np.float64) for name in ("true_alpha", "sd", "n_known"))
        halves.append(pd.Series(half_widths(at, spread, number, level), index=part.index))
    table["half"] = pd.concat(halves)
    return table.assign(n_failed=table["n_simulations"] - table["n_known"]).drop(columns="n_known")


def _curve(table: pd.DataFrame, kind: NoiseKind) -> Curve:
    part = table[[each == kind for each in table["kind"]]]
    return Curve(*(part[name].to_numpy(dtype=np.float64) for name in ("true_alpha", "mean", "half")))


def _long_table(estimates: dict[tuple[NoiseKind, float], np.ndarray]) -> pd.DataFrame:
    rows = [
        (label(kind), alpha, i, *map(float, each)) for (kind, alpha), found in estimates.items()
        for i, each in enumerate(found)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["noise", "true_alpha", "simulation", "alpha", "low", "high"])


def _named(kind: NoiseKind, note: str, n_kinds: int) -> str:
    return f"{label(kind)} noise: {note}" if note and n_kinds > 1 else note


def _measured(calibrated: dict[NoiseKind, Inverse], subject: Subject) -> tuple[float, Inverse | None]:
    """Share of aligned noise that the measured overlap means, and the answer between the simulated shares there.

    An overlap means another share for another signal spectrum, so share and alpha are found together.
    """
    known = sorted(
        ((kind, each) for kind, each in calibrated.items() if not isinstance(kind, str) and np.isfinite(each.alpha)),
        key=lambda pair: pair[0],
    )
    if len(known) < 2 or not np.isfinite(subject.noise.overlap):
        return np.nan, None
    at = np.array([kind for kind, _ in known], dtype=np.float64)
    fine = np.linspace(at[0], at[-1], 1001)
    alphas = np.interp(fine, at, [each.alpha for _, each in known])
    full = np.array([aligned_overlap(alpha, subject.noise.power) for alpha in alphas])
    if full.min() < TELLING:
        return np.nan, None
    implied = np.clip((subject.noise.overlap - 1) / (full - 1), 0.0, 1.0)
    best = int(np.abs(implied - fine).argmin())
    low, high = (_between(fine[best], at, [getattr(each, end) for _, each in known]) for end in ("low", "high"))
    between = Inverse(float(alphas[best]), low, high, "")
    return float(implied[best]), between


def _between(share: float, at: np.ndarray, ends: list[float]) -> float:
    if np.isfinite(ends).all():
        return float(np.interp(share, at, ends))
    return ends[int(np.abs(at - share).argmin())]  # infinities have no values between them
