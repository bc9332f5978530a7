"""A predictor that is computed, not trained: a function of the second moments of the projections."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

SMALLEST_WEIGHT = 1e-4
"""Floor of the predictor's eigenvalues in the code of Tian et al."""

Variant = Literal["isoloss", "tian"]


class SpectrumPredictor(nn.Module):
    """p = W z with W = U diag(w) U', U the eigenvectors of a running second moment C of z, w a function of its values.

    Both variants follow C <- memory C + (1 - memory) z'z / n, not centred, and scale its eigenvalues s by the largest:

    - ``"isoloss"`` (code of Halvagal et al. 2023): C starts at 0 and follows each view before that view is predicted,
      so twice in a step; w = (s / max s + eps)^power.
    - ``"tian"`` (code of Tian et al. 2021): C starts at the first batch and follows the mean of both views after the
      step; w = max((s / max s)^power + eps, 1e-4). Before the first step the predictor is the identity (there: the
      random initial layer).

    Without gradient. Time p^3 for each decomposition; memory 2 p^2 numbers.

    Attributes
    ----------
    moment : Tensor
        C (p, p).
    vectors, weights : Tensor
        U (p, p) and w (p,) as last computed.
    """

    moment: Tensor
    vectors: Tensor
    weights: Tensor
    started: Tensor

    def __init__(self, n: int, *, variant: Variant, power: float, eps: float, memory: float) -> None:
        super().__init__()
        self.variant, self.power, self.eps, self.memory = variant, power, eps, memory
        self.register_buffer("moment", torch.zeros(n, n))
        self.register_buffer("vectors", torch.eye(n))
        self.register_buffer("weights", torch.ones(n))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self._waiting: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        """Predict from projections (n, p) of one view; while training, C takes them in."""
        if self.training:
            with torch.no_grad():
                # The root of n on either side: the sum stays in the range of single precision.
                scaled = z.detach().to(self.moment.dtype) / z.shape[0] ** 0.5
                moment = scaled.T @ scaled
                if self.variant == "isoloss":
                    self._follow(moment)
                else:
                    self._waiting.append(moment)
        vectors, weights = self.vectors.to(z.dtype), self.weights.to(z.dtype)
        return (z @ vectors * weights) @ vectors.T

    @torch.no_grad()
    def after_step(self) -> None:
        """Let C follow what was seen in the step, where the variant waits for its end."""
        if self._waiting:
            self._follow(torch.stack(self._waiting).mean(dim=0))
            self._waiting = []

    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues (p,) of C in falling order."""
        return np.linalg.eigvalsh(self.moment.double().cpu().numpy())[::-1].copy()

    def _follow(self, moment: Tensor) -> None:
        # New tensors instead of changed ones: the graph of the first view still holds the old.
        if self.variant == "tian" and not self.started:
            self.moment = moment
        else:
            self.moment = self.memory * self.moment + (1 - self.memory) * moment
        self.started = torch.ones_like(self.started)
        if not torch.isfinite(self.moment).all():  # the loss becomes NaN, and is told where losses are
            self.weights = torch.full_like(self.weights, torch.nan)
            return
        values, vectors = torch.linalg.eigh(self.moment)
        # By rows, as a checkpoint gives them back: products with it then round alike after a resume.
        self.vectors = vectors.contiguous()
        values = values.clamp_min(0)
        values = values / values.max().clamp_min(torch.finfo(values.dtype).tiny)
        if self.variant == "isoloss":
            self.weights = (values + self.eps) ** self.power
        else:
            self.weights = (values**self.power + self.eps).clamp_min(SMALLEST_WEIGHT)
