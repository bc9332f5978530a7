from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from neuroalpha.tasks.corruptions.filters import convolve, gaussian, smear, zoom_in


def pixels(n=2, height=33, width=40, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((n, 3, height, width)))


@pytest.mark.parametrize(("mode", "truncate"), [("nearest", 4.0), ("reflect", 3.0)])
@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.7, 2.5, 40.0])
def test_gaussian_is_scipys(mode, truncate, sigma):
    x = pixels()
    expected = ndimage.gaussian_filter(x.numpy(), (0, 0, sigma, sigma), mode=mode, truncate=truncate)
    np.testing.assert_allclose(gaussian(x, sigma, mode, truncate), expected, atol=1e-12)


def test_convolve_is_scipys_with_a_mirrored_border():
    x = pixels()
    kernel = np.random.default_rng(1).random((7, 7))
    mirrored = np.pad(x.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)), mode="reflect")
    expected = [[signal.convolve2d(colour, kernel, mode="valid") for colour in image] for image in mirrored]
    np.testing.assert_allclose(convolve(x, kernel), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [1.0, 1.01, 1.13, 1.75, 2.25, 4.5])
def test_zoom_is_scipys_of_the_middle(factor):
    x = pixels(height=32, width=32)
    part = math.ceil(32 / factor)
    top = (32 - part) // 2
    zoomed = ndimage.zoom(x[..., top : top + part, top : top + part].numpy(), (1, 1, factor, factor), order=1)
    trim = (zoomed.shape[-1] - 32) // 2
    np.testing.assert_allclose(zoom_in(x, factor), zoomed[..., trim : trim + 32, trim : trim + 32], atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 30.0, -45.0, -90.0, -135.0])
def test_smear_draws_a_line_of_half_a_gaussian(angle):
    """A point of light becomes the kernel itself: a one-sided line, its length, direction and weights as stated."""
    radius, sigma = 6, 3.0
    point = torch.zeros(1, 1, 65, 65, dtype=torch.float64)
    point[0, 0, 32, 32] = 1
    found = smear(point, torch.tensor([angle]), radius, sigma)[0, 0]
    weight = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    weight /= weight.sum()
    expected = np.zeros((65, 65))
    for step, share in enumerate(weight):
        across = math.ceil(step * math.cos(math.radians(angle)) - 0.5)
        down = math.ceil(step * math.sin(math.radians(angle)) - 0.5)
        expected[32 - down, 32 - across] += share  # light that is looked for ahead arrives behind
    np.testing.assert_allclose(found, expected, atol=1e-7)
    rows, columns = np.nonzero(found.numpy())
    length = max(np.ptp(rows), np.ptp(columns)) if angle % 90 == 0 else np.hypot(np.ptp(rows), np.ptp(columns))
    assert length == pytest.approx(2 * radius, abs=1)
    assert found.sum() == pytest.approx(1, abs=1e-6)


def test_each_image_is_smeared_at_its_own_angle():
    x = pixels(n=3)
    angles = torch.tensor([10.0, -80.0, 44.0])
    together = smear(x, angles, 5, 2.0)
    for one in range(3):
        np.testing.assert_array_equal(together[one], smear(x[one : one + 1], angles[one : one + 1], 5, 2.0)[0])
