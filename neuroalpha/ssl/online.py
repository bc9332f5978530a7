"""How well features tell classes apart while a network trains: a linear readout learned alongside, and neighbours."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from neuroalpha.ssl.heads import SSLNetwork

NEIGHBOURS = 20
TEMPERATURE = 0.07
_BLOCK = 512


class OnlineReadout(nn.Module):
    """A linear readout that learns from the features as they are while the network trains; no gradient goes back.

    The features are standardised by a batch norm without weights, so that one learning rate does for every objective.
    """

    def __init__(self, n_features: int, n_classes: int, lr: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features, affine=False)
        self.linear = nn.Linear(n_features, n_classes)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self._lr = lr

    def start(self) -> None:
        """Make the optimiser, once the readout is where it stays. Rate and momentum as IsoLoss's online readout."""
        self.optimiser = torch.optim.SGD(self.parameters(), lr=self._lr, momentum=0.9)

    def learn(self, features: Tensor, labels: Tensor, share: float) -> None:
        """One step on features (n, d) with class numbers (n,), at a share of the learning rate."""
        self.train()
        logits = self.linear(self.norm(features.detach()))
        self.optimiser.zero_grad()
        nn.functional.cross_entropy(logits, labels).backward()
        self.optimiser.param_groups[0]["lr"] = self._lr * share
        self.optimiser.step()

    @torch.no_grad()
    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """Share of the images whose class it tells."""
        self.eval()
        return float((self.linear(self.norm(features)).argmax(1) == labels).double().mean())


@torch.no_grad()
def knn_accuracy(
    bank: Tensor,
    bank_labels: Tensor,
    features: Tensor,
    labels: Tensor,
    n_classes: int,
    n_neighbours: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
) -> float:
    """Share of images that the nearest of a bank tell: votes weighted by ``exp(cosine / temperature)``.

    Wu et al. 2018 (arXiv:1805.01978, section 3.4), with the 20 neighbours of Caron et al. 2021 (arXiv:2104.14294).

    Examples
    --------
    >>> bank, codes = torch.tensor([[1.0, 0.1], [1, 0.2], [0.1, 1]]), torch.tensor([0, 0, 1])
    >>> knn_accuracy(bank, codes, torch.tensor([[5.0, 1], [0, 2]]), torch.tensor([0, 1]), 2, n_neighbours=1)
    1.0
    """
    bank = nn.functional.normalize(bank, dim=1)
    right = 0
    for start in range(0, len(features), _BLOCK):
        each = slice(start, start + _BLOCK)
        cosine, nearest = (nn.functional.normalize(features[each], dim=1) @ bank.T).topk(
            min(n_neighbours, len(bank)), 1
        )
        votes = torch.zeros(len(cosine), n_classes, device=bank.device)
        votes.scatter_add_(1, bank_labels[nearest], ((cosine - 1) / temperature).exp())
        right += int((votes.argmax(1) == labels[each]).sum())
    return right / len(features)


@torch.no_grad()
def outputs_of(
    network: SSLNetwork, pixels: Tensor, prepare: Callable[[Tensor], Tensor], precision: str
) -> tuple[Tensor, Tensor]:
    """Features (n, d) and projections (n, p), float32, of clean images uint8 (n, 3, H, W); in evaluation mode."""
    training = network.training
    network.eval()
    found: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(pixels), _BLOCK):
        images = prepare(pixels[start : start + _BLOCK])
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            features = network.backbone(images)
            found.append((features.float(), network.projector(features).float()))
    network.train(training)
    return torch.cat([each[0] for each in found]), torch.cat([each[1] for each in found])
