"""The CIFAR ResNets of He, Zhang, Ren & Sun 2015, section 4.2 (arXiv:1512.03385)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroalpha.errors import InputError

DEPTHS = (20, 32, 44, 56, 110)
"""The depths of the paper's table 6 that are in the catalogue; any 6n + 2 can be built."""

WIDTHS = (16, 32, 64)
"""Channels of the three stages, whose maps are 32, 16 and 8 pixels wide for a 32-pixel image."""


class PaddedShortcut(nn.Module):
    """Option A: a shortcut without parameters that subsamples space by two and pads channels with zeros.

    The paper leaves open where the new channels go. Here the old ones sit in the middle, half of the zeros before them
    and half after, because the published weights that we check against were trained so.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.low = (after - before) // 2
        self.high = after - before - self.low

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, ceil(H/2), ceil(W/2))."""
        return nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.low, self.high))


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; each ReLU is its own module, so that each can be recorded by name."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        stride = 1 if before == after else 2
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity() if before == after else PaddedShortcut(before, after)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, H', W')."""
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(y)) + self.shortcut(x))


class CifarResNet(nn.Module):
    """6n + 2 weighted layers: a 3x3 convolution, three stages of n blocks, global average pooling, a linear layer."""

    def __init__(self, depth: int, num_classes: int = 10) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise InputError(f"a CIFAR ResNet has depth 6n + 2 (8, 14, 20, ...), not {depth}")
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU()
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], blocks)
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], blocks)
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(WIDTHS[2], num_classes)
        for module in self.modules():
            # The paper's initialisation: He et al. 2015, arXiv:1502.01852, equation 10 (variance 2 / fan-in).
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, 32, 32) to logits (N, num_classes); other sizes work too."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(torch.flatten(self.avgpool(x), 1))


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(Block(before, after), *(Block(after, after) for _ in range(blocks - 1)))


def cifar_resnet(depth: int, num_classes: int = 10) -> CifarResNet:
    """Build a CIFAR ResNet with random weights.

    Parameters
    ----------
    depth
        Number of weighted layers, 6n + 2; the paper uses 20, 32, 44, 56 and 110.
    num_classes
        Width of the last layer; 10 as in CIFAR-10.

    Returns
    -------
    CifarResNet
        In training mode, float32, on the default device. Parameter names fit the usual published checkpoints
        (``conv1``, ``bn1``, ``layer1.0.conv1``, ..., ``linear``).

    Raises
    ------
    InputError
        If the depth is not 6n + 2.

    Examples
    --------
    >>> model = cifar_resnet(20)
    >>> sum(p.numel() for p in model.parameters())  # the paper's table 6 says 0.27 M
    269722
    """
    return CifarResNet(depth, num_classes)
