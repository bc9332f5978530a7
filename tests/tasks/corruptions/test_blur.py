from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

import neuroalpha as na
from neuroalpha.tasks.corruptions.blur import copied_from, defocus_blur, disc, glass_blur, zoom_blur
from neuroalpha.tasks.corruptions.severities import TABLES, severity_parameters

BLURS = ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"]


def draws(n, seed=0):
    return [np.random.default_rng([seed, one]) for one in range(n)]


@pytest.mark.parametrize("kind", BLURS)
@pytest.mark.parametrize("side", [16, 32, 100])
def test_a_blur_preserves_a_constant_image(kind, side):
    plain = np.tile(np.array([10, 137, 251], np.uint8), (2, side, side + 5, 1))
    for severity in range(1, 6):
        np.testing.assert_array_equal(na.corrupt(plain, kind, severity), plain)


@pytest.mark.parametrize("recipe", TABLES)
def test_the_disc_sums_to_one_and_is_as_wide_as_published(recipe):
    for radius, antialias in TABLES[recipe]["defocus_blur"][1]:
        kernel = disc(radius, antialias)
        assert kernel.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(kernel, kernel.T)
        np.testing.assert_allclose(kernel, kernel[::-1])
        assert (kernel > kernel.max() / 2).any(axis=0).sum() == 2 * int(radius) + 1


def test_a_sharp_disc_is_flat():
    kernel = disc(3, 0.1)
    inside = np.add.outer(np.arange(-4, 5) ** 2, np.arange(-4, 5) ** 2) <= 9
    np.testing.assert_allclose(kernel, inside / inside.sum(), atol=1e-12)


def test_defocus_spreads_a_point_into_the_disc():
    point = torch.zeros(1, 3, 33, 33, dtype=torch.float64)
    point[..., 16, 16] = 1
    kernel = disc(6, 0.5)
    half = kernel.shape[0] // 2
    found = defocus_blur(point, [], radius=6, antialias=0.5)[0, 1]
    np.testing.assert_allclose(found[16 - half : 17 + half, 16 - half : 17 + half], kernel, atol=1e-12)


def test_zoom_blur_averages_the_image_with_its_enlargements():
    x = np.random.default_rng(0).random((32, 32))
    factors = np.arange(1, 1.06, 0.01)
    total = x.copy()
    for factor in factors:
        part = int(np.ceil(32 / factor))
        top = (32 - part) // 2
        large = ndimage.zoom(x[top : top + part, top : top + part], factor, order=1)
        trim = (large.shape[0] - 32) // 2
        total += large[trim : trim + 32, trim : trim + 32]
    found = zoom_blur(torch.from_numpy(x).expand(1, 3, 32, 32).clone(), [], stop=1.06, step=0.01)
    np.testing.assert_allclose(found[0, 2], total / (len(factors) + 1), atol=1e-12)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_copying_of_pixels_equals_the_loop_over_pixels(distance):
    """The oracle walks from the bottom right corner and copies, one pixel after the other."""
    height, width = 17, 23
    rng = np.random.default_rng(distance)
    offsets = rng.integers(-distance, distance, (3, height - 2 * distance, width - 2 * distance, 2))
    found = copied_from(offsets, height, width)
    for one in range(3):
        image = np.arange(height * width).reshape(height, width)
        for row in range(height - distance, distance, -1):
            for column in range(width - distance, distance, -1):
                down, across = offsets[one, row - distance - 1, column - distance - 1]
                image[row, column] = image[row + down, column + across]
        np.testing.assert_array_equal(found[one].reshape(height, width), image)


def test_glass_only_moves_colours_when_it_does_not_blur():
    x = torch.arange(3 * 20 * 20, dtype=torch.float64).reshape(1, 3, 20, 20)
    moved = glass_blur(x, draws(1), sigma=0.05, reach=2, passes=1)
    np.testing.assert_array_equal(moved[:, :, :3], x[:, :, :3])  # the rim stays: reach rows, and one more at the top
    assert set(moved.flatten().tolist()) <= set(x.flatten().tolist())
    np.testing.assert_array_equal(moved[0, 0] + 400, moved[0, 1])  # the three colours of a pixel travel together
    assert (moved != x).float().mean() > 0.4


def test_motion_blur_smears_along_lines_near_the_horizontal():
    """Stripes along the motion survive better: vertical ones are always lost more than horizontal ones."""
    stripes = np.zeros((8, 64, 64, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = 255
    level = na.corrupt(stripes, "motion_blur", 5).astype(float).var()
    upright = na.corrupt(stripes.transpose(0, 2, 1, 3), "motion_blur", 5).astype(float).var()
    assert level > 1.5 * upright


def test_lengths_follow_the_size_of_the_image():
    """A picture and the same picture at twice the resolution lose the same: the 100 pixels are blurred as 50 are."""
    rng = np.random.default_rng(0)
    small = ndimage.gaussian_filter(rng.random((4, 50, 50, 3)), (0, 2, 2, 0))
    small = np.rint(255 * (small - small.min()) / np.ptp(small)).astype(np.uint8)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    blurred = na.corrupt(large, "defocus_blur", 5, recipe="cifar").reshape(4, 50, 2, 50, 2, 3).mean(axis=(2, 4))
    expected = na.corrupt(small, "defocus_blur", 5, recipe="cifar")
    assert np.abs(blurred - expected).mean() < 0.25 * np.abs(small - blurred).mean()
    assert severity_parameters("defocus_blur", 5, 100, "cifar")["radius"] == pytest.approx(1.5 * 100 / 32)
