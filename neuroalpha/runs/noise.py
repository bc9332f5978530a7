"""The job kind ``noise``: readouts of each layer trained on wrong labels, tested on right ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroalpha._checks import whole
from neuroalpha.errors import InputError
from neuroalpha.runs.task_options import READOUT, check_readout, check_texts, make_jobs, signed

if TYPE_CHECKING:
    from neuroalpha.runs.group import Group, Job, Subject
    from neuroalpha.runs.work import Outcome

FORMAT = 1
OPTIONS: Mapping[str, Any] = {
    **READOUT,
    "noises": ["symmetric", "asymmetric", "instance"],
    "levels": [0.0, 0.1, 0.2, 0.4, 0.6, 0.8],
    "draws": 5,
    "human": [],
    "classes": [],
    "bootstrap": 1000,
}
IMAGES = ("test",)
PATHS = ("human",)
DROP_LEVEL = 0.4  # whose drop stands in the table; the highest one where it was not asked for
PIXELS = 8  # side of the pictures that instance noise depends on


def check(options: Mapping[str, Any], where: str) -> None:
    """Refuse options that no noise could be made with."""
    from neuroalpha.tasks.label_noise import NOISES, check_levels

    check_readout(options, where)
    check_texts(options, "noises", where, NOISES)
    for name in ("human", "classes"):
        check_texts(options, name, where)
    whole(options["draws"], f"draws in {where}", 1)
    whole(options["bootstrap"], f"bootstrap in {where}", 1)
    if not options["noises"] and not options["human"]:
        raise InputError(f"{where} asks for no noise: name noises, or files of human labels")
    try:
        check_levels(np.asarray(options["levels"], dtype=float))
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} has levels {options['levels']!r}; expected numbers from 0 to below 1") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def check_group(group: Group, options: Mapping[str, Any]) -> None:
    """Refuse labels that no readout can be made with, and human labels that are of other images."""
    from neuroalpha.runs.features import check_labels

    human_sets(options["human"], options["classes"], check_labels(group, options["test"]))


def jobs(subject: Subject, options: Mapping[str, Any]) -> list[Job]:
    """One job for each layer."""
    from neuroalpha.runs.features import named_sets

    files = [subject.group.contents[each] for each in options["human"]]
    named = named_sets(subject, [options["test"]])
    return make_jobs(subject, "noise", FORMAT, options, {"test": named, "human": files})


def perform(
    subject: Subject, wanted: Sequence[Job], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Outcome]:
    """All noise on one layer after the other."""
    from neuroalpha.runs.features import check_labels, possible, prepare
    from neuroalpha.runs.work import Outcome
    from neuroalpha.tasks.label_noise import resolve_pairs
    from neuroalpha.tasks.noise_curve import noise_curve

    jobs_of, layers, faults = possible(subject, wanted)
    yield from faults
    pixels = small_pictures(subject) if "instance" in options["noises"] else None
    human = human_sets(options["human"], options["classes"], check_labels(subject.group, options["test"], tell=False))
    for layer, ready in prepare(subject, layers, options["test"], settings):
        job = jobs_of[layer.name]
        if isinstance(ready, InputError):
            yield Outcome(job, None, str(ready), {})
            continue
        targets, pairs = resolve_pairs(None, ready.classes.names)
        found = noise_curve(
            ready.decomposition,
            ready.train,
            ready.classes.train,
            ready.test,
            ready.classes.test,
            ready.classes.names.size,
            noises=options["noises"],
            levels=options["levels"],
            n_seeds=options["draws"],
            human=human,
            targets=targets,
            features=pixels,
            shared=ready.classes.shared,
            penalties=options["penalties"] or None,
            select=options["select"],
            n_boot=options["bootstrap"],
            seed=options["seed"],
            progress=False,
        )
        told = {"pairs": pairs, "instance_features": f"pixels, {PIXELS} x {PIXELS}" if pixels is not None else ""}
        yield Outcome(job, signed(found.assign_attrs(told), subject, job), "", {})


def small_pictures(subject: Subject) -> np.ndarray:
    """The training images (image, value) at a small size, as their set says: the same for every model."""
    import torch

    from neuroalpha.runs.pictures import open_images

    shown = open_images(subject.group.pictures)
    parts = []
    for start in range(0, len(shown), 256):
        batch = shown.batch(start, min(start + 256, len(shown)))
        parts.append(torch.nn.functional.adaptive_avg_pool2d(batch, PIXELS).flatten(1))
    return torch.cat(parts).numpy().astype(np.float64)


def human_sets(files: Sequence[str], names: Sequence[str], classes: Any) -> dict[str, np.ndarray]:
    """Codes of the label sets in files, by name; InputError where they do not fit the training images.

    ``names`` are those of the files' codes, where the training labels are names. A file that holds the true labels too
    must agree with the training images: else these are others, or in another order.
    """
    from neuroalpha.tasks.human_noise import has_clean_labels, read_human_labels
    from neuroalpha.tasks.noise_inputs import human_codes

    true = classes.names[classes.train]
    found: dict[str, Any] = {}
    for file in files:
        clean = true if has_clean_labels(file) else None
        for name, labels in read_human_labels(file, classes=names or None, clean=clean).items():
            found[name if name not in found else f"{Path(file).stem} {name}"] = labels
    return human_codes(found, classes.names, classes.train.size)


def columns(result: Any) -> dict[str, float]:
    """What goes into the table: area under each curve, drop and memorisation at one level, and each human label set."""
    found: dict[str, float] = {}
    for noise in result["noise"].values if "noise" in result.dims else []:
        one = result.sel(noise=noise)
        levels = one["level"].values
        level = levels[-1] if not np.isclose(levels, DROP_LEVEL).any() else levels[np.isclose(levels, DROP_LEVEL)][0]
        at = one.sel(level=level)
        found[f"noise_area: {noise}"] = float(one["noise_area"])
        found[f"noise_drop: {noise}"] = float(at["noise_drop"])
        found[f"accuracy: {noise} {level:g}"] = float(at["accuracy_mean"])
        found[f"memorisation: {noise}"] = float(np.mean(at["memorisation"].values))
    for name in result["human"].values if "human" in result.dims else []:
        at = result.sel(human=name)
        found[f"accuracy: human {name}"] = float(at["human_accuracy"])
        found[f"noise_drop: human {name}"] = float(at["human_drop"])
        found[f"memorisation: human {name}"] = float(at["human_memorisation"])
    return found


def content_of(file: str) -> str:
    """Digest of a file of human labels."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read the human labels {file}: {error.strerror or error}") from error
