"""Spectral contrastive loss: factorise the graph that joins views of one image."""

from __future__ import annotations

from torch import Tensor

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import number


class SpectralContrastive(Objective):
    """(1 / mu) [-2 mean_i z1_i.z2_i + mean_{i != j} (z1_i.z2_j)^2], each z clipped to a norm of sqrt(mu).

    HaoChen, Wei, Gaidon & Ma 2021, "Provable guarantees for self-supervised deep learning with spectral contrastive
    loss", eq. 6, with the clipping and the factor 1 / mu of its code. In the population it is the squared distance of
    the normalised adjacency matrix of the augmentation graph from a matrix of rank p, up to a constant.

    Parameters
    ----------
    mu
        Squared norm at which projections are clipped; 1 as published for CIFAR-10.

    Raises
    ------
    InputError
        mu of 0 or less.
    """

    def __init__(self, sizes: Sizes, *, mu: float = 1.0) -> None:
        super().__init__()
        self.mu = number(mu, "mu", open_low=True)

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the loss; at least -1 / mu * mean |z|^2."""
        first, second = (clip_norm(z, self.mu**0.5) for z in outputs.projections)
        n = first.shape[0]
        product = first @ second.T
        positive = product.diagonal()
        # The mean over i != j, without a mask.
        negative = (product.square().sum() - positive.square().sum()) / (n * (n - 1))
        return (negative - 2 * positive.mean()) / self.mu


def clip_norm(z: Tensor, norm: float) -> Tensor:
    """Shorten rows (n, p) that are longer than ``norm``; the others stay, with their gradient.

    Examples
    --------
    >>> import torch
    >>> clip_norm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    # The smallest length keeps the gradient of a row of zeros finite.
    length = z.square().sum(dim=1, keepdim=True).clamp_min(norm**2).sqrt()
    return z * (norm / length)
