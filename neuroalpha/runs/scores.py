"""The job kind ``scores``: label-free scores of each layer, RankMe and LiDAR among them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neuroalpha._checks import check_seed, whole
from neuroalpha.errors import InputError
from neuroalpha.runs.task_options import make_jobs, signed

if TYPE_CHECKING:
    import torch

    from neuroalpha.runs.group import Group, Job, Subject
    from neuroalpha.runs.work import Outcome

FORMAT = 2
BLOCK = 64
"""Images that a draw of views is for."""
OPTIONS: Mapping[str, Any] = {"objects": 1000, "views": 10, "seed": 0}
"""``objects``: images, the first ones, that LiDAR sees ``views`` changed copies of; 0 leaves LiDAR out."""


def check(options: Mapping[str, Any], where: str) -> None:
    """Refuse numbers that no score could be made with."""
    whole(options["objects"], f"objects in {where}", 0)
    whole(options["views"], f"views in {where}", 2)
    check_seed(options["seed"])


def jobs(subject: Subject, options: Mapping[str, Any]) -> list[Job]:
    """One job for each layer."""
    return make_jobs(subject, "scores", FORMAT, options, {"augmentation": _recipe(subject)})


def images_shown(group: Group, options: Mapping[str, Any]) -> int:
    """Changed copies that a model is shown beside the images themselves."""
    return int(min(options["objects"], group.pictures.n) * options["views"])


def perform(
    subject: Subject, wanted: Sequence[Job], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Outcome]:
    """One pass over the images, one over the changed copies, then one layer after the other."""
    from neuroalpha.runs.features import possible, responses
    from neuroalpha.runs.work import Outcome
    from neuroalpha.spectrum.label_free_scores import label_free_scores

    jobs_of, layers, faults = possible(subject, wanted)
    yield from faults
    clean = responses(subject, layers, subject.images, settings)
    n_objects = min(options["objects"], len(subject.images))
    shown = subject.images.choose(n_objects, None) if n_objects else None
    passes = [
        responses(subject, layers, _changed(subject, shown, view, options["seed"]), settings)
        for view in range(options["views"] if n_objects > 1 else 0)
    ]
    for layer in layers:
        views = np.stack([each.pop(layer.name) for each in passes], axis=1) if passes else None
        try:
            scores = label_free_scores(clean.pop(layer.name), views=views, seed=options["seed"])
        except InputError as error:
            yield Outcome(jobs_of[layer.name], None, str(error), {})
            continue
        row = scores.to_frame().iloc[0].to_dict()
        result = xr.Dataset(attrs={name: _plain(value) for name, value in row.items()})
        result = result.assign_attrs(objects=n_objects, views=options["views"], augmentation=str(_recipe(subject)))
        yield Outcome(jobs_of[layer.name], signed(result, subject, jobs_of[layer.name]), "", {})


def _changed(subject: Subject, images: Any, view: int, seed: int) -> Any:
    """The images, each changed as when the network learned; SimCLR's way for networks that tell nothing of theirs."""
    import torch

    from neuroalpha.ssl.views import Views

    recipe, strength = _recipe(subject)

    def change(pixels: torch.Tensor, index: np.ndarray) -> torch.Tensor:
        height, width = pixels.shape[-2:]
        if height != width:
            raise InputError(
                f"views for LiDAR are square, but the images are {height} x {width}; give the image set crop = "
                f"{min(height, width)}, or set objects = 0"
            )
        views = Views(height, strength=strength, recipe=recipe, normalize=((0.0,) * 3, (1.0,) * 3))
        # Chance is drawn for whole blocks of the set, whichever images of a block are asked for: then nothing hangs on
        # the size of batches.
        made = torch.empty_like(pixels)
        for block in np.unique(index // BLOCK):
            rows = np.flatnonzero(index // BLOCK == block)
            whole_block = pixels.new_zeros((BLOCK, *pixels.shape[1:]))
            whole_block[index[rows] % BLOCK] = pixels[rows]
            changed = views(whole_block, torch.Generator().manual_seed(_seed(seed, view, int(block))), view % 2)
            made[rows] = (changed[index[rows] % BLOCK] * 255).round().clamp(0, 255).to(torch.uint8)
        return made

    step = {"step": "augment", "recipe": recipe, "strength": strength, "view": view, "seed": seed}
    return images.changed(change, step)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _recipe(subject: Subject) -> tuple[str, float]:
    if subject.group.model.kind != "trained":
        return ("simclr", 1.0)
    learned = subject.group.model.options["settings"]
    if learned["recipe"] in ("none", "weak"):  # supervised networks saw hardly any change: LiDAR compares changed ones
        return ("simclr", 1.0)
    return (learned["recipe"], float(learned["strength"]))


def _plain(value: Any) -> Any:
    """What an attribute can hold."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    return value.item() if isinstance(value, np.generic) else value


NAMES = (
    "rankme", "rankme_eigenvalues", "lidar", "lidar_squared", "nesum", "condition", "coding_rate", "clid",
    "clid_cluster", "intrinsic_dimension", "self_cluster", "coherence",
)  # fmt: skip
"""Scores with columns of their own; participation ratio and effective rank are measures of the spectrum already."""


def columns(result: Any) -> dict[str, Any]:
    """What goes into the table; ``collapsed`` says why there is no alpha."""
    found: dict[str, Any] = {name: float(result.attrs.get(name, math.nan)) for name in NAMES}
    found["stable_rank_uncentred"] = float(result.attrs.get("stable_rank", math.nan))
    return found | {"collapsed": str(result.attrs.get("reason", "")) if result.attrs.get("collapsed") else ""}
