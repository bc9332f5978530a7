"""Colour changes of whole batches, a strength for each image, in place; each as torchvision defines it on floats."""

from __future__ import annotations

import torch
from torch import Tensor

GREY = (0.2989, 0.587, 0.114)
"""Red, green and blue in grey: ITU-R BT.601, with the digits that torchvision uses."""


def grey(images: Tensor) -> Tensor:
    """Return the grey of images (n, 3, H, W) as (n, 1, H, W).

    Examples
    --------
    >>> round(float(grey(torch.ones(1, 3, 1, 1))), 4)
    0.9999
    """
    red, green, blue = images.split(1, 1)
    return (red * GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])


def brighten(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply images (n, 3, H, W) from 0 to 1 by a factor (n,) each, in place.

    Examples
    --------
    >>> float(brighten(torch.full((1, 3, 1, 1), 0.5), torch.tensor([1.5]))[0, 0])
    0.75
    """
    return images.mul_(factor.view(-1, 1, 1, 1)).clamp_(max=1.0)


def change_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Move images (n, 3, H, W) from (factor above 1) or towards (below) the mean of their grey, in place.

    Examples
    --------
    >>> images = torch.tensor([0.4, 0.6]).view(1, 1, 1, 2).expand(1, 3, 1, 2).clone()
    >>> [round(float(x), 3) for x in change_contrast(images, torch.tensor([2.0]))[0, 0, 0]]
    [0.3, 0.7]
    """
    factor = factor.view(-1, 1, 1, 1)
    means = images.mean((2, 3), keepdim=True)
    return images.mul_(factor).add_(grey(means).mul_(1 - factor)).clamp_(0.0, 1.0)


def saturate(images: Tensor, factor: Tensor) -> Tensor:
    """Move images (n, 3, H, W) from (factor above 1) or towards (below) their grey, in place; 0 makes them grey.

    Examples
    --------
    >>> images = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> saturate(images, torch.tensor([0.0])).flatten()
    tensor([0.2989, 0.2989, 0.2989])
    """
    return torch.lerp(grey(images), images, factor.view(-1, 1, 1, 1), out=images).clamp_(0.0, 1.0)


def turn_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of images (n, 3, H, W) by ``turn`` (n,) of the circle, from -.5 to .5, in place.

    Hue, saturation and value as in HSV: largest and smallest channel of a pixel stay what they are.

    Examples
    --------
    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> turn_hue(red, torch.tensor([1 / 3])).flatten().abs().round(decimals=4)
    tensor([0., 1., 0.])
    """
    red, green, blue = images.split(1, 1)
    largest = torch.maximum(torch.maximum(red, green), blue)
    smallest = torch.minimum(torch.minimum(red, green), blue)
    spread = largest - smallest
    # The place on the circle of six, times the spread: near red (0), else near green (2), else near blue (4).
    place = torch.where(
        red == largest,
        green - blue,
        torch.where(green == largest, (blue - red).add_(spread, alpha=2), (red - green).add_(spread, alpha=4)),
    )
    place.div_(spread.clamp(min=1e-12)).add_(6 * turn.view(-1, 1, 1, 1))
    place.sub_(torch.floor(place / 6), alpha=6)
    # Each channel over the circle is a trapezium: red |p - 3| - 1, green 2 - |p - 2|, blue 2 - |p - 4|, cut to 0..1.
    for channel, middle in ((red, 3), (green, 2), (blue, 4)):
        share = (place - middle).abs_()
        share = share.sub_(1) if middle == 3 else share.neg_().add_(2)
        torch.addcmul(smallest, spread, share.clamp_(0.0, 1.0), out=channel)
    return images


def solarize(images: Tensor, which: Tensor) -> Tensor:
    """Turn pixels of at least .5 into one minus themselves in the images (n, 3, H, W) that ``which`` (n,) names.

    Examples
    --------
    >>> solarize(torch.full((1, 3, 1, 1), 0.75), torch.tensor([True]))[0, 0]
    tensor([[0.2500]])
    """
    # The lesser of x and 1 - x is just that; 3 - x is never the lesser.
    limit = torch.where(which, 1.0, 3.0).view(-1, 1, 1, 1)
    return torch.minimum(images, limit - images, out=images)
