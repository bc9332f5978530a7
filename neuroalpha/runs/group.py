"""One model on one image set: its layers, its jobs, and the content keys that name their results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from neuroalpha._cache import content_key
from neuroalpha._text import first_few, valid
from neuroalpha.errors import InputError
from neuroalpha.runs.kinds import image_sets, module_of, task_paths
from neuroalpha.runs.models import ModelSpec, build_model, fits_any
from neuroalpha.runs.pictures import PictureSpec, open_images
from neuroalpha.runs.plan import LayerEntry, Plan, Task

if TYPE_CHECKING:
    from neuroalpha.networks.provenance import Provenance

_CHOICE = ("choose", "skip_bad")
"""Steps that say which images are shown; the digest of the stimuli knows that better."""


@dataclass(frozen=True)
class Job:
    """One result: a key made of everything that it depends on."""

    key: str
    kind: str
    layer: str
    reduce: str


@dataclass(frozen=True)
class Layer:
    """One layer of a subject."""

    name: str
    shape: tuple[int, ...]
    """Of its output for one image."""
    reduce: str
    channels: str


@dataclass(frozen=True)
class Group:
    """What is done with one model on one image set: one task for a worker, as the forward pass serves all layers."""

    key: str
    """Made of everything that its jobs depend on, without building the model; see :func:`make_groups`."""
    model: ModelSpec
    pictures: PictureSpec
    layers: LayerEntry
    tasks: tuple[Task, ...]
    beside: tuple[PictureSpec, ...] = ()
    """Further image sets that the tasks name: to test on, say."""
    contents: Mapping[str, str] = field(default_factory=dict)
    """Digests of the files and folders that the tasks name."""

    def images(self, name: str) -> PictureSpec:
        """An image set that a task names."""
        return next(each for each in (self.pictures, *self.beside) if each.name == name)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.model.title()} on {self.pictures.name}"

    def payload(self) -> dict[str, Any]:
        """The group as JSON-like data, to send to a worker."""
        return asdict(self)

    @staticmethod
    def of(payload: Mapping[str, Any]) -> Group:
        """The group that :meth:`payload` described."""
        layers: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in payload["layers"].items()}
        return Group(
            payload["key"],
            ModelSpec(**payload["model"]),
            PictureSpec.of(payload["pictures"]),
            LayerEntry(**layers),
            tuple(Task(**{**task, "images": tuple(task["images"])}) for task in payload["tasks"]),
            tuple(PictureSpec.of(each) for each in payload["beside"]),
            payload["contents"],
        )


@dataclass(frozen=True)
class Subject:
    """A group with its model built and its layers known: what a kind of job works on."""

    group: Group
    model: Any
    images: Any
    """ImageSet."""
    layers: Sequence[Layer]
    source: Provenance
    """The model's name, origin and digest of its weights."""
    parameters: int
    preprocess: Any = None
    """A function that the model's code gave; None where the image sets say what is done."""
    shared: dict[Any, Any] = field(default_factory=dict)
    """What the tasks of the group found out and the next can use."""

    def open(self, name: str) -> Any:
        """An image set that a task names, as this model sees it."""
        return _shown(self.group.images(name), self.preprocess)

    def identity(self, layer: Layer) -> dict[str, Any]:
        """What the result of a job on this layer depends on, beside the kind and its options.

        Names that people give (of an image set, of a weights file) are no part of it, nor of the result: see
        :attr:`labels`.
        """
        return {
            "model": self.source["model"],
            # Code counts by its content and options: what it does to its weights may change while they stay the same.
            "code": self.source["weights"] if self.group.model.kind == "code" else "",
            "weights": self.source["digest"],
            "layer": layer.name,
            "reduce": layer.reduce,
            "channels": layer.channels,
            "preprocessing": json.dumps([s for s in self.images.preprocessing if s["step"] not in _CHOICE]),
            "stimuli": self.group.pictures.digest,
        }

    @property
    def labels(self) -> dict[str, str]:
        """Names for people, which the table puts to the results."""
        return {
            "model": valid(self.group.model.label) or self.source["model"],
            "weights": valid(self.source["weights"]),
            "family": valid(self.group.model.family),
            "images": valid(self.group.pictures.name),
        }

    def jobs(self) -> list[list[Job]]:
        """The jobs of each task of the group."""
        return [module_of(task.kind).jobs(self, task.options) for task in self.group.tasks]


def make_groups(plan: Plan, models: Sequence[ModelSpec], pictures: Sequence[PictureSpec]) -> list[Group]:
    """Every model with every image set that is meant for it, and the layers that are meant for it.

    Raises
    ------
    InputError
        For a model without layers, or without images.
    """
    groups: dict[str, Group] = {}
    contents = path_contents(plan.tasks)
    for model in models:
        layers = next((entry for entry in plan.layers if fits_any(model.name, entry.models)), None)
        if layers is None:
            raise InputError(f"no [[layers]] entry is for {model.name!r}; add one, or exclude the model")
        shown = [each for each in pictures if fits_any(model.name, each.models)]
        if not shown:
            raise InputError(f"no [[images]] entry is for {model.name!r}; add one, or exclude the model")
        identity = model.identity()
        found = [_group(plan, model, identity, layers, each, pictures, contents) for each in shown]
        if not any(found):
            raise InputError(f"no [[tasks]] entry is for the images of {model.name!r}; add one, or exclude the model")
        groups |= {group.key: group for group in found if group is not None and group.key not in groups}
    return list(groups.values())


def check_groups(groups: Sequence[Group]) -> None:
    """Refuse, before any model is built, image sets that the tasks cannot be done on; each set once."""
    seen: set[str] = set()
    for group in groups:
        for task in group.tasks:
            check = getattr(module_of(task.kind), "check_group", None)
            key = repr((group.pictures.name, task))
            if check is not None and key not in seen:
                seen.add(key)
                check(group, task.options)


def _group(
    plan: Plan,
    model: ModelSpec,
    identity: Mapping[str, Any],
    layers: LayerEntry,
    shown: PictureSpec,
    pictures: Sequence[PictureSpec],
    contents: Mapping[str, str],
) -> Group | None:
    """The tasks that one model has on one image set, None if there are none."""
    tasks = tuple(task for task in plan.tasks if any(fnmatchcase(shown.name, pattern) for pattern in task.images))
    if not tasks:
        return None
    named = {name for task in tasks for name in image_sets(task.kind, task.options)}
    beside = tuple(each for each in pictures if each.name in named - {shown.name})
    held = {path: contents[path] for task in tasks for path in task_paths(task.kind, task.options)}
    key = content_key(
        {
            "model": identity,
            "images": [shown.digest, shown.name],
            "layers": {**asdict(layers), "models": ""},
            "tasks": [{"kind": task.kind, **task.options} for task in tasks],
            # Spectra know nothing of labels, nor of further sets.
            **({"labels": [[each.labels, each.digest, each.name] for each in (shown, *beside)]} if named else {}),
            **({"contents": held} if held else {}),
        }
    )
    return Group(key, model, shown, layers, tasks, beside, held)


def path_contents(tasks: Sequence[Task]) -> dict[str, str]:
    """Digests of the files and folders that tasks name, each looked at once."""
    found: dict[str, str] = {}
    for task in tasks:
        for path in task_paths(task.kind, task.options):
            if path not in found:
                found[path] = module_of(task.kind).content_of(path)
    return found


def make_subject(group: Group, allow_code: bool, device: str = "", train: bool = True) -> Subject:
    """Build the model, open the images and find the layers.

    Raises
    ------
    InputError
        As loading and tracing the model do, or when none of the layers asked for is there.
    """
    from neuroalpha.networks.layers import layers as layer_table
    from neuroalpha.networks.provenance import describe
    from neuroalpha.networks.state import as_device

    model, preprocess = build_model(group.model, allow_code, train)
    if device:
        model = model.to(as_device(device, model))
    shown = _shown(group.pictures, preprocess)
    return Subject(
        group,
        model,
        shown,
        choose_layers(layer_table(model, shown), group.layers, group.model.name),
        describe(model),
        sum(parameter.numel() for parameter in model.parameters()),
        preprocess,
    )


def _shown(pictures: PictureSpec, preprocess: Any) -> Any:
    opened = open_images(pictures)
    return opened if preprocess is None else opened.with_preprocessing(transform=preprocess)


def choose_layers(table: Any, entry: LayerEntry, model: str) -> list[Layer]:
    """The layers of a model's table that an entry of the plan selects, in the order of the model."""
    from neuroalpha.networks.layers import matches

    names = table["layer"].tolist()
    wanted = [name for name in names if any(name == each or matches(name, each) for each in entry.select)]
    if not wanted:
        raise InputError(f"{model} has no layer that fits {first_few(entry.select)}; it has {first_few(names, 8)}")
    if entry.pick is not None and entry.pick < len(wanted):
        last = len(wanted) - 1
        places = [last] if entry.pick == 1 else [round(i * last / (entry.pick - 1)) for i in range(entry.pick)]
        wanted = [wanted[place] for place in places]
    rows = table.set_index("layer")
    return [
        Layer(
            name,
            tuple(rows.loc[name, "output_shape"]),
            _reduce(entry.reduce, rows.loc[name, "rule"]),
            entry.channels if rows.loc[name, "rule"] == "map" else "auto",
        )
        for name in wanted
    ]


def _reduce(reduce: str, rule: str) -> str:
    """A vector has no places to pool over: the same layer under "mean" and "flatten" is one job."""
    return "flatten" if rule == "vector" and not reduce.startswith("project") else reduce
