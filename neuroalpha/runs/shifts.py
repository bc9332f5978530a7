"""The job kind ``shifts``: readouts of each layer, fitted on clean images, asked about corrupted and other ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroalpha._cache import content_key
from neuroalpha.errors import InputError
from neuroalpha.runs.task_options import READOUT, check_readout, check_texts, make_jobs, signed

if TYPE_CHECKING:
    from neuroalpha.runs.group import Group, Job, Subject
    from neuroalpha.runs.work import Outcome

FORMAT = 1
OPTIONS: Mapping[str, Any] = {
    **READOUT,
    "corruptions": ["*"],
    "severities": [1, 2, 3, 4, 5],
    "natural": [],
    "published": [],
    "classes": [],
    "bootstrap": 1000,
}
IMAGES = ("test", "natural")
PATHS = ("published",)


def check(options: Mapping[str, Any], where: str) -> None:
    """Refuse options that no shift could be made with."""
    from neuroalpha.tasks.corruptions.corrupt import list_corruptions
    from neuroalpha.tasks.shifts import check_shifts

    check_readout(options, where)
    for name in ("corruptions", "natural", "published", "classes"):
        check_texts(options, name, where)
    try:
        check_shifts(options["corruptions"], options["severities"], options["bootstrap"], options["seed"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    names = [*options["natural"], *(Path(folder).name for folder in options["published"])]
    for name in names:
        if name in list_corruptions() or names.count(name) > 1 or ": " in name:
            raise InputError(
                f"{where} has a shift called {name!r}, which another has in the table too or which holds a colon; give "
                "the [[images]] entry another name, or the folder"
            )
    if not (options["corruptions"] or options["natural"] or options["published"]):
        raise InputError(f"{where} asks for no shift: name corruptions, natural image sets or published folders")


def check_group(group: Group, options: Mapping[str, Any]) -> None:
    """Refuse labels that no readout can be made with, and sets of other classes; says which classes are left out."""
    from neuroalpha.runs.features import check_labels
    from neuroalpha.runs.pictures import open_images
    from neuroalpha.tasks.published import read_shifts
    from neuroalpha.tasks.shifts import match

    classes = check_labels(group, options["test"])
    for name in options["natural"]:
        if group.images(name).digest == group.pictures.digest:
            raise InputError(f"the natural shift {name!r} is the images that the readouts are trained on; name others")
        match(open_images(group.images(name)), name, classes.names)
    for folder in options["published"]:
        shifts = read_shifts(folder, classes=options["classes"] or None)
        match(next(iter(shifts.values())).images, f"published {Path(folder).name!r}", classes.names)  # of all the same


def jobs(subject: Subject, options: Mapping[str, Any]) -> list[Job]:
    """One job for each layer."""
    from neuroalpha.runs.features import named_sets

    named = named_sets(subject, [options["test"], *options["natural"]])
    published = [subject.group.contents[each] for each in options["published"]]
    return make_jobs(
        subject,
        "shifts",
        FORMAT,
        options,
        {"test": named, "natural": options["natural"], "published": published},
    )


def perform(
    subject: Subject, wanted: Sequence[Job], options: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Outcome]:
    """Fit the readouts of all layers, then show every shift once."""
    from neuroalpha.runs.features import possible, prepare, stream
    from neuroalpha.runs.work import Outcome
    from neuroalpha.tasks.corrupted import corrupted
    from neuroalpha.tasks.linear_readout import LinearReadout, linear_readout
    from neuroalpha.tasks.ridge import RidgeReadouts, default_penalties
    from neuroalpha.tasks.shifts import check_shifts, collect_shifts

    jobs_of, layers, faults = possible(subject, wanted)
    yield from faults
    readouts: dict[str, LinearReadout] = {}
    for layer, ready in prepare(subject, layers, options["test"], settings):
        if isinstance(ready, InputError):
            yield Outcome(jobs_of[layer.name], None, str(ready), {})
            continue
        penalties = options["penalties"] or default_penalties(ready.decomposition)
        fit = RidgeReadouts(ready.decomposition, ready.train).fit(
            ready.classes.train, ready.classes.names.size, penalties, options["select"]
        )
        readouts[layer.name] = linear_readout(ready.decomposition, fit, ready.classes.names)
    if not readouts:
        return
    kinds, severities = check_shifts(
        options["corruptions"], options["severities"], options["bootstrap"], options["seed"]
    )
    shown = [layer for layer in layers if layer.name in readouts]
    natural = {name: subject.open(name) for name in options["natural"]}
    for folder in options["published"]:
        natural |= _published(folder, subject, options)
    digest = subject.group.images(options["test"]).digest
    found = collect_shifts(
        lambda images: stream(subject, shown, images, settings),
        readouts,
        subject.open(options["test"]),
        kinds=kinds,
        severities=severities,
        natural=natural,
        corrupted=partial(_corrupted, corrupted, digest, options["seed"]),
        n_boot=options["bootstrap"],
        seed=options["seed"],
        progress=settings["progress"],
        tell=False,  # once, before the first model
    )
    for name, result in found.items():
        yield Outcome(jobs_of[name], signed(result, subject, jobs_of[name]), "", {})


def images_shown(group: Group, options: Mapping[str, Any]) -> int:
    """How many images a model is shown for the shifts, beside those that its readouts are fitted on."""
    from neuroalpha.tasks.shifts import check_shifts

    kinds, severities = check_shifts(
        options["corruptions"], options["severities"], options["bootstrap"], options["seed"]
    )
    conditions = 1 + len(kinds) * len(severities)
    natural = sum(group.images(name).n for name in options["natural"])  # a published folder is counted when it is read
    return group.images(options["test"]).n * conditions + natural


def _corrupted(make: Any, digest: str, seed: int, images: Any, kind: str, severity: int) -> Any:
    return make(images, digest, kind, severity, seed)


def content_of(folder: str) -> str:
    """Digest of the names, sizes and times of all files below a folder: too many and too large to read."""
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"there is no folder {folder}, which [[tasks]] names as published")
    found = [(str(each.relative_to(path)), each.stat()) for each in path.rglob("*") if each.is_file()]
    return content_key({"files": sorted([name, status.st_size, status.st_mtime_ns] for name, status in found)})


def _published(folder: str, subject: Subject, options: Mapping[str, Any]) -> dict[str, Any]:
    """The shifts of a published folder, seen as the model sees the test images.

    Files that number their classes need ``classes``, the names in the order of the numbers: what a readout was trained
    on may be other classes, or fewer.
    """
    from neuroalpha.tasks.published import read_shifts

    shown = subject.group.images(options["test"]).options
    how: dict[str, Any] = {name: shown[name] for name in ("size", "crop", "normalize")}
    if subject.preprocess is not None:
        how = {"transform": subject.preprocess}
    chosen = {name: shown[name] for name in ("limit", "sample_seed")}
    shifts = read_shifts(folder, classes=options["classes"] or None, **how, **chosen)
    return {f"{Path(folder).name}: {name}": shift.images for name, shift in shifts.items()}


def columns(result: Any) -> dict[str, float]:
    """What goes into the table: accuracy by corruption (mean over severities) and natural shift, and their means."""
    found = {"accuracy": float(result["accuracy"])}
    found |= {f"accuracy_{end}": float(result[f"accuracy_{end}"]) for end in ("low", "high")}
    if "kind_accuracy" in result:
        found |= {f"accuracy: {name}": float(v) for name, v in _pairs(result["kind_accuracy"], "corruption")}
        found["corruption_accuracy"] = float(result["mean_corruption_accuracy"])
        found["corruption_accuracy_low"] = float(result["mean_corruption_accuracy_low"])
        found["corruption_accuracy_high"] = float(result["mean_corruption_accuracy_high"])
        found["mean_corruption_error"] = float(result["mean_corruption_error"])
        found["relative_drop"] = float(result["relative_drop"])
    if "natural_accuracy" in result:
        found |= _natural(result)
    return found | {"n_test": float(result.attrs["n_test"])}


def _natural(result: Any) -> dict[str, float]:
    """Of each natural shift accuracy, clean accuracy on the same classes, drop and images; of a folder their means.

    The shifts of a published folder are called ``FOLDER: KIND/SEVERITY``; each of its kinds is a column, too.
    """
    several: dict[str, list[int]] = {}
    for at, name in enumerate(map(str, result["natural"].values)):
        folder, _, shift = name.partition(": ")
        several.setdefault(folder, []).append(at)
        if "/" in shift:
            several.setdefault(f"{folder} {shift.partition('/')[0]}", []).append(at)
    found: dict[str, float] = {}
    for name, places in several.items():
        one = result.isel(natural=places)
        found[f"accuracy: {name}"] = float(one["natural_accuracy"].mean())
        found[f"clean accuracy: {name}"] = float(one["natural_clean_accuracy"].mean())
        found[f"relative_drop: {name}"] = float(one["natural_drop"].mean())
        found[f"n_images: {name}"] = float(one["natural_images"].mean())
        if len(places) == 1:
            for end in ("low", "high"):
                found[f"accuracy: {name}_{end}"] = float(one[f"natural_accuracy_{end}"][0])
    return found


def _pairs(values: Any, dim: str) -> Iterator[tuple[str, float]]:
    return ((str(name), float(value)) for name, value in zip(values[dim].values, values.values, strict=True))
