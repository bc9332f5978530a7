from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import neuroalpha as na
from neuroalpha.tasks.corruptions.severities import severity_parameters

GREY = np.full((40, 32, 32, 3), 128, dtype=np.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
def test_gaussian_noise_has_the_published_standard_deviation(severity):
    noisy = na.corrupt(GREY, "gaussian_noise", severity) / 255
    sd = severity_parameters("gaussian_noise", severity, 32)["sd"]
    assert noisy.std() == pytest.approx(np.hypot(sd, 1 / 255 / np.sqrt(12)), rel=0.01)  # and rounding to 8 bits
    assert noisy.mean() == pytest.approx(128 / 255, abs=0.002)


@pytest.mark.parametrize("recipe", ["cifar", "imagenet"])
def test_gaussian_noise_is_cut_where_it_leaves_the_range(recipe):
    sd = severity_parameters("gaussian_noise", 5, 32, recipe)["sd"]
    noisy = na.corrupt(GREY, "gaussian_noise", 5, recipe=recipe)
    outside = stats.norm.sf(127 / 255, scale=sd) * 2
    assert np.mean((noisy == 0) | (noisy == 255)) == pytest.approx(outside, abs=0.005)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_shot_noise_is_poisson(severity):
    """Mean x and variance x / photons; at 50 photons the counts themselves can be read off the grey values."""
    dark = np.full((40, 32, 32, 3), 64, dtype=np.uint8)
    photons = severity_parameters("shot_noise", severity, 32)["photons"]
    noisy = na.corrupt(dark, "shot_noise", severity) / 255
    x = 64 / 255
    assert noisy.mean() == pytest.approx(x, rel=0.005)
    assert noisy.var() == pytest.approx(x / photons + 1 / 255**2 / 12, rel=0.03)
    if severity == 5:
        counts = np.rint(noisy.ravel() * photons)
        observed = np.bincount(counts.astype(int), minlength=40)[:40]
        assert stats.poisson.pmf(np.arange(40), x * photons) == pytest.approx(observed / counts.size, abs=0.002)


def test_shot_noise_leaves_black_black():
    assert na.corrupt(np.zeros((2, 32, 32, 3), np.uint8), "shot_noise", 5).max() == 0


@pytest.mark.parametrize("severity", range(1, 6))
def test_impulse_noise_strikes_the_published_share_half_black_half_white(severity):
    noisy = na.corrupt(GREY, "impulse_noise", severity)
    share = severity_parameters("impulse_noise", severity, 32)["share"]
    assert set(np.unique(noisy)) == {0, 128, 255}
    struck = noisy != 128
    margin = 4 * np.sqrt(share / struck.size)
    assert struck.mean() == pytest.approx(share, abs=margin)
    assert (noisy == 255).mean() == pytest.approx(share / 2, abs=margin)
    # Colours are struck one by one: all three of a pixel as rarely as independence says.
    assert struck.all(axis=-1).mean() == pytest.approx(share**3, abs=0.001)


@pytest.mark.parametrize("kind", ["gaussian_noise", "shot_noise", "impulse_noise"])
def test_noise_differs_between_images_colours_and_severities(kind):
    first, second = na.corrupt(GREY[:2], kind, 5)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[..., 0], first[..., 1])
    residuals = [na.corrupt(GREY, kind, severity).astype(float).ravel() - 128 for severity in (4, 5)]
    assert abs(np.corrcoef(residuals)[0, 1]) < 0.02
