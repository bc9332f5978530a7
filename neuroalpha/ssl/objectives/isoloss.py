"""IsoLoss: DirectPred whose modes all learn at the same speed."""

from __future__ import annotations

from neuroalpha.ssl.objectives.alignment import iso_cosine_loss, iso_euclidean_loss
from neuroalpha.ssl.objectives.base import Sizes
from neuroalpha.ssl.objectives.directpred import DirectPred


class IsoLoss(DirectPred):
    """DirectPred with the predictor left out of the gradient, Euclidean or cosine; summed over both orders.

    Halvagal, Laborieux & Zenke 2023, "Implicit variance regularization in non-contrastive SSL". The Euclidean loss has
    DirectPred's value; the value of the cosine loss means nothing by itself and must not be compared with others.

    Parameters
    ----------
    power, eps, memory, predictor, ema
        As for DirectPred, variant ``isoloss``; ``power=1, eps=.25`` is the paper's isotropic DirectCopy.
    loss
        ``"cosine"`` or ``"euclidean"``.
    """

    losses = {"cosine": iso_cosine_loss, "euclidean": iso_euclidean_loss}  # noqa: RUF012

    def __init__(
        self,
        sizes: Sizes,
        *,
        power: float = 0.5,
        eps: float = 0.0,
        memory: float | None = None,
        loss: str = "cosine",
        predictor: str = "spectrum",
        ema: bool | None = None,
    ) -> None:
        super().__init__(sizes, power=power, eps=eps, memory=memory, loss=loss, predictor=predictor, ema=ema)
