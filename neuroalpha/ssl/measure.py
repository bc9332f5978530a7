"""What is measured of a network while it trains: alpha and effective rank, readout and neighbours, collapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.spectrum.labelfree.collapse import why_collapsed
from neuroalpha.ssl import chance
from neuroalpha.ssl.history import LAYERS
from neuroalpha.ssl.online import knn_accuracy, outputs_of
from neuroalpha.ssl.settings import TrainSettings
from neuroalpha.ssl.step import Learner

_PROBE = 512  # images that collapse is judged by
_MONITORED = ("alpha", "effective_rank")
NOTHING: dict[str, Any] = {
    **{f"{name}: {layer}": np.nan for name in _MONITORED for layer in LAYERS},
    "readout_accuracy": np.nan,
    "knn_accuracy": np.nan,
    "collapsed": "",
}
"""The row of an epoch in which nothing is measured."""


@dataclass(frozen=True, eq=False)
class Images:
    """Images as bytes, with class numbers where they have labels."""

    pixels: Tensor
    """uint8 (n, 3, H, W)."""
    labels: Tensor | None = None
    """int64 (n,)."""

    def __len__(self) -> int:
        return len(self.pixels)

    def to(self, device: torch.device) -> Images:
        """The same on a device."""
        return Images(self.pixels.to(device), None if self.labels is None else self.labels.to(device))


@dataclass(frozen=True, eq=False)
class Data:
    """What a network learns from, and what its readouts are scored on."""

    learned: Images
    told: Images | None = None
    """With labels; None where there are none."""
    n_classes: int | None = None

    def steps(self, settings: TrainSettings) -> int:
        """Batches in an epoch."""
        return len(self.learned) // settings.batch_size

    def to(self, device: torch.device) -> Data:
        """The same on a device."""
        return Data(self.learned.to(device), None if self.told is None else self.told.to(device), self.n_classes)


class Measures:
    """Measures a network; which images serve is chosen once, by the seed."""

    def __init__(self, learner: Learner, data: Data, monitor: AlphaMonitor) -> None:
        self._learner, self._monitor, self._data = learner, monitor, data
        self._bank = self._some(data.learned, 0)
        self._told = None if data.told is None else self._some(data.told, 1)

    def __call__(self) -> dict[str, Any]:
        """The numbers of a row of the history; processes other than the first have the monitored ones only."""
        learner = self._learner
        table = self._monitor.end_epoch(merge=learner.among.world > 1).set_index("layer")
        monitored = {name: table[name].to_numpy(np.float64) for name in _MONITORED}
        places = {layer: list(table.index).index(layer) for layer in LAYERS}
        found = {f"{name}: {layer}": float(monitored[name][places[layer]]) for name in _MONITORED for layer in LAYERS}
        return {**NOTHING, **found, **(self._scores() if learner.among.first else {})}

    def _scores(self) -> dict[str, Any]:
        """Of clean images: why a layer counts as collapsed, which takes its alpha away, and the two accuracies."""
        learner, bank, told = self._learner, self._bank, self._told
        readout = learner.readout if told is not None else None
        outputs = self._outputs(bank.pixels if readout is not None else bank.pixels[:_PROBE])
        probes = [each[:_PROBE].cpu().numpy() for each in outputs]
        reasons = {layer: why_collapsed(probe) for layer, probe in zip(LAYERS, probes, strict=True)}
        if not learner.objective.uses_projector:  # it has the random weights that it began with
            reasons["projector"] = ""
        found: dict[str, Any] = {f"alpha: {layer}": np.nan for layer, reason in reasons.items() if reason}
        found["collapsed"] = "; ".join(f"{layer}: {reason}" for layer, reason in reasons.items() if reason)
        n_classes = self._data.n_classes
        if readout is None or told is None or told.labels is None or bank.labels is None or n_classes is None:
            return found
        features = self._outputs(told.pixels)[0]
        found["readout_accuracy"] = readout.accuracy(features, told.labels)
        found["knn_accuracy"] = knn_accuracy(outputs[0], bank.labels, features, told.labels, n_classes)
        return found

    def _outputs(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return outputs_of(self._learner.network, pixels, self._learner.clean, self._learner.precision)

    def _some(self, images: Images, which: int) -> Images:
        """At most ``evaluate_images`` of them."""
        settings = self._learner.settings
        at = chance.generator(torch.device("cpu"), settings.seed, chance.BANK, which)
        rows = torch.randperm(len(images), generator=at)[: settings.evaluate_images].to(self._learner.device)
        return Images(images.pixels[rows], None if images.labels is None else images.labels[rows])
