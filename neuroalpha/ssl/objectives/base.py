"""What every objective is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from neuroalpha.errors import InputError


@dataclass(frozen=True)
class Sizes:
    """Widths that an objective may have to know before it sees a batch."""

    n_features: int
    """Width of the backbone's output."""
    n_projection: int
    """Width of the projector's output."""
    n_classes: int | None = None
    """Number of classes, where the images have labels."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the networks gave for one batch; the tuples have one entry for each view.

    With several processes these are the outputs for the images of all of them (gathered with their gradients): an
    objective sees the whole batch and knows nothing of processes.
    """

    features: tuple[Tensor, ...]
    """Backbone outputs (n, d), with gradient."""
    projections: tuple[Tensor, ...]
    """Online projector outputs (n, p), with gradient."""
    targets: tuple[Tensor, ...] = ()
    """Projector outputs (n, p) of the target network, or the projections themselves; empty where there is no target."""
    labels: Tensor | None = None
    """Class (n,) of each image, int64, where the images have labels."""


class Objective(nn.Module):
    """One number to minimise; may own parameters (a predictor, a head) and buffers (a running covariance).

    Subclasses write :meth:`loss`. It gets single or double precision, never less, outside autocast: sums of squares of
    bfloat16 lose what an objective is about.
    """

    views: int = 2
    """How many views of each image it needs."""
    needs_target: bool = False
    """Whether ``Outputs.targets`` must be filled."""
    needs_labels: bool = False
    """Whether ``Outputs.labels`` must be filled."""
    shuffles_labels: bool = False
    """Whether labels must have been permuted among the images, once, before training."""
    uses_projector: bool = True
    """Whether the loss depends on the projections at all; where it does not, the projector gets no gradient."""
    ema: float = 0.0
    """Memory of the target network at the start of training as published; 0: the target is the online network."""
    stop_gradient: bool = True
    """Whether targets are constants (no gradient flows into them)."""

    def forward(self, outputs: Outputs) -> Tensor:
        """Return the loss, a scalar of at least single precision.

        Raises
        ------
        InputError
            Too few views, targets or labels missing, one image only.
        """
        outputs = self._checked(outputs)
        with torch.autocast(device_type=outputs.features[0].device.type, enabled=False):
            return self.loss(outputs)

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the scalar loss of outputs that were checked and are of at least single precision."""
        raise NotImplementedError

    def after_step(self) -> None:
        """Called after each step of the optimiser; what it changes is in buffers, so that checkpoints hold it."""

    def report(self) -> dict[str, float | np.ndarray]:
        """Things for the training history: numbers, and eigenvalues (p,) in falling order under ``"eigenvalues"``."""
        return {}

    def targets(self, outputs: Outputs) -> tuple[Tensor, ...]:
        """What each view's prediction is compared to: targets, or the projections, constant unless told otherwise."""
        given = outputs.targets or outputs.projections
        return tuple(t.detach() for t in given) if self.stop_gradient else given

    def _checked(self, outputs: Outputs) -> Outputs:
        name = type(self).__name__
        for what, given, needed in (
            ("features", outputs.features, True),
            ("projections", outputs.projections, self.uses_projector),
            ("targets", outputs.targets, self.needs_target),
        ):
            if (given or needed) and len(given) != self.views:
                raise InputError(f"{name} was given {what} of {len(given)} views; expected {self.views}")
        if self.needs_labels and outputs.labels is None:
            raise InputError(f"{name} was given no labels; expected the class of each image: train on labelled images")
        n = outputs.features[0].shape[0]
        shown = (*outputs.features, *outputs.projections, *outputs.targets)
        sizes = {len(x) for x in shown} | ({len(outputs.labels)} if outputs.labels is not None else set())
        if sizes != {n} or n < 2:
            raise InputError(
                f"{name} was given batches of {sorted(sizes)} images; expected the same number everywhere, at least 2: "
                f"drop a last batch of one image"
            )
        return Outputs(single(outputs.features), single(outputs.projections), single(outputs.targets), outputs.labels)


def single(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Half precisions to single; single and double stay."""
    return tuple(t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for t in tensors)
