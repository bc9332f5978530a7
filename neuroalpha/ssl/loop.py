"""The loop over epochs and steps: watched, measured, saved, told."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from neuroalpha.errors import InputError
from neuroalpha.networks.monitor import AlphaMonitor
from neuroalpha.ssl import chance
from neuroalpha.ssl.history import LAYERS, History, summary
from neuroalpha.ssl.measure import NOTHING, Data, Measures
from neuroalpha.ssl.state import CHECKPOINT, Place, load_checkpoint, save_checkpoint
from neuroalpha.ssl.step import Learner

_LOOK = 20  # steps between two looks at the losses on a GPU, each of which waits for it
_TRIAL = 5  # steps after which the time of all of them is told


class TrainingError(InputError):
    """A training that cannot go on: its loss is not finite."""


class Session:
    """One training from wherever it stands to its end."""

    def __init__(
        self,
        learner: Learner,
        data: Data,
        folder: Path | None,
        about: dict[str, Any],
        save_seconds: float,
        progress: bool,
    ) -> None:
        self.learner, self.folder, self.about = learner, folder, about
        self.settings, self.history, self.place = learner.settings, History(), Place()
        self._save_seconds, self._progress = save_seconds, progress
        self.monitor = AlphaMonitor(learner.network, LAYERS, last=self.settings.monitor_last)
        self._images = data.learned
        self._wanted = self._for_objective()
        self._waiting: list[Tensor] = []
        self._measure = Measures(learner, data, self.monitor)
        if folder is not None and (folder / CHECKPOINT).is_file():
            first = learner.among.first  # the samples in it are the first process's own
            self.place = load_checkpoint(folder, learner, self.monitor if first else None, self.history)

    def run(self) -> str:
        """Train to the end; returns why the network counts as collapsed, or an empty text."""
        learner, place, settings = self.learner, self.place, self.settings
        done = place.epoch * learner.per_epoch + place.step
        self._announce()
        started = saved = time.monotonic()
        spent = place.seconds
        learner.network.train()
        with (
            self.monitor,
            tqdm(
                total=learner.total, initial=done, file=sys.stderr, disable=not self._progress, delay=1, unit="step"
            ) as bar,
        ):
            for epoch in range(place.epoch, settings.epochs):
                order = chance.order(len(self._images), settings.seed, epoch).to(learner.device)
                for step in range(place.step, learner.per_epoch):
                    rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
                    number = epoch * learner.per_epoch + step
                    loss = learner.step(self._images.pixels, rows, self._wanted, self._images.labels, number)
                    place.step = step + 1
                    self._waiting.append(loss)
                    if self._due():
                        self._look(epoch)
                    bar.update()
                    if number - done == _TRIAL:
                        self._estimate(time.monotonic() - started, number - done + 1, learner.total - done)
                    now = time.monotonic()
                    if now - saved >= self._save_seconds and place.step < learner.per_epoch:
                        place.seconds = spent + now - started
                        self._save(epoch)
                        saved = time.monotonic()
                self._look(epoch)
                row = self._close(epoch, lambda: spent + time.monotonic() - started)
                bar.set_postfix({"epoch": f"{epoch + 1}/{settings.epochs}", **summary(row)}, refresh=False)
                if time.monotonic() - saved >= self._save_seconds:
                    self._save(epoch)
                    saved = time.monotonic()
        return str(self.history.rows[-1]["collapsed"])

    def _close(self, epoch: int, seconds: Any) -> dict[str, Any]:
        """End an epoch: its row of the history."""
        learner, place, settings = self.learner, self.place, self.settings
        due = (epoch + 1) % settings.evaluate_every == 0 or epoch + 1 == settings.epochs
        measures = self._measure() if due else NOTHING
        step = (epoch + 1) * learner.per_epoch
        place.seconds = seconds()
        row = {
            "epoch": epoch + 1,
            "step": step,
            "loss": place.loss / learner.per_epoch,
            "lr": learner.lr(step - 1),
            **measures,
            "seconds": place.seconds,
        }
        self.history.add(row, self._report())
        place.epoch, place.step, place.loss = epoch + 1, 0, 0.0
        return row

    def _report(self) -> dict[str, Any]:
        """The objective's own numbers; without those of a matrix that is not finite any more."""
        try:
            return self.learner.objective.report()
        except (np.linalg.LinAlgError, torch.linalg.LinAlgError):
            return {}

    def _due(self) -> bool:
        """Whether losses are to be looked at: always where that costs nothing."""
        return self.learner.device.type == "cpu" or len(self._waiting) >= _LOOK

    def _look(self, epoch: int) -> None:
        """Add up losses that were not looked at yet, and stop at one that is not finite."""
        if not self._waiting:
            return
        place, settings = self.place, self.settings
        first = place.step - len(self._waiting)
        for step, loss in enumerate(torch.stack(self._waiting).double().tolist(), first + 1):
            if not np.isfinite(loss):
                lr = self.learner.lr(epoch * self.learner.per_epoch + step - 1)
                raise TrainingError(
                    f"the loss of {settings.objective} is {loss} in epoch {epoch + 1}, step {step} of "
                    f"{self.learner.per_epoch} (learning rate {lr:.3g}): the training is stopped; lower lr, or warm up"
                )
            place.loss += loss
        self._waiting.clear()

    def _save(self, epoch: int) -> None:
        self._look(epoch)
        if self.folder is not None and self.learner.among.first:
            save_checkpoint(self.folder, self.about, self.place, self.learner, self.monitor, self.history)
            if self.history.rows:
                self.history.write(self.folder, self.settings.objective)

    def _for_objective(self) -> Tensor | None:
        """Class numbers that the objective learns: those of the images, or shuffled once."""
        objective, labels = self.learner.objective, self._images.labels
        if not objective.needs_labels:
            return None
        if labels is None:
            raise InputError(f"{self.settings.objective} needs labels, but the images have none; give labels=")
        if not objective.shuffles_labels:
            return labels
        at = chance.generator(torch.device("cpu"), self.settings.seed, chance.SHUFFLE)
        return labels[torch.randperm(len(labels), generator=at).to(labels.device)]

    def _announce(self) -> None:
        """What is to come, on stderr."""
        if not self._progress:
            return
        learner, settings, place = self.learner, self.settings, self.place
        weights, own = (
            sum(each.numel() for each in part.parameters()) for part in (learner.network, learner.objective)
        )
        of_objective = f" and {own:,} of the objective" if own else ""
        since = f", from epoch {place.epoch + 1}, step {place.step + 1}" if place.epoch or place.step else ""
        self._tell(
            f"{settings.objective}, {settings.backbone}: {weights:,} weights{of_objective}, {len(self._images):,} "
            f"images in {learner.per_epoch} batches of {settings.batch_size}, "
            f"{settings.epochs} epochs: {learner.total:,} steps{since}, in {learner.precision} on {learner.device}"
        )

    def _estimate(self, seconds: float, steps: int, of: int) -> None:
        if self._progress:
            whole = seconds / steps * of
            self._tell(f"{seconds / steps:.3g} s a step: about {whole / 60:.1f} minutes and what is measured between")

    @staticmethod
    def _tell(text: str) -> None:
        tqdm.write(text, file=sys.stderr)
