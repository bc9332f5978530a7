"""The plan of a run: a TOML file, read and checked whole before any work."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from neuroalpha.errors import InputError, nearest
from neuroalpha.runs.kinds import KINDS, check_options, image_sets, path_options


@dataclass(frozen=True)
class ModelEntry:
    """``[[models]]``: one of ``name``, ``checkpoints``, ``code`` or ``sweep``."""

    name: str = ""
    """Catalogue name or wildcard, as ``torchvision:resnet*``; with ``checkpoints`` their architecture."""
    weights: str = ""
    """"" for random weights, ``DEFAULT``, or the path of a file."""
    seed: int = 0
    """Of random weights."""
    num_classes: int | None = None
    """Width of the last layer."""
    exclude: tuple[str, ...] = ()
    """Names or wildcards to leave out."""
    checkpoints: str = ""
    """Folder or wildcard of checkpoint files."""
    code: str = ""
    """``file.py:function`` that returns a model; needs ``--allow-code``."""
    sweep: str = ""
    """Sweep file, whose networks are trained where they are not yet; see :func:`neuroalpha.ssl.sweep.read_sweep`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of that function."""
    label: str = ""
    """In the table, in place of the name; for entries of one model."""
    family: str = ""
    """Models of one family are alike; default the letters that the name begins with."""


@dataclass(frozen=True)
class ImageEntry:
    """``[[images]]``: what is shown, by the options of :func:`neuroalpha.images`."""

    source: str
    """Folder, file, .npy or .npz."""
    name: str = ""
    """In the table; default: that of the source."""
    key: str | None = None
    label_key: str | None = None
    size: int | Sequence[int] | None = None
    crop: int | Sequence[int] | None = None
    normalize: Any = "imagenet"
    """"imagenet", "cifar", "none", or [[mean, ...], [sd, ...]]."""
    limit: int | None = None
    """Only so many images, the first ones, or with ``sample_seed`` a random choice."""
    sample_seed: int | None = None
    models: tuple[str, ...] = ("*",)
    """Which models see them: names or wildcards."""

    def called(self) -> str:
        """The name, given or of the source."""
        return self.name or Path(self.source).stem


@dataclass(frozen=True)
class LayerEntry:
    """``[[layers]]``: which layers of which models, and how they are reduced."""

    select: tuple[str, ...]
    """Names or wildcards, as ``layer?``; those that a model lacks are passed over, but one must be there."""
    models: tuple[str, ...] = ("*",)
    """Which models this is for; the first entry that fits a model counts."""
    reduce: str = "flatten"
    channels: str = "auto"
    pick: int | None = None
    """Only so many of the selected layers, evenly spaced in depth, the first and the last among them."""


@dataclass(frozen=True)
class Task:
    """``[[tasks]]``: one kind of job, with its options."""

    kind: str = "spectra"
    options: Mapping[str, Any] = field(default_factory=dict)
    images: tuple[str, ...] = ("*",)
    """Which image sets it is done on: names or wildcards."""


@dataclass(frozen=True)
class Settings:
    """``[run]``: how the work is done."""

    batch_size: int = 64
    device: str = ""
    """"" is where torch puts models: the CPU; ``cuda`` asks for one job at a time and GPU."""
    memory: str | int | None = None
    """Bound for all that the spectra of one job need; default half of what is free when the run first starts."""
    threads: int | None = None
    """Of one job; default all cores. A run keeps the number that it began with: other numbers round otherwise."""
    scratch: str | None = None
    """Folder for scratch files."""


@dataclass(frozen=True)
class Plan:
    """A plan, complete."""

    models: tuple[ModelEntry, ...]
    images: tuple[ImageEntry, ...]
    layers: tuple[LayerEntry, ...]
    tasks: tuple[Task, ...]
    windows: tuple[Any, ...]
    """Windows of ranks for the table: "auto" or (first, last)."""
    settings: Settings
    folder: Path
    """Of the plan file: paths in it start here."""
    text: str
    title: str = ""

    def path(self, name: str) -> Path:
        """A path of the plan, from the plan's folder on."""
        return self.folder / Path(name).expanduser()


_TABLES = {"models": ModelEntry, "images": ImageEntry, "layers": LayerEntry}
_TOP = ("title", "windows", "run", "tasks", *_TABLES)
_LISTS = {"exclude", "select", "models", "images"}
_OF_TASKS = ("kind", "images")  # keys that tasks of all kinds have
_FROM_ZERO = {"seed", "sample_seed"}  # other whole numbers begin at 1
Entry = TypeVar("Entry")


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan file.

    Parameters
    ----------
    path
        A TOML file with ``[[models]]``, ``[[images]]``, ``[[layers]]`` and, if wanted, ``[[tasks]]``, ``[run]``,
        ``windows`` and ``title``; docs/zoo.md shows one.

    Raises
    ------
    InputError
        For a file that is no TOML, unknown or missing keys (with the nearest known), values of the wrong type.

    Examples
    --------
    >>> _ = (tmp / "plan.toml").write_text('''
    ... [[models]]
    ... name = "cifar:*"
    ... [[images]]
    ... source = "pictures"
    ... [[layers]]
    ... select = "layer?"
    ... ''')
    >>> read_plan(tmp / "plan.toml").layers[0].select
    ('layer?',)
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the plan {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the plan {path} is not TOML: {error}") from error
    return make_plan(content, path.resolve().parent, text, str(path))


def make_plan(content: Mapping[str, Any], folder: Path, text: str = "", where: str = "the plan") -> Plan:
    """Check the content of a plan and fill in its defaults."""
    _known(content, _TOP, where)
    entries: dict[str, tuple[Any, ...]] = {}
    for name, kind in _TABLES.items():
        listed = content.get(name)
        if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
            raise InputError(f"{where} needs at least one [[{name}]] table; docs/zoo.md shows a plan")
        entries[name] = tuple(
            make_entry(kind, each, f"[[{name}]] number {number} of {where}") for number, each in enumerate(listed, 1)
        )
    for number, model in enumerate(entries["models"], 1):
        _check_model(model, f"[[models]] number {number} of {where}")
    for number, layers in enumerate(entries["layers"], 1):
        _check_layers(layers, f"[[layers]] number {number} of {where}")
    tasks = content.get("tasks", [{}])
    if not isinstance(tasks, list) or not tasks or not all(isinstance(each, dict) for each in tasks):
        raise InputError(f"tasks in {where} must be [[tasks]] tables; leave them out for spectra with the defaults")
    run = content.get("run", {})
    if not isinstance(run, dict):
        raise InputError(f"run in {where} must be a [run] table")
    title = content.get("title", "")
    if not isinstance(title, str):
        raise InputError(f"title in {where} is {title!r}; expected text")
    sets = [entry.called() for entry in entries["images"]]
    made = tuple(
        _task(each, f"[[tasks]] number {number} of {where}", sets, folder) for number, each in enumerate(tasks, 1)
    )
    _check_tasks(made, sets, where)
    return Plan(
        entries["models"],
        entries["images"],
        entries["layers"],
        made,
        _windows(content.get("windows", ["auto"]), where),
        make_entry(Settings, run, f"[run] of {where}"),
        folder,
        text,
        title,
    )


def _task(given: Mapping[str, Any], where: str, sets: Sequence[str], folder: Path) -> Task:
    kind = given.get("kind", "spectra")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"{where} has kind {kind!r}{nearest(str(kind), KINDS)}; there are {', '.join(KINDS)}")
    options = check_options(kind, {key: value for key, value in given.items() if key not in _OF_TASKS}, where)
    for name in path_options(kind):  # paths in a plan start at the plan
        options[name] = [str(folder / Path(each).expanduser()) for each in options[name]]
    task = make_entry(Task, {"kind": kind, **{key: given[key] for key in _OF_TASKS if key in given}}, where)
    for pattern in task.images:
        if not any(fnmatchcase(name, pattern) for name in sets):
            raise InputError(f"{where} is for the images {pattern!r}{nearest(pattern, sets)}; there are {sets}")
    for name in image_sets(kind, options):
        if name not in sets:
            raise InputError(f"{where} names the images {name!r}{nearest(name, sets)}; there are {', '.join(sets)}")
    return replace(task, options=options)


def _check_tasks(tasks: Sequence[Task], sets: Sequence[str], where: str) -> None:
    """Two tasks of one kind would fill the same columns of the table; spectra have rows of their own."""
    for name in sets:
        kinds = [task.kind for task in tasks if any(fnmatchcase(name, pattern) for pattern in task.images)]
        for kind in KINDS:
            if kind != "spectra" and kinds.count(kind) > 1:
                raise InputError(
                    f"{where} has several [[tasks]] of kind {kind!r} for the images {name!r}, whose numbers would "
                    "stand in the same columns; make one of them, or plans of their own"
                )


def _windows(given: Any, where: str) -> tuple[Any, ...]:
    listed = given if isinstance(given, list) and given else None
    found: list[Any] = []
    for window in listed or []:
        pair = isinstance(window, list) and len(window) == 2 and all(type(end) is int for end in window)
        if window != "auto" and not (pair and 1 <= window[0] < window[1]):
            listed = None
            break
        found.append("auto" if window == "auto" else tuple(window))
    if listed is None:
        raise InputError(f'windows in {where} is {given!r}; expected a list as ["auto", [11, 500]]')
    return tuple(dict.fromkeys(found))


def _known(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise InputError(f"{where} has the unknown key {key!r}{nearest(key, known)}; known: {', '.join(known)}")


def make_entry(kind: type[Entry], given: Mapping[str, Any], where: str) -> Entry:
    """Fill a dataclass from a TOML table; text alone is taken as a list of one where a list is meant."""
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    _known(given, list(known), where)
    values = {}
    for key, value in given.items():
        if key in _LISTS:
            value = [value] if isinstance(value, str) else value
            if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
                raise InputError(f"{key} in {where} is {value!r}; expected text or a list of texts")
            value = tuple(value)
        elif not _fits(value, str(known[key].type), 0 if key in _FROM_ZERO else 1):
            spoken = _SPOKEN.get(str(known[key].type), "text").format("0" if key in _FROM_ZERO else "1")
            raise InputError(f"{key} in {where} is {value!r}; expected {spoken}")
        values[key] = value
    for required in ("source", "select"):
        if required in known and required not in values:
            raise InputError(f"{where} lacks {required!r}")
    return kind(**values)


_SPOKEN = {
    "int": "a whole number of at least {}",
    "int | None": "a whole number of at least {}",
    "int | Sequence[int] | None": "a number of pixels or [height, width]",
    "Mapping[str, Any]": "a table",
    "str | int | None": "a size as '2 GB'",
}


def _fits(value: Any, annotation: str, least: int) -> bool:
    whole = type(value) is int and value >= least
    if annotation in ("int", "int | None"):
        return whole
    if annotation == "int | Sequence[int] | None":
        return whole or (
            isinstance(value, list) and len(value) == 2 and all(type(each) is int and each >= least for each in value)
        )
    if annotation == "Mapping[str, Any]":
        return isinstance(value, dict)
    if annotation == "str | int | None":
        return whole or isinstance(value, str)
    return annotation == "Any" or isinstance(value, str)


def _check_model(model: ModelEntry, where: str) -> None:
    ways = [name for name in ("checkpoints", "code", "sweep") if getattr(model, name)]
    if len(ways) > 1 or (model.name and ways not in ([], ["checkpoints"])) or not (model.name or ways):
        raise InputError(f"{where} needs one of name, checkpoints (with name as their architecture), code or sweep")
    if model.weights and ways:
        raise InputError(f"{where} has weights beside {ways[0]}; leave them out")
    if model.options and not model.code:
        raise InputError(f"{where} has options, which are for code = 'file.py:function'")
    if model.label and (model.checkpoints or model.sweep or any(sign in model.name for sign in "*?[")):
        raise InputError(f"{where} has a label, which is for one model, and may mean several; leave it out")


def _check_layers(entry: LayerEntry, where: str) -> None:
    from neuroalpha.networks.reduce import make_reduction

    try:
        make_reduction("any", (2, 3, 4), entry.reduce, entry.channels)  # tokens, which all reductions suit
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
