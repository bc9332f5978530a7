"""Kernel: losses of one prediction against one target, Euclidean and cosine, plain and isotropic.

Halvagal, Laborieux & Zenke 2023, "Implicit variance regularization in non-contrastive SSL". Projection z, prediction p,
target t are (n, p) each, rows are images; all are means over images. Whether t is a constant is the caller's choice.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

SMALLEST_NORM = 1e-8
"""Lengths below it count as this, so that a collapsed batch has a gradient of zero or a large one, never NaN."""


def euclidean_loss(z: Tensor, p: Tensor, t: Tensor) -> Tensor:
    """Mean over images of |p - t|^2, a sum over dimensions.

    Examples
    --------
    >>> import torch
    >>> euclidean_loss(torch.zeros(2, 3), torch.ones(2, 3), torch.zeros(2, 3))
    tensor(3.)
    """
    return (p - t).square().sum(dim=1).mean()


def cosine_loss(z: Tensor, p: Tensor, t: Tensor) -> Tensor:
    """2 - 2 mean cos(p, t).

    Examples
    --------
    >>> import torch
    >>> cosine_loss(torch.zeros(2, 2), torch.eye(2), 3 * torch.eye(2))
    tensor(0.)
    """
    return 2 - 2 * functional.cosine_similarity(p, t, dim=1, eps=SMALLEST_NORM).mean()


def iso_euclidean_loss(z: Tensor, p: Tensor, t: Tensor) -> Tensor:
    """The value of :func:`euclidean_loss`, with the gradient 2 (p - t) / n for z instead of for p.

    The predictor's factor is left out of the gradient: modes of small eigenvalue learn as fast as the others.

    Examples
    --------
    >>> import torch
    >>> z = torch.full((2, 2), 2.0, requires_grad=True)
    >>> loss = iso_euclidean_loss(z, 0.5 * z, torch.zeros(2, 2))
    >>> loss.backward()
    >>> loss.item(), z.grad.unique().tolist()
    (2.0, [1.0])
    """
    return (z - (z - p).detach() - t).square().sum(dim=1).mean()


def iso_cosine_loss(z: Tensor, p: Tensor, t: Tensor) -> Tensor:
    """A number whose gradient for z is that of -2 mean cos(p, t) for p; its value is not to be compared.

    -2 mean [z.t / c(|p| |t|) - (1/2) c(p.t / (|p|^3 |t|)) z.p], where c() holds constant what is in it. p must be z
    times a symmetric matrix without gradient: then z.p is |W^{1/2} z|^2, and its gradient 2 p.

    Examples
    --------
    >>> import torch
    >>> z = torch.tensor([[1.0, 1.0], [1.0, -1.0]], requires_grad=True)
    >>> weights = torch.tensor([1.0, 0.25])
    >>> iso_cosine_loss(z, z * weights, z.detach() * weights).backward()
    >>> z.grad.abs().max().item() < 1e-6  # the prediction points where the target does
    True
    """
    fixed, target = p.detach(), t.detach()
    length = fixed.norm(dim=1).clamp_min(SMALLEST_NORM)
    norms = length * target.norm(dim=1).clamp_min(SMALLEST_NORM)
    agreement = (fixed * target).sum(dim=1) / (length.square() * norms)
    return -2 * ((z * t).sum(dim=1) / norms - 0.5 * agreement * (z * p).sum(dim=1)).mean()
