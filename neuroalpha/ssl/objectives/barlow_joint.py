"""Barlow Twins as alpha-ReQ trained it: rows of unit length, then both views standardised together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import number

SMALLEST_VARIANCE = 1e-12
"""Dimensions below it are constant: they are left at zero instead of divided by it."""


class BarlowJoint(Objective):
    """sum_i (1 - C_ii)^2 + lambda sum_{i != j} C_ij^2 with C = z1' z2 / n of jointly standardised projections.

    Agrawal, Mondal, Ghosh & Richards 2022, "alpha-ReQ: assessing representation quality in self-supervised learning by
    measuring eigenspectrum decay". The projections are first scaled to rows of unit length, then each dimension is
    centred and divided by its standard deviation (2n - 1 in the denominator) over both views together; Zbontar et al.
    2021 (``barlow_twins``) standardise each view by itself.

    Parameters
    ----------
    lambda
        Weight of the redundancy; 1/128, alpha-ReQ's for 128 dimensions. Its grid for CIFAR-10 is ten values from
        .001 to .5, evenly spaced in the logarithm.

    Raises
    ------
    InputError
        A weight below 0.
    """

    def __init__(self, sizes: Sizes, *, lambda_: float = 1 / 128) -> None:
        super().__init__()
        self.redundancy = number(lambda_, "lambda")

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the loss, a sum over the entries of C."""
        both = functional.normalize(torch.cat(outputs.projections), dim=1)
        both = both - both.mean(dim=0)
        both = both * both.square().sum(dim=0).div(both.shape[0] - 1).clamp_min(SMALLEST_VARIANCE).rsqrt()
        first, second = both.chunk(2)
        correlation = first.T @ second / first.shape[0]
        diagonal = correlation.diagonal()
        off_diagonal = correlation.square().sum() - diagonal.square().sum()
        return (diagonal - 1).square().sum() + self.redundancy * off_diagonal
