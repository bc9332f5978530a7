"""DirectPred: BYOL with a linear predictor that is set from the eigenvalues of the projections."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neuroalpha.ssl.objectives.alignment import cosine_loss, euclidean_loss
from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import choice, number, target_switches
from neuroalpha.ssl.objectives.spectrum_predictor import SpectrumPredictor, Variant


class DirectPred(Objective):
    """2 - 2 cos(W z, target of the other view), or |W z - target|^2, summed over both orders; W from the spectrum of z.

    Tian, Chen & Ganguli 2021, "Understanding self-supervised learning dynamics without contrastive pairs". Two
    codes go by this name:
    :class:`~neuroalpha.ssl.objectives.spectrum_predictor.SpectrumPredictor` says how they differ.

    Parameters
    ----------
    variant
        ``"isoloss"`` (as in the comparisons of Halvagal et al. 2023) or ``"tian"`` (the authors' own code).
    power
        Exponent of the eigenvalues; .5.
    eps
        Added to the scaled eigenvalues; by default 0 (``isoloss``) or .01 (``tian``).
    memory
        Share of the running second moment that is kept at each update; by default .998 with a target network that
        follows slowly and .5 without (``isoloss``), or .3 (``tian``).
    loss
        ``"cosine"`` or ``"euclidean"``. The scale of z is not in W, so the Euclidean loss has no length to settle at:
        give it weight decay, or the projections grow.
    predictor
        ``"spectrum"``, or ``"none"`` (W = 1): a collapse case.
    stop_gradient
        Whether the target is a constant; false is a collapse case.
    ema
        Whether the target is a network of its own that follows slowly (memory .99 to 1, ``tian``: from .996), as
        published; false: the online network, as without ``stop_gradient``.

    Raises
    ------
    InputError
        Unknown variant, loss or predictor, a number out of range.
    """

    losses = {"cosine": cosine_loss, "euclidean": euclidean_loss}  # noqa: RUF012

    def __init__(
        self,
        sizes: Sizes,
        *,
        variant: str = "isoloss",
        power: float = 0.5,
        eps: float | None = None,
        memory: float | None = None,
        loss: str = "cosine",
        predictor: str = "spectrum",
        stop_gradient: bool = True,
        ema: bool | None = None,
    ) -> None:
        super().__init__()
        self.stop_gradient, self.needs_target = target_switches(stop_gradient, ema)
        tian = choice(variant, "variant", ("isoloss", "tian")) == "tian"
        self.ema = (0.996 if tian else 0.99) if self.needs_target else 0.0
        if memory is None:
            memory = 0.3 if tian else 0.998 if self.needs_target else 0.5
        self.pair_loss = self.losses[choice(loss, "loss", tuple(self.losses))]
        self.predicts = choice(predictor, "predictor", ("spectrum", "none")) == "spectrum"
        # Without a predictor the second moment is followed all the same: its eigenvalues are what one wants to see.
        self.predictor = SpectrumPredictor(
            sizes.n_projection,
            variant=cast(Variant, variant),
            power=number(power, "power"),
            eps=number((0.01 if tian else 0.0) if eps is None else eps, "eps"),
            memory=number(memory, "memory", most=1.0),
        )
        self._spread: Tensor | None = None

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the sum over both orders."""
        (first, second), (target, other) = outputs.projections, self.targets(outputs)
        self._spread = torch.stack([functional.normalize(z.detach(), dim=1).std(dim=0).mean() for z in (first, second)])
        return self._one(first, other) + self._one(second, target)

    def after_step(self) -> None:
        """Let the predictor follow, where its variant waits for the end of the step."""
        self.predictor.after_step()

    def report(self) -> dict[str, float | np.ndarray]:
        """Eigenvalues of C in falling order, their participation ratio, and the spread of the last batch.

        The spread is the standard deviation over images of projections of unit length, mean over dimensions: 1/sqrt(p)
        where they point everywhere, 0 where they have collapsed.
        """
        values = self.predictor.eigenvalues()
        power = np.square(values).sum()
        return {
            "eigenvalues": values,
            "participation_ratio": float(values.sum() ** 2 / power) if power > 0 else float("nan"),
            "spread": float("nan") if self._spread is None else float(self._spread.mean()),
        }

    def _one(self, z: Tensor, t: Tensor) -> Tensor:
        p = self.predictor(z)
        return self.pair_loss(z, p if self.predicts else z, t)
