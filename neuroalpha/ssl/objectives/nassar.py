"""A penalty that bends a layer's eigenspectrum towards a power law, added to another objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import choice, number
from neuroalpha.ssl.objectives.power_law_penalty import RunningBasis, power_law_penalty
from neuroalpha.ssl.objectives.registry import OBJECTIVES, make_objective

LAYERS = ("features", "projections")


class Nassar(Objective):
    """An objective plus strength times a penalty on eigenvalues that leave n^-alpha.

    Nassar, Sokol, Chung, Harris & Park 2020, "On 1/n neural representation and robustness". Published for supervised
    training of all hidden layers; here for the backbone's features or the projections, all views of the batch together.
    The published basis is that of the whole training set once in an epoch; here that of the last views seen (see
    ``samples``), of the batch itself before there are enough.

    Parameters
    ----------
    base
        Name of the objective it is added to.
    base_options
        Options of that objective.
    strength
        Factor of the penalty; 1, the smallest of the published 1, 2, 5.
    alpha
        Exponent that is wanted; 1 as published.
    start
        Eigenvalues after this many ranks are bent; 10 as published. The one of rank ``start + 1`` is the anchor.
    layer
        ``"features"`` or ``"projections"``.
    samples
        Views after which the basis is computed anew; by default ten times the layer's width.

    Raises
    ------
    InputError
        Unknown objective, layer or option, a layer of no more than ``start + 1`` units.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        base: str = "simclr",
        base_options: Mapping[str, Any] | None = None,
        strength: float = 1.0,
        alpha: float = 1.0,
        start: int = 10,
        layer: str = "features",
        samples: int | None = None,
    ) -> None:
        super().__init__()
        if base == "nassar":
            raise InputError(
                f"base is {base!r}; expected another objective: {', '.join(o for o in OBJECTIVES if o != base)}"
            )
        self.strength = number(strength, "strength")
        self.alpha = number(alpha, "alpha")
        self.start = whole(start, "start")
        self.layer = choice(layer, "layer", LAYERS)
        width = sizes.n_features if layer == "features" else sizes.n_projection
        if width < self.start + 2:
            raise InputError(
                f"{layer} have {width} units; expected more than start + 1 = {self.start + 1}: lower start"
            )
        self.basis = RunningBasis(width, 10 * width if samples is None else whole(samples, "samples", 2))
        seed = int(torch.randint(2**31, ()))  # of the generator that make_objective has seeded
        self.base = make_objective(
            base,
            n_features=sizes.n_features,
            n_projection=sizes.n_projection,
            n_classes=sizes.n_classes,
            seed=seed,
            options=base_options,
        )
        for name in ("views", "needs_target", "needs_labels", "shuffles_labels", "ema", "stop_gradient"):
            setattr(self, name, getattr(self.base, name))
        self.uses_projector = self.base.uses_projector or layer == "projections"
        self._last: tuple[Tensor, Tensor] | None = None

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the base's loss plus the weighted penalty."""
        views = torch.cat(getattr(outputs, self.layer))
        eigenvalues = self.basis(views)
        penalty = power_law_penalty(eigenvalues, self.alpha, self.start)
        self._last = penalty.detach(), eigenvalues.detach()
        return self.base.loss(outputs) + self.strength * penalty

    def after_step(self) -> None:
        """Hand on to the base."""
        self.base.after_step()

    def report(self) -> dict[str, float | np.ndarray]:
        """What the base reports, the last penalty, and the layer's last eigenvalues where the base has none."""
        if self._last is None:
            return self.base.report()
        penalty, eigenvalues = self._last
        return {"penalty": float(penalty), "eigenvalues": eigenvalues.double().cpu().numpy(), **self.base.report()}
