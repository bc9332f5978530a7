"""The target network: a slow copy of the one that learns."""

from __future__ import annotations

import copy
import math
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def make_target(network: Network) -> Network:
    """A copy that no gradient reaches; its batch norms see the batches, as in BYOL."""
    target = copy.deepcopy(network)
    for parameter in target.parameters():
        parameter.requires_grad_(False)
    return target


def momentum(step: int, total: int, start: float) -> float:
    """Memory of the target at a step (0-based): from ``start`` to 1 by half a cosine over ``total`` steps.

    Grill et al. 2020 (BYOL, arXiv:2006.07733), appendix: ``1 - (1 - start) (cos(pi k / K) + 1) / 2``.

    Examples
    --------
    >>> [round(momentum(step, 4, 0.9), 3) for step in range(5)]
    [0.9, 0.915, 0.95, 0.985, 1.0]
    """
    return 1 - (1 - start) * (math.cos(math.pi * min(step / max(total, 1), 1.0)) + 1) / 2


@torch.no_grad()
def follow(target: nn.Module, network: nn.Module, memory: float) -> None:
    """Move the target's weights: ``memory`` of what they are, the rest of what the network's are now.

    Buffers (batch norm's running statistics) are the target's own.
    """
    own: list[Tensor] = list(target.parameters())
    new: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(own, new, 1 - memory)  # one pass over all of them
