"""Reliability: against loops over neurons and stimuli, and against the simulated share of signal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

import neuroalpha as na


def halves(n_stimuli=30, n_neuroids=12, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n_stimuli, n_neuroids))
    return signal + rng.normal(size=(2, n_stimuli, n_neuroids))


def test_against_loops():
    x = halves()
    result = na.reliability(na.read_array(x))
    for neuron in range(12):
        one, two = x[0, :, neuron], x[1, :, neuron]
        v1, v2, noise = one.var(), two.var(), (one - two).var() / 2
        covariance = np.mean((one - one.mean()) * (two - two.mean()))
        assert result.signal_variance.values[neuron] == pytest.approx(covariance / (0.5 * (v1 + v2)))
        assert result.snr.values[neuron] == pytest.approx((v1 + v2 - 2 * noise) / (2 * noise))
        assert result.correlation.values[neuron] == pytest.approx(pearsonr(one, two)[0])
    z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    right = [np.argmax([pearsonr(z[0, other], z[1, s])[0] for other in range(30)]) == s for s in range(30)]
    assert result.attrs["decoding_accuracy"] == pytest.approx(np.mean(right))
    assert result.attrs["chance"] == pytest.approx(1 / 30)


def test_dot_product_decoder():
    x = halves()
    x -= x.mean(axis=(0, 1))
    right = [np.argmax(x[0] @ x[1, s]) == s for s in range(30)]
    result = na.reliability(na.read_array(x), decoder="dot")
    assert result.attrs["decoding_accuracy"] == pytest.approx(np.mean(right))


@pytest.mark.parametrize("fraction", [0.15, 0.6])
def test_signal_variance_is_the_simulated_share(fraction):
    recording, _ = na.simulate_recording(1.0, 800, 600, signal_fraction=fraction, noise="white", seed=0)
    result = na.reliability(recording)  # a Dataset: blanks are left out
    assert result.attrs["n_stimuli"] == 800
    assert result.attrs["mean_signal_variance"] == pytest.approx(fraction, abs=0.02)


def test_constant_neurons_are_left_out():
    x = halves()
    x[:, :, 3] = 1.0
    result = na.reliability(na.read_array(x))
    assert np.isnan(result.signal_variance.values[3])
    assert result.attrs["n_constant"] == 1
    assert np.isfinite(result.attrs["decoding_accuracy"])


def test_bad_input():
    with pytest.raises(na.InputError, match="decoder is 'svm'"):
        na.reliability(na.read_array(halves()), decoder="svm")
    with pytest.raises(na.InputError, match="no stimulus has 2"):
        na.reliability(na.read_array(halves()[:1]))


def test_missing_values_are_left_out_pairwise():
    x = halves(200, 5)
    whole = na.reliability(na.read_array(x))
    gaps = x.copy()
    gaps[0, :60, 2] = np.nan
    kept = x[:, 60:, 2]
    expected = np.mean((kept[0] - kept[0].mean()) * (kept[1] - kept[1].mean())) / (
        0.5 * (kept[0].var() + kept[1].var())
    )
    result = na.reliability(na.read_array(gaps))
    assert result.signal_variance.values[2] == pytest.approx(expected)
    np.testing.assert_allclose(np.delete(result.signal_variance, 2), np.delete(whole.signal_variance, 2))


def test_decoder_scales_each_repeat_by_itself():
    x = halves(60, 12, seed=1)
    scaled = x.copy()
    scaled[1] = scaled[1] * np.linspace(0.1, 30, 12) + 5  # a change of gain and offset between the repeats
    assert (
        na.reliability(na.read_array(scaled)).attrs["decoding_accuracy"]
        == na.reliability(na.read_array(x)).attrs["decoding_accuracy"]
    )


def test_identical_repeats_and_single_neurons():
    x = halves(30, 3)
    same = na.reliability(na.read_array(np.stack([x[0], x[0]])))
    assert np.isinf(same.snr).all()
    assert same.attrs["mean_correlation"] == pytest.approx(1)
    assert np.isnan(na.reliability(na.read_array(x[:, :, :1])).attrs["decoding_accuracy"])
