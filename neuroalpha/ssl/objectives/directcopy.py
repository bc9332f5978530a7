"""DirectCopy: DirectPred with the second moment itself as the predictor."""

from __future__ import annotations

from neuroalpha.ssl.objectives.base import Sizes
from neuroalpha.ssl.objectives.directpred import DirectPred


class DirectCopy(DirectPred):
    """The loss of :class:`~neuroalpha.ssl.objectives.directpred.DirectPred` with W = C / max(s) + eps.

    Wang, Chen, Du & Tian 2021, "Towards demystifying representation learning with non-contrastive self-supervision";
    constants as in the comparisons of Halvagal et al. 2023.

    Parameters
    ----------
    eps
        Added to the scaled eigenvalues; .25.
    memory
        Share of the running second moment that is kept at each update; by default .998 with a target network that
        follows slowly and .5 without.
    loss, predictor, stop_gradient, ema
        As for DirectPred.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        eps: float = 0.25,
        memory: float | None = None,
        loss: str = "cosine",
        predictor: str = "spectrum",
        stop_gradient: bool = True,
        ema: bool | None = None,
    ) -> None:
        super().__init__(
            sizes,
            power=1.0,
            eps=eps,
            memory=memory,
            loss=loss,
            predictor=predictor,
            stop_gradient=stop_gradient,
            ema=ema,
        )
