"""The projector, and backbone and projector as one network whose two layers can be hooked by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroalpha._checks import check_seed, whole


def make_projector(n_features: int, hidden: int, out: int, layers: int = 2, *, seed: int = 0) -> nn.Sequential:
    """Build a projector: Linear - batch norm - ReLU, and a last Linear.

    Parameters
    ----------
    n_features
        Width of what comes in.
    hidden
        Width of every layer but the last. alpha-ReQ used ``hidden = out``.
    out
        Width of what goes out.
    layers
        Number of Linear layers: 2 is the projector of alpha-ReQ (Agrawal et al. 2022) and of SimCLR on CIFAR, 3 that of
        Barlow Twins; 1 is linear, 0 the identity (the objective then acts on the features, and ``hidden`` and ``out``
        say nothing). A Linear before a batch norm has no bias, since the batch norm takes it away; the last one has.
    seed
        Of the weights (torch's default for Linear). The global random state is left as it was.

    Returns
    -------
    torch.nn.Sequential
        (N, n_features) to (N, p); its attribute ``n_projection`` is p: ``out``, or ``n_features`` without a layer.

    Raises
    ------
    InputError
        If a width is not a positive whole number, or ``layers`` is negative.

    Examples
    --------
    >>> make_projector(512, hidden=2048, out=128)
    Sequential(
      (0): Linear(in_features=512, out_features=2048, bias=False)
      (1): BatchNorm1d(2048, ...)
      (2): ReLU(inplace=True)
      (3): Linear(in_features=2048, out_features=128, bias=True)
    )
    """
    before, layers = whole(n_features, "n_features", least=1), whole(layers, "layers")
    hidden, out = whole(hidden, "hidden", least=1), whole(out, "out", least=1)
    modules: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(check_seed(seed))
        for _ in range(layers - 1):
            modules += [nn.Linear(before, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)]
            before = hidden
        modules.append(nn.Linear(before, out) if layers else nn.Identity())
    projector = nn.Sequential(*modules)
    projector.n_projection = out if layers else n_features  # type: ignore[assignment]
    return projector


class SSLNetwork(nn.Module):
    """A backbone and a projector; layers ``backbone`` and ``projector`` can be recorded by those names.

    Parameters
    ----------
    backbone
        Images to features; has ``n_features`` (:func:`~neuroalpha.ssl.backbones.make_backbone`).
    projector
        Features to projections (:func:`make_projector`).

    Examples
    --------
    >>> from neuroalpha.ssl.backbones import make_backbone
    >>> backbone = make_backbone("convnet4", width=8)
    >>> network = SSLNetwork(backbone, make_projector(backbone.n_features, hidden=32, out=16))
    >>> network(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 16])
    >>> [name for name, _ in network.named_children()]
    ['backbone', 'projector']
    """

    def __init__(self, backbone: nn.Module, projector: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.projector = projector

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) to projections (N, p)."""
        return self.projector(self.backbone(x))
