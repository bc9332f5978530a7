"""A two-photon recording of a population whose signal eigenspectrum is known exactly."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from neuroalpha.assembly import count_repetitions, make_assembly, numbered
from neuroalpha.errors import InputError
from neuroalpha.simulate.noise import Basis, add_noise, check_noise, random_rotation
from neuroalpha.spectrum.result import make_spectrum

SPONTANEOUS_FRAMES = 1000
SPONTANEOUS_DIMS = 32
Noise = Literal["aligned", "independent", "white", "gain"]


def simulate_recording(
    alpha: float,
    n_stimuli: int = 2800,
    n_neuroids: int = 10_000,
    n_repeats: int = 2,
    signal_fraction: float = 0.15,
    noise: Noise = "aligned",
    spontaneous: bool = True,
    seed: int = 0,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Simulate repeated responses of a Gaussian population with signal eigenvalues n^-alpha.

    Parameters
    ----------
    alpha : float
        True exponent over all ranks 1..n_neuroids.
    n_stimuli, n_neuroids, n_repeats : int
        Sizes; the first two default to those of Stringer et al. 2019.
    signal_fraction : float
        Share of a trial's variance that the stimulus causes (averaged over neuroids); about 0.1 to 0.17 in mouse V1.
    noise : {"aligned", "independent", "white", "gain"}
        Trial noise: power 1/n along the signal's eigenvectors (as in the published simulations, and the kindest to
        cvPCA), power 1/n along random axes, equal power, or a gain a trial on signal and baseline (0.5 + 1.7 Exp(1),
        published) with white noise for the rest.
    spontaneous : bool
        Add 1000 frames of spontaneous activity: 32 shared dimensions unrelated to the signal, and white noise.
    seed : int

    Returns
    -------
    recording : Dataset
        As :func:`neuroalpha.read_stringer` returns, blank presentations included; :func:`neuroalpha.write_stringer`
        writes it.
    truth : Dataset
        The spectrum of the signal's population covariance, exact: ``eigenvalue`` (n_neuroids,), mean variance 1 per
        neuroid.

    Raises
    ------
    InputError
        For sizes below 2 or impossible shares.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, truth = na.simulate_recording(1.2, n_stimuli=30, n_neuroids=80, seed=1)
    >>> dict(recording.responses.sizes), round(na.fit_alpha(truth, ranks=(1, 80)).alpha, 6)
    ({'presentation': 62, 'neuroid': 80}, 1.2)
    """
    check_noise(noise, signal_fraction)
    if n_stimuli < 2 or n_neuroids < 2 or n_repeats < 1:
        raise InputError(
            f"cannot simulate {n_stimuli} stimuli, {n_neuroids} neuroids, {n_repeats} repeats; need at least 2, 2, 1"
        )
    rng = np.random.default_rng(seed)
    power = np.arange(1, n_neuroids + 1, dtype=np.float64) ** -alpha
    power *= n_neuroids / power.sum()
    rotate = random_rotation(n_neuroids, rng)
    signal = rotate(rng.standard_normal((n_stimuli, n_neuroids)) * np.sqrt(power))
    attrs: dict[str, str | int | float] = {
        "identifier": f"simulated_alpha{alpha:g}_{noise}",
        "true_alpha": float(alpha),
    }
    recording = record(
        signal, n_repeats, signal_fraction, noise, spontaneous, rotate, n_neuroids, rng, {**attrs, "seed": int(seed)}
    )
    truth = make_spectrum(
        power, None, attrs, estimator="truth", n_neuroids=int(n_neuroids), center="none", seed=int(seed)
    )
    return recording, truth


def record(
    signal: np.ndarray,
    n_repeats: int,
    signal_fraction: float,
    noise: str,
    spontaneous: bool,
    signal_basis: Basis,
    n_axes: int,
    rng: np.random.Generator,
    attrs: dict[str, str | int | float],
) -> xr.Dataset:
    """Show ``signal`` (stimulus, neuroid), of unit mean variance, ``n_repeats`` times in random order, with noise."""
    n_stimuli, n_neuroids = signal.shape
    n_blank = max(1, n_stimuli // 20)
    blocks = [rng.permutation(np.r_[np.arange(n_stimuli), np.full(n_blank, n_stimuli)]) for _ in range(n_repeats)]
    shown = np.concatenate(blocks)
    baseline = rng.exponential(size=n_neuroids) / np.sqrt(signal_fraction)
    noise_free = np.vstack([signal, np.zeros((1, n_neuroids))])[shown]
    values = add_noise(noise_free, noise, signal_fraction, signal_basis, n_axes, rng) + baseline
    ids = numbered("", n_stimuli + 2)[shown + 1]
    responses = make_assembly(
        values.astype(np.float32),
        stimulus_id=ids,
        repetition=count_repetitions(ids),
        presentation={"istim": shown + 1, "blank": shown == n_stimuli},
        neuroid={
            "region": np.full(n_neuroids, "V1"),
            **{axis: rng.uniform(0, 1000, n_neuroids) for axis in "xy"},
            "z": rng.integers(0, 11, n_neuroids) * -35.0 - 70.0,
        },
        attrs={
            **attrs,
            "units": "a.u.",
            "source": "simulation",
            "noise": noise,
            "signal_fraction": float(signal_fraction),
        },
    )
    recording = xr.Dataset({"responses": responses}, attrs=dict(responses.attrs))
    if spontaneous:
        dims = min(SPONTANEOUS_DIMS, n_neuroids)
        shared = rng.standard_normal((SPONTANEOUS_FRAMES, dims)) / np.sqrt(np.arange(1, dims + 1))
        axes = np.zeros((SPONTANEOUS_FRAMES, n_neuroids))
        axes[:, :dims] = shared * np.sqrt(0.3 * n_neuroids / (1 / np.arange(1, dims + 1)).sum())
        rest = random_rotation(n_neuroids, rng)(axes) + np.sqrt(0.7) * rng.standard_normal(axes.shape)
        recording["spontaneous"] = (
            ("time", "neuroid"),
            (baseline + rest / np.sqrt(signal_fraction)).astype(np.float32),
        )
    return recording
