"""How much of the responses repeats: signal variance, signal-to-noise ratio, repeat correlation, one-of-n decoding."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import xarray as xr

import neuroalpha
from neuroalpha.assembly import drop_blanks
from neuroalpha.errors import InputError
from neuroalpha.spectrum.cvpca import centred_repeats, two_repeats


def reliability(
    recording: xr.Dataset | xr.DataArray, *, decoder: Literal["correlation", "dot"] = "correlation"
) -> xr.Dataset:
    """Reliability of two repeats, per neuroid and for the population.

    The measures of Stringer et al. 2019 (statsShuffledPCA.m, decode2800.m).

    Parameters
    ----------
    recording : Dataset, or DataArray (presentation, neuroid) or (repeat, stimulus, neuroid)
        Blank presentations are left out; pass a preprocessed assembly for the published figures.
    decoder : {"correlation", "dot"}
        Similarity by which each stimulus of repeat 2 is looked for in repeat 1: correlation of population vectors
        z-scored over stimuli (published figures), or their raw dot product (published notebook).

    Returns
    -------
    Dataset over ``neuroid``
        ``signal_variance``: covariance of the repeats over their mean variance, a share of 1; ``snr``: (v1 + v2 - 2 vn)
        / (2 vn), with v1, v2 the variances over stimuli and vn half the variance of the difference; ``correlation``:
        Pearson correlation of the repeats over stimuli. attrs: their means over neuroids (``mean_signal_variance``,
        ``mean_snr``, ``mean_correlation``), ``decoding_accuracy`` (share of stimuli of repeat 2 whose nearest in repeat
        1 is the same stimulus), ``chance``, ``n_stimuli``, ``n_neuroids``, ``n_constant`` (neuroids that never vary:
        NaN, left out).

    Raises
    ------
    InputError
        When stimuli were shown once only.

    Examples
    --------
    >>> import neuroalpha as na
    >>> recording, _ = na.simulate_recording(1.0, n_stimuli=100, n_neuroids=300, signal_fraction=0.5, seed=0)
    >>> result = na.reliability(na.preprocess(recording))
    >>> abs(result.attrs["mean_signal_variance"] - 0.5) < 0.05, result.attrs["chance"]
    (True, 0.01)
    """
    if decoder not in ("correlation", "dot"):
        raise InputError(f"decoder is {decoder!r}; expected 'correlation' or 'dot'")
    if isinstance(recording, xr.Dataset):
        if "responses" not in recording:
            raise InputError("expected a recording with the variable 'responses', or an assembly")
        recording = recording["responses"]
    if isinstance(recording, xr.DataArray):
        recording = drop_blanks(recording)
    halves = two_repeats(recording)
    signal, snr, correlation = tuning(np.asarray(halves.values, dtype=np.float64))
    with warnings.catch_warnings():  # only the decoder takes missing entries as the mean
        warnings.simplefilter("ignore", UserWarning)
        x, n_missing = centred_repeats(halves)
    constant = ~np.isfinite(correlation)
    accuracy = decode(x[:, :, ~constant], decoder)
    n_stimuli = x.shape[1]
    return xr.Dataset(
        {
            "signal_variance": ("neuroid", signal),
            "snr": ("neuroid", snr),
            "correlation": ("neuroid", correlation),
        },
        coords={name: c for name, c in halves.coords.items() if c.dims == ("neuroid",)},
        attrs={
            "identifier": str(halves.attrs.get("identifier", "")),
            "mean_signal_variance": _mean(signal),
            "mean_snr": _mean(snr),
            "mean_correlation": _mean(correlation),
            "decoding_accuracy": accuracy,
            "decoder": decoder,
            "chance": 1 / n_stimuli,
            "n_stimuli": int(n_stimuli),
            "n_neuroids": int(x.shape[2]),
            "n_constant": int(constant.sum()),
            "n_missing_filled": n_missing,
            "software": f"neuroalpha {neuroalpha.__version__}",
        },
    )


def tuning(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal variance share, SNR and repeat correlation (neuroid,) of two repeats x (2, stimulus, neuroid).

    Each neuroid over the stimuli for which it has both repeats.
    """
    both = np.isfinite(x).all(axis=0)
    count = np.maximum(both.sum(axis=0), 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.where(both, values, 0.0).sum(axis=-2) / count

    one, two = x - mean(x)[:, None, :]
    v1, v2 = mean(one**2), mean(two**2)
    covariance = mean(one * two)
    noise = (v1 + v2 - 2 * covariance) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        # A mean that does not round exactly leaves a constant neuroid a variance of rounding.
        floor = (1e-14 * (np.abs(mean(x[0])) + np.abs(mean(x[1])))) ** 2
        varies = (v1 > floor) & (v2 > floor)
        signal = np.where(varies, covariance / (0.5 * (v1 + v2)), np.nan)
        snr = np.where(varies, (v1 + v2 - 2 * noise) / (2 * np.maximum(noise, 0.0)), np.nan)
        correlation = np.where(varies, covariance / np.sqrt(v1 * v2), np.nan)
    return signal, snr, correlation


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def decode(x: np.ndarray, decoder: str) -> float:
    """Share of repeat-2 stimuli whose most similar repeat-1 stimulus is the same one; x (2, stimulus, neuroid)."""
    if x.shape[2] < (2 if decoder == "correlation" else 1):  # one neuroid has no pattern to correlate
        return float("nan")
    if decoder == "correlation":
        # z-score each neuroid over stimuli, then each population vector across neuroids
        x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
        x = x - x.mean(axis=2, keepdims=True)
        x = x / np.linalg.norm(x, axis=2, keepdims=True)
    similarity = x[0] @ x[1].T
    return float(np.mean(similarity.argmax(axis=0) == np.arange(x.shape[1])))
