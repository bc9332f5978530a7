"""SimCLR: tell the other view of an image from the views of all other images of the batch."""

from __future__ import annotations

from torch import Tensor

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import number
from neuroalpha.ssl.objectives.lightly_losses import lightly_loss


class SimCLR(Objective):
    """NT-Xent: cross-entropy of the positive among the 2n - 1 other views, by cosine over temperature (lightly's loss).

    Chen, Kornblith, Norouzi & Hinton 2020, "A simple framework for contrastive learning of visual representations",
    eq. 1. Time and memory are of the order of n^2.

    Parameters
    ----------
    temperature
        lightly's default .5; .1 to .2 is usual for CIFAR-10.

    Raises
    ------
    InputError
        Temperature of 0 or less; lightly missing.
    """

    def __init__(self, sizes: Sizes, *, temperature: float = 0.5) -> None:
        super().__init__()
        temperature = number(temperature, "temperature", open_low=True)
        self.contrast = lightly_loss("NTXentLoss", "SimCLR")(temperature=temperature)

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the mean over both views of all images."""
        return self.contrast(*outputs.projections)
