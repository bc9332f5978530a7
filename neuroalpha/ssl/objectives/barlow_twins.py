"""Barlow Twins: make the cross-correlation of the two views the identity."""

from __future__ import annotations

from torch import Tensor

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import number
from neuroalpha.ssl.objectives.lightly_losses import lightly_loss


class BarlowTwins(Objective):
    """sum_i (1 - C_ii)^2 + lambda sum_{i != j} C_ij^2, each view standardised by itself (lightly's loss).

    Zbontar, Jing, Misra, LeCun & Deny 2021, "Barlow Twins: self-supervised learning via redundancy reduction", eq. 1.
    ``barlow_joint`` is the form that alpha-ReQ trained.

    Parameters
    ----------
    lambda
        Weight of the redundancy; .005 as in the paper (.0051 in its code).
    scale
        Factor of the whole loss; 1. Others scale it down for their optimisers (.1 in solo-learn's for CIFAR-10).

    Raises
    ------
    InputError
        A weight below 0, a scale of 0 or less; lightly missing.
    """

    def __init__(self, sizes: Sizes, *, lambda_: float = 5e-3, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = number(scale, "scale", open_low=True)
        redundancy = number(lambda_, "lambda")
        self.correlation = lightly_loss("BarlowTwinsLoss", "Barlow Twins")(lambda_param=redundancy)

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the loss, a sum over the entries of C."""
        return self.scale * self.correlation(*outputs.projections)
