"""Is it a power law? Four laws compared on stimuli they were not fitted to, with a plain sentence as the answer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from neuroalpha._checks import check_seed, share, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.spectrum import halves
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.cvpca import centred_repeats, two_repeats
from neuroalpha.spectrum.gram import column_means
from neuroalpha.spectrum.models import SPOKEN, Law, Points, points, predict
from neuroalpha.spectrum.pairing import check_neuroids, presentations, recorded
from neuroalpha.spectrum.powerlaw import geometric_bins
from neuroalpha.spectrum.result import check_values
from neuroalpha.spectrum.threads import threads_for
from neuroalpha.spectrum.verdict import bound_sentence, score, verdict_sentence
from neuroalpha.spectrum.window import auto_window, check_window
from neuroalpha.trials import repeats

MODELS = tuple(SPOKEN)
BINS_PER_DECADE = 10  # more where the window is narrow
MIN_BINS = 7  # the broken law has four free numbers


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Laws fitted to half of the stimuli and scored on the other half. Printing it prints the verdict."""

    verdict: str
    """One sentence: is a power law beaten, by what, with which held-out log errors."""
    best: str
    """The law of least held-out error among those better than the power law; "power" if none is."""
    table: pd.DataFrame = field(repr=False)
    """One row a law; see :func:`compare_models`."""
    points: pd.DataFrame = field(repr=False)
    """What was fitted, one row a bin: ``first``, ``last``, ``rank`` (geometric middle), ``log_eigenvalue`` (mean over
    halves), ``log_eigenvalue_sd`` (of one half), and for each law its value as half of the stimuli would show it."""
    laws: dict[str, Law] = field(repr=False)
    """The fitted laws; ``laws["broken"].log(rank)`` is the log of the population's eigenvalues."""
    ranks: tuple[int, int]
    """Window, 1-based and inclusive."""
    level: float
    """Of the intervals; those of differences hold for all laws at once."""
    n_splits: int
    """Random halvings of the stimuli."""
    n_bins: int
    """Geometric bins that were fitted."""
    n_bins_dropped: int
    """Bins at or below zero in some half."""
    estimator: str
    """"pca" or "cvpca"."""
    bias: str
    """"simulated" or "none": how the sampling bias of the eigenvalues was taken into account."""
    n_stimuli: int
    """In all; each half has half of them."""
    n_neuroids: int
    """Neuroids behind the spectra."""
    identifier: str
    """Of the population."""
    seed: int
    """Of splits, swaps and simulations."""

    def __str__(self) -> str:
        """Return the verdict."""
        return self.verdict

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the provenance on every row."""
        first, last = self.ranks
        return self.table.assign(
            first=first,
            last=last,
            n_splits=self.n_splits,
            estimator=self.estimator,
            bias=self.bias,
            n_stimuli=self.n_stimuli,
            n_neuroids=self.n_neuroids,
            identifier=self.identifier,
            seed=self.seed,
        )


def compare_models(
    assembly: xr.DataArray,
    ranks: tuple[int, int] | Literal["auto"] = "auto",
    models: Collection[str] = MODELS,
    *,
    n_splits: int = 10,
    estimator: Literal["auto", "pca", "cvpca"] = "auto",
    bias: Literal["simulated", "none"] = "simulated",
    n_simulations: int = 8,
    d: float | None = None,
    level: float = 0.95,
    seed: int = 0,
    progress: bool = False,
) -> ModelComparison:
    """Compare a power law with a broken one, a log-normal and an exponential cut-off by held-out log error.

    The stimuli are halved at random ``n_splits`` times. Every law is fitted in log-log coordinates to the spectrum of
    one half and scored by the root mean squared log error on the spectrum of the other, and the other way round. R^2
    does not tell these laws apart: above .95 is common for all of them.

    Parameters
    ----------
    assembly : DataArray
        (presentation, neuroid), or what :func:`neuroalpha.repeats` returns. Not a spectrum: its subsamples overlap, so
        that nothing in it is held out.
    ranks : (int, int) or "auto"
        Window, 1-based, inclusive. ``"auto"``: the rule of :func:`neuroalpha.fit_alpha` for half of the stimuli.
    models : collection of {"power", "broken", "lognormal", "cutoff"}
        Must hold "power", which the others are compared with: c n^-a; a continuous broken power law with its break in
        the middle three fifths of the window (log rank); a Gaussian in log rank whose peak is not inside the window; c
        n^-a exp(-n / k). No law may rise in the window.
    n_splits : int
        At least 3, 10 by default.
    estimator : {"auto", "pca", "cvpca"}
        ``"auto"``: cvPCA where most stimuli were repeated, else PCA. PCA of repeated stimuli averages them first.
    bias : {"simulated", "none"}
        Finite sampling bends a spectrum, and both halves alike. ``"simulated"`` simulates, for every law, a Gaussian
        population that follows it, at the size of a half, with the recorded total variance, noise and noise directions,
        and compares the halves with what it shows. ``"none"`` describes the biased spectrum as it is.
    n_simulations : int
        For each law; at least 2.
    d : float, optional
        Dimension of the stimulus set; adds whether the exponent at the end of the window agrees with alpha > 1 + 2/d,
        which holds for every differentiable code (Stringer et al. 2019).
    level, seed, progress
        Of the intervals; of all that is random; show progress on stderr.

    Returns
    -------
    ModelComparison
        ``.verdict``, ``.best``, ``.points``, ``.laws`` and ``.table``, one row a law: ``model``; ``heldout_error`` and
        ``heldout_error_se`` (natural log units); ``difference`` of that error to the power law's, ``difference_se``,
        ``low``, ``high`` (negative: better than a power law) and ``better`` (high below zero, and the error at least
        5 % smaller); ``alpha_end``, the exponent at the last rank, with ``alpha_end_low/high`` (over halves of the
        stimuli); the parameters ``log_c``, ``alpha``, ``alpha_2``, ``break_rank``, ``curvature`` (of log rank squared),
        ``cutoff_rank``, NaN where a law has none.

    Raises
    ------
    InputError
        For a spectrum, unknown laws, a window that halves of the stimuli cannot show, or one not above noise.

    Warns
    -----
    UserWarning
        When the window reaches past half of what a half of the stimuli can show, or repeats are copies of each other.

    Notes
    -----
    Splits overlap, so their spread understates the error of the mean difference: its variance is (1/J + 1) times that
    over the J splits (Nadeau & Bengio 2003, equation 10, test set as large as the training set), and the intervals
    share ``1 - level`` among the alternatives (Bonferroni). The test is therefore cautious, and "not shown" is no proof
    of a power law. Time: 2 n_splits spectra of half the stimuli, and for each law n_simulations + 6 of simulated ones:
    seconds at 600 stimuli, minutes at 2800 stimuli by 10,000 neuroids with repeats. Memory: the responses in float64,
    up to twice.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> x = np.random.default_rng(0).normal(size=(300, 200)) * np.arange(1, 201) ** -0.5
    >>> found = na.compare_models(na.make_assembly(x, stimulus_id=np.arange(300)), (4, 40), models=("power", "broken"))
    >>> found.verdict.partition(", as far")[0]
    'a power law describes ranks 4 to 40 no worse than a broken power law'
    """
    names = _check_arguments(assembly, models, n_splits, n_simulations, estimator, bias, d, level, seed)
    x, used = responses(assembly, estimator)
    _, n_stimuli, n_neuroids = x.shape
    half = n_stimuli // 2
    first, last = window(ranks, half, n_neuroids, n_stimuli)
    with threads_for(half):
        of = halves.setting(x, halves.pca if used == "pca" else halves.crossvalidated)
        del x

        generators = [np.random.default_rng([seed, 1, split]) for split in range(n_splits)]
        watched = tqdm(
            generators, desc=f"{used} of halves", unit="split", disable=not progress, file=sys.stderr, delay=1
        )
        spectra = np.array([halves.split_spectra(of, rng) for rng in watched])  # (split, half, component)
        at, n_dropped = visible(spectra, first, last)
        mean = spectra.mean(axis=(0, 1))
        biases = {name: np.zeros(len(at.ranks)) for name in names}
        if bias == "simulated":
            total = len(names) * (sum(halves.EARLY) + n_simulations + 1)
            with tqdm(
                total=total, desc="sampling bias", unit="run", disable=not progress, file=sys.stderr, delay=1
            ) as bar:
                for name in names:
                    for reached in halves.sampling_bias(name, of, at, mean, n_simulations, seed):
                        biases[name] = reached.bias
                        bar.update()
    log_halves = np.log(at.mean(spectra))
    table, laws = score(log_halves, at, biases, level)
    winners = table[table["better"]].sort_values("heldout_error")["model"].tolist()
    best = str(winners[0]) if winners else "power"
    sentence = verdict_sentence(table, best, first, last)
    if d is not None:
        sentence += "; " + bound_sentence(table[table["model"] == best].iloc[0], best, d, last, level)
    return ModelComparison(
        verdict=sentence,
        best=best,
        table=table,
        points=_shown(log_halves, at, laws, biases),
        laws=laws,
        ranks=(first, last),
        level=level,
        n_splits=n_splits,
        n_bins=len(at.ranks),
        n_bins_dropped=n_dropped,
        estimator=used,
        bias=bias,
        n_stimuli=n_stimuli,
        n_neuroids=n_neuroids,
        identifier=str(assembly.attrs.get("identifier", "")),
        seed=seed,
    )


def responses(assembly: xr.DataArray, estimator: str) -> tuple[np.ndarray, str]:
    """Centred responses (k, stimulus, neuroid), one or two repeats, in float64, and which estimator they are for."""
    halved = assembly.dims == ("repeat", "stimulus", "neuroid")
    if halved or assembly.dims == ("stimulus", "neuroid"):
        check_neuroids(assembly, "the assembly")
    if assembly.dims == ("stimulus", "neuroid"):
        if estimator == "cvpca":
            raise InputError("estimator is 'cvpca' for (stimulus, neuroid); give both repeats or the assembly")
        check_responses(assembly, needs_repeats=False)
        return _averaged(recorded(assembly.expand_dims("repeat"))[0]), "pca"
    if not halved:
        assembly = presentations(assembly)
    if estimator == "auto":
        estimator = "cvpca" if halved or _mostly_repeated(assembly) else "pca"
    check_responses(assembly, needs_repeats=estimator == "cvpca")
    if estimator == "cvpca":
        return centred_repeats(recorded(two_repeats(assembly)))[0], "cvpca"
    if halved:
        return _averaged(recorded(assembly.mean("repeat", skipna=True).expand_dims("repeat"))[0]), "pca"
    return _averaged(repeats(assembly, 1)[0]), "pca"


def window(ranks: object, half: int, n_neuroids: int, n_stimuli: int) -> tuple[int, int]:
    """First and last rank, given or by rule, or why half of the stimuli cannot show them."""
    size = min(half - 1, n_neuroids)
    auto = isinstance(ranks, str) and ranks == "auto"
    try:
        first, last = check_window(auto_window(half, n_neuroids, size) if auto else ranks, size, size)
    except InputError as error:
        raise InputError(f"half of the {n_stimuli} stimuli, which laws are fitted to: {error}") from error
    if last > size / 2:
        warnings.warn(
            f"ranks {first} to {last} reach past half of the {size} that half of the {n_stimuli} stimuli and "
            f"{n_neuroids} neuroids give: what is compared there is mostly finite sampling; end at {size // 2}",
            stacklevel=3,
        )
    return first, last


def visible(spectra: np.ndarray, first: int, last: int) -> tuple[Points, int]:
    """Geometric bins of the window that are above zero in every half (split, half, component), and how many are not."""
    groups = geometric_bins(first, last, max(BINS_PER_DECADE, int(np.ceil((MIN_BINS + 1) / np.log10(last / first)))))
    above = np.all(points(groups).mean(spectra) > 0, axis=(0, 1))
    kept = [group for group, use in zip(groups, above, strict=True) if use]
    if len(kept) < MIN_BINS:
        dropped = "" if above.all() else f", {int((~above).sum())} of them not above zero in every half of the stimuli"
        raise InputError(
            f"ranks {first} to {last} make {len(groups)} bins{dropped}; telling laws apart needs {MIN_BINS} above "
            "noise: use a wider window, lower ranks, or more stimuli and repeats"
        )
    return points(kept), len(groups) - len(kept)


def _shown(log_halves: np.ndarray, at: Points, laws: dict[str, Law], biases: dict[str, np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first": [int(group[0]) for group in at.ranks],
            "last": [int(group[-1]) for group in at.ranks],
            "rank": [float(np.exp(np.log(group).mean())) for group in at.ranks],
            "log_eigenvalue": log_halves.mean(axis=(0, 1)),
            "log_eigenvalue_sd": log_halves.reshape(-1, log_halves.shape[2]).std(axis=0, ddof=1),
            **{name: predict(law, at) + biases[name] for name, law in laws.items()},
        }
    )


def _mostly_repeated(assembly: xr.DataArray) -> bool:
    counts = np.unique(assembly.coords["stimulus_id"].values.astype(str), return_counts=True)[1]
    return bool((counts > 1).mean() >= 0.5)


def _averaged(responses: xr.DataArray) -> np.ndarray:
    values = np.asarray(responses.values, dtype=np.float64)
    means, missing = column_means(values)
    check_values(means, missing, values.shape[0], responses.coords["neuroid_id"].values)
    return np.nan_to_num(values - means, nan=0.0)[None]


def _check_arguments(
    assembly: object,
    models: Collection[str],
    n_splits: int,
    n_simulations: int,
    estimator: str,
    bias: str,
    d: float | None,
    level: float,
    seed: int,
) -> list[str]:
    if isinstance(assembly, xr.Dataset):
        raise InputError(
            "got a Dataset; laws are compared on held-out stimuli, which a spectrum no longer has (its subsamples "
            "overlap): give the assembly that it was made from (of a recording: preprocess it, or take .responses)"
        )
    if not isinstance(assembly, xr.DataArray):
        raise InputError(f"expected an assembly (DataArray), got {type(assembly).__name__}; see make_assembly")
    if not isinstance(models, Collection):
        raise InputError(f"models is {models!r}; expected names out of {MODELS}")
    asked = [models] if isinstance(models, str) else list(models)
    for name in asked:
        if name not in MODELS:
            raise InputError(f"models holds {name!r}; expected any of {MODELS}{nearest(str(name), MODELS)}")
    if "power" not in asked or len(set(asked)) < 2:
        raise InputError(f"models is {tuple(asked)}; expected 'power' and at least one law to compare it with")
    if estimator not in ("auto", "pca", "cvpca"):
        raise InputError(f"estimator is {estimator!r}; expected 'auto', 'pca' or 'cvpca'")
    if bias not in ("simulated", "none"):
        raise InputError(f"bias is {bias!r}; expected 'simulated' or 'none'")
    whole(n_splits, "n_splits", 3)
    whole(n_simulations, "n_simulations", 2)
    if d is not None and not share(d, "d", 0, np.inf) > 0:
        raise InputError(f"d is {d}; the dimension of a stimulus set is above zero")
    if not share(level, "level", 0.5, 1) < 1:
        raise InputError(f"level is {level}; expected a share such as 0.95")
    check_seed(seed)
    return [name for name in MODELS if name in asked]
