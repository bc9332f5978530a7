"""Training with labels, true ones or ones dealt out at random: what the others are compared to."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuroalpha.errors import InputError
from neuroalpha.ssl.objectives.base import Objective, Outputs, Sizes
from neuroalpha.ssl.objectives.checks import number


class Supervised(Objective):
    """Cross-entropy of a linear classifier on the backbone's features, trained with the backbone.

    The projector is not used.

    Parameters
    ----------
    label_smoothing
        Share of the target spread over all classes; 0.

    Raises
    ------
    InputError
        Number of classes unknown, a share outside [0, 1].
    """

    views = 1
    needs_labels = True
    uses_projector = False
    correct: Tensor

    def __init__(self, sizes: Sizes, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if sizes.n_classes is None:
            raise InputError(
                f"{type(self).__name__} needs the number of classes; it is not known: train on labelled images"
            )
        self.label_smoothing = number(label_smoothing, "label_smoothing", most=1.0)
        self.head = nn.Linear(sizes.n_features, sizes.n_classes)
        self.register_buffer("correct", torch.full((), torch.nan))

    def loss(self, outputs: Outputs) -> Tensor:
        """Return the mean over images, in nats."""
        labels = cast(Tensor, outputs.labels)
        scores = self.head(outputs.features[0])
        self.correct = (scores.detach().argmax(dim=1) == labels).float().mean()
        return functional.cross_entropy(scores, labels, label_smoothing=self.label_smoothing)

    def report(self) -> dict[str, float | np.ndarray]:
        """The share of the last batch that was classified as labelled."""
        return {"batch_accuracy": float(self.correct)}


class RandomLabels(Supervised):
    """The same with labels permuted among the images once: nothing about the images can be learnt but by heart.

    Zhang, Bengio, Hardt, Recht & Vinyals 2017, "Understanding deep learning requires rethinking generalization". The
    permuting is done by whoever hands in the labels (``shuffles_labels``).
    """

    shuffles_labels = True
