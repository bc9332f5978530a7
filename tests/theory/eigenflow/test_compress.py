from __future__ import annotations

import numpy as np
import pytest

from neuroalpha.theory.eigenflow.compress import Interpolation, points_needed


def test_interpolation_sums_and_returns():
    x = np.random.default_rng(0).uniform(-6, 0, 400)
    between = Interpolation(x, points_needed(6.0, 1.0))

    def bent(at):
        return np.log1p(3 * np.exp(3 * at) + 2 * np.exp(at))

    assert abs(bent(between.points) @ between.weights - bent(x).sum()) < 1e-9
    np.testing.assert_allclose(between.back(bent(between.points)), bent(x), atol=1e-11)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("width", [0.5, 4.0, 12.0])
def test_the_number_of_points_is_enough_and_not_twice_too_many(power, width):
    """For the nearest pole that the functions of the theory have, 1 / (1 + exp((1 + 2 a) x)) in mid-range."""
    x = np.linspace(-width, 0, 301)

    def bent(at):
        return 1 / (1 + np.exp((1 + 2 * power) * (at + width / 2)))

    def error(count):
        between = Interpolation(x, count)
        return np.abs(between.back(bent(between.points)) - bent(x)).max()

    count = points_needed(width, power)
    assert error(count) < 1e-10
    assert error(count // 3) > 1e-9
