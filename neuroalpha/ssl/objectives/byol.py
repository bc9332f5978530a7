"""BYOL: predict what a slowly following target network makes of the other view."""

from __future__ import annotations

from torch import Tensor

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import target_switches
from neuroalpha.ssl.objectives.lightly_losses import lightly_loss
from neuroalpha.ssl.objectives.predictors import make_predictor


class BYOL(Objective):
    """2 - 2 cos(predictor(z), target of the other view), summed over both orders (cosine by lightly).

    Grill et al. 2020, "Bootstrap your own latent", eq. 2. Mind that lightly's own examples take the mean of both
    orders: half of this.

    Parameters
    ----------
    predictor
        ``"mlp"`` as published, ``"linear"``, or ``"none"``, with which it may collapse.
    hidden
        Width of the predictor's hidden layer; by default 16 times the projection, as the paper's 4,096 for 256.
    stop_gradient
        Whether the target is a constant; false is a collapse case.
    ema
        Whether the target is a network of its own that follows slowly (memory .99 to 1), as published; false: the
        online network, as without ``stop_gradient``.

    Raises
    ------
    InputError
        Unknown predictor, an option of the wrong kind; lightly missing.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        predictor: str = "mlp",
        hidden: int | None = None,
        stop_gradient: bool = True,
        ema: bool | None = None,
    ) -> None:
        super().__init__()
        self.stop_gradient, self.needs_target = target_switches(stop_gradient, ema)
        self.ema = 0.99 if self.needs_target else 0.0
        self.predictor = make_predictor(predictor, sizes.n_projection, hidden, 16 * sizes.n_projection)
        self.negative_cosine = lightly_loss("NegativeCosineSimilarity", "BYOL")()

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the sum over both orders; between 0 and 8."""
        (first, second), (target, other) = outputs.projections, self.targets(outputs)
        return (
            4
            + 2 * self.negative_cosine(self.predictor(first), other)
            + 2 * self.negative_cosine(self.predictor(second), target)
        )
