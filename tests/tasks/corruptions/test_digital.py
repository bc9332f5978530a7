from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from PIL import Image

import neuroalpha as na
from neuroalpha.tasks.corruptions.severities import severity_parameters


def images(n=3, height=32, width=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
def test_brightness_adds_to_v_of_hsv(severity):
    x = images()
    x[0, 0, :4] = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [1, 1, 1]]
    hsv = rgb_to_hsv(x / 255)
    hsv[..., 2] = np.clip(hsv[..., 2] + severity_parameters("brightness", severity, 32)["shift"], 0, 1)
    np.testing.assert_allclose(na.corrupt(x, "brightness", severity), hsv_to_rgb(hsv) * 255, atol=0.5 + 1e-5)


@pytest.mark.parametrize("severity", range(1, 6))
def test_contrast_shrinks_towards_the_mean_of_each_colour(severity):
    x = images()
    keep = severity_parameters("contrast", severity, 32)["keep"]
    mean = x.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(na.corrupt(x, "contrast", severity), mean + keep * (x - mean), atol=0.5 + 1e-3)


@pytest.mark.parametrize("severity", range(1, 6))
def test_pixelate_is_pils_box_twice(severity):
    x = images(height=48, width=32)
    keep = severity_parameters("pixelate", severity, 32)["keep"]
    for one, found in zip(x, na.corrupt(x, "pixelate", severity), strict=True):
        small = Image.fromarray(one).resize((int(32 * keep), int(48 * keep)), Image.Resampling.BOX)
        np.testing.assert_array_equal(found, np.asarray(small.resize((32, 48), Image.Resampling.BOX)))


@pytest.mark.parametrize(("severity", "block"), [(2, 2), (5, 4)])
def test_pixelate_at_a_half_and_a_quarter_is_the_mean_of_blocks(severity, block):
    x = images(height=64, width=64)
    blocks = x.reshape(3, 64 // block, block, 64 // block, block, 3).mean(axis=(2, 4))
    expected = blocks.repeat(block, axis=1).repeat(block, axis=2)
    np.testing.assert_allclose(na.corrupt(x, "pixelate", severity, recipe="imagenet"), expected, atol=1)


@pytest.mark.parametrize("recipe", ["cifar", "imagenet"])
def test_jpeg_is_what_pil_reads_back(recipe):
    x = images(height=40, width=37)
    for severity in (1, 5):
        quality = severity_parameters("jpeg_compression", severity, 37, recipe)["quality"]
        for one, found in zip(x, na.corrupt(x, "jpeg_compression", severity, recipe=recipe), strict=True):
            file = BytesIO()
            Image.fromarray(one).save(file, "JPEG", quality=int(quality))
            np.testing.assert_array_equal(found, np.asarray(Image.open(file)))
