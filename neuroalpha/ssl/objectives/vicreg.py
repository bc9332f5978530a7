"""VICReg: agree between views, keep every dimension's variance, decorrelate the dimensions."""

from __future__ import annotations

from torch import Tensor

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import number
from neuroalpha.ssl.objectives.lightly_losses import lightly_loss


class VICReg(Objective):
    """Weighted sum of mean squared difference, hinge on standard deviations and squared covariances (lightly's loss).

    Bardes, Ponce & LeCun 2022, "VICReg: variance-invariance-covariance regularization for self-supervised learning",
    eqs. 1 to 6; as in its code, the variance term is the mean of both views and the covariance term their sum.

    Parameters
    ----------
    invariance, variance, covariance
        Weights; 25, 25, 1 as in the paper.

    Raises
    ------
    InputError
        A weight below 0; lightly missing.
    """

    def __init__(
        self, sizes: Sizes, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
    ) -> None:
        super().__init__()
        weights = {
            "lambda_param": number(invariance, "invariance"),
            "mu_param": number(variance, "variance"),
            "nu_param": number(covariance, "covariance"),
        }
        self.terms = lightly_loss("VICRegLoss", "VICReg")(**weights)

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the weighted sum."""
        return self.terms(*outputs.projections)
