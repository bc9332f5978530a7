from __future__ import annotations

import numpy as np
import pytest
import torch

import neuroalpha as na
from neuroalpha.tasks.corruptions.plasma import plasma
from neuroalpha.tasks.corruptions.plates import PLATES, SIZE, plate
from neuroalpha.tasks.corruptions.weather import fog, frost, snow


def draws(n=1, seed=0):
    return [np.random.default_rng([seed, one]) for one in range(n)]


def pixels(n=2, height=32, width=32):
    return torch.from_numpy(np.random.default_rng(5).random((n, 3, height, width)))


@pytest.mark.parametrize(("side", "decay"), [(4, 2.0), (16, 1.5)])
def test_plasma_equals_the_diamond_square_written_out_point_by_point(side, decay):
    random = iter(np.random.default_rng([0, 0]).uniform(-1, 1, side * side))
    field = np.zeros((side, side))
    step, spread = side, 1.0
    while step >= 2:
        half = step // 2
        grid = range(0, side, step)
        for top in grid:
            for left in grid:
                corners = [(top, left), (top + step, left), (top, left + step), (top + step, left + step)]
                mean = np.mean([field[row % side, column % side] for row, column in corners])
                field[top + half, left + half] = mean + spread * next(random)
        for down, across in ((0, half), (half, 0)):
            for top in grid:
                for left in grid:
                    row, column = top + down, left + across
                    near = [(row - half, column), (row + half, column), (row, column - half), (row, column + half)]
                    mean = np.mean([field[r % side, c % side] for r, c in near])
                    field[row, column] = mean + spread * next(random)
        step, spread = half, spread / decay**2
    expected = (field - field.min()) / np.ptp(field)
    np.testing.assert_allclose(plasma(draws(), side, side, decay)[0], expected, atol=1e-12)


def test_plasma_is_cut_from_the_next_power_of_two():
    whole = plasma(draws(), 64, 64, 2.0)
    np.testing.assert_array_equal(plasma(draws(), 50, 33, 2.0), whole[:, :50, :33])
    assert whole.min() == 0
    assert whole.max() == 1


def test_fog_is_the_stated_mix_of_image_and_plasma():
    x = pixels(1)
    found = fog(x, draws(), density=1.5, decay=1.75)
    clouds = plasma(draws(), 32, 32, 1.75)
    top = x.max()
    np.testing.assert_allclose(found, (x + 1.5 * clouds[:, None]) * top / (top + 1.5), atol=1e-12)
    assert found.max() <= top + 1e-12
    np.testing.assert_array_equal(na.corrupt(np.zeros((1, 32, 32, 3), np.uint8), "fog", 5), 0)


@pytest.mark.parametrize("kind", ["snow", "fog", "frost"])
@pytest.mark.parametrize("severity", [1, 5])
def test_weather_at_twice_the_size_is_the_same_weather(kind, severity):
    small = np.full((6, 224, 224, 3), 90, np.uint8) if kind == "frost" else np.full((6, 32, 32, 3), 90, np.uint8)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    recipe = "imagenet" if kind == "frost" else "cifar"
    made = na.corrupt(large, kind, severity, recipe=recipe).astype(float)
    halved = made.reshape(6, len(small[0]), 2, len(small[0]), 2, 3).mean(axis=(2, 4))
    expected = na.corrupt(small, kind, severity, recipe=recipe).astype(float)
    if kind == "frost":  # a window begins at another pixel of the plate: the same in kind, not pixel by pixel
        assert halved.mean() == pytest.approx(expected.mean(), rel=0.2)
    else:
        assert np.corrcoef(halved.ravel(), expected.ravel())[0, 1] > 0.95
        assert halved.mean() == pytest.approx(expected.mean(), rel=0.02)


def test_frost_adds_a_window_of_one_plate():
    black = torch.zeros(3, 3, 50, 60, dtype=torch.float64)
    found = frost(black, draws(3), keep=0.5, cover=0.7, unit=1.0)
    for one, rng in enumerate(draws(3)):
        ice = plate(int(rng.integers(PLATES))) / 255
        top, left = int(rng.integers(SIZE - 49)), int(rng.integers(SIZE - 59))
        window = ice[:, top : top + 50, left : left + 60]
        np.testing.assert_allclose(found[one], 0.7 * window, atol=1e-12)
    np.testing.assert_allclose(
        frost(pixels(1), draws(), keep=0.5, cover=0.7, unit=1.0),
        0.5 * pixels(1) + frost(torch.zeros(1, 3, 32, 32, dtype=torch.float64), draws(), keep=1, cover=0.7, unit=1.0),
        atol=1e-12,
    )


def test_frost_at_a_fifth_takes_every_fifth_pixel_of_the_plate():
    rng = draws()[0]
    ice = plate(int(rng.integers(PLATES))) / 255
    top, left = int(rng.integers(SIZE - 159)), int(rng.integers(SIZE - 159))
    found = frost(torch.zeros(1, 3, 32, 32, dtype=torch.float64), draws(), keep=1, cover=1, unit=0.2)
    np.testing.assert_allclose(found[0, 0], ice[0, top + 2 : top + 160 : 5, left + 2 : left + 160 : 5], atol=1e-9)


def test_plates_are_bright_cold_and_different():
    plates = [plate(number).astype(float) for number in range(PLATES)]
    for one in plates:
        assert one.shape == (3, SIZE, SIZE)
        assert 0.3 < one.mean() / 255 < 0.8
        assert one.std() / 255 > 0.15
        assert one[2].mean() > one[0].mean()  # bluish
    assert not np.array_equal(plates[0], plates[1])


def test_frost_covers_images_longer_than_a_plate():
    long = np.full((1, 16, 1200, 3), 100, np.uint8)
    assert na.corrupt(long, "frost", 5).shape == long.shape


def test_snow_whitens_the_image_and_adds_its_layer_twice():
    """Without snowflakes the whitened image is left; with a black image the layer has its own mirror image."""
    x = pixels(1)
    parameters = {"sd": 0.3, "flake": 1.0, "threshold": 9.0, "radius": 8, "sigma": 3, "keep": 0.8}
    red, green, blue = x[0]
    light = 1.5 * (0.299 * red + 0.587 * green + 0.114 * blue) + 0.5
    expected = 0.8 * x + 0.2 * torch.maximum(x, light)
    np.testing.assert_allclose(snow(x, draws(), mean=0.1, **parameters), expected, atol=1e-12)
    black = torch.zeros(1, 3, 32, 32, dtype=torch.float64)
    flakes = snow(black, draws(), mean=0.1, **{**parameters, "threshold": 0.5, "keep": 1.0})
    np.testing.assert_allclose(flakes, flakes.flip((2, 3)), atol=1e-12)
    assert 0 < flakes.mean() < 0.5
    np.testing.assert_array_equal(flakes[:, 0], flakes[:, 2])


@pytest.mark.parametrize("severity", range(1, 6))
def test_snow_falls_rather_down_than_across(severity):
    black = np.zeros((20, 64, 64, 3), np.uint8)
    layer = na.corrupt(black, "snow", severity)[..., 0].astype(float)
    down, across = np.abs(np.diff(layer, axis=1)).mean(), np.abs(np.diff(layer, axis=2)).mean()
    assert across > 1.2 * down
