"""Gaussian blur of whole batches, a width for each image, by two small matrices."""

from __future__ import annotations

import torch
from torch import Tensor


def kernel_size(size: int) -> int:
    """Pixels of the kernel: a tenth of the image, made odd (Chen et al. 2020, appendix A).

    Examples
    --------
    >>> kernel_size(96), kernel_size(224)
    (9, 23)
    """
    return 2 * (size // 20) + 1


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur images (n, 3, S, S) by a Gaussian of standard deviation ``sigma`` (n,) in pixels; 0 leaves one as it is.

    The kernel has :func:`kernel_size` pixels and the image is mirrored at its rim, as torchvision's GaussianBlur does.

    Examples
    --------
    >>> images = torch.rand(2, 3, 96, 96)
    >>> blurred = blur(images, torch.tensor([0.0, 2.0]))
    >>> bool(torch.equal(blurred[0], images[0])), bool(blurred[1].std() < images[1].std())
    (True, True)
    """
    n, size = len(images), images.shape[-1]
    radius = kernel_size(size) // 2
    steps = torch.arange(size, device=images.device)
    apart = (steps[:, None] - steps).abs()
    kernel = torch.exp(-0.5 * (steps[: radius + 1] / sigma.clamp(min=1e-3)[:, None]) ** 2)
    kernel /= 2 * kernel.sum(1, keepdim=True) - kernel[:, :1]
    kernel = torch.cat([kernel, torch.zeros_like(kernel[:, :1])], 1)  # nothing beyond the radius
    # A pixel counts at its place and where it is mirrored: at minus its place, and at 2 (S - 1) minus its place.
    both = steps[:, None] + steps
    left = torch.where(steps == 0, size, both)
    right = torch.where(steps == size - 1, size, 2 * (size - 1) - both)
    matrix = kernel[:, apart.clamp(max=radius + 1)]
    for place in (left, right):
        matrix += kernel[:, place.clamp(max=radius + 1)]
    across = torch.bmm(images.reshape(n, -1, size), matrix.transpose(1, 2)).view_as(images)
    return torch.matmul(matrix[:, None], across)
