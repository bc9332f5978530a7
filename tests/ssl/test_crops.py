"""Boxes against torchvision's sampler; resampling against torch's own interpolation, image by image."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from torch.nn.functional import interpolate
from torchvision.transforms import RandomResizedCrop

from neuroalpha.ssl import crops


def uniform(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((n, crops.NUMBERS), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(32, 32, (0.08, 1.0)), (48, 32, (0.3, 0.9)), (20, 90, (0.5, 1.0))]
)
def test_boxes_are_drawn_as_torchvision_draws_them(height: int, width: int, scale: tuple[float, float]) -> None:
    ratio = (3 / 4, 4 / 3)
    drawn = torch.stack(crops.random_boxes(uniform(3000), height, width, scale, ratio), 1)
    torch.manual_seed(1)
    image = torch.zeros(3, height, width)
    expected = torch.tensor([RandomResizedCrop.get_params(image, list(scale), list(ratio)) for _ in range(3000)])
    assert (drawn == drawn.round()).all()
    assert (drawn[:, :2] >= 0).all()
    assert (drawn[:, 0] + drawn[:, 2] <= height).all()
    assert (drawn[:, 1] + drawn[:, 3] <= width).all()
    for ours, theirs in zip(drawn.T, expected.T, strict=True):
        assert ks_2samp(ours, theirs).pvalue > 1e-3
    assert ks_2samp(drawn[:, 2] * drawn[:, 3], expected[:, 2] * expected[:, 3]).pvalue > 1e-3
    assert ks_2samp(drawn[:, 3] / drawn[:, 2], expected[:, 3] / expected[:, 2]).pvalue > 1e-3


@pytest.mark.parametrize(("height", "width"), [(10, 100), (100, 10), (32, 32)])
def test_where_nothing_fits_the_middle_is_taken(height: int, width: int) -> None:
    scale, ratio = (5.0, 5.0), (3 / 4, 4 / 3)  # an area beyond the image
    drawn = [int(side[0]) for side in crops.random_boxes(uniform(1), height, width, scale, ratio)]
    assert drawn == list(RandomResizedCrop.get_params(torch.zeros(3, height, width), list(scale), list(ratio)))


def test_shifts_are_uniform_and_symmetric() -> None:
    top, left, tall, wide = crops.shifted_boxes(uniform(9000), 32, 64, 0.125)
    assert (tall == 32).all()
    assert (wide == 64).all()
    for side, furthest in ((top, 4), (left, 8)):
        values, counts = side.unique(return_counts=True)
        assert values.tolist() == list(range(-furthest, furthest + 1))
        expected = 9000 / len(values)
        assert (counts - expected).abs().max() < 5 * expected**0.5


def boxes(*each: tuple[int, int, int, int]) -> crops.Boxes:
    top, left, tall, wide = torch.tensor(each, dtype=torch.float32).T
    return top, left, tall, wide


@pytest.mark.parametrize(
    ("height", "width", "size"), [(32, 32, 32), (20, 24, 32), (64, 48, 32), (37, 90, 24), (8, 8, 1)]
)
def test_resampling_is_torchs_interpolation_of_the_crop(height: int, width: int, size: int) -> None:
    pixels = torch.randint(
        0, 256, (12, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    some = crops.random_boxes(uniform(10), height, width, (0.02, 1.0), (0.5, 2.0))
    corners = boxes((0, 0, 1, 1), (height - 2, width - 3, 2, 3))
    both = tuple(torch.cat(pair) for pair in zip(some, corners, strict=True))
    flip = torch.arange(12) % 3 == 0
    result = crops.resample(pixels, both, size, flip)  # type: ignore[arg-type]
    for image, (top, left, tall, wide), mirrored, got in zip(
        pixels, torch.stack(both, 1).int(), flip, result, strict=True
    ):
        crop = image[None, :, top : top + tall, left : left + wide].double() / 255
        expected = interpolate(crop, (size, size), mode="bilinear", antialias=True)[0]
        expected = expected.flip(2) if mirrored else expected
        torch.testing.assert_close(got.double(), expected, atol=1e-5, rtol=0)


def test_a_whole_image_stays_what_it_is() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16)
    result = crops.resample(pixels, boxes((0, 0, 16, 16), (0, 0, 16, 16)), 16)
    torch.testing.assert_close(255 * result, pixels.float(), atol=1e-4, rtol=0)


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_what_comes_in_from_outside_is_black(top: int, left: int) -> None:
    pixels = torch.randint(1, 256, (1, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(pixels, (4, 4, 4, 4))[..., top + 4 : top + 12, left + 4 : left + 12]
    result = crops.resample(pixels, boxes((top, left, 8, 8)), 8)
    torch.testing.assert_close(255 * result, padded.float(), atol=1e-4, rtol=0)


@given(st.integers(2, 40), st.integers(1, 40), st.data())
def test_weights_of_a_box_within_the_image_add_up_to_one(before: int, after: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, before))
    start = data.draw(st.integers(0, before - length))
    weights = crops.weights(torch.tensor([float(start)]), torch.tensor([float(length)]), before, after)[0]
    assert weights.shape == (after, before)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(after))
    outside = torch.ones(before, dtype=torch.bool)
    outside[start : start + length] = False
    assert not weights[:, outside].any()


def test_pixels_in_any_memory_order() -> None:
    pixels = torch.randint(0, 256, (3, 3, 8, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    drawn = crops.random_boxes(uniform(3), 8, 6, (0.2, 1.0), (0.75, 4 / 3))
    last = pixels.contiguous(memory_format=torch.channels_last)
    assert torch.equal(crops.resample(pixels, drawn, 5), crops.resample(last, drawn, 5))
