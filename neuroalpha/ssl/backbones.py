"""Backbones for small images: the networks whose pooled output is the representation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
import torchvision
from torch import Tensor, nn

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError, nearest
from neuroalpha.networks.cifar_resnet import cifar_resnet

CONVNET_WIDTH = 32
"""Channels of the first layer of ``convnet4`` where no width is given; each layer has twice those of the one before."""


class ConvNet4(nn.Module):
    """Four 3x3 convolutions, each with batch norm and ReLU, a max-pooling between each two, then the mean over space.

    The maps of a 32-pixel image are 32, 16, 8 and 4 pixels wide. Cheap enough to train many of them on a CPU. (Strides
    in place of the pooling cost as much and learn less.)
    """

    def __init__(self, width: int = CONVNET_WIDTH) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width, 8 * width]
        layers = []
        for before, after in pairwise(channels):
            conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
            # He et al. 2015, arXiv:1502.01852, equation 10 (variance 2 / fan-in), as in the CIFAR ResNets.
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            layers.append(nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.maxpool = nn.MaxPool2d(2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.n_features = channels[-1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 8 width)."""
        x = self.layer4(self.maxpool(self.layer3(self.maxpool(self.layer2(self.maxpool(self.layer1(x)))))))
        return torch.flatten(self.avgpool(x), 1)


def _convnet4(width: int | None) -> nn.Module:
    return ConvNet4(CONVNET_WIDTH if width is None else width)


def _resnet18(width: int | None) -> nn.Module:
    network = torchvision.models.resnet18(weights=None)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision's others
    network.maxpool = nn.Identity()
    network.n_features = network.fc.in_features
    network.fc = nn.Identity()
    return network


def _small_resnet(width: int | None, depth: int) -> nn.Module:
    network = cifar_resnet(depth)
    network.n_features = network.linear.in_features  # type: ignore[assignment]
    network.linear = nn.Identity()  # type: ignore[assignment]
    return network


_BACKBONES: dict[str, Callable[[int | None], nn.Module]] = {
    "convnet4": _convnet4,
    "resnet18": _resnet18,
    **{f"resnet{depth}": partial(_small_resnet, depth=depth) for depth in (20, 32, 44, 56)},
}


def list_backbones() -> list[str]:
    """Names that :func:`make_backbone` takes.

    Examples
    --------
    >>> list_backbones()
    ['convnet4', 'resnet18', 'resnet20', 'resnet32', 'resnet44', 'resnet56']
    """
    return list(_BACKBONES)


def make_backbone(name: str, *, width: int | None = None, seed: int = 0) -> nn.Module:
    """Build a backbone with random weights.

    Parameters
    ----------
    name
        ``convnet4``: four convolutions of w, 2w, 4w and 8w channels (1.6 M weights at w = 64).
        ``resnet18``: ResNet-18 in the form that self-supervised work on CIFAR uses: the first convolution is 3x3 with
        stride 1 and there is no max-pooling (Chen et al. 2020, arXiv:2002.05709, appendix B.9); 512 features.
        ``resnet20``, ``resnet32``, ``resnet44``, ``resnet56``: the CIFAR ResNets of He et al. 2015
        (arXiv:1512.03385, section 4.2); 64 features.
    width
        The w of ``convnet4``, default 32, so 256 features. The others have the widths of their papers.
    seed
        Of the weights. The global random state is left as it was.

    Returns
    -------
    torch.nn.Module
        In training mode, float32, on the CPU; images (N, 3, H, W) to features (N, ``n_features``), averaged over space.

    Raises
    ------
    InputError
        For an unknown name, a width that is not a positive whole number, or a width for a network that has its own.

    Examples
    --------
    >>> backbone = make_backbone("convnet4", width=16, seed=0)
    >>> backbone.n_features
    128
    >>> backbone(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 128])
    """
    if name not in _BACKBONES:
        raise InputError(
            f"there is no backbone {name!r}{nearest(str(name), _BACKBONES)}; known: {', '.join(_BACKBONES)}"
        )
    if width is not None:
        width = whole(width, "width", least=1)
        if name != "convnet4":
            raise InputError(f"{name} has the width of its paper; leave width= out, or use convnet4, not width={width}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_seed(seed))
        return _BACKBONES[name](width)
