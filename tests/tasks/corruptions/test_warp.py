from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from neuroalpha.tasks.corruptions.digital import elastic_transform
from neuroalpha.tasks.corruptions.warp import displace, shear


def pixels(n=2, height=32, width=41):
    return torch.from_numpy(np.random.default_rng(0).random((n, 3, height, width)))


def test_displace_is_scipys_interpolation_mirrored_at_the_outer_edge():
    x = pixels()
    down, right = torch.from_numpy(np.random.default_rng(1).uniform(-8, 8, (2, 2, 32, 41)))
    found = displace(x, down, right)
    rows, columns = np.mgrid[:32, :41]
    for one in range(2):
        for colour in range(3):
            places = [rows + down[one].numpy(), columns + right[one].numpy()]
            expected = ndimage.map_coordinates(x[one, colour].numpy(), places, order=1, mode="reflect")
            np.testing.assert_allclose(found[one, colour], expected, atol=1e-10)


def test_shear_moves_three_corners_by_the_shifts_and_the_rest_affinely():
    x = pixels()
    shifts = torch.from_numpy(np.random.default_rng(2).uniform(-2.5, 2.5, (2, 3, 2)))
    found = shear(x, shifts)
    rows, columns = np.mgrid[:32, :41]
    for one in range(2):
        corners = np.array([[20 + 10, 16 + 10], [20 + 10, 16 - 10], [20 - 10, 16 - 10]], dtype=float)
        moved = corners + shifts[one].numpy()
        # forward: (x, y, 1) of a corner times the map is its moved place; the picture is looked up backwards
        forward = np.linalg.solve(np.column_stack([corners, np.ones(3)]), moved)
        linear, offset = forward[:2].T, forward[2]
        back = np.linalg.inv(linear) @ (np.stack([columns.ravel(), rows.ravel()]) - offset[:, None])
        places = [back[1].reshape(32, 41), back[0].reshape(32, 41)]
        expected = ndimage.map_coordinates(x[one, 1].numpy(), places, order=1, mode="mirror")
        np.testing.assert_allclose(found[one, 1], expected, atol=1e-10)


def test_no_shift_changes_nothing():
    x = pixels()
    np.testing.assert_allclose(shear(x, torch.zeros(2, 3, 2, dtype=torch.float64)), x, atol=1e-12)
    np.testing.assert_allclose(displace(x, torch.zeros(2, 32, 41), torch.zeros(2, 32, 41)), x, atol=1e-12)


def test_elastic_displacements_grow_with_the_image():
    ramp = torch.arange(128, dtype=torch.float64).expand(1, 3, 128, 128) / 128
    parameters = {"smoothness": 3.0, "jitter": 0.0}
    large = elastic_transform(ramp.clone(), [np.random.default_rng(3)], amplitude=40.0, unit=2.0, **parameters) - ramp
    small = elastic_transform(ramp[..., ::2, ::2].clone(), [np.random.default_rng(3)], amplitude=20.0, **parameters)
    small = small - ramp[..., ::2, ::2]
    inside = np.s_[0, 0, 16:-16, 16:-16]
    assert np.corrcoef(large[..., ::2, ::2][inside].ravel(), small[inside].ravel())[0, 1] > 0.95
    np.testing.assert_allclose(large[inside].std(), small[inside].std(), rtol=0.15)


def test_elastic_displacements_are_as_smooth_and_as_large_as_stated():
    """On a ramp the grey value tells the place: without the shear, the places move by the blurred random numbers."""
    ramp = torch.arange(64, dtype=torch.float64).expand(1, 3, 64, 64) / 64
    rng = np.random.default_rng(3)
    found = elastic_transform(ramp.clone(), [rng], amplitude=20.0, smoothness=3.0, jitter=0.0)
    again = np.random.default_rng(3)
    again.uniform(-0.0, 0.0, (3, 2))
    field = again.uniform(-1, 1, (2, 64, 64))
    right = 20 * ndimage.gaussian_filter(field[0], 3, mode="reflect", truncate=3)
    inside = np.s_[10:-10, 10:-10]
    np.testing.assert_allclose((found - ramp)[0, 0].numpy()[inside], right[inside] / 64, atol=1e-10)
