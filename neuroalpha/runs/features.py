"""What the readouts of one model need: its layers' responses to labelled images, decomposed once for all tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroalpha.errors import InputError
from neuroalpha.runs.pictures import open_images
from neuroalpha.tasks.decomposition import Decomposition, decompose_and_project
from neuroalpha.tasks.labels import Classes, encode

if TYPE_CHECKING:
    from neuroalpha.runs.group import Group, Job, Layer, Subject
    from neuroalpha.runs.work import Outcome


@dataclass(frozen=True, eq=False)
class Prepared:
    """One layer, as its readouts are fitted and tested."""

    decomposition: Decomposition
    train: np.ndarray
    """Training images along the components (n, r)."""
    test: np.ndarray
    """Test images along the components (m, r)."""
    classes: Classes
    """Their names, and the labels of both as codes."""

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        return self.train.nbytes + self.test.nbytes + self.decomposition.vectors.nbytes


def labels_of(images: Any, name: str) -> np.ndarray:
    """The label of every image, or InputError."""
    found = images.label
    if found is None:
        raise InputError(
            f"the images {name!r} have no labels, which a readout needs: give a folder with one sub-folder for each "
            "class, or label_key= for an .npz file"
        )
    return np.asarray(found)


def named_sets(subject: Subject, names: Sequence[str]) -> dict[str, Any]:
    """What the results of a task depend on through its image sets: pixels and labels, not their names."""
    named = [subject.group.images(name) for name in names]
    return {"labels": subject.group.pictures.labels, "beside": [[each.digest, each.labels] for each in named]}


def check_labels(group: Group, test: str, tell: bool = True) -> Classes:
    """The classes of a group's own images and those of its test set, or InputError; needs no model."""
    names = (group.pictures.name, test)
    if group.images(test).digest == group.pictures.digest:
        raise InputError(
            f"readouts of {names[0]!r} would be tested on {names[1]!r}, the same images; say in [[tasks]] what they "
            'are trained on, as images = ["train"], and test on others'
        )
    own, other = (labels_of(open_images(group.images(name)), name) for name in names)
    try:
        return encode(own, other, group.pictures.n, group.images(test).n, tell=tell)
    except InputError as error:
        raise InputError(f"readouts of {names[0]!r}, tested on {names[1]!r}: {error}") from error


def prepare(
    subject: Subject, layers: Sequence[Layer], test: str, settings: Mapping[str, Any]
) -> Iterator[tuple[Layer, Prepared | InputError]]:
    """Every layer, decomposed; kept for the next task of the group as far as the memory allows.

    Labels are checked before the model is run.
    """
    shown = subject.open(test)
    classes = check_labels(subject.group, test, tell=False)  # told once, before the first model
    held: dict[Any, Prepared | InputError] = subject.shared.setdefault("prepared", {})
    missing = [layer for layer in layers if (layer.name, test) not in held]
    for layer in layers:
        if layer not in missing:
            yield layer, held[layer.name, test]
    bound = (settings["memory"] or _free_memory()) // 2  # the other half may be held for the next task
    for part in _portions(missing, len(subject.images), len(shown), bound):
        train, tested = (responses(subject, part, images, settings) for images in (subject.images, shown))
        for layer in part:
            done = _prepared(train.pop(layer.name), tested.pop(layer.name), classes)
            kept = sum(each.nbytes for each in held.values() if isinstance(each, Prepared))
            if isinstance(done, InputError) or kept + done.nbytes <= bound:
                held[layer.name, test] = done
            yield layer, done


def responses(
    subject: Subject, layers: Sequence[Layer], images: Any, settings: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Responses (image, unit) of each layer in float32."""
    found: dict[str, np.ndarray] = {}
    for start, stop, outputs in stream(subject, layers, images, settings):
        for name, values in outputs.items():
            if name not in found:
                found[name] = np.empty((len(images), values.shape[1]), dtype=np.float32)
            found[name][start:stop] = values.numpy()
    return found


def stream(
    subject: Subject, layers: Sequence[Layer], images: Any, settings: Mapping[str, Any]
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The layers' responses batch by batch, as :class:`neuroalpha.networks.stream.Stream` hands them out."""
    from neuroalpha.networks.stream import Stream

    with Stream(
        subject.model,
        images,
        [layer.name for layer in layers],
        {layer.name: layer.reduce for layer in layers},
        channels={layer.name: layer.channels for layer in layers},
        batch_size=settings["batch_size"],
        device=settings["device"] or None,
    ) as passing:
        yield from passing


def possible(subject: Subject, jobs: Sequence[Job]) -> tuple[dict[str, Job], list[Layer], list[Outcome]]:
    """Jobs by layer and their layers, and the faults of those whose reduction does not suit the layer."""
    from neuroalpha.networks.reduce import make_reduction
    from neuroalpha.runs.work import Outcome

    named = {layer.name: layer for layer in subject.layers}
    faults: list[Outcome] = []
    found: dict[str, Job] = {}
    for job in jobs:
        layer = named[job.layer]
        try:
            how = "flatten" if layer.reduce.startswith("project:") else layer.reduce  # which applies to all
            make_reduction(layer.name, (1, *layer.shape), how, layer.channels)
            found[layer.name] = job
        except InputError as error:
            faults.append(Outcome(job, None, str(error), {}))
    return found, [named[name] for name in found], faults


def _prepared(train: np.ndarray, test: np.ndarray, classes: Classes) -> Prepared | InputError:
    try:
        for name, values in (("training", train), ("test", test)):
            wrong = ~np.isfinite(values).all(axis=1)
            if wrong.any():
                raise InputError(
                    f"NaN or infinite activations for {int(wrong.sum())} of {wrong.size} {name} images (the first is "
                    f"number {int(np.flatnonzero(wrong)[0])}); check the weights, the images, or half precision"
                )
        found, projected = decompose_and_project(train)
        if not found.values.size:
            raise InputError("its output is the same for all training images: there is nothing to read out")
        return Prepared(found, projected, found.project(test[classes.test_rows]), classes)
    except InputError as error:
        return error


def _portions(layers: Sequence[Layer], n: int, m: int, bound: int) -> Iterator[list[Layer]]:
    """Layers that are held at the same time; one that does not fit even alone goes alone, and may fail."""
    from neuroalpha.networks.reduce import make_reduction

    part: list[Layer] = []
    taken = 0
    for layer in layers:
        units = make_reduction(layer.name, (1, *layer.shape), layer.reduce, layer.channels).units
        rank = min(n, units)
        need = (n + m) * units * 4
        alone = need + 8 * ((n + m) * rank + units * rank + 2 * min(n, units) ** 2)
        if part and taken + alone > bound:
            yield part
            part, taken = [], 0
        part.append(layer)
        taken += need
    if part:
        yield part


def _free_memory() -> int:
    from neuroalpha.networks.routes import default_memory

    return default_memory()
