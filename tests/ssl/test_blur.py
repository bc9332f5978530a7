"""The blur against torchvision's, image by image."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import functional as tvf

from neuroalpha.ssl.blur import blur, kernel_size


@pytest.mark.parametrize("size", [20, 32, 96])
def test_blur_is_torchvisions(size: int) -> None:
    images = torch.rand((4, 3, size, size), generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.1, 0.5, 1.3, 2.0])
    expected = torch.stack(
        [tvf.gaussian_blur(image, kernel_size(size), float(s)) for image, s in zip(images, sigma, strict=True)]
    )
    torch.testing.assert_close(blur(images, sigma), expected, atol=2e-6, rtol=0)


def test_without_width_nothing_changes() -> None:
    images = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    assert torch.equal(blur(images, torch.zeros(2)), images)


@pytest.mark.parametrize(("size", "expected"), [(8, 1), (32, 3), (96, 9), (224, 23)])
def test_the_kernel_is_a_tenth_and_odd(size: int, expected: int) -> None:
    assert kernel_size(size) == expected
