"""SimSiam: predict the other view's projection, held constant, by the same network."""

from __future__ import annotations

from torch import Tensor

from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import switch
from neuroalpha.ssl.objectives.lightly_losses import lightly_loss
from neuroalpha.ssl.objectives.predictors import make_predictor


class SimSiam(Objective):
    """-cos(predictor(z), projection of the other view), the mean of both orders (lightly's loss).

    Chen & He 2021, "Exploring simple Siamese representation learning", eqs. 1 to 4.

    Parameters
    ----------
    predictor
        ``"mlp"`` as published, ``"linear"``, or ``"none"``, with which it collapses.
    hidden
        Width of the predictor's hidden layer; by default a quarter of the projection, as the paper's 512 for 2,048.
    stop_gradient
        Whether the other view's projection is a constant; false is the paper's collapse case.

    Raises
    ------
    InputError
        Unknown predictor, an option of the wrong kind; lightly missing.
    """

    def __init__(
        self, sizes: Sizes, *, predictor: str = "mlp", hidden: int | None = None, stop_gradient: bool = True
    ) -> None:
        super().__init__()
        self.stop_gradient = switch(stop_gradient, "stop_gradient")
        self.predictor = make_predictor(predictor, sizes.n_projection, hidden, max(sizes.n_projection // 4, 1))
        self.negative_cosine = lightly_loss("NegativeCosineSimilarity", "SimSiam")()

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the mean of both orders; between -1 and 1."""
        (first, second), (target, other) = outputs.projections, self.targets(outputs)
        return (
            self.negative_cosine(self.predictor(first), other) + self.negative_cosine(self.predictor(second), target)
        ) / 2
