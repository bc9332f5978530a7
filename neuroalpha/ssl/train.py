"""Train one network: epochs of steps, measured as it goes, on disk so that it can go on."""

from __future__ import annotations

import contextlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

import neuroalpha
from neuroalpha._files import make_folder
from neuroalpha.errors import InputError
from neuroalpha.ssl import chance
from neuroalpha.ssl.distributed import Processes, local_device, processes
from neuroalpha.ssl.heads import SSLNetwork
from neuroalpha.ssl.history import read_history
from neuroalpha.ssl.loop import Session, TrainingError
from neuroalpha.ssl.measure import Data, Images
from neuroalpha.ssl.numerics import choose_device, choose_precision, repeatable
from neuroalpha.ssl.objectives.base import Objective
from neuroalpha.ssl.settings import TrainSettings, make_settings
from neuroalpha.ssl.state import (
    CHECKPOINT,
    FAILED,
    NETWORK,
    claim,
    held,
    note_failure,
    noted_failure,
    only_training,
    read_network,
    save_network,
    unlike,
)
from neuroalpha.ssl.step import Learner, build_network, build_objective, start_memory
from neuroalpha.ssl.trainset import TrainSet, read_trainset, split


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A trained network and what was told of it on the way; made by :func:`train`."""

    network: SSLNetwork
    """In evaluation mode, on the CPU; layers ``backbone`` and ``projector``."""
    objective: Objective
    """With its predictor or head, on the CPU."""
    history: pd.DataFrame
    """One row for each epoch: ``epoch`` (from 1), ``step`` (so far), ``loss`` (mean), ``lr`` (of the last step),
    ``alpha: backbone``, ``alpha: projector``, ``effective_rank: backbone``, ``effective_rank: projector``,
    ``readout_accuracy``, ``knn_accuracy``, ``collapsed``, ``seconds`` (so far), and the objective's own numbers."""
    eigenvalues: xr.DataArray | None
    """(epoch, component) of the matrix that the objective follows, largest first; None where it has none."""
    settings: TrainSettings
    folder: Path | None
    collapsed: str
    """Why the network counts as collapsed at the end, naming the layer, or an empty text."""


def train(
    images: Any,
    settings: TrainSettings | dict[str, Any],
    *,
    labels: Any = None,
    test: Any = None,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = True,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> TrainResult:
    """Train a backbone and a projector on small images.

    Parameters
    ----------
    images
        :func:`neuroalpha.images`, of which everything but the normalisation counts, or what that takes: a uint8 array
        (n, H, W, 3), a tensor (n, 3, H, W), a folder, an ``.npz`` file. All of one size. They are read once, as bytes.
    settings
        :class:`TrainSettings`, or a dict for :func:`make_settings`.
    labels
        (n,), in place of the images' own. Without any there is no readout, and no objective that needs them.
    test
        Images with labels that the readouts are scored on: as ``images``, or ``(images, labels)``. Default: a tenth of
        ``images``, chosen by the seed, which is then not learned from.
    folder
        Where settings, history, checkpoints and the network are written. None: nothing is written.
    resume
        Go on from the folder's checkpoint (default), which gives the weights of an undisturbed run, to the bit on a
        CPU with the same software and number of threads. A finished folder is read and returned; one whose training
        failed tells why again. False: start over.
    save_seconds
        Between two checkpoints, which are written between steps.
    progress
        A bar on stderr, and before it what is to come.

    Returns
    -------
    TrainResult

    Raises
    ------
    TrainingError
        An :class:`InputError` that names epoch and step where the loss is not finite.
    InputError
        Fewer images than a batch, labels that are missing, a folder of another training or in which one is going on, a
        device that is not there.

    Warns
    -----
    UserWarning
        Where a training goes on with other software, on another device or with another number of threads than it was
        begun with: its last bits will not be those of an undisturbed run.

    Notes
    -----
    One step: views of the batch are made on the device (:class:`~neuroalpha.ssl.views.Views`), each view goes through
    the network by itself, the objective sees single precision. Every random number follows from (seed, step) and no
    generator is carried along, so a run can be taken up anywhere. What has no fixed order on a GPU is told by torch.

    Alpha and effective rank are those of the last ``monitor_last`` augmented views as the network saw them while it was
    learning (:class:`AlphaMonitor`); in an epoch with fewer they reach back into the one before. A layer that has
    collapsed has no alpha. The online readout is a linear classifier on features that no gradient leaves; it learns
    from the views and is scored on clean test images, as are the 20 nearest neighbours by cosine.

    With ``torchrun`` each process makes its share of the batch; projections and features of all are gathered before the
    loss, so contrastive and covariance objectives see the whole batch, and gradients add up to its own. On GPUs batch
    norms see the whole batch too; on CPUs each process's are its own. Only the first process writes, and scores the
    readouts (the others have NaN there).

    Memory: the images' bytes on the device, the network four times (weights, gradients, momentum, target), the
    activations of all views of a batch, and the monitor's rows.

    Examples
    --------
    >>> pixels = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3), dtype=np.uint8)
    >>> settings = {"objective": "spectral", "width": 2, "size": 8, "batch_size": 16, "epochs": 2, "projector_out": 8}
    >>> result = train(pixels, settings, labels=np.arange(64) % 2, progress=False)
    >>> result.history[["epoch", "step"]].values.tolist()  # a tenth is held out: 58 images are 3 batches of 16
    [[1, 3], [2, 6]]
    """
    if not isinstance(settings, TrainSettings):
        settings = make_settings(settings)
    place = None if folder is None else make_folder(folder)
    device = local_device(choose_device(settings.device))
    learned, told = split(read_trainset(images, labels), _test(test), chance.derived(settings.seed, chance.HELD_OUT))
    data = _data(learned, told, settings)
    network = build_network(settings)
    objective = build_objective(settings, network, data.n_classes)
    start_memory(settings, objective)  # what it refuses is refused before anything is written
    with contextlib.ExitStack() as around:
        among = around.enter_context(processes(device))
        among.check_batch(settings.batch_size)
        precision = choose_precision(settings.precision, device)
        about: dict[str, Any] = {
            "settings": settings.to_dict(),
            "images": learned.digest(),
            "test": "" if told is None else told.digest(),
            "n_images": len(learned),
            "precision": precision,
            "processes": among.world,
            "device": device.type,
            "threads": torch.get_num_threads() if device.type == "cpu" else None,
            "versions": {"neuroalpha": neuroalpha.__version__, "torch": torch.__version__},
        }
        now = about
        if place is not None:
            if among.first and not (resume and (place / NETWORK).is_file()):
                around.enter_context(only_training(place))
            about = _claimed(place, now, resume, among)
            if (place / NETWORK).is_file():
                collapsed = read_network(place, network, objective)
                told_of, traces = read_history(place)
                return TrainResult(network.eval(), objective.eval(), told_of, traces, settings, place, collapsed)
            failed = noted_failure(place, now)
            if failed:
                raise TrainingError(
                    f"{failed} (so it ended in {place}, and would again: another lr in another folder may do; "
                    f"resume=False, or deleting {FAILED} there, tries the same again)"
                )
        around.enter_context(chance.own_randomness(device))
        around.enter_context(repeatable(device, settings.deterministic))
        learner = Learner(settings, data.n_classes, data.steps(settings), device, about["precision"], among)
        session = Session(learner, data.to(device), place, about, save_seconds, progress and among.first)
        try:
            collapsed = session.run()
        except TrainingError as error:
            if place is not None and among.first:
                note_failure(place, now, str(error))
            raise
        network, objective = learner.network.eval().cpu(), learner.objective.eval().cpu()
        if place is not None and among.first:
            session.history.write(place, settings.objective)
            save_network(place, about, network, objective, collapsed)
            for name in (CHECKPOINT, FAILED):
                (place / name).unlink(missing_ok=True)
        among.wait()
        history = session.history
        return TrainResult(
            network,
            objective,
            history.table(),
            history.eigenvalues(settings.objective),
            settings,
            place,
            collapsed,
        )


def _test(test: Any) -> TrainSet | None:
    if test is None:
        return None
    pixels, labels = test if isinstance(test, tuple) and len(test) == 2 else (test, None)
    found = read_trainset(pixels, labels, "test")
    if found.labels is None:
        raise InputError("the test images have no labels, so nothing can be scored on them: give (images, labels)")
    return found


def _data(learned: TrainSet, told: TrainSet | None, settings: TrainSettings) -> Data:
    """What the loop needs of the images, checked."""
    if len(learned) < settings.batch_size:
        held = "" if told is None else f" ({len(told)} more are held out or for testing)"
        raise InputError(
            f"there are {len(learned)} images to learn from{held}, fewer than one batch of {settings.batch_size}: "
            "lower batch_size"
        )
    if learned.labels is None:
        return Data(Images(learned.pixels))
    classes = np.unique(learned.labels)
    if len(classes) < 2:
        raise InputError(
            f"all images to learn from have the label {str(classes[0])!r}; give at least two classes, or none"
        )
    if told is not None and told.labels is not None:
        unknown = np.setdiff1d(told.labels.astype(str), classes.astype(str))
        if unknown.size:
            raise InputError(f"the test images have the label {str(unknown[0])!r}, which no image to learn from has")
        if told.labels.dtype.kind != classes.dtype.kind:
            raise InputError("the labels of the test images are of another type than those to learn from; use one")
        shown = Images(told.pixels, told.codes(classes))
        return Data(Images(learned.pixels, learned.codes(classes)), shown, len(classes))
    return Data(Images(learned.pixels, learned.codes(classes)), None, len(classes))


def _claimed(folder: Path, about: dict[str, Any], resume: bool, among: Processes) -> dict[str, Any]:
    """Every process checks the folder; the first one has written it by then, and tells what bits depend on."""
    if among.first:
        begun = claim(folder, about, resume)
        if (folder / CHECKPOINT).is_file() and unlike(begun, about):
            warnings.warn(
                f"the training in {folder} was begun with {', '.join(unlike(begun, about))}; it goes on, but not to "
                "the bits of an undisturbed run",
                stacklevel=3,
            )
        among.wait()
        return begun
    among.wait()
    return held(folder, about)
