"""Noise of each kind has the spectrum and the share it should."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.errors import InputError
from neuroalpha.simulate.noise import KINDS, add_noise, check_noise, random_rotation


def test_rotation_is_orthogonal_and_linear():
    rotate = random_rotation(37, np.random.default_rng(0))
    matrix = rotate(np.eye(37))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(37), atol=1e-12)
    x = np.random.default_rng(1).normal(size=(5, 37))
    np.testing.assert_allclose(rotate(x), x @ matrix, atol=1e-12)
    assert np.abs(matrix).max() < 0.8  # no neuron is left to itself


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.8])
def test_share_of_signal(kind, fraction):
    rng = np.random.default_rng(0)
    rotate = random_rotation(200, rng)
    signal = rng.normal(size=(4000, 200))
    noisy = add_noise(signal, kind, fraction, rotate, 200, rng)
    noise = noisy - signal
    assert noise.var() == pytest.approx((1 - fraction) / fraction, rel=0.08)


def test_noise_spectra():
    rng = np.random.default_rng(0)
    rotate = random_rotation(60, rng)
    silence = np.zeros((60_000, 60))
    law = np.arange(1, 61) ** -1.0 * 60 / np.sum(np.arange(1, 61) ** -1.0)
    aligned = add_noise(silence, "aligned", 0.5, rotate, 60, np.random.default_rng(1))
    covariance = rotate(np.eye(60)) @ np.cov(aligned.T) @ rotate(np.eye(60)).T
    np.testing.assert_allclose(np.diag(covariance), law, rtol=0.05)  # along the signal's own axes
    independent = np.cov(add_noise(silence, "independent", 0.5, rotate, 60, np.random.default_rng(2)).T)
    np.testing.assert_allclose(np.linalg.eigvalsh(independent)[::-1], law, rtol=0.06)
    along_signal = np.diag(rotate(np.eye(60)) @ independent @ rotate(np.eye(60)).T)
    assert along_signal.max() / along_signal.min() < law.max() / law.min() / 4  # but along other axes
    white = np.linalg.eigvalsh(np.cov(add_noise(silence, "white", 0.5, rotate, 60, np.random.default_rng(3)).T))
    np.testing.assert_allclose(white, 1, rtol=0.08)


def test_bad_input():
    with pytest.raises(InputError, match="noise is 'pink'"):
        check_noise("pink", 0.5)
    with pytest.raises(InputError, match="signal_fraction is 0"):
        check_noise("white", 0)


def test_a_gain_is_shared_by_the_population():
    """A gain scales the baseline too: within a trial all neurons go up or down together, as white noise never does."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(500, 200))
    together = {
        kind: (add_noise(signal, kind, 0.15, random_rotation(200, rng), 200, rng) - signal).mean(axis=1).std()
        for kind in ("gain", "white")
    }
    assert together["gain"] > 8 * together["white"]
