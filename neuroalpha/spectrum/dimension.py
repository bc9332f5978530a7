"""How many dimensions a population uses: participation ratio, effective rank, stable rank, components for a share."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
import xarray as xr

from neuroalpha._checks import check_seed, share
from neuroalpha.errors import InputError
from neuroalpha.spectrum.cvpca import cvpca, two_repeats
from neuroalpha.spectrum.pairing import check_neuroids, presentations, recorded, shown_repeatedly
from neuroalpha.spectrum.pca import eigenspectrum
from neuroalpha.spectrum.resample import check_resampling, interval, subsets
from neuroalpha.spectrum.result import check_spectrum
from neuroalpha.spectrum.unbiased import (
    CORRECTIONS,
    MIN_STIMULI,
    participation_ratio,
    sums_of_repeats,
    sums_of_responses,
)

SHARES = (0.8, 0.9, 0.95)


@dataclass(frozen=True, eq=False)
class Dimensions:
    """Dimension measures of one population. Read as attributes; :meth:`to_frame` gives one table row."""

    participation_ratio: float
    """(sum of eigenvalues)^2 / sum of squared eigenvalues; limited by the numbers of stimuli and neuroids."""
    participation_ratio_unbiased: float
    """The same of the whole population and all stimuli, by unbiased moments; NaN when only a spectrum was given."""
    effective_rank: float
    """exp(entropy) of the shares eigenvalue / sum of eigenvalues."""
    effective_rank_singular: float
    """exp(entropy) of the shares of singular values, the square roots of the eigenvalues (Roy & Vetterli 2007)."""
    stable_rank: float
    """Sum of the eigenvalues over the largest one."""
    n_80: int
    """Components for 80 % of the variance."""
    n_90: int
    """Components for 90 % of the variance."""
    n_95: int
    """Components for 95 % of the variance."""
    corrected: str
    """Finite samples that the unbiased ratio corrects for, as "stimulus+neuroid+noise"; "" without it."""
    n_negative: int
    """Eigenvalues below zero; they cancel the smallest positive ones."""
    level: float
    """Of the intervals."""
    n_draws: int
    """Subsamples that the intervals rest on."""
    estimator: str
    """How the spectrum was estimated."""
    identifier: str
    """Of the population."""
    n_stimuli: int
    """Stimuli behind the spectrum; -1 where it does not say."""
    n_neuroids: int
    """Neuroids behind the spectrum; -1 where it does not say."""
    center: str
    """What was subtracted before the spectrum."""
    seed: int
    """Of shuffles and subsamples."""
    software: str
    """Name and version that made the spectrum."""
    intervals: pd.DataFrame = field(repr=False)
    """Columns low, high; one row for each measure; NaN without draws."""

    def to_frame(self) -> pd.DataFrame:
        """One row: every scalar, and each measure's interval as ``<measure>_low`` and ``<measure>_high``."""
        row: dict[str, object] = {each.name: getattr(self, each.name) for each in fields(self)[:-1]}
        for measure, low, high in self.intervals.itertuples():
            row[f"{measure}_low"], row[f"{measure}_high"] = low, high
        return pd.DataFrame([row])


def dimensions(
    spectrum_or_assembly: xr.Dataset | xr.DataArray,
    *,
    center: bool = True,
    correct: Collection[str] | None = None,
    n_draws: int = 0,
    resample: Collection[str] = ("stimulus", "neuroid"),
    fraction: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Dimensions:
    """Dimension measures of a spectrum or of a population's responses.

    Parameters
    ----------
    spectrum_or_assembly : Dataset, or DataArray
        A spectrum of any estimator; or responses: an assembly, (repeat, stimulus, neuroid), or (stimulus, neuroid).
        Responses with repeats go through :func:`neuroalpha.cvpca`, responses to stimuli shown once (a network's)
        through :func:`neuroalpha.eigenspectrum`. Blank presentations are left out.
    center : bool
        Subtract each neuroid's mean (default). A spectrum was centred, or not, when it was made.
    correct : collection of {"stimulus", "neuroid", "noise"}, optional
        What ``participation_ratio_unbiased`` corrects for: a finite number of stimuli; neuroids that are a sample of a
        larger population; trial noise, which may be shared by neuroids. Default: all three, "noise" only where there
        are repeats. Where the neuroids are the whole population, as all units of a layer, ``("stimulus",)``. "noise"
        needs "stimulus" and repeats; without "noise" the repeats are averaged.
    n_draws, resample, fraction, seed
        Subsamples for the intervals, as in :func:`neuroalpha.cvpca`; by default none are drawn. A spectrum brings its
        own ``eigenvalue_draw``.
    level : float
        Of the intervals.

    Returns
    -------
    Dimensions
        ``participation_ratio``, ``participation_ratio_unbiased``, ``effective_rank``, ``effective_rank_singular``,
        ``stable_rank``, ``n_80``, ``n_90``, ``n_95``, their ``intervals`` and how they were made.

    Raises
    ------
    InputError
        For an unknown correction, "noise" without repeats or without "stimulus", fewer than 4 stimuli, or a spectrum
        without positive variance.

    Warns
    -----
    UserWarning
        When noise leaves a moment estimated below zero: the unbiased ratio is then NaN.

    Notes
    -----
    Cross-validated eigenvalues scatter around zero where noise dominates. So that noise does not count as dimensions,
    negative values cancel the smallest positive ones: sorted, eigenvalues are kept, largest first, until their sum
    reaches that of all, an estimate of the variance without noise; all measures are those of what is kept. A
    spectrum without negative values stays as it is. Against the noise-free spectrum this came closer than setting
    negative values to zero, taking them as positive or isotonic regression (scripts/dimension_bias.py), but for
    ``effective_rank_singular``, which hangs most on the tail and can come out too small or too large.

    Only ``participation_ratio_unbiased`` is free of the finite sample (Chun, Canatar, Chung & Lee, ICLR 2026): both
    moments are unbiased, their ratio nearly so. All other measures grow with the numbers of stimuli and neuroids, so
    compare them at equal sizes only; their intervals say how much another sample of the same size would differ. The
    interval of the unbiased ratio is wide rather than narrow: up to 1.8 times what 95 % take (it covered the truth in
    99 to 100 % of 300 simulated recordings of 60 to 200 stimuli and neuroids).

    ``effective_rank_singular`` of an uncentred spectrum is RankMe (Garrido et al. 2023); ``stable_rank`` of a centred
    one is NESum (He & Ozay 2022). For S stimuli and N neuroids the unbiased ratio takes three products of S N min(S, N)
    (one without repeats) and three matrices of side min(S, N); both repeats are read into memory.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> rng = np.random.default_rng(0)
    >>> ten_dimensional = rng.normal(size=(40, 10)) @ rng.normal(size=(10, 60))
    >>> found = na.dimensions(na.make_assembly(ten_dimensional, stimulus_id=np.arange(40)))
    >>> round(found.participation_ratio, 1), round(found.participation_ratio_unbiased, 1), found.n_95
    (6.3, 8.8, 8)
    """
    check_seed(seed)
    if not share(level, "level", 0.5, 1) < 1:
        raise InputError(f"level is {level}; expected a share such as 0.95")
    axes = check_resampling(resample, n_draws, fraction)
    corrected: tuple[str, ...] = ()
    unbiased, unbiased_draws = float("nan"), np.empty(0)
    if isinstance(spectrum_or_assembly, xr.Dataset):
        if correct is not None:
            raise InputError("correct needs responses, but a spectrum was given: pass the assembly, or no correct")
        spectrum = check_spectrum(spectrum_or_assembly)
    else:
        responses = _responses(spectrum_or_assembly)
        corrected = _check_correct(correct, responses)
        estimate = cvpca if "repeat" in responses.dims else eigenspectrum
        how = {"center": center, "n_draws": n_draws, "resample": axes, "fraction": fraction, "seed": seed}
        spectrum = estimate(responses, **how)  # type: ignore[arg-type]
        used = float(spectrum.attrs["draw_fraction"])
        unbiased, unbiased_draws = _unbiased(responses, center, corrected, n_draws, axes, used, seed)
    eigenvalue = np.asarray(spectrum["eigenvalue"].values, dtype=np.float64)
    if not np.isfinite(eigenvalue).all():
        raise InputError("the spectrum holds values that are NaN or infinite; make it anew from finite responses")
    measures = of_eigenvalues(eigenvalue)
    draws = spectrum["eigenvalue_draw"].values if "eigenvalue_draw" in spectrum else np.empty((0, eigenvalue.size))
    attrs = spectrum.attrs
    used = float(attrs.get("draw_fraction", 0.5))
    drawn = [of_eigenvalues(draw[np.isfinite(draw)], strict=False) for draw in draws]
    intervals = {
        name: interval(value, np.array([draw[name] for draw in drawn]), used, level) for name, value in measures.items()
    }
    intervals["participation_ratio_unbiased"] = interval(unbiased, unbiased_draws, used, level)
    return Dimensions(
        participation_ratio=measures["participation_ratio"],
        participation_ratio_unbiased=unbiased,
        effective_rank=measures["effective_rank"],
        effective_rank_singular=measures["effective_rank_singular"],
        stable_rank=measures["stable_rank"],
        n_80=int(measures["n_80"]),
        n_90=int(measures["n_90"]),
        n_95=int(measures["n_95"]),
        corrected="+".join(corrected),
        n_negative=int((eigenvalue < 0).sum()),
        level=level,
        n_draws=len(drawn),
        estimator=str(attrs.get("estimator", "unknown")),
        identifier=str(attrs.get("identifier", "")),
        n_stimuli=int(attrs.get("n_stimuli", -1)),
        n_neuroids=int(attrs.get("n_neuroids", -1)),
        center=str(attrs.get("center", "unknown")),
        seed=int(attrs.get("seed", -1)),
        software=str(attrs.get("software", "unknown")),
        intervals=pd.DataFrame.from_dict(intervals, orient="index", columns=["low", "high"]),
    )


def of_eigenvalues(eigenvalue: np.ndarray, strict: bool = True) -> dict[str, float]:
    """Measures of eigenvalues (component,) in the order of their components; NaN, or an error, without any variance."""
    spectrum = above_noise(eigenvalue)
    names = ("participation_ratio", "effective_rank", "effective_rank_singular", "stable_rank")
    counts = [f"n_{round(100 * share)}" for share in SHARES]
    if spectrum.size == 0:
        if strict:
            raise InputError("no eigenvalue is above noise: the responses never vary, or nothing of them repeats")
        return dict.fromkeys((*names, *counts), float("nan"))
    share = spectrum / spectrum.sum()
    singular = np.sqrt(share) / np.sqrt(share).sum()
    values = (1 / (share @ share), _exp_entropy(share), _exp_entropy(singular), 1 / share[0])
    explained = np.cumsum(share)
    # A share reached but for rounding is reached: ten equal eigenvalues need 8 for 80 %, not 9.
    reached = [float(np.searchsorted(explained, s * (1 - 1e-12)) + 1) for s in SHARES]
    return {**dict(zip(names, map(float, values), strict=True)), **dict(zip(counts, reached, strict=True))}


def above_noise(eigenvalue: np.ndarray) -> np.ndarray:
    """Eigenvalues, largest first, until their sum reaches the sum of all, negative ones included.

    The smallest positive ones are cancelled by the negative ones; the last one kept is cut to make the sums equal.
    Empty where the sum is not positive.
    """
    descending = np.sort(np.asarray(eigenvalue, dtype=np.float64))[::-1]
    descending = np.r_[descending[descending > 0], descending[descending < 0]]
    total = float(descending.sum())
    if total <= 0:
        return descending[:0]
    kept = descending[: int((descending > 0).sum())].copy()
    if kept.size < descending.size:
        summed = np.cumsum(kept)
        last = min(int(np.searchsorted(summed, total)), kept.size - 1)  # not reached: a matter of rounding
        kept = kept[: last + 1]
        kept[-1] -= summed[last] - total
    return kept[kept > 0]


def _exp_entropy(share: np.ndarray) -> float:
    present = share[share > 0]
    return float(np.exp(-(present * np.log(present)).sum()))


def _responses(given: xr.DataArray) -> xr.DataArray:
    """Two repeats (repeat, stimulus, neuroid) where stimuli repeat, else the responses as they are."""
    if not isinstance(given, xr.DataArray):
        raise InputError(
            f"expected a spectrum (Dataset) or responses (DataArray), got {type(given).__name__}; make one with "
            "eigenspectrum, cvpca or make_assembly"
        )
    if given.dims in (("stimulus", "neuroid"), ("repeat", "stimulus", "neuroid")):
        check_neuroids(given, "the responses")
    if given.dims == ("stimulus", "neuroid"):
        return recorded(given.expand_dims("repeat"))[0]
    if given.dims != ("repeat", "stimulus", "neuroid"):
        given = presentations(given)
        if not shown_repeatedly(given):
            return given
    return recorded(two_repeats(given))


def _check_correct(correct: Collection[str] | None, responses: xr.DataArray) -> tuple[str, ...]:
    """The corrections in standard order, where these responses allow them."""
    repeated = "repeat" in responses.dims
    n_stimuli, n_neuroids = responses.shape[-2:]
    if correct is None:
        correct = CORRECTIONS if repeated else ("stimulus", "neuroid")
    if not isinstance(correct, Collection) or not all(isinstance(name, str) for name in correct):
        raise InputError(f"correct is {correct!r}; expected names out of {CORRECTIONS}")
    names = (correct,) if isinstance(correct, str) else tuple(correct)
    if not set(names) <= set(CORRECTIONS):
        raise InputError(f"correct is {names}; expected any of {CORRECTIONS}")
    if "noise" in names and not repeated:
        raise InputError(
            "correct names 'noise', but every stimulus is shown once: trial noise can be told from signal with repeats "
            "only; use correct=('stimulus', 'neuroid')"
        )
    if "noise" in names and "stimulus" not in names:
        raise InputError(
            "correct names 'noise' without 'stimulus', which would take four repeats; use ('stimulus', 'noise')"
        )
    if ("stimulus" in names and n_stimuli < MIN_STIMULI) or ("neuroid" in names and n_neuroids < 2):
        raise InputError(
            f"the unbiased participation ratio needs at least {MIN_STIMULI} stimuli and 2 neuroids, got {n_stimuli} "
            f"and {n_neuroids}; use correct=()"
        )
    return tuple(name for name in CORRECTIONS if name in names)


def _unbiased(
    responses: xr.DataArray,
    center: bool,
    correct: tuple[str, ...],
    n_draws: int,
    axes: tuple[str, ...],
    fraction: float,
    seed: int,
) -> tuple[float, np.ndarray]:
    """The unbiased participation ratio, and of subsamples (draw,)."""
    one, two = responses.data, None
    if "repeat" in responses.dims:
        one, two = np.asarray(one, dtype=np.result_type(one.dtype, np.float32))
        if "noise" not in correct:
            one, two = (one + two) / 2, None

    def ratio(stimuli: np.ndarray | slice, neuroids: np.ndarray | slice) -> float:
        if two is None:
            return participation_ratio(sums_of_responses(one[stimuli][:, neuroids], center), correct, center)
        sums = sums_of_repeats(one[stimuli][:, neuroids], two[stimuli][:, neuroids], center)
        return participation_ratio(sums, correct, center)

    estimate = ratio(slice(None), slice(None))
    if np.isnan(estimate):
        warnings.warn(
            "the unbiased participation ratio is NaN: noise leaves a moment of the covariance estimated below zero; "
            "more stimuli, neuroids or repeats are needed to tell the dimension",
            stacklevel=3,
        )
    n_stimuli, n_neuroids = one.shape
    picked = subsets(n_stimuli, n_neuroids, n_draws, fraction, axes, np.random.default_rng(seed))
    return estimate, np.array([ratio(stimuli, neuroids) for stimuli, neuroids in picked])
