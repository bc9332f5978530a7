"""V1-like neurons that answer to real pictures, so that a simulated brain sees what a network sees."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neuroalpha.errors import InputError
from neuroalpha.simulate.noise import check_noise
from neuroalpha.simulate.recording import Noise, record
from neuroalpha.spectrum.pca import eigenspectrum


def simulate_v1(
    images: np.ndarray,
    n_neuroids: int = 1000,
    n_repeats: int = 2,
    signal_fraction: float = 0.15,
    noise: Noise = "aligned",
    complex_fraction: float = 0.5,
    spontaneous: bool = True,
    seed: int = 0,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Simulate a recording of Gabor energy-model neurons over given images.

    Simple cells are a half-rectified Gabor filter, complex cells the root of the summed squares of a quadrature pair
    (Adelson & Bergen 1985). Positions, orientations, phases and spatial frequencies (2 cycles an image to a fifth of a
    cycle a pixel, log-uniform) are random; each cell's envelope spans about one and a half cycles. Every cell is scaled
    to unit variance over the images; noise and blanks are added as in :func:`neuroalpha.simulate_recording`.

    Parameters
    ----------
    images : array (stimulus, height, width) or (stimulus, height, width, 3)
        Grey or colour (averaged to grey); any scale, each image is reduced to its deviations from the overall mean.
    n_neuroids, n_repeats, signal_fraction, noise, spontaneous, seed
        As in :func:`neuroalpha.simulate_recording`. "aligned" noise lies along the eigenvectors of these cells' own
        responses.
    complex_fraction : float
        Share of complex cells.

    Returns
    -------
    recording : Dataset
        ``stimulus_id`` in the order of the images.
    truth : Dataset
        Spectrum of the noise-free responses over these images, exact.

    Raises
    ------
    InputError
        For fewer than 2 images or impossible shares.

    Examples
    --------
    >>> import numpy as np
    >>> import neuroalpha as na
    >>> pictures = np.random.default_rng(0).normal(size=(40, 32, 32))
    >>> recording, truth = na.simulate_v1(pictures, n_neuroids=60, seed=0)
    >>> recording.responses.sizes["presentation"], truth.sizes["component"]
    (84, 39)
    """
    check_noise(noise, signal_fraction)
    pictures = np.asarray(images, dtype=np.float64)
    if pictures.ndim == 4:
        pictures = pictures.mean(axis=3)
    if pictures.ndim != 3 or pictures.shape[0] < 2:
        raise InputError(
            f"images have shape {np.shape(images)}; expected at least 2 of (height, width) or (height, width, 3)"
        )
    if not 0 <= complex_fraction <= 1:
        raise InputError(f"complex_fraction is {complex_fraction}; expected a share between 0 and 1")
    rng = np.random.default_rng(seed)
    signal = gabor_responses(pictures - pictures.mean(), n_neuroids, complex_fraction, rng)
    signal /= signal.std(axis=0)
    centred = signal - signal.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    attrs: dict[str, str | int | float] = {
        "identifier": f"simulated_v1_{noise}",
        "model": "Gabor energy",
        "seed": int(seed),
    }
    recording = record(
        centred, n_repeats, signal_fraction, noise, spontaneous, lambda x: x @ axes, axes.shape[0], rng, attrs
    )
    noise_free = xr.DataArray(
        centred,
        dims=("stimulus", "neuroid"),
        coords={
            "stimulus_id": ("stimulus", np.arange(len(centred)).astype(str)),
            "neuroid_id": ("neuroid", recording["responses"].coords["neuroid_id"].values),
        },
        attrs={"identifier": attrs["identifier"]},
    )
    return recording, eigenspectrum(noise_free, n_draws=0).assign_attrs(estimator="truth")


def gabor_responses(
    pictures: np.ndarray, n_cells: int, complex_fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise-free responses (stimulus, cell) of random simple and complex cells to pictures (stimulus, row, column)."""
    _, height, width = pictures.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    flat = pictures.reshape(len(pictures), -1)
    is_complex = rng.random(n_cells) < complex_fraction
    low, high = 2 / min(height, width), 0.2
    frequency = np.exp(rng.uniform(np.log(low), np.log(max(high, low * 1.01)), n_cells))  # cycles a pixel
    angle, phase = rng.uniform(0, np.pi, n_cells), rng.uniform(0, 2 * np.pi, n_cells)
    row, column = rng.uniform(0.15, 0.85, n_cells) * height, rng.uniform(0.15, 0.85, n_cells) * width
    responses = np.empty((len(pictures), n_cells))
    for cell in range(n_cells):
        dx, dy = x - column[cell], y - row[cell]
        envelope = np.exp(-(dx**2 + dy**2) * frequency[cell] ** 2 / (2 * 0.5**2))
        turns = 2 * np.pi * frequency[cell] * (dx * np.cos(angle[cell]) + dy * np.sin(angle[cell])) + phase[cell]
        pair = np.stack([envelope * np.cos(turns), envelope * np.sin(turns)]).reshape(2, -1)
        # Without its mean under the envelope a filter would mostly report brightness.
        pair -= pair.sum(axis=1, keepdims=True) * (envelope.ravel() / envelope.sum())
        drive = flat @ pair.T
        responses[:, cell] = np.hypot(drive[:, 0], drive[:, 1]) if is_complex[cell] else np.maximum(drive[:, 0], 0.0)
    silent = responses.std(axis=0) == 0
    if silent.any():
        raise InputError(
            f"{int(silent.sum())} simulated cells never answer to these images; are the images all the same?"
        )
    return responses
