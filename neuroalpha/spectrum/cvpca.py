"""Cross-validated PCA: the eigenspectrum of what a population repeats, without its trial noise."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from tqdm import tqdm

from neuroalpha._checks import check_seed, whole
from neuroalpha.assembly import drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum import crossval, twin
from neuroalpha.spectrum.blocks import nan_to_zero
from neuroalpha.spectrum.checks import check_responses
from neuroalpha.spectrum.crossgram import SINGLE, CrossGrams, cross_grams, subsample_grams
from neuroalpha.spectrum.crossval import swaps
from neuroalpha.spectrum.gram import BLAS, Engine, column_means
from neuroalpha.spectrum.resample import check_center, check_resampling, draw_fraction, subsets
from neuroalpha.spectrum.result import check_values, make_spectrum, pad
from neuroalpha.spectrum.threads import threads_for
from neuroalpha.trials import repeats, split

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
    n_components: int | None = None,
    precision: Literal["float64", "float32"] = "float64",
    device: str | None = None,
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
    n_components : int, optional
        Only so many leading components (the notebook kept 1024): less work. Default: all. Dimension measures need all.
    precision : {"float64", "float32"}
        ``"float32"``, for float32 values with at least as many neuroids as stimuli: products, and the reduction before
        the eigenproblem, in float32, sums in float64. Faster by about half; off by less than 1e-4 at ranks to 500 of
        noisy recordings. Where eigenvalues span more than 1e4, and below the subsamples, it goes on in float64.
    device : str, optional
        None (default): numpy; ``"cpu"``, ``"cuda"``: torch on that device, in float64 (refused for ``"python2019"``).
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Dataset over ``component``
        ``eigenvalue``: covariance between repeats (units squared, divided by stimuli - 1 so that identical repeats give
        the eigenvalues of PCA), in the order of the first repeat's components; ``eigenvalue_draw``,
        ``eigenvalue_low/high``; attrs say how it was made. min(stimuli, neuroids, ``n_components``) components.

    Raises
    ------
    InputError
        When stimuli were shown once only, or neuroids are NaN throughout.

    Notes
    -----
    Known bias: low when trial noise is strong, most when signal and noise have different eigenvectors (true
    alpha 1 can read 0.64). The interval is that of the estimate, not of the truth. Time for S stimuli, N >= S neuroids:
    one product of (2 S)^2 N, an eigenproblem of side S per shuffle, and per draw fraction**3 of all
    of these. Memory beyond the assembly: three (S, S) float64 matrices and about two thirds again to work in (300 MB at
    2800 stimuli, 400 MB for float64 values), and 256 MiB for subsamples, whatever the number of neuroids. A lazy (dask)
    assembly, chunked along ``neuroid``, is read once, and once more for as many subsamples as fit into those 256 MiB
    (not at all where only stimuli are drawn). With fewer neuroids than stimuli a float64 copy of the repeats is held.
    Eigenvectors of float32 values are float32, where eigenvalues span less than 1e4: off by about 1e-7.

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
    whole(n_shuffles, "n_shuffles", 1)
    check_center(center)
    check_seed(seed)
    if precision not in ("float64", "float32"):
        raise InputError(f"precision is {precision!r}; expected 'float64' or 'float32'")
    if n_components is not None:
        whole(n_components, "n_components", 1)
    if convention == "python2019" and (device is not None or precision == "float32"):
        raise InputError(
            f"device is {device!r} and precision {precision!r}, but the convention 'python2019' is computed with numpy "
            "in float64 only; leave both out"
        )
    engine = twin.engine(device)
    check_responses(assembly, needs_repeats=True)
    halves = _source(assembly)
    _, n_stimuli, n_neuroids = halves.values.shape
    narrow = halves.values.dtype.itemsize <= 4
    single = precision == "float32" and narrow and engine is BLAS and n_neuroids >= n_stimuli
    estimator = _Estimator(convention, n_components, single, narrow, engine)
    rng = np.random.default_rng(seed)
    masks = swaps(n_stimuli, n_shuffles, rng)
    by_stimuli = convention == "python2019" or n_neuroids >= n_stimuli
    grams = cross_grams(halves.values, center, SINGLE if estimator.single else engine) if by_stimuli else None
    if grams is None:
        x, n_missing = centred_values(halves.values, halves.neuroid_id, center)
    else:
        n_missing = check_values(grams.means, grams.missing, 2 * n_stimuli, halves.neuroid_id)
    watched = tqdm(masks, desc="cvPCA shuffles", unit="shuffle", disable=not progress, file=sys.stderr, delay=1)
    eigenvalue = estimator(x if grams is None else grams, watched) / (n_stimuli - 1)

    used = fraction or draw_fraction(n_stimuli, n_neuroids)
    draws = np.empty((n_draws, eigenvalue.size))
    picks = list(subsets(n_stimuli, n_neuroids, n_draws, used, axes, rng))
    parts: Any
    if grams is None:
        parts = _parts(x, picks, center)
    else:
        parts = subsample_grams(halves.values, grams, picks, center, engine)
    hidden = not (progress and n_draws)
    for draw, part in enumerate(
        tqdm(parts, total=n_draws, desc="cvPCA interval", unit="draw", disable=hidden, file=sys.stderr, delay=1)
    ):
        stimuli, neuroids = picks[draw]
        # The estimate's own swaps, so that a draw differs from it by what was drawn and not by other swaps. Eigenvalues
        # grow with the number of neuroids; the factor puts draws on the scale of the whole.
        scale = n_neuroids / neuroids.size / (stimuli.size - 1)
        draws[draw] = pad(
            estimator(part, masks[:, stimuli])[: min(stimuli.size, neuroids.size)] * scale, eigenvalue.size
        )
    return make_spectrum(
        eigenvalue,
        draws if n_draws else None,
        halves.attrs,
        estimator="cvpca",
        convention=convention,
        repeats_order=str(halves.attrs.get("order", "as given")),
        n_shuffles=int(n_shuffles),
        n_stimuli=int(n_stimuli),
        n_neuroids=int(n_neuroids),
        n_missing_filled=n_missing,
        n_components=_cut(convention, n_components),
        center="neuroid mean over both repeats" if center else "none",
        resample="+".join(axes),
        draw_fraction=float(used),
        seed=int(seed),
        precision="float32" if estimator.single else "float64",
        device=engine.device,
    )


def _cut(convention: str, n_components: int | None) -> int:
    """How many leading components are kept at most; 0 for all."""
    most = [n for n in (n_components, crossval.MAX_PYTHON2019 if convention == "python2019" else None) if n]
    return int(min(most, default=0))


@dataclass(frozen=True)
class _Estimator:
    """The cross-validated scatter, averaged over swap masks, by convention, precision and device."""

    convention: str
    n_components: int | None
    single: bool
    rounded: bool
    engine: Engine

    def __call__(self, data: CrossGrams | np.ndarray, masks: Iterable[np.ndarray]) -> np.ndarray:
        side = min(data.totals.shape[1], data.n_neuroids) if isinstance(data, CrossGrams) else min(data.shape[1:])
        with threads_for(side):
            return np.mean([self.once(data, mask)[: self.n_components] for mask in masks], axis=0)

    def once(self, data: CrossGrams | np.ndarray, mask: np.ndarray) -> np.ndarray:
        device = None if self.engine is BLAS else self.engine.device
        if not isinstance(data, CrossGrams):
            if device is not None:
                return twin.from_covariance(data, mask, self.n_components, device)
            return crossval.from_covariance(data, mask, self.n_components)
        if self.convention == "python2019":
            return crossval.python2019(data, mask)
        if device is not None:
            return twin.from_gram(data, mask, self.n_components)
        return crossval.from_gram(data, mask, self.n_components, self.single, self.rounded)


@dataclass(frozen=True)
class _Source:
    """Values (repeat, stimulus, neuroid), numpy, dask or averaged block by block, and what their labels say."""

    values: Any
    neuroid_id: np.ndarray
    attrs: dict[str, Any]


def _source(assembly: xr.DataArray) -> _Source:
    """Two repeats, without averaging presentations before they are needed."""
    if isinstance(assembly, xr.DataArray) and assembly.dims == ("repeat", "stimulus", "neuroid"):
        halves = two_repeats(assembly)
        return _Source(halves.data, halves.coords["neuroid_id"].values, dict(halves.attrs))
    dealt = split(drop_blanks(assembly) if isinstance(assembly, xr.DataArray) else assembly, 2)
    _check_stimuli(dealt.shape[1])
    return _Source(dealt, assembly.coords["neuroid_id"].values, dealt.attrs)


def two_repeats(assembly: xr.DataArray) -> xr.DataArray:
    """Return (repeat, stimulus, neuroid) with exactly two repeats, splitting an assembly where needed."""
    if isinstance(assembly, xr.DataArray) and assembly.dims == ("repeat", "stimulus", "neuroid"):
        if assembly.sizes["repeat"] != 2:
            raise InputError(f"expected 2 repeats, got {assembly.sizes['repeat']}; use neuroalpha.repeats(assembly, 2)")
        halves = assembly
    else:
        halves = repeats(drop_blanks(assembly) if isinstance(assembly, xr.DataArray) else assembly, 2)
    _check_stimuli(halves.sizes["stimulus"])
    return halves


def _check_stimuli(n_stimuli: int) -> None:
    if n_stimuli < 2:
        raise InputError("only one stimulus has two repeats; a spectrum needs at least 2 stimuli")


def centred_repeats(halves: xr.DataArray, center: bool = True) -> tuple[np.ndarray, int]:
    """Centre values (2, S, N) over both repeats at once, in float64; NaN become the neuroid's mean and are counted."""
    return centred_values(halves.values, halves.coords["neuroid_id"].values, center)


def centred_values(values: Any, neuroid_id: np.ndarray, center: bool = True) -> tuple[np.ndarray, int]:
    """The same for bare values, numpy or lazy: a float64 copy of all of them."""
    x = np.array(values[..., :], dtype=np.float64)
    means, missing = column_means(x.reshape(-1, x.shape[2]))
    n_missing = check_values(means, missing, x.shape[0] * x.shape[1], neuroid_id)
    if center:
        x -= means
    return nan_to_zero(x), n_missing


def _parts(x: np.ndarray, picks: Sequence[tuple[np.ndarray, np.ndarray]], center: bool) -> Iterator[np.ndarray]:
    """Subsamples of few neuroids, centred on themselves."""
    for stimuli, neuroids in picks:
        part = x[:, stimuli[:, None], neuroids]
        yield part - part.mean(axis=(0, 1)) if center else part
