"""Kernel: how far eigenvalues are from a power law, with a gradient, in a basis that is refreshed now and then."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def power_law_penalty(eigenvalues: Tensor, alpha: float, start: int) -> Tensor:
    """(1/D) sum over ranks n > start + 1 of (r - 1)^2 + max(r - 1, 0), r = eigenvalue / (b n^-alpha).

    b puts the eigenvalue of rank ``start + 1`` on the line and has no gradient; eigenvalues of 0 or less are left out.
    Nassar et al. 2020, eq. 5 and its code.

    Parameters
    ----------
    eigenvalues
        Eigenvalues (D,) in falling order.

    Examples
    --------
    >>> line = 1 / torch.arange(1, 51).double()
    >>> power_law_penalty(line, 1.0, 10).item() < 1e-15
    True
    """
    ranks = torch.arange(1, len(eigenvalues) + 1, dtype=eigenvalues.dtype, device=eigenvalues.device)
    # Anchored as a ratio of ranks: the line through the anchor is exact there, whatever its height.
    line = eigenvalues[start].detach() * (ranks / (start + 1)) ** -alpha
    kept = (ranks > start + 1) & (eigenvalues > 0)
    excess = torch.where(kept, eigenvalues, line) / torch.where(kept, line, torch.ones_like(line)) - 1
    excess = torch.where(kept, excess, torch.zeros_like(excess))
    return (excess.square() + excess.clamp_min(0)).sum() / len(eigenvalues)


class RunningBasis(nn.Module):
    """Variances of a batch along eigenvectors of the covariance of what was seen before.

    The gradient flows through the batch's covariance only. Memory: two times D^2 numbers of double precision; time D^3
    for each new basis, in double precision as published.

    Parameters
    ----------
    width
        Number of units D.
    samples
        Rows after which the basis is computed anew.
    """

    total: Tensor
    products: Tensor
    seen: Tensor
    vectors: Tensor
    ready: Tensor

    def __init__(self, width: int, samples: int) -> None:
        super().__init__()
        self.samples = samples
        self.register_buffer("total", torch.zeros(width, dtype=torch.float64))
        self.register_buffer("products", torch.zeros(width, width, dtype=torch.float64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("vectors", torch.eye(width, dtype=torch.float64))
        self.register_buffer("ready", torch.zeros((), dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        """Return variances (D,) of rows (n, D) in falling order; while training, the rows are taken in."""
        if self.training:
            self._take_in(x.detach().double())
        centred = x - x.mean(dim=0)
        if self.ready:
            vectors = self.vectors
        else:
            with torch.no_grad():
                wide = centred.double()
                vectors = torch.linalg.eigh(wide.T @ wide).eigenvectors
        return (centred @ vectors.to(x.dtype)).square().mean(dim=0).sort(descending=True).values

    @torch.no_grad()
    def _take_in(self, x: Tensor) -> None:
        self.total = self.total + x.sum(dim=0)
        self.products = self.products + x.T @ x
        self.seen = self.seen + x.shape[0]
        if self.seen < self.samples:
            return
        mean = self.total / self.seen
        covariance = self.products / self.seen - torch.outer(mean, mean)
        if torch.isfinite(covariance).all():
            # By rows, as a checkpoint gives them back: products with it then round alike after a resume.
            self.vectors = torch.linalg.eigh(covariance).eigenvectors.contiguous()
            self.ready = torch.ones_like(self.ready)
        self.total, self.products = torch.zeros_like(self.total), torch.zeros_like(self.products)
        self.seen = torch.zeros_like(self.seen)
