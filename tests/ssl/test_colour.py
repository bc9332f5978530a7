"""Every change of colour against torchvision's functional of the same name, image by image."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms import functional as tvf

from neuroalpha.ssl import colour


def pictures(n: int = 6, seed: int = 0) -> Tensor:
    """Random pixels, and among them grey, black, white, and pure colours, where hue is on an edge or nowhere."""
    images = torch.rand((n, 3, 9, 7), generator=torch.Generator().manual_seed(seed))
    images[:, :, 0, 0] = 0.3
    images[:, :, 0, 1], images[:, :, 0, 2] = 0.0, 1.0
    images[:, :, 1, :6] = torch.tensor(
        [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]]
    ).T  # and the colours between
    images[:, :2, 2] = 0.8  # two channels alike
    return images


@pytest.mark.parametrize(
    ("ours", "theirs", "factors"),
    [
        (colour.brighten, tvf.adjust_brightness, (0.0, 0.6, 1.0, 1.4, 2.0, 0.2)),
        (colour.change_contrast, tvf.adjust_contrast, (0.0, 0.6, 1.0, 1.4, 2.0, 0.2)),
        (colour.saturate, tvf.adjust_saturation, (0.0, 0.6, 1.0, 1.4, 2.0, 0.2)),
        (colour.turn_hue, tvf.adjust_hue, (-0.5, -0.1, 0.0, 0.07, 0.33, 0.5)),
    ],
)
def test_changes_are_torchvisions(
    ours: Callable[[Tensor, Tensor], Tensor], theirs: Callable[[Tensor, float], Tensor], factors: tuple[float, ...]
) -> None:
    images = pictures()
    expected = torch.stack([theirs(image, factor) for image, factor in zip(images, factors, strict=True)])
    result = ours(images, torch.tensor(factors))
    assert result is images  # in place
    torch.testing.assert_close(result, expected, atol=3e-6, rtol=0)


def test_grey_is_torchvisions() -> None:
    torch.testing.assert_close(colour.grey(pictures()), tvf.rgb_to_grayscale(pictures()))


def test_solarize_is_torchvisions_on_the_images_named() -> None:
    images = pictures(4)
    images[:, :, 3] = 0.5
    which = torch.tensor([True, False, True, False])
    result = colour.solarize(images.clone(), which)
    torch.testing.assert_close(result[which], tvf.solarize(images[which], 0.5))
    assert torch.equal(result[~which], images[~which])


@pytest.mark.parametrize("change", [colour.brighten, colour.change_contrast, colour.saturate])
def test_a_factor_of_one_changes_no_bit(change: Callable[[Tensor, Tensor], Tensor]) -> None:
    images = pictures()
    assert torch.equal(change(images.clone(), torch.ones(len(images))), images)


@given(st.floats(-0.5, 0.5), st.integers(0, 1000))
def test_turning_hue_keeps_extremes_and_can_be_undone(turn: float, seed: int) -> None:
    images = pictures(1, seed)
    turned = colour.turn_hue(images.clone(), torch.tensor([turn]))
    for extreme in (torch.amax, torch.amin):
        torch.testing.assert_close(extreme(turned, 1), extreme(images, 1), atol=2e-6, rtol=0)
    back = colour.turn_hue(turned, torch.tensor([-turn]))
    torch.testing.assert_close(back, images, atol=1e-5, rtol=0)


def test_images_do_not_touch_each_other() -> None:
    images, turn = pictures(), torch.linspace(-0.4, 0.4, 6)
    together = colour.turn_hue(images.clone(), turn)
    apart = torch.cat([colour.turn_hue(images[i : i + 1].clone(), turn[i : i + 1]) for i in range(6)])
    assert torch.equal(together, apart)
