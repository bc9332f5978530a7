"""What a run will take, before it starts: jobs, memory and time of every model on every image set."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import linalg
from scipy.linalg import blas
from tqdm import tqdm

from neuroalpha._console import one_line
from neuroalpha.errors import InputError
from neuroalpha.networks.layers import layers as layer_table
from neuroalpha.networks.reduce import make_reduction
from neuroalpha.networks.routes import Measured, default_memory, plan_route
from neuroalpha.networks.store import free_disk, seconds_per_byte
from neuroalpha.runs.folder import RunFolder
from neuroalpha.runs.group import Group, Subject, check_groups, make_groups, make_subject
from neuroalpha.runs.kinds import module_of
from neuroalpha.runs.models import expand_models
from neuroalpha.runs.pictures import survey_images
from neuroalpha.runs.plan import Plan, Task
from neuroalpha.runs.run import memory_bound
from neuroalpha.runs.status import why
from neuroalpha.runs.trained import is_trained, training_images

TRIAL_SIDE = 1000
TRAINING = 3.0  # a training step beside a forward pass: backward takes two more, views and the loss are small
VECTORS = 4.0  # how many times longer an eigenvalue problem takes with eigenvectors
COLUMNS = (
    "model",
    "images",
    "layers",
    "jobs",
    "to_do",
    "memory_gb",
    "scratch_gb",
    "passes",
    "seconds",
    "which",
    "problem",
)


def expected_costs(
    plan: Plan,
    folder: str | os.PathLike[str],
    *,
    memory: int | str | None = None,
    allow_code: bool = False,
    skip_bad_images: bool = False,
    retry_failed: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Build every model once, show it two images, and say what its jobs would take. Nothing is written.

    Returns
    -------
    DataFrame
        One row for each model on each image set: ``jobs``, ``to_do`` (without a result in ``folder``), ``memory_gb``
        beside the model and one batch, ``scratch_gb``, forward ``passes``, ``seconds`` (from the time of two images and
        of a product and an eigenvalue problem measured here: right to a factor of two or three), ``which`` (layers to
        do), ``problem`` (why it would fail, or failed before and is not tried again unless ``retry_failed``).

    Raises
    ------
    InputError
        As :func:`neuroalpha.runs.run.run_zoo` does before the work.
    """
    run = RunFolder(folder) if (Path(folder) / "run.json").is_file() else None
    bound = memory_bound(plan, memory) or (run.start["memory"] if run else 0)
    if bound == 0:
        device = plan.settings.device
        bound = default_memory(
            torch.device(device) if device.startswith("cuda") and torch.cuda.is_available() else None
        )
    models = expand_models(plan, allow_code)
    groups = make_groups(plan, models, survey_images(plan, skip_bad_images, progress, Path(folder) / "images", False))
    check_groups(groups)
    per_product, per_problem = _rates()
    trains: set[str] = set()
    rows: list[dict[str, Any]] = []
    for group in tqdm(groups, unit="model", desc="looking", file=sys.stderr, disable=not progress, delay=1):
        row: dict[str, Any] = dict.fromkeys(COLUMNS, -1) | {"model": group.model.title(), "images": group.pictures.name}
        row |= {"memory_gb": np.nan, "scratch_gb": np.nan, "seconds": np.nan, "which": "", "problem": ""}
        try:
            subject = make_subject(group, allow_code, plan.settings.device, train=False)
            jobs = [job for listed in subject.jobs() for job in listed]
            failure = run.failure(group.key) if run and not retry_failed else None
            failed = failure["layers"] if failure else {}
            todo = [job for job in jobs if not (run and (run.has(job.key) or job.layer in failed))]
            if failure:
                todo = [] if failure["reason"] else todo
                row["problem"] = f"failed before: {why(run, group.key)}" if run else ""
            row |= {"layers": len(subject.layers), "jobs": len(jobs), "to_do": len(todo)}
            row["which"] = ", ".join(f"{job.layer} ({job.reduce})" for job in todo)
            row |= _cost(subject, {job.layer for job in todo}, bound, plan, per_product, per_problem)
            if group.model.kind == "trained" and group.model.name not in trains and not is_trained(group.model):
                trains.add(group.model.name)
                row["seconds"] += TRAINING * training_images(group.model) * _seconds_per_image(subject)
        except InputError as error:
            row["problem"] = str(error)
        except Exception as error:  # noqa: BLE001 - as in the work itself: one model does not stop the others
            row["problem"] = f"{type(error).__name__}: {one_line(error)}"
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _cost(
    subject: Subject, layers: set[str], memory: int, plan: Plan, per_product: float, per_problem: float
) -> dict[str, Any]:
    n = subject.group.pictures.n
    units = {
        layer.name: make_reduction(layer.name, (1, *layer.shape), layer.reduce, layer.channels).units
        for layer in subject.layers
        if layer.name in layers
    }
    if not units:
        return {"memory_gb": 0.0, "scratch_gb": 0.0, "passes": 0, "seconds": 0.0}
    draws = max((int(task.options.get("draws", 0)) for task in subject.group.tasks), default=0)
    each = _seconds_per_image(subject)
    forward = n * each
    scratch = plan.settings.scratch
    way = plan_route(units, n, draws, memory, lambda: Measured(forward, seconds_per_byte(scratch), free_disk(scratch)))
    products = sum(n * p * min(n, p) for p in units.values()) * per_product
    problems = sum(min(n, p) ** 3 for p in units.values()) * (1 + draws) * per_problem
    further = 0.0
    if any(task.kind != "spectra" for task in subject.group.tasks):  # responses once more, with eigenvectors
        further = (n + sum(pictures.n for pictures in subject.group.beside)) * each
        further += products + VECTORS * sum(min(n, p) ** 3 for p in units.values()) * per_problem
        further += sum(shown(subject.group, task) for task in subject.group.tasks) * each
    extra = 0.0 if np.isnan(way.expected_extra_seconds) else way.expected_extra_seconds
    return {
        "memory_gb": way.expected_bytes / 1e9,
        "scratch_gb": way.scratch_bytes / 1e9,
        "passes": way.n_passes,
        "seconds": forward + extra + products + problems + further,
    }


def shown(group: Group, task: Task) -> int:
    """Images that a task shows beside those of the spectra and the readouts."""
    module = module_of(task.kind)
    return int(module.images_shown(group, task.options)) if hasattr(module, "images_shown") else 0


def _seconds_per_image(subject: Subject) -> float:
    """Of a forward pass, from two images; the model ran before, which set things up."""
    begun = time.perf_counter()
    layer_table(subject.model, subject.images)
    return (time.perf_counter() - begun) / 2


def _rates() -> tuple[float, float]:
    """Seconds for one unit of a product n * p * min(n, p), and of an eigenvalue problem of side**3."""
    values = np.random.default_rng(0).normal(size=(TRIAL_SIDE, TRIAL_SIDE))
    begun = time.perf_counter()
    scatter = blas.dsyrk(1.0, values.T, lower=1)
    product = time.perf_counter() - begun
    begun = time.perf_counter()
    linalg.eigvalsh(scatter + scatter.T, check_finite=False)
    return product / TRIAL_SIDE**3, (time.perf_counter() - begun) / TRIAL_SIDE**3
